"""What calls to models took, in figures: for a workspace and a time, by feature, prompt and model, or by day."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Date, RowMapping, and_, cast, func, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.llm.schemas import Status
from setpoint.storage.tables import ai_calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Some calls.

    `cost_usd` is what is known of the cost, None where nothing is; `unpriced` counts calls whose cost, or a part of
    it, nobody knows. Latencies are in milliseconds, over the calls that asked a model; None where none did.
    `failures` has every way to fail that occurred.
    """

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

    @property
    def failed(self) -> int:
        """How many calls failed, in whatever way."""
        return sum(self.failures.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures(Figures):
    """Calls of one feature, prompt and model."""

    feature: str
    prompt_key: str
    prompt_version: int
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures(Figures):
    """Calls of one feature on one day of UTC."""

    day: date
    feature: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls are meant: those made in `[since, until)`, of a feature, that ended in one of some ways."""

    since: datetime | None = None
    until: datetime | None = None
    feature: str | None = None
    statuses: tuple[Status, ...] = ()

    def condition(self, client_id: int) -> ColumnElement[bool]:
        """The same of a workspace, for the database."""
        calls = ai_calls.c
        return and_(
            calls.client_id == client_id,
            true() if self.since is None else calls.created_at >= self.since,
            true() if self.until is None else calls.created_at < self.until,
            true() if self.feature is None else calls.feature == self.feature,
            calls.status.in_(self.statuses) if self.statuses else true(),
        )


GOOD = (Status.OK, Status.CACHED)
FAILED = tuple(status for status in Status if status not in GOOD)
_GROUP = ("feature", "prompt_key", "prompt_version", "model")
_SUMS = ("input_tokens", "output_tokens", "cached_tokens")
_PLAIN = ("calls", "unpriced", "latency_p50", "latency_p95", "cost_usd")


async def call_figures(
    connection: AsyncConnection, client_id: int, since: datetime | None = None, until: datetime | None = None
) -> list[CallFigures]:
    """The figures of the calls made in `[since, until)`, sorted by feature, prompt, version and model."""
    return await prompt_figures(connection, client_id, Scope(since, until))


async def prompt_figures(connection: AsyncConnection, client_id: int, scope: Scope) -> list[CallFigures]:
    """The figures of some calls, sorted by feature, prompt, version and model."""
    group = [ai_calls.c[name] for name in _GROUP]
    query = select(*group, *_columns()).where(scope.condition(client_id)).group_by(*group).order_by(*group)
    rows = (await connection.execute(query)).mappings()
    return [CallFigures(**{name: row[name] for name in _GROUP}, **_figures(row)) for row in rows]


async def day_figures(
    connection: AsyncConnection, client_id: int, scope: Scope, limit: int, left_off: tuple[date, int] | None = None
) -> list[DayFigures]:
    """The figures of some calls by day and feature, the newest day first.

    `left_off` is a day and how many of its rows were shown before: what follows them is returned.
    """
    day = cast(func.timezone("UTC", ai_calls.c.created_at), Date)
    query = (
        select(day.label("day"), ai_calls.c.feature, *_columns())
        .where(scope.condition(client_id), true() if left_off is None else day <= left_off[0])
        .group_by(day, ai_calls.c.feature)
        .order_by(day.desc(), ai_calls.c.feature)
        .offset(0 if left_off is None else left_off[1])
        .limit(limit)
    )
    rows = (await connection.execute(query)).mappings()
    return [DayFigures(day=row["day"], feature=row["feature"], **_figures(row)) for row in rows]


async def total_figures(connection: AsyncConnection, client_id: int, scope: Scope) -> Figures:
    """The figures of some calls together."""
    query = select(*_columns()).where(scope.condition(client_id))
    return Figures(**_figures((await connection.execute(query)).mappings().one()))


async def called_features(connection: AsyncConnection, client_id: int) -> list[str]:
    """The features that ever called, sorted."""
    query = select(ai_calls.c.feature).where(ai_calls.c.client_id == client_id).distinct()
    return sorted(await connection.scalars(query))


def _columns() -> list[ColumnElement[Any]]:
    calls = ai_calls.c
    asked = and_(calls.attempts > 0, calls.status != Status.STARTED)

    def latency(share: str) -> ColumnElement[int | None]:
        return func.percentile_disc(literal_column(share)).within_group(calls.latency_ms).filter(asked)

    return [
        func.count().label("calls"),
        *(func.count().filter(calls.status == status).label(f"status_{status}") for status in Status),
        *(func.coalesce(func.sum(calls[name]), 0).label(name) for name in _SUMS),
        func.sum(calls.cost_usd).filter(calls.attempts > 0).label("cost_usd"),
        func.count().filter(calls.attempts > 0, calls.cost_usd.is_(None)).label("unpriced"),
        latency("0.5").label("latency_p50"),
        latency("0.95").label("latency_p95"),
    ]


def _figures(row: RowMapping) -> dict[str, Any]:
    by_status = {status: int(row[f"status_{status}"]) for status in Status}
    return {
        "cached": by_status[Status.CACHED],
        "failures": {status: count for status, count in by_status.items() if count and status not in GOOD},
        **{name: row[name] for name in _PLAIN},
        **{name: int(row[name]) for name in _SUMS},
    }
