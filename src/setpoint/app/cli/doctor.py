"""`setpoint doctor`."""

from pathlib import Path
from typing import Any, Final

from rich.text import Text

from setpoint.app.cli.common import DataDir, Json, command_app, output, print_json, run_async
from setpoint.domain.errors import SetpointError

app = command_app()


# Longer than a worker's start takes, and than the run of another workspace that a job may wait for.
_LONG_SECONDS: Final = 1800


@app.command(short_help="Look for what should not be so.")
def doctor(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Look for what should not be so: the schema's version, row-level security, roles, keys, the queue."""
    findings, queue = run_async(_inspect(data_dir))
    if as_json:
        print_json({"findings": findings, "queue": queue})
    else:
        for finding in findings:
            output.print(Text(f"{finding['check']}: {finding['object']} {finding['problem']}"), soft_wrap=True)
        if not findings:
            output.print("All is well: schema, row-level security, roles and keys are as they should be.")
        if queue is not None:
            output.print(
                f"Jobs that wait: {queue['waiting']:,}; under way: {queue['under_way']:,}; workers in the last half"
                f" minute: {queue['workers']:,}; workspaces with a weekly report: {queue['weekly_workspaces']:,}.",
                soft_wrap=True,
            )
    if findings:
        what = "one thing" if len(findings) == 1 else f"{len(findings):,} things"
        raise SetpointError(f"The doctor found {what} to mend; see above.")


async def _inspect(data_dir: Path | None) -> tuple[list[dict[str, str]], dict[str, Any] | None]:
    from setpoint.app.wiring import Settings, open_database
    from setpoint.jobs.figures import service_figures
    from setpoint.storage.catalogue import inspect

    async with open_database(Settings.read(data_dir)) as database:
        async with database.owner() as connection:
            findings = [
                {"check": found.check, "object": found.object, "problem": found.problem}
                for found in await inspect(connection)
            ]
        if findings:
            return findings, None
        async with database.registry() as connection:
            figures = await service_figures(connection)
    waiting = sum(figures.waiting.values())
    oldest = figures.waiting_seconds or 0
    if not figures.workers and oldest > _LONG_SECONDS:
        problem = f"has had work for {oldest // 60:,} minutes, and no worker: start `setpoint worker`"
        findings.append({"check": "workers", "object": "queue", "problem": problem})
    return findings, {
        "waiting": waiting,
        "under_way": sum(figures.under_way.values()),
        "oldest_seconds": figures.waiting_seconds,
        "workers": figures.workers,
        "weekly_workspaces": figures.weekly_workspaces,
    }
