"""The report document: what `report run --json` prints, and what the terminal and the page are drawn from. Pure."""

import shlex
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from setpoint import __version__
from setpoint.datasets.sampling import DEFAULT_SEED
from setpoint.datasets.service import Counts, DatasetRequest
from setpoint.domain.vocabulary import Attribution, Channel, Outcome, Sender, Standing
from setpoint.domain.windows import (
    DEFAULT_ATTRIBUTION_DAYS,
    DEFAULT_MATURITY_DAYS,
    Window,
    exact_instant,
    format_instant,
)
from setpoint.reports.comparison import Cell, compare
from setpoint.reports.definitions import definitions
from setpoint.reports.segments import buckets, cells_of, segments
from setpoint.reports.versions import VERSION

_WITHIN = (Outcome.BOOKED, Outcome.NOT_BOOKED, Outcome.PENDING)


def window_document(window: Window) -> dict[str, str]:
    """The window as it is shown: `[from, to)` as known at `as_of`."""
    return {
        "from": format_instant(window.start),
        "to": format_instant(window.end),
        "as_of": format_instant(window.as_of),
    }


def parameters_document(request: DatasetRequest) -> dict[str, Any]:
    """What a run was asked for besides its window."""
    return {
        "attribution_days": request.window.attribution.days,
        "maturity_days": request.window.maturity.days,
        "channels": [str(channel) for channel in request.channels],
        "max_leads": request.max_leads,
        "seed": request.seed,
    }


def counts_document(request: DatasetRequest, counts: Counts) -> dict[str, Any]:
    """What follows from the counted cells alone: all of the document but who ran it, when, and the rows' hash."""
    window = request.window
    across, within = (cells_of(counts, attribution) for attribution in Attribution)
    return {
        "workspace": request.workspace,
        "window": window_document(request.window),
        "parameters": parameters_document(request),
        "counts": buckets(across),
        "counts_within_channel": buckets(within, _WITHIN),
        "dropped": counts.dropped,
        "messages": {
            "in_window": sum(counts.messages.values()),
            "counting": counts.messages[Standing.COUNTING],
            "left_out": {reason: n for reason, n in counts.messages.items() if reason != Standing.COUNTING},
        },
        "capped": counts.capped,
        "cohort_leads": counts.cohort_leads,
        "cross_channel": segments(across),
        "within_channel": segments(within),
        "by_response_mode": {
            "cross_channel": segments(across, by=("response_mode",)),
            "within_channel": segments(within, by=("response_mode",)),
        },
        "inferred_sender": {
            "cross_channel": sum(cell["n"] for cell in across if cell["sender_inferred"]),
            "within_channel": sum(cell["n"] for cell in within if cell["sender_inferred"]),
        },
        "comparison": compare(_compared(across), within=_compared(within)),
        "definitions": definitions(window.attribution.days, window.maturity.days),
        "reproduce": shlex.join(["setpoint", "report", "run", *arguments(request)]),
    }


def _compared(cells: Iterable[dict[str, Any]]) -> list[Cell]:
    return [Cell(Channel(s["channel"]), Sender(s["sender"]), s["booked"], s["not_booked"]) for s in segments(cells)]


def report_document(
    request: DatasetRequest,
    counts: Counts,
    *,
    run_id: str,
    author: str,
    created_at: datetime,
    engine: str,
    dataset_sha256: str,
    sections: Mapping[str, Any],
) -> dict[str, Any]:
    """The whole document of a finished run. `sections` are those that need the rows, in their forms of `schemas`."""
    return {
        "version": VERSION,
        "id": run_id,
        "status": "complete",
        "author": author,
        "code_version": __version__,
        "created_at": format_instant(created_at),
        "engine": engine,
        "dataset_sha256": dataset_sha256,
        **counts_document(request, counts),
        **sections,
    }


def arguments(request: DatasetRequest) -> list[str]:
    """The options that ask for the same again on the command line."""
    window = request.window
    options = [
        "--workspace",
        request.workspace,
        "--from",
        exact_instant(window.start),
        "--to",
        exact_instant(window.end),
    ]
    if window.as_of != window.end:
        options += ["--as-of", exact_instant(window.as_of)]
    if window.attribution != timedelta(days=DEFAULT_ATTRIBUTION_DAYS):
        options += ["--attribution-days", str(window.attribution.days)]
    if window.maturity != timedelta(days=DEFAULT_MATURITY_DAYS):
        options += ["--maturity-days", str(window.maturity.days)]
    for channel in request.channels:
        options += ["--channel", str(channel)]
    if request.max_leads is not None:
        options += ["--max-leads", str(request.max_leads)]
    if request.seed != DEFAULT_SEED:
        options += ["--seed", request.seed]
    return options
