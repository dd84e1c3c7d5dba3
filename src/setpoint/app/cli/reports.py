"""`setpoint report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from setpoint.app.cli.common import (
    AsOf,
    AttributionDays,
    Channels,
    DataDir,
    Engine,
    EngineName,
    From,
    Json,
    MaturityDays,
    MaxLeads,
    Seed,
    Snapshot,
    To,
    WorkspaceSlug,
    author,
    check_target,
    command_app,
    errors,
    output,
    print_json,
    progress_bar,
    run_async,
    write_whole,
)
from setpoint.app.cli.question import Question
from setpoint.domain.errors import SetpointError, UsageError
from setpoint.domain.windows import (
    DEFAULT_ATTRIBUTION_DAYS,
    DEFAULT_MATURITY_DAYS,
    format_instant,
    make_window,
)

if TYPE_CHECKING:
    from setpoint.reports.service import Run

app = command_app("Run reports and look at those that were run.")

Html = Annotated[Path | None, typer.Option("--html", help="Write the report as one HTML file.", show_default=False)]


@app.command("run", short_help="Label, credit and report: which messages book meetings.")
def run(
    workspace: WorkspaceSlug,
    start: From,
    end: To,
    as_of: AsOf = None,
    attribution_days: AttributionDays = DEFAULT_ATTRIBUTION_DAYS,
    maturity_days: MaturityDays = DEFAULT_MATURITY_DAYS,
    channel: Channels = None,
    max_leads: MaxLeads = None,
    seed: Seed = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; keep no run.")] = False,
    engine: Engine = EngineName.POSTGRES,
    snapshot: Snapshot = None,
    model: Annotated[
        bool, typer.Option("--model/--no-model", help="Let the workspace's model put the report into words.")
    ] = True,
    html: Html = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Which messages book meetings: label the window's leads, credit their messages, and report."""
    if dry_run and html is not None:
        raise UsageError("--html goes with a real run: a dry run has counts only.")
    window = make_window(start, end, as_of, attribution_days, maturity_days)
    question = Question(workspace, window, channel, max_leads, seed, engine, snapshot, data_dir)
    if html is not None:
        check_target(html, "--html")
    _show(run_async(_dry_run(question) if dry_run else _run(question, model)), html, as_json)


async def _dry_run(question: Question) -> dict[str, Any]:
    from setpoint.app.engines import open_engine
    from setpoint.datasets.service import count
    from setpoint.reports.document import counts_document

    async with question.opened() as (database, workspace, request):
        with progress_bar(timed=False) as bar:
            bar.add_task("labelling leads")
            async with open_engine(database, workspace, request.window, question.engine, question.snapshot) as engine:
                counts = counts_document(request, await count(engine, request))
    return {"dry_run": True, "engine": str(question.engine), "dataset_sha256": None, **counts}


async def _run(question: Question, with_model: bool) -> dict[str, Any]:
    from setpoint.app.runs import run_report

    async with question.opened() as (database, workspace, request):
        with progress_bar(timed=False) as bar:
            task = bar.add_task("labelling leads")

            def show(step: str, rows: int | None) -> None:
                bar.update(task, description=step, rows=rows or 0)

            return await run_report(
                database,
                workspace,
                request,
                engine=question.engine,
                snapshot=question.snapshot,
                author=author(),
                progress=show,
                with_model=with_model,
            )


@app.command("list")
def list_command(workspace: WorkspaceSlug, data_dir: DataDir = None, as_json: Json = False) -> None:
    """The latest report runs of a workspace, newest first."""
    runs = run_async(_list(data_dir, workspace))
    if as_json:
        print_json(
            {
                "runs": [
                    {
                        "id": str(run.id),
                        "status": run.status,
                        "author": run.author,
                        "created_at": format_instant(run.created_at),
                        "parameters": run.parameters,
                        "dataset_sha256": run.dataset_sha256,
                        "failure": run.failure,
                    }
                    for run in runs
                ]
            }
        )
        return
    if not runs:
        output.print("No report was run here yet: `setpoint report run` makes one.", markup=False)
        return
    output.print(Text(f"{'Run':<36}  {'Status':<8}  {'Asked for':<20}  By", style="bold"))
    for run in runs:
        output.print(Text(f"{run.id}  {run.status:<8}  {format_instant(run.created_at)}  {run.author}"))
        output.print(Text(f"    {_asked(run.parameters)}", style="dim"))
        outcome = f"dataset {run.dataset_sha256}" if run.dataset_sha256 else run.failure
        if outcome:
            output.print(Text(f"    {outcome}", style="dim"), soft_wrap=True)


def _asked(parameters: dict[str, Any]) -> str:
    start, end, as_of = (parameters[name].removesuffix("T00:00:00Z") for name in ("from", "to", "as_of"))
    channels = ", ".join(parameters["channels"]) or "all channels"
    return f"[{start}, {end}) as of {as_of}; {channels}; {parameters['engine']}"


async def _list(data_dir: Path | None, slug: str) -> "list[Run]":
    from setpoint.app.wiring import Settings, open_database, workspace_of
    from setpoint.reports.service import list_runs

    async with open_database(Settings.read(data_dir)) as database:
        workspace = await workspace_of(database, slug)
        async with database.tenant(workspace.client_id) as connection:
            return await list_runs(connection, workspace.client_id)


@app.command("show")
def show(
    run_id: Annotated[str, typer.Argument(help="The run's id, from `setpoint report list`.", show_default=False)],
    workspace: WorkspaceSlug,
    html: Html = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """A report that was run before, as it was then."""
    if html is not None:
        check_target(html, "--html")
    kept = run_async(_get(data_dir, workspace, run_id))
    if kept.document is None:
        raise SetpointError(
            f"This run failed: {kept.failure}"
            if kept.failure
            else f"This run is {kept.status}: it has no report yet."
        )
    _show(kept.document, html, as_json)


async def _get(data_dir: Path | None, slug: str, run_id: str) -> "Run":
    from setpoint.app.wiring import Settings, open_database, workspace_of
    from setpoint.reports.service import get_run

    async with open_database(Settings.read(data_dir)) as database:
        workspace = await workspace_of(database, slug)
        async with database.tenant(workspace.client_id) as connection:
            return await get_run(connection, workspace.client_id, run_id)


def _show(document: dict[str, Any], html: Path | None, as_json: bool) -> None:
    from setpoint.reports.terminal import print_report

    if as_json:
        print_json(document)
    else:
        print_report(document, output)
    if html is not None:
        write_html(document, html)
        errors.print(f"The report as a page: {html}", markup=False)


def write_html(document: dict[str, Any], path: Path) -> None:
    """Write the page of a report. Raises SetpointError where the place cannot be written."""
    from setpoint.reports.html import render_html

    try:
        write_whole(path, render_html(document))
    except OSError as error:
        raise SetpointError(
            f"{path} cannot be written: {error.strerror}. The report is kept: `setpoint report show {document['id']}"
            f" --workspace {document['workspace']} --html FILE` writes its page elsewhere."
        ) from error
