"""The beginning of a workspace: what the latest report says, what changed since the last, what comes next."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from setpoint.app.api.reports import complete, tables_of
from setpoint.app.drawing import drawn
from setpoint.app.http.actors import PageActor
from setpoint.app.http.state import service_of
from setpoint.app.kept_reports import with_document
from setpoint.app.web.aggregates import Figure, Said, Tables, cells, is_put_away, said, trend_figure, week_lines
from setpoint.app.web.pages import page
from setpoint.domain.errors import NotFound
from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Role, RunStatus, Sender
from setpoint.domain.windows import parse_instant
from setpoint.reports.definitions import SENDER_LABELS
from setpoint.reports.insights.schemas import TableDocument
from setpoint.reports.presentation import (
    count_text,
    difference_texts,
    interval_text,
    points_digits,
    rate_text,
    signed_points_text,
)
from setpoint.reports.service import Run, get_run, latest_complete_run, list_runs
from setpoint.reports.view_trend import WeekLine
from setpoint.stats.proportions import newcombe_difference, wilson
from setpoint.storage.tables import leads, messages
from setpoint.tenancy.schemas import Actor

router = APIRouter()

STALE_DAYS: Final = 8
"""A weekly report that is older than this has a successor missing."""
_LOOKED_AT: Final = 100
_SAME: Final = ("attribution_days", "maturity_days", "channels", "max_leads", "seed")


# What there is


@dataclass(frozen=True, slots=True)
class Runs:
    """The newest complete run and the one before it with the same parameters, what is under way, and what failed.

    The complete ones have their documents. `failed` is a run that ended after the newest complete one.
    """

    latest: Run | None
    before: Run | None
    under_way: Run | None
    failed: Run | None
    has_data: bool


async def runs_of(connection: AsyncConnection, client_id: int) -> Runs:
    """What a workspace has by way of reports."""
    listed = await list_runs(connection, client_id, _LOOKED_AT)
    latest = next((run for run in listed if run.status is RunStatus.COMPLETE), None)
    if latest is None and len(listed) == _LOOKED_AT:
        with suppress(NotFound):
            old = str(await latest_complete_run(connection, client_id))
            latest = await get_run(connection, client_id, old, with_document=False)
    before = None if latest is None else report_before(listed, latest)
    newest = listed[0] if listed else None
    return Runs(
        latest=None if latest is None else await with_document(connection, client_id, latest),
        before=None if before is None else await with_document(connection, client_id, before),
        under_way=next((run for run in listed if run.status in (RunStatus.RUNNING, RunStatus.QUEUED)), None),
        failed=newest if newest is not None and newest.status is RunStatus.FAILED else None,
        has_data=bool(listed) or await _has_data(connection, client_id),
    )


async def _has_data(connection: AsyncConnection, client_id: int) -> bool:
    for table in (messages, leads):
        if await connection.scalar(select(exists().where(table.c.client_id == client_id))):
            return True
    return False


def report_before(runs: Sequence[Run], latest: Run) -> Run | None:
    """The newest complete run before `latest` that was asked for alike, over as long a window, of other rows."""
    for run in runs:
        if run.status is not RunStatus.COMPLETE or run.id == latest.id or run.created_at > latest.created_at:
            continue
        alike = all(run.parameters.get(name) == latest.parameters.get(name) for name in _SAME)
        if alike and _length(run) == _length(latest) and run.dataset_sha256 != latest.dataset_sha256:
            return run
    return None


def _length(run: Run) -> float:
    start, end = (parse_instant(run.parameters[name], name) for name in ("from", "to"))
    return (end - start).total_seconds()


def ago(then: datetime, now: datetime) -> str:
    """How long ago an instant was: `just now`, `3 hours ago`, `12 days ago`."""
    minutes = int((now - then).total_seconds()) // 60
    for size, word in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count:,} {word}{'' if count == 1 else 's'} ago"
    return "just now"


# What changed


@dataclass(frozen=True, slots=True)
class RateNow:
    """A booking rate: `12.3%`, its interval and the count it is of. Without them where they are put away."""

    booked: int
    mature: int
    rate: Measured | Refused

    @property
    def text(self) -> str:
        """The rate, or why there is none."""
        return "no mature lead" if isinstance(self.rate, Refused) else rate_text(self.rate.value)

    @property
    def interval(self) -> str:
        """The interval, empty where there is no rate."""
        return "" if isinstance(self.rate, Refused) else interval_text(self.rate.low, self.rate.high)


@dataclass(frozen=True, slots=True)
class RateChange:
    """One sender's booking rate in this report and in the one before; None where numbers are put away."""

    label: str
    now: RateNow | None
    before: RateNow | None
    change: str
    interval: str


@dataclass(frozen=True, slots=True)
class PatternChange:
    """A contrast of messages that is told apart now and was not, or was and is not."""

    citation: str
    phrase: str
    finding: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different from the report before. `shared_days` are in both windows."""

    before: Run
    rates: Sequence[RateChange]
    verdict_before: str | None
    came: Sequence[PatternChange]
    went: Sequence[PatternChange]
    shared_days: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A complete report as an actor may see it."""

    run: Run
    tables: Tables
    said: Said


def reading(run: Run, actor: Actor) -> Reading:
    """Read a complete report."""
    tables = {table["key"]: table for table in tables_of(run, actor)}
    return Reading(run, tables, said(complete(run), tables, actor.role))


def changes(now: Reading, before: Reading) -> Changes:
    """Hold a report against the one before."""
    shared = _shared_days(now.run, before.run)
    rates = [
        _rate_change(
            label,
            _rate(now.tables["comparison"], Sender(sender)),
            _rate(before.tables["comparison"], Sender(sender)),
            are_apart=shared == 0,
        )
        for sender, label in SENDER_LABELS.items()
    ]
    told, was_told = (_told(each.tables.get("patterns")) for each in (now, before))
    return Changes(
        before=before.run,
        rates=rates,
        verdict_before=None if now.said.verdict == before.said.verdict else before.said.verdict,
        came=[each for key, each in told.items() if was_told.get(key) != each],
        went=[each for key, each in was_told.items() if key not in told],
        shared_days=shared,
    )


def _shared_days(now: Run, before: Run) -> int:
    begins = max(parse_instant(run.parameters["from"], "from") for run in (now, before))
    ends = min(parse_instant(run.parameters["to"], "to") for run in (now, before))
    return max(0, -((begins - ends).days))


def _rate(comparison: TableDocument, sender: Sender) -> RateNow | None:
    row = cells(comparison)[0]
    if is_put_away(row):
        return None
    booked, mature = (int(row[f"{sender}_{name}"] or 0) for name in ("booked", "n"))
    return RateNow(booked, mature, wilson(booked, mature))


def _rate_change(label: str, now: RateNow | None, before: RateNow | None, *, are_apart: bool) -> RateChange:
    if now is None or before is None or isinstance(now.rate, Refused) or isinstance(before.rate, Refused):
        return RateChange(label, now, before, "", "")
    if are_apart:
        difference = newcombe_difference(now.booked, now.mature, before.booked, before.mature)
        if isinstance(difference, Measured):
            return RateChange(label, now, before, *difference_texts(difference))
    moved = now.rate.value - before.rate.value
    return RateChange(label, now, before, signed_points_text(moved, points_digits(moved)), "")


def _told(table: TableDocument | None) -> dict[str, PatternChange]:
    if table is None:
        return {}
    return {
        str(citation): PatternChange(str(citation), str(row["messages"]), str(row["finding"]))
        for citation, row in zip(table["citations"], cells(table), strict=True)
        if row["finding"] in ("books more", "books less")
    }


# Week by week


@dataclass(frozen=True, slots=True)
class Week:
    """One week: the rate of each sender, and under it what it is of; nothing under it where there is no rate."""

    start: str
    is_young: bool
    rates: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Trend:
    """The weeks of a report, the newest first, with what they come to."""

    figure: Figure
    verdict: str
    senders: Sequence[str]
    weeks: Sequence[Week]


def weeks_of(table: TableDocument) -> tuple[Sequence[str], Sequence[Week]]:
    """The senders of a trend, and its weeks, the newest first."""
    rows = cells(table)
    senders = [label for label in SENDER_LABELS.values() if any(row["sender"] == label for row in rows)]
    shown = {(line.start, line.label_of_sender): line for line in week_lines(table)}
    away = {(str(row["week"]), str(row["sender"])) for row in rows if is_put_away(row)}
    young = {str(row["week"]) for row in rows if row["settled"] != "settled"}
    return senders, [
        Week(
            start,
            start in young,
            [
                _week_rate(shown.get((start, label)), "put away" if (start, label) in away else "no lead")
                for label in senders
            ],
        )
        for start in sorted({str(row["week"]) for row in rows}, reverse=True)
    ]


def _week_rate(line: WeekLine | None, otherwise: str) -> tuple[str, str]:
    if line is None:
        return otherwise, ""
    of = f"{count_text(line.booked)} of {count_text(line.leads)}"
    if isinstance(line.rate, Refused):
        return "no rate", of
    interval = interval_text(line.rate.low, line.rate.high, line.digits)
    return rate_text(line.rate.value, line.digits), f"{of} · {interval}"


# The page


@router.get("/w/{workspace}")
async def overview(request: Request, actor: PageActor) -> Response:
    """What the latest report says, what changed, and what is under way."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        runs = await runs_of(connection, actor.client_id)
    context: dict[str, Any] = {"runs": runs, "said": None, "trend": None, "changes": None, "is_stale": False}
    if runs.latest is not None:
        latest, now = runs.latest, service.clock()
        document, read = complete(latest), reading(latest, actor)
        as_of = parse_instant(latest.parameters["as_of"], "as_of")
        context |= {
            "said": read.said,
            "as_of": as_of,
            "as_of_ago": ago(as_of, now),
            "made_ago": ago(latest.finished_at or latest.created_at, now),
            "is_stale": (now - as_of).days >= STALE_DAYS,
            "findings": list(_told(read.tables.get("patterns")).values()),
            "recommendations": _recommendations(document) if actor.role is Role.ADMIN else 0,
        }
        if trend := read.tables.get("trend"):
            senders, weeks = weeks_of(trend)
            picture = await drawn(service, ("trend", latest.id, actor.role), trend_figure, trend)
            verdict = document["trend"]["verdict"]
            context["trend"] = Trend(picture, verdict if verdict in trend["notes"] else "", senders, weeks)
        if runs.before is not None:
            context["changes"] = changes(read, reading(runs.before, actor))
    return page(request, "overview.html.j2", actor=actor, here="overview", **context)


def _recommendations(document: Mapping[str, Any]) -> int:
    synthesis = document.get("synthesis")
    return len(synthesis["content"]["recommendations"]) if synthesis else 0
