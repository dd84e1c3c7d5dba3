"""What calls to models took, in figures: for a workspace and a time, by feature, prompt and model."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.llm.schemas import Status
from setpoint.storage.tables import ai_calls


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Calls of one feature, prompt and model.

    `cost_usd` is what is known of the cost, None where nothing is; `unpriced` counts calls whose cost, or a part of
    it, nobody knows. Latencies are in milliseconds, over the calls that asked a model; None where none did.
    `failures` has every way to fail that occurred.
    """

    feature: str
    prompt_key: str
    prompt_version: int
    model: str
    calls: int
    cached: int
    failures: dict[Status, int]
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: Decimal | None
    unpriced: int
    latency_p50: int | None
    latency_p95: int | None


_GOOD = (Status.OK, Status.CACHED)
_GROUP = ("feature", "prompt_key", "prompt_version", "model")
_PLAIN = (*_GROUP, "calls", "unpriced", "latency_p50", "latency_p95", "cost_usd")


async def call_figures(
    connection: AsyncConnection, client_id: int, since: datetime | None = None, until: datetime | None = None
) -> list[CallFigures]:
    """The figures of the calls made in `[since, until)`, sorted by feature, prompt, version and model."""
    calls = ai_calls.c
    asked = and_(calls.attempts > 0, calls.status != Status.STARTED)
    statuses: dict[Status, ColumnElement[int]] = {
        status: func.count().filter(calls.status == status).label(f"status_{status}") for status in Status
    }

    def latency(share: str) -> ColumnElement[int | None]:
        return func.percentile_disc(literal_column(share)).within_group(calls.latency_ms).filter(asked)

    group = [calls[name] for name in _GROUP]
    query = (
        select(
            *group,
            func.count().label("calls"),
            *statuses.values(),
            func.sum(calls.input_tokens).label("input_tokens"),
            func.sum(calls.output_tokens).label("output_tokens"),
            func.sum(calls.cached_tokens).label("cached_tokens"),
            func.sum(calls.cost_usd).filter(calls.attempts > 0).label("cost_usd"),
            func.count().filter(calls.attempts > 0, calls.cost_usd.is_(None)).label("unpriced"),
            latency("0.5").label("latency_p50"),
            latency("0.95").label("latency_p95"),
        )
        .where(calls.client_id == client_id)
        .group_by(*group)
        .order_by(*group)
    )
    if since is not None:
        query = query.where(calls.created_at >= since)
    if until is not None:
        query = query.where(calls.created_at < until)
    return [_figures(row) for row in (await connection.execute(query)).mappings()]


def _figures(row: RowMapping) -> CallFigures:
    by_status = {status: int(row[f"status_{status}"]) for status in Status}
    sums: dict[str, Any] = {name: int(row[name]) for name in ("input_tokens", "output_tokens", "cached_tokens")}
    plain: dict[str, Any] = {name: row[name] for name in _PLAIN}
    return CallFigures(
        cached=by_status[Status.CACHED],
        failures={status: count for status, count in by_status.items() if count and status not in _GOOD},
        **plain,
        **sums,
    )
