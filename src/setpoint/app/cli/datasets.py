"""`setpoint dataset`."""

from enum import StrEnum
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
    check_target,
    command_app,
    output,
    print_json,
    progress_bar,
    run_async,
)
from setpoint.app.cli.question import Question
from setpoint.domain.errors import UsageError
from setpoint.domain.vocabulary import Attribution
from setpoint.domain.windows import (
    DEFAULT_ATTRIBUTION_DAYS,
    DEFAULT_MATURITY_DAYS,
    Window,
    format_instant,
    make_window,
)

if TYPE_CHECKING:
    from setpoint.datasets.snapshot import Manifest

app = command_app("Take the labelled dataset, or the facts behind it, elsewhere.")

MAX_BALANCED = 1_000_000_000
_FORMATS = (".csv", ".jsonl", ".parquet")
# What of the counts belongs to a dataset; the rest is a report's.
_OF_DATASET = (
    "workspace",
    "window",
    "parameters",
    "counts",
    "counts_within_channel",
    "dropped",
    "messages",
    "capped",
    "cohort_leads",
)


class Which(StrEnum):
    """Which attribution's rows are exported."""

    CROSS_CHANNEL = "cross_channel"
    WITHIN_CHANNEL = "within_channel"
    BOTH = "both"


@app.command("export", short_help="Write the labelled rows to a file.")
def export_command(
    workspace: WorkspaceSlug,
    start: From,
    end: To,
    out: Annotated[Path, typer.Option(help="A .csv, .jsonl or .parquet file.", show_default=False)],
    as_of: AsOf = None,
    attribution: Annotated[Which, typer.Option(help="Whose rows.")] = Which.BOTH,
    balanced: Annotated[
        int | None,
        typer.Option(help="At most this many rows of each sender and outcome.", show_default=False),
    ] = None,
    with_text: Annotated[
        bool, typer.Option("--with-text", help="Add subject and body of the credited message, unredacted.")
    ] = False,
    attribution_days: AttributionDays = DEFAULT_ATTRIBUTION_DAYS,
    maturity_days: MaturityDays = DEFAULT_MATURITY_DAYS,
    channel: Channels = None,
    max_leads: MaxLeads = None,
    seed: Seed = None,
    engine: Engine = EngineName.POSTGRES,
    snapshot: Snapshot = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write the labelled rows: no message text unless it is asked for, cells safe to open in a spreadsheet."""
    if out.suffix.lower() not in _FORMATS:
        raise UsageError(f"--out {out} must end in {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}.")
    if balanced is not None and not 1 <= balanced <= MAX_BALANCED:
        raise UsageError(f"--balanced must lie between 1 and {MAX_BALANCED:,}.")
    if with_text and engine is not EngineName.POSTGRES:
        raise UsageError("--with-text needs --engine postgres: a snapshot holds no text.")
    window = make_window(start, end, as_of, attribution_days, maturity_days)
    question = Question(workspace, window, channel, max_leads, seed, engine, snapshot, data_dir)
    check_target(out, "--out")
    document = run_async(_export(question, out, attribution, balanced, with_text))
    if as_json:
        print_json(document)
        return
    rows = "1 row" if document["rows"] == 1 else f"{document['rows']:,} rows"
    output.print(Text(f"{rows} written to {out}"), soft_wrap=True)
    output.print(Text(f"SHA-256 {document['sha256']}"), soft_wrap=True)
    for cell in document.get("cells", []):
        place = f"{cell['attribution']}, {cell['sender']}, {cell['outcome']}"
        output.print(Text(f"  {place}: {cell['kept']:,} of {cell['n']:,}"), soft_wrap=True)


async def _export(
    question: Question, out: Path, attribution: Which, balanced: int | None, with_text: bool
) -> dict[str, Any]:
    from setpoint.app.engines import open_engine
    from setpoint.datasets.export import export
    from setpoint.datasets.service import extract
    from setpoint.reports.document import counts_document

    which = None if attribution is Which.BOTH else Attribution(attribution.value)
    async with question.opened() as (database, workspace, request):
        with progress_bar(timed=False) as bar:
            task = bar.add_task("labelling leads")

            def show(rows: int) -> None:
                bar.update(task, description=f"writing {out.name}", rows=rows)

            async with open_engine(database, workspace, request.window, question.engine, question.snapshot) as engine:
                dataset = await extract(engine, request)
                written = await export(dataset, out, which, balanced, with_text, show)
                cells = await dataset.cells() if balanced is not None else []
    counts = counts_document(request, dataset.counts)
    document: dict[str, Any] = {
        "path": str(out),
        "rows": written.rows,
        "sha256": written.sha256,
        "engine": str(question.engine),
        "attribution": str(attribution),
        "balanced": balanced,
        "with_text": with_text,
        **{name: counts[name] for name in _OF_DATASET},
    }
    if balanced is not None:
        document["cells"] = [
            cell | {"kept": min(cell["n"], balanced)}
            for cell in sorted(cells, key=lambda c: (c["attribution"], c["sender"], c["outcome"]))
            if which in (None, cell["attribution"])
        ]
    return document


@app.command("snapshot", short_help="Write the facts as Parquet, for DuckDB and Spark.")
def snapshot_command(
    workspace: WorkspaceSlug,
    start: From,
    end: To,
    out: Annotated[Path, typer.Option(help="A new directory.", show_default=False)],
    as_of: AsOf = None,
    attribution_days: AttributionDays = DEFAULT_ATTRIBUTION_DAYS,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write the facts of a window as partitioned Parquet without any text, for DuckDB and Spark."""
    window = make_window(start, end, as_of, attribution_days)
    manifest = run_async(_snapshot(data_dir, workspace, window, out))
    if as_json:
        print_json(
            {
                "path": str(out),
                "workspace": manifest.workspace,
                "covers_from": format_instant(manifest.covers_from),
                "covers_until": format_instant(manifest.covers_until),
                "rows": manifest.rows,
            }
        )
        return
    for name, rows in manifest.rows.items():
        output.print(f"{rows:>12,} {name}", markup=False)
    output.print(Text(f"Snapshot written to {out}"), soft_wrap=True)


async def _snapshot(data_dir: Path | None, slug: str, window: Window, out: Path) -> "Manifest":
    from setpoint.app.wiring import open_workspace
    from setpoint.datasets.on_postgres import PostgresEngine
    from setpoint.datasets.snapshot import write_snapshot

    async with open_workspace(data_dir, slug) as (database, workspace):
        with progress_bar(timed=False) as bar:
            task = bar.add_task("reading")

            def show(table: str, rows: int) -> None:
                bar.update(task, description=f"writing {table}", rows=rows)

            async with (
                database.tenant(workspace.client_id, one_instant=True) as connection,
                PostgresEngine(connection, workspace.client_id) as engine,
            ):
                return await write_snapshot(engine, slug, window, out, show)
