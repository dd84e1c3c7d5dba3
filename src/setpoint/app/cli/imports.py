"""`setpoint import`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from setpoint.app.cli.common import (
    DataDir,
    Json,
    WorkspaceSlug,
    command_app,
    output,
    print_json,
    progress_bar,
    refuse_own_output,
    run_async,
)
from setpoint.domain.errors import SetpointError
from setpoint.ingest.files import check_file
from setpoint.ingest.schemas import ImportKind, ImportSummary, Progress, RejectionGroup

app = command_app()


@app.command(short_help="Take a file of leads, messages, appointments, ...")
def import_command(
    kind: Annotated[
        ImportKind,
        typer.Argument(help="What the file holds, in the order in which files are imported.", show_default=False),
    ],
    file: Annotated[
        Path,
        typer.Argument(help="A .csv, .jsonl or .parquet file, each also with .gz.", show_default=False),
    ],
    workspace: WorkspaceSlug,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Write rejected rows to this CSV: line, column, reason.", show_default=False),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Take campaigns, leads, drafts, messages or appointments from a file; the same file again changes nothing.

    Leads first: a draft, a message or an appointment whose lead is not known is rejected. An import has failed
    where every row is rejected.
    """
    check_file(file)
    if rejects is not None:
        refuse_own_output(rejects, "--rejects")
    summary = run_async(_import(kind, file, workspace, rejects, data_dir))
    if as_json:
        print_json(summary.as_dict())
    else:
        print_summary(summary, file, rejects)
    if summary.rows and summary.rejected == summary.rows:
        raise SetpointError("No row was taken: put right what is told about them, and import the file again.")


async def _import(
    kind: ImportKind, file: Path, slug: str, rejects: Path | None, data_dir: Path | None
) -> ImportSummary:
    from setpoint.app.wiring import open_workspace
    from setpoint.ingest.service import import_file

    async with open_workspace(data_dir, slug) as (database, workspace):
        with progress_bar() as bar:
            show = following(bar, kind)
            async with database.tenant(workspace.client_id) as connection:
                return await import_file(connection, workspace, kind, file, rejects, show)


def following(bar: RichProgress, kind: ImportKind) -> Callable[[Progress], None]:
    """A line of the progress bar that follows one import."""
    task = bar.add_task(f"{kind}: reading", total=1.0)

    def show(progress: Progress) -> None:
        bar.update(task, description=f"{kind}: {progress.phase}", completed=progress.share, rows=progress.rows)

    return show


def print_summary(summary: ImportSummary, file: Path, rejects: Path | None) -> None:
    """What became of the rows of a file, for a person."""
    output.print(Text(f"{summary.kind} from {file}", style="bold"), soft_wrap=True)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for label, count in {
        "Rows read": summary.rows,
        "New": summary.inserted,
        "Changed": summary.updated,
        "Unchanged": summary.unchanged,
        "Rejected": summary.rejected,
    }.items():
        table.add_row(label, f"{count:,}")
    output.print(table)
    for sentence in _remarks(summary, file, rejects):
        output.print(Text(sentence), soft_wrap=True)


def _remarks(summary: ImportSummary, file: Path, rejects: Path | None) -> list[str]:
    remarks = []
    if summary.rows == 0:
        remarks.append("The file has no row: nothing was taken.")
    if summary.truncated:
        taken = ": the rows before it were taken" if summary.rejected < summary.rows else ""
        remarks.append(
            f"The file ends in the middle of a row{taken}. Import the whole file when you have it; what is here"
            " already stays unchanged."
        )
    if summary.unknown_columns:
        remarks.append(f"Columns that were not taken: {', '.join(summary.unknown_columns)}.")
    if summary.rejected:
        which = "Rejected"
        if summary.rejected == summary.rows:
            which = "The one row was rejected" if summary.rows == 1 else f"All {summary.rows:,} rows were rejected"
            which += ", nothing was taken"
        if rejects is not None:
            which += f" ({rejects} has them all)"
        elif any(len(group.lines) < group.rows for group in summary.groups):
            which += " (--rejects FILE writes them all)"
        remarks.append(f"{which}:")
        place = "row" if file.name.lower().removesuffix(".gz").endswith(".parquet") else "line"
        remarks += (f"  {_told(group, place)}" for group in summary.groups)
    return remarks


def _told(group: RejectionGroup, place: str) -> str:
    """Where rows were rejected for one reason, and the reason."""
    *lines, last = (f"{line:,}" for line in group.lines)
    if more := group.rows - len(group.lines):
        lines, last = [*lines, last], f"{more:,} more"
    where = f"{place} {last}" if group.rows == 1 else f"{place}s {', '.join(lines)} and {last}"
    if not group.alike:
        where += ", the first"
    column = f"{group.first.column} " if group.first.column else ""
    return f"{where}: {column}{group.first.fault.message}"
