"""Is it getting better: the `trend` section of a report, the booking rate by the week of the first message.

A week is settled when all of its leads were first written to longer ago than the attribution window: bookings within
it, by which a direction is told, cannot change any more. Only settled weeks say anything about a direction.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date, timedelta
from typing import Any, Final, Literal, TypedDict

import ibis.expr.types as ir

from setpoint.datasets.clocks import by_week
from setpoint.datasets.service import Dataset
from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import CREDITED, Outcome, Sender
from setpoint.reports.inputs import hash_of_rows
from setpoint.reports.presentation import leads_text, points_digits, points_text, rate_text
from setpoint.reports.schemas import (
    EstimateDocument,
    RefusalDocument,
    Side,
    estimate_document,
    refusal_document,
)
from setpoint.stats.proportions import wilson
from setpoint.stats.trends import Dose, Trend, linear_trend

MONDAY: Final = date(1970, 1, 5)
_ENOUGH_WEEKS: Final = 4
# Of each outcome; below it the test by its normal approximation is not to be trusted.
_ENOUGH_LEADS: Final = 10


class WeekDocument(TypedDict):
    """Leads of one sender that were first written to in one week (`2026-W10`, whose Monday is `start`).

    `estimate` is the rate of leads that have booked so far, the pending ones counted among those who have not; its
    interval reaches up to where it would stand had all of them booked. `left_out` booked without a credited message,
    or their credit is ambiguous; they are in no rate. `immature` says that the week is not settled, for any sender.
    """

    week: str
    start: str
    sender: Side
    booked: int
    not_booked: int
    pending: int
    left_out: int
    estimate: EstimateDocument
    immature: bool


class TrendSection(TypedDict):
    """`trend` of a report: the booking rate by week of cohort and sender.

    `points_a_week` is the change of the rate (a fraction) from one settled week to the next within each sender, and
    `p_value` tests that it is none. Both count bookings within the attribution window from the first message, so
    that older weeks, which had longer to book, have no head start.
    """

    weeks: list[WeekDocument]
    settled_weeks: int
    points_a_week: EstimateDocument
    p_value: float | None
    refused: RefusalDocument | None
    direction: Literal["rising", "falling", "none"]
    verdict: str
    caveats: list[str]
    input_sha256: str | None


async def trend(dataset: Dataset, clocks: ir.Table) -> TrendSection:
    """Whether the leads of later weeks book more than those of earlier ones. `clocks` are those of the dataset."""
    window = dataset.request.window
    return trend_section(await dataset.engine.fetch(by_week(dataset, clocks)), window.attribution.days)


def trend_section(rows: Iterable[Mapping[str, Any]], attribution_days: int) -> TrendSection:
    """Build the section from the rows of `clocks.by_week`, in any order.

    Leads that had been written to shortly before the window are left out and counted: all of them would stand in its
    first weeks, and they are not new.
    """
    counted = list(rows)
    new = [row for row in counted if not row["earlier"]]
    immature = {row["week"] for row in new if row["young"]}
    settled = {row["week"] for row in new} - immature
    result = _trend(
        [row for row in new if row["week"] in settled], sorted(settled), sorted(immature), attribution_days
    )
    told = isinstance(result, Trend) and not result.slope.low <= 0 <= result.slope.high
    rising = isinstance(result, Trend) and result.slope.value > 0
    return TrendSection(
        weeks=[
            _week([row for row in new if (row["week"], row["sender"]) == (week, side)], week, side, week in immature)
            for week, side in sorted({(row["week"], row["sender"]) for row in new})
        ],
        settled_weeks=len(settled),
        points_a_week=estimate_document(result.slope if isinstance(result, Trend) else result),
        p_value=result.p_value if isinstance(result, Trend) else None,
        refused=refusal_document(result) if isinstance(result, Refused) else None,
        direction="none" if not told else "rising" if rising else "falling",
        verdict=_verdict(result, len(settled), attribution_days),
        caveats=_caveats(counted, immature, attribution_days),
        input_sha256=hash_of_rows(counted),
    )


def _week(rows: Iterable[Mapping[str, Any]], week: int, side: Side, immature: bool) -> WeekDocument:
    counts: Counter[str] = Counter()
    for row in rows:
        counts["ambiguous" if row["ambiguous"] else row["outcome"]] += row["leads"]
    booked, not_booked, pending = (
        counts.pop(name, 0) for name in (Outcome.BOOKED, Outcome.NOT_BOOKED, Outcome.PENDING)
    )
    monday = MONDAY + timedelta(weeks=week)
    year, number, _ = monday.isocalendar()
    return WeekDocument(
        week=f"{year}-W{number:02}",
        start=monday.isoformat(),
        sender=side,
        booked=booked,
        not_booked=not_booked,
        pending=pending,
        left_out=counts.total(),
        estimate=estimate_document(_rate_so_far(booked, not_booked, pending)),
        immature=immature,
    )


def _rate_so_far(booked: int, not_booked: int, pending: int) -> Measured | Refused:
    # In a young week those who book have, and those who will not are pending: without them nearly all would book.
    leads = booked + not_booked + pending
    now, at_most = wilson(booked, leads), wilson(booked + pending, leads)
    if isinstance(now, Refused) or isinstance(at_most, Refused):
        return Refused("No lead of this week is in a rate.")
    return Measured(now.value, now.low, at_most.high, now.confidence)


def _trend(
    rows: Iterable[Mapping[str, Any]], settled: Sequence[int], immature: Sequence[int], attribution_days: int
) -> Trend | Refused:
    """The trend over the settled weeks, in each sender by itself. Pending leads of theirs have not booked soon."""
    if len(settled) < _ENOUGH_WEEKS:
        return Refused(_too_few_weeks(len(settled), immature, attribution_days))
    booked: Counter[tuple[str, int]] = Counter()
    leads: Counter[tuple[str, int]] = Counter()
    for row in rows:
        if row["outcome"] in CREDITED and not row["ambiguous"]:
            key = (row["sender"], row["week"])
            leads[key] += row["leads"]
            booked[key] += row["leads"] if row["soon"] else 0
    if min(booked.total(), leads.total() - booked.total()) < _ENOUGH_LEADS:
        few = "booked soon" if booked.total() < _ENOUGH_LEADS else "did not book soon"
        return Refused(f"Fewer than {_ENOUGH_LEADS} leads of the settled weeks {few}: too few to tell a trend from.")
    return linear_trend(
        [
            [Dose(week, booked[sender, week], n) for (sender, week), n in sorted(leads.items()) if sender == side]
            for side in Sender
        ]
    )


def _too_few_weeks(settled: int, immature: Sequence[int], attribution_days: int) -> str:
    so_far = "No week is" if not settled else "1 week is" if settled == 1 else f"{settled} weeks are"
    text = f"{so_far} settled, and at least {_ENOUGH_WEEKS} are needed"
    missing = _ENOUGH_WEEKS - settled
    if missing > len(immature):
        return f"{text}: take a longer window."
    # The last leads of a week are first written to before the Monday after it.
    day = MONDAY + timedelta(weeks=immature[missing - 1] + 1, days=attribution_days)
    return f"{text}: a report of this window says more from {day:%Y-%m-%d} on."


def _verdict(result: Trend | Refused, weeks: int, attribution_days: int) -> str:
    if isinstance(result, Refused):
        return f"No trend can be told yet. {result.reason}"
    slope = result.slope
    digits = points_digits(slope.value, slope.low, slope.high)
    confidence = rate_text(slope.confidence, 0)
    basis = (
        f"Bookings within {'1 day' if attribution_days == 1 else f'{attribution_days} days'} of the first message are"
        " counted for this, so that older weeks have no head start."
    )
    if slope.low <= 0 <= slope.high:
        return (
            f"No trend can be told over {weeks} settled weeks ({confidence}: from {points_text(slope.low, digits)}"
            f" points less to {points_text(slope.high, digits)} points more each week). {basis}"
        )
    low, high = sorted((abs(slope.low), abs(slope.high)))
    return (
        f"Over {weeks} settled weeks the booking rate {'rose' if slope.value > 0 else 'fell'} by about"
        f" {points_text(slope.value, digits)} points a week ({confidence}: {points_text(low, digits)} to"
        f" {points_text(high, digits)}), with the sender held equal. {basis}"
    )


def _caveats(rows: Sequence[Mapping[str, Any]], immature: Set[int], attribution_days: int) -> list[str]:
    found = [
        "Which leads came in which week is not adjusted for: better weeks can be weeks of better leads.",
    ]
    if immature:
        days = "1 day" if attribution_days == 1 else f"{attribution_days} days"
        found.append(
            f"{len(immature)} {'week is' if len(immature) == 1 else 'weeks are'} not settled: some leads were first"
            f" written to less than {days} ago, so the rate can still rise and says nothing about a direction yet."
        )
    pending = sum(
        int(row["leads"])
        for row in rows
        if row["outcome"] == Outcome.PENDING and not row["earlier"] and row["week"] not in immature
    )
    if pending:
        found.append(
            f"{leads_text(pending)} of settled weeks {'is' if pending == 1 else 'are'} pending: a booking would come"
            " too late to be counted for the direction, but the rate of the week can still rise."
        )
    earlier = sum(int(row["leads"]) for row in rows if row["earlier"])
    if earlier:
        found.append(
            f"Left out here: {leads_text(earlier)} that had been written to in the {attribution_days} days before the"
            " window already. All of them would stand in its first weeks."
        )
    return found
