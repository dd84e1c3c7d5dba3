"""What the workspace's calls to models took, for its admins: figures, and never a text."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from setpoint.app.api.forms import day_cursor, day_of
from setpoint.app.http.actors import PageAdmin
from setpoint.app.http.state import service_of
from setpoint.app.web.pages import page
from setpoint.app.web.sorting import Sorting, in_order
from setpoint.domain.errors import UsageError
from setpoint.llm.figures import (
    FAILED,
    CallFigures,
    DayFigures,
    Figures,
    Scope,
    called_features,
    day_figures,
    prompt_figures,
    total_figures,
)
from setpoint.llm.queries import read_settings
from setpoint.llm.schemas import Status

router = APIRouter(prefix="/w/{workspace}/calls")

ROWS: Final = 40
DAYS: Final = (("1", "Today"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "365 days"))
STATUS_WORDS: Final = {
    Status.STARTED: "under way, or never heard of again",
    Status.OK: "answered",
    Status.CACHED: "answered from the cache",
    Status.TIMEOUT: "no answer in time",
    Status.RATE_LIMITED: "turned away by the provider",
    Status.REFUSED: "refused by the model",
    Status.INVALID_OUTPUT: "answer without what was asked for",
    Status.PROVIDER_ERROR: "provider failed or was not reached",
    Status.BUDGET_EXCEEDED: "not made: beyond a cap",
    Status.NO_MODEL: "not made: no model",
    Status.CANCELLED: "called off",
}
_FAILED: Final = "failed"
_STATUSES: Final = (
    ("", "All"),
    (_FAILED, "Failed, in any way"),
    *((status.value, words.capitalize()) for status, words in STATUS_WORDS.items()),
)

_BY_PROMPT: Final[dict[str, Callable[[CallFigures], Any]]] = {
    "prompt": lambda row: (row.prompt_key, row.prompt_version),
    "model": lambda row: row.model,
    "calls": lambda row: row.calls,
    "cached": lambda row: row.cached,
    "failed": lambda row: row.failed,
    "input": lambda row: row.input_tokens,
    "output": lambda row: row.output_tokens,
    "cost": lambda row: row.cost_usd,
    "p50": lambda row: row.latency_p50,
    "p95": lambda row: row.latency_p95,
}

Word = Annotated[str, Query(max_length=200)]


@router.get("")
async def calls(
    request: Request,
    actor: PageAdmin,
    feature: Word = "",
    status: Word = "",
    days: Annotated[str, Query(max_length=5)] = "30",
    older: Word = "",
    sort: Word = "",
) -> Response:
    """Calls by day and feature, and by prompt and model; what is asked for stands in the address."""
    now = service_of(request).clock()
    scope = scope_of(feature, status, days, now)
    left_off = day_of(older or None)
    async with service_of(request).database.tenant(actor.client_id) as connection:
        model = await read_settings(connection, actor.client_id)
        features = await called_features(connection, actor.client_id)
        total = await total_figures(connection, actor.client_id, scope)
        by_day = await day_figures(connection, actor.client_id, scope, ROWS + 1, left_off)
        by_prompt = await prompt_figures(connection, actor.client_id, scope)
    asked = {"feature": feature, "status": status, "days": days}
    base = f"/w/{actor.workspace}/calls"
    sorting = Sorting(sort, base, asked | ({"older": older} if older else {}))
    follows = day_cursor(*_left_off(by_day[:ROWS], left_off)) if len(by_day) > ROWS else None
    return page(
        request,
        "calls.html.j2",
        actor=actor,
        here="calls",
        base=base,
        connected=model is not None,
        asked=asked,
        features=[("", "All"), *((each, each) for each in features)],
        statuses=_STATUSES,
        days=DAYS,
        scope=scope,
        now=now,
        total=total,
        by_day=by_day[:ROWS],
        by_prompt=in_order(by_prompt, _BY_PROMPT, sorting),
        sorting=sorting,
        words=STATUS_WORDS,
        cost=cost_text,
        older=None if follows is None else f"{base}?{urlencode(asked | {'older': follows})}",
        newest=None if left_off is None else f"{base}?{urlencode(asked)}",
    )


def scope_of(feature: str, status: str, days: str, now: datetime) -> Scope:
    """The calls that an address asks for: of the last days of UTC, this one included. Raises UsageError."""
    if days not in [value for value, _ in DAYS]:
        raise UsageError("days is 1, 7, 30, 90 or 365.")
    if status == _FAILED:
        statuses = FAILED
    elif status in list(Status):
        statuses = (Status(status),)
    elif status:
        raise UsageError("There is no such way for a call to end.")
    else:
        statuses = ()
    tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return Scope(tomorrow - timedelta(days=int(days)), tomorrow, feature or None, statuses)


def cost_text(figures: Figures) -> str:
    """What is known of the cost, in US dollars; a sum that leaves calls out says so."""
    if figures.cost_usd is None:
        return "not known" if figures.unpriced else "nothing"
    shown = f"{figures.cost_usd:,.2f}" if figures.cost_usd >= 1 else f"{figures.cost_usd:.4f}"
    return f"at least {shown}" if figures.unpriced else shown


def _left_off(shown: list[DayFigures], before: tuple[date, int] | None) -> tuple[date, int]:
    """The last day that was shown, and how many of its rows were, on this page and the one before."""
    last = shown[-1].day
    rows = [each.day for each in shown].count(last)
    return last, rows + (before[1] if before is not None and before[0] == last else 0)
