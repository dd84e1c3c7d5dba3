"""`setpoint schedule`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from setpoint.app.cli.common import DataDir, Json, WorkspaceSlug, command_app, output, print_json, run_async
from setpoint.domain.windows import format_instant

if TYPE_CHECKING:
    from setpoint.jobs.schedule import Weekly

app = command_app("The weekly report: Mondays at 05:00 UTC, where it is wanted.")

Weeks = Annotated[
    int | None,
    typer.Option(help="Over how many full weeks; without it, as before, or 12.", show_default=False),
]


@app.command("on")
def on(workspace: WorkspaceSlug, weeks: Weeks = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Have a report every week from the next Monday on."""
    _tell(workspace, run_async(_want(data_dir, workspace, True, weeks)), as_json)


@app.command("off")
def off(workspace: WorkspaceSlug, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Have no more weekly reports; those that were made stay."""
    _tell(workspace, run_async(_want(data_dir, workspace, False, None)), as_json)


@app.command("show")
def show(workspace: WorkspaceSlug, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Whether a workspace has a weekly report, and over how many weeks."""
    _tell(workspace, run_async(_show(data_dir, workspace)), as_json)


@app.command("run-due", short_help="Queue the weekly reports that are due.")
def run_due(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Queue the weekly reports of last Monday that are not on record yet; a worker carries them out.

    For a scheduler of your own: workers do the same by themselves. It may be run as often as you like.
    """
    due, runs = run_async(_run_due(data_dir))
    if as_json:
        print_json({"due": format_instant(due), "queued": runs})
    else:
        what = "one weekly report" if len(runs) == 1 else f"{len(runs):,} weekly reports"
        output.print(f"Queued {what} of {format_instant(due)}.", markup=False)


async def _want(data_dir: Path | None, slug: str, wanted: bool, weeks: int | None) -> "Weekly":
    from setpoint.app.wiring import Settings, open_database, workspace_of
    from setpoint.jobs.schedule import want_weekly

    async with open_database(Settings.read(data_dir)) as database:
        workspace = await workspace_of(database, slug)
        async with database.tenant(workspace.client_id) as connection:
            return await want_weekly(connection, workspace.client_id, wanted, weeks)


async def _show(data_dir: Path | None, slug: str) -> "Weekly":
    from setpoint.app.wiring import Settings, open_database, workspace_of
    from setpoint.jobs.schedule import weekly_settings

    async with open_database(Settings.read(data_dir)) as database:
        workspace = await workspace_of(database, slug)
        async with database.tenant(workspace.client_id) as connection:
            return await weekly_settings(connection, workspace.client_id)


async def _run_due(data_dir: Path | None) -> tuple[datetime, list[dict[str, str]]]:
    from setpoint.app.runs import queue_due_reports
    from setpoint.app.wiring import Settings, open_database
    from setpoint.jobs.rules import last_due

    due = last_due(datetime.now(UTC))
    async with open_database(Settings.read(data_dir)) as database:
        return due, [{"id": str(run.id)} for run in await queue_due_reports(database, due)]


def _tell(slug: str, weekly: "Weekly", as_json: bool) -> None:
    weeks = weekly.window_days // 7
    if as_json:
        document: dict[str, Any] = {
            "workspace": slug,
            "weekly_report": weekly.wanted,
            "since": format_instant(weekly.since) if weekly.since else None,
            "weeks": weeks,
        }
        print_json(document)
    elif weekly.wanted:
        length = "the last full week" if weeks == 1 else f"the last {weeks} full weeks"
        output.print(f"{slug} has a report over {length} every Monday at 05:00 UTC.", markup=False)
    else:
        output.print(f"{slug} has no weekly report: `setpoint schedule on --workspace {slug}` asks for one.")
