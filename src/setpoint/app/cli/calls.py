"""`setpoint calls`."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from setpoint.app.cli.common import DataDir, Json, WorkspaceSlug, command_app, output, print_json, run_async
from setpoint.domain.errors import UsageError
from setpoint.domain.windows import format_instant, parse_instant

if TYPE_CHECKING:
    from setpoint.llm.figures import CallFigures

app = command_app()

_HEADINGS: Final = (
    *("Prompt", "Model"),
    *("Calls", "Cached", "Tokens in", "Tokens out", "Cost, USD", "p50 ms", "p95 ms", "Failed"),
)
# The first so many are words. Below so many characters, the terminal shows the most asked for.
_WORDS: Final = 2
_WIDE: Final = 120
_FIRST: Final = {"Prompt", "Model", "Calls", "Cost, USD", "Failed"}


@app.command(short_help="What a workspace's calls to models took: tokens, cost, time, failures.")
def calls(
    workspace: WorkspaceSlug,
    start: Annotated[
        str | None, typer.Option("--from", help="First day or instant, UTC; default: all.", show_default=False)
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Day or instant where it ends, not included.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Calls to language models by feature, prompt and model: how many, their tokens, cost, latency and failures."""
    since = None if start is None else parse_instant(start, "--from")
    until = None if end is None else parse_instant(end, "--to")
    if since is not None and until is not None and since >= until:
        raise UsageError("--from must lie before --to.")
    figures = run_async(_read(data_dir, workspace, since, until))
    if as_json:
        bounds = {"from": since and format_instant(since), "to": until and format_instant(until)}
        print_json({"workspace": workspace, **bounds, "calls": [_document(each) for each in figures]})
        return
    if not figures:
        output.print("No model was asked here in this time.", markup=False)
        return
    table, left_out = calls_table([_cells(each) for each in figures], output.width)
    output.print(table)
    if left_out:
        output.print(f"Left out for want of room, and in --json: {', '.join(left_out)}.", markup=False)


def calls_table(rows: Sequence[Sequence[str]], room: int) -> tuple[Table, list[str]]:
    """The figures in as many columns as a terminal of this width has room for, and the columns left out.

    Numbers are never wrapped.
    """
    kept = [place for place, heading in enumerate(_HEADINGS) if room >= _WIDE or heading in _FIRST]
    table = Table(box=None, pad_edge=False)
    for place in kept:
        number = place >= _WORDS
        # What failed is a list in words.
        whole = number and _HEADINGS[place] != "Failed"
        table.add_column(_HEADINGS[place], justify="right" if number else "left", no_wrap=whole, overflow="fold")
    for row in rows:
        table.add_row(*(row[place] for place in kept))
    return table, [heading for place, heading in enumerate(_HEADINGS) if place not in kept]


async def _read(
    data_dir: Path | None, slug: str, since: datetime | None, until: datetime | None
) -> "list[CallFigures]":
    from setpoint.app.wiring import open_workspace
    from setpoint.llm.figures import call_figures

    async with (
        open_workspace(data_dir, slug) as (database, workspace),
        database.tenant(workspace.client_id) as connection,
    ):
        return await call_figures(connection, workspace.client_id, since, until)


def _document(figures: "CallFigures") -> dict[str, Any]:
    return {
        "feature": figures.feature,
        "prompt": figures.prompt_key,
        "prompt_version": figures.prompt_version,
        "model": figures.model,
        "calls": figures.calls,
        "cached": figures.cached,
        "failures": {str(status): count for status, count in figures.failures.items()},
        "input_tokens": figures.input_tokens,
        "output_tokens": figures.output_tokens,
        "cached_tokens": figures.cached_tokens,
        "cost_usd": None if figures.cost_usd is None else float(figures.cost_usd),
        "unpriced": figures.unpriced,
        "latency_ms": {"p50": figures.latency_p50, "p95": figures.latency_p95},
    }


def _cells(figures: "CallFigures") -> list[str]:
    cost = "unknown" if figures.cost_usd is None else f"{figures.cost_usd:.4f}"
    # A sum that leaves calls out says so.
    if figures.cost_usd is not None and figures.unpriced:
        cost = f"at least {cost}"
    failed = ", ".join(f"{count} {status}" for status, count in figures.failures.items())
    return [
        f"{figures.prompt_key} v{figures.prompt_version}",
        figures.model,
        *(f"{number:,}" for number in (figures.calls, figures.cached, figures.input_tokens, figures.output_tokens)),
        cost,
        *("–" if latency is None else f"{latency:,}" for latency in (figures.latency_p50, figures.latency_p95)),
        failed or "0",
    ]
