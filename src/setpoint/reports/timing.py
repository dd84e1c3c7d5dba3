"""Time to booking: the `timing` section of a report, from durations that the engine has counted by the hour.

Every lead is followed from its first message in the window until it books, is lost or the report ends (`as_of`), for
30 days at most. Pending and not booked leads alike are open: they are at risk for as long as they were followed, and
neither dropped nor failures. What a lead does after 30 days changes nothing here.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from setpoint.datasets.clocks import BOOKED, BOOKED_BEFORE, LOST, NO_TIMESTAMP, OPEN, TWO_SENDERS, by_hours
from setpoint.datasets.service import Dataset
from setpoint.domain.measured import Measured, Refused
from setpoint.reports.inputs import hash_of_rows
from setpoint.reports.presentation import count_text, days_text, interval_text, leads_text, rate_text
from setpoint.reports.schemas import (
    DayDocument,
    IncidencePoint,
    SenderTiming,
    Side,
    TimingSection,
    estimate_document,
    refusal_document,
)
from setpoint.stats import survival
from setpoint.stats.survival import Durations, Floats, Incidence, Ints, LogRank

HORIZON_DAYS: Final = 30
DAYS: Final = (14, 30)
_POINTS_A_DAY: Final = 4
_LAST_HOUR: Final = HORIZON_DAYS * 24
_ALPHA: Final = 0.05
# Cochran's rule: below it a test by its chi-squared distribution is not to be trusted.
_EXPECTED: Final = 5
_FEW_AT_RISK: Final = 10
_EVENTS: Final = {BOOKED: survival.BOOKED, LOST: survival.LOST, OPEN: survival.CENSORED}
_OWN: Final[Mapping[Side, str]] = {"ai": "AI's leads", "setter": "the setters' leads"}
_WRITER: Final[Mapping[Side, str]] = {"ai": "AI", "setter": "a setter"}
_OTHER: Final[Mapping[Side, Side]] = {"ai": "setter", "setter": "ai"}
_LEFT_OUT: Final = {
    BOOKED_BEFORE: "that booked before the first message in the window, or got none in it",
    NO_TIMESTAMP: "that booked at an instant that nobody knows",
    TWO_SENDERS: "to which AI and a setter first wrote at the same instant",
}

NOT_ADJUSTED: Final = (
    "A lead belongs to whoever sent its first message in the window, whoever wrote to it later. Nothing is adjusted"
    " for who got which lead, so a difference does not show that the same leads would have booked sooner with the"
    " other sender."
)


async def timing(dataset: Dataset, clocks: ir.Table) -> TimingSection:
    """How soon the leads of a dataset book, AI's against the setters'. `clocks` are those of the dataset."""
    return timing_section(await dataset.engine.fetch(by_hours(dataset, clocks, _LAST_HOUR)))


def timing_section(rows: Iterable[Mapping[str, Any]]) -> TimingSection:
    """Build the section from `sender, state, hours, leads` (clocks.by_hours), in any order.

    `days_sooner` is the mean number of the first 30 days that the setters' leads go without a booking, less that of
    AI's: positive where AI's leads book sooner, or more of them. A lead that does not book goes all 30 days without.
    It is the difference of two areas over the curves of cumulative incidence, and counts whole months of those who
    never book, so it is smaller than the days between two bookings would be.
    """
    counted = list(rows)
    ai, setter = _Side.of(counted, "ai"), _Side.of(counted, "setter")
    reason = _no_comparison(ai, setter)
    test = reason or survival.log_rank(ai.durations, setter.durations)
    sooner = reason or _days_sooner(ai, setter)
    return TimingSection(
        senders=[_sender(ai), _sender(setter)],
        horizon_days=HORIZON_DAYS,
        log_rank_p_value=test.p_value if isinstance(test, LogRank) else None,
        log_rank_refused=refusal_document(test) if isinstance(test, Refused) else None,
        days_sooner=estimate_document(sooner),
        verdict=_verdict(ai, setter, test, sooner),
        caveats=_caveats(counted, ai, setter),
        input_sha256=hash_of_rows(counted),
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """The leads of one sender, each followed for the horizon at most. After day `until` nothing is known."""

    name: Side
    durations: Durations
    weights: Ints
    incidence: Incidence | Refused
    leads: int
    booked: int
    lost: int
    until: float

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], name: Side) -> "_Side":
        own = [row for row in rows if row["sender"] == name]
        events = [_EVENTS[row["state"]] if row["hours"] <= _LAST_HOUR else survival.CENSORED for row in own]
        days = np.array([min(row["hours"], _LAST_HOUR) / 24 for row in own], dtype=np.float64)
        event, weights = np.array(events, dtype=np.int_), np.array([row["leads"] for row in own], dtype=np.int_)
        durations = Durations(days, event, weights)
        incidence = survival.cumulative_incidence(durations)
        return cls(
            name,
            durations,
            weights,
            incidence,
            leads=int(weights.sum()),
            booked=int(weights[event == survival.BOOKED].sum()),
            lost=int(weights[event == survival.LOST].sum()),
            until=0.0 if isinstance(incidence, Refused) else min(incidence.until, float(HORIZON_DAYS)),
        )

    def at(self, day: float) -> Measured | Refused:
        if isinstance(self.incidence, Refused):
            return self.incidence
        found = self.incidence.at(day)
        if isinstance(found, Refused):
            return Refused(f"None of {_OWN[self.name]} has been followed for {day:g} days yet.")
        return found

    def total(self, rows: npt.NDArray[np.bool_]) -> int:
        """Count the leads of these rows of the durations."""
        return int(self.weights[rows].sum())

    def at_risk(self, days: Floats) -> Ints:
        """How many leads were still followed, and had not ended, just before each of these days."""
        if isinstance(self.incidence, Refused):
            return np.zeros(len(days), dtype=np.int_)
        followed = np.append(self.incidence.at_risk, 0)
        return followed[np.searchsorted(self.incidence.times, days)]

    def seen_until_before(self, day: float) -> int:
        """Leads that are open and have not been followed for so long."""
        return self.total((self.durations.days < day) & (self.durations.event == survival.CENSORED))


def _sender(side: _Side) -> SenderTiming:
    at_risk = side.at_risk(np.array(DAYS, dtype=np.float64)).tolist()
    return SenderTiming(
        sender=side.name,
        leads=side.leads,
        booked=side.booked,
        lost=side.lost,
        open=side.leads - side.booked - side.lost,
        days=[
            DayDocument(day=day, estimate=estimate_document(side.at(day)), at_risk=followed)
            for day, followed in zip(DAYS, at_risk, strict=True)
        ],
        curve=[] if isinstance(side.incidence, Refused) else _curve(side, side.incidence),
        refused=refusal_document(side.incidence) if isinstance(side.incidence, Refused) else None,
    )


def _curve(side: _Side, incidence: Incidence) -> list[IncidencePoint]:
    """The curve at each quarter of a day by which it or its band has moved, and at the last day that is known."""
    quarters = np.arange(math.floor(side.until * _POINTS_A_DAY) + 1) / _POINTS_A_DAY
    days = np.union1d(quarters, [side.until])
    place = np.searchsorted(incidence.times, days, side="right") - 1
    lines = np.array([incidence.value[place], incidence.low[place], incidence.high[place]])
    moved = np.append(True, (np.diff(lines) != 0).any(axis=0))
    moved[-1] = True
    return [
        IncidencePoint(day=day, value=value, low=low, high=high, at_risk=at_risk)
        for day, (value, low, high), at_risk in zip(
            days[moved].tolist(), lines.T[moved].tolist(), side.at_risk(days[moved]).tolist(), strict=True
        )
    ]


def _no_comparison(ai: _Side, setter: _Side) -> Refused | None:
    """Return why the two sides cannot be compared at all, where they cannot."""
    if not ai.leads and not setter.leads:
        return Refused("No lead got a first message in the window that it could have booked after.")
    for side in (ai, setter):
        if not side.leads:
            return Refused(
                f"There are no leads to whom {_WRITER[side.name]} wrote first: there is nothing to compare."
            )
    booked = ai.booked + setter.booked
    if not booked:
        return Refused(f"Nobody has booked within {HORIZON_DAYS} days of the first message yet.")
    expected = _expected_of_ai(ai, setter)
    if booked < 2 * _EXPECTED:
        return Refused(
            f"Only {leads_text(booked)} {'has' if booked == 1 else 'have'} booked within {HORIZON_DAYS} days of the"
            " first message: too few to compare how soon."
        )
    if min(expected, booked - expected) < _EXPECTED:
        few: Side = "ai" if expected < _EXPECTED else "setter"
        return Refused(
            f"{_at_start(_OWN[few])} are too few, or were followed too briefly, to compare how soon they book."
        )
    return None


def _expected_of_ai(ai: _Side, setter: _Side) -> float:
    """How many of all bookings AI's leads would have made at equal pace, by who was at risk at each of them."""
    expected = 0.0
    for side in (ai, setter):
        booked = side.durations.event == survival.BOOKED
        days, leads = side.durations.days[booked], side.weights[booked]
        of_ai, of_setters = ai.at_risk(days), setter.at_risk(days)
        expected += float((leads * of_ai / (of_ai + of_setters)).sum())
    return expected


def _days_sooner(ai: _Side, setter: _Side, days: float = HORIZON_DAYS) -> Measured | Refused:
    if not days:
        return Refused("No lead has been followed for any time yet.")
    for side in (ai, setter):
        if side.until < days:
            return Refused(f"None of {_OWN[side.name]} has been followed for {days:g} days yet.")
        if not side.booked:
            return Refused(f"None of {_OWN[side.name]} has booked: a mean of days has no interval then.")
    return survival.restricted_mean_difference(setter.durations, ai.durations, days)


def _verdict(ai: _Side, setter: _Side, test: LogRank | Refused, sooner: Measured | Refused) -> str:
    """Say whose leads book sooner, where the test of the pace and the days on average both tell it."""
    if isinstance(test, Refused):
        settled = ai.leads and setter.leads
        return f"{'Not enough data yet' if settled else 'No comparison'}. {test.reason}"
    more = ai.booked - _expected_of_ai(ai, setter)
    # Until the horizon is reached, the days that both were followed for must bear the test out.
    seen = sooner if isinstance(sooner, Measured) else _days_sooner(ai, setter, min(ai.until, setter.until))
    agree = isinstance(seen, Refused) or (seen.low > 0 and more > 0) or (seen.high < 0 and more < 0)
    if test.p_value <= _ALPHA and agree:
        sentence = _claim("ai" if more > 0 else "setter", test, sooner)
    elif test.p_value <= _ALPHA or (isinstance(sooner, Measured) and not sooner.low <= 0 <= sooner.high):
        sentence = (
            "Whose leads booked sooner or more often cannot be told: the test of their pace"
            f" ({_p_text(test.p_value)}) and the days spent without a booking{_range(sooner)} do not agree."
        )
    else:
        sentence = (
            "No difference in how soon or how often the leads of AI and of setters booked can be told"
            f"{_range(sooner)}."
        )
    return " ".join([sentence, *_shares(ai, setter)])


def _claim(ahead: Side, test: LogRank, sooner: Measured | Refused) -> str:
    claim = f"{_at_start(_OWN[ahead])} booked sooner or more often than {_OWN[_OTHER[ahead]]}"
    unadjusted = "This is not adjusted for who got which lead."
    if isinstance(sooner, Refused):
        why = f"{sooner.reason[0].lower()}{sooner.reason[1:]}"
        days = f"How many days that makes cannot be said: {why}"
        return f"{claim} (log-rank test: {_p_text(test.p_value)}). {unadjusted} {days}"
    low, high = sorted((abs(sooner.low), abs(sooner.high)))
    interval = f"{rate_text(sooner.confidence, 0)}: {days_text(low)} to {days_text(high)}"
    days = f"of the first {HORIZON_DAYS} days they spent {days_text(sooner.value)} fewer without a booking on average"
    return f"{claim}: {days} ({interval}). {unadjusted}"


def _range(sooner: Measured | Refused) -> str:
    """The interval of the days in words: from which side's lead to which it reaches."""
    if isinstance(sooner, Refused):
        return ""
    ends = [
        "no difference"
        if not end
        else f"{days_text(end)} days fewer without a booking for {_OWN['ai' if end > 0 else 'setter']}"
        for end in (sooner.low, sooner.high)
    ]
    return f" ({rate_text(sooner.confidence, 0)}, of the first {HORIZON_DAYS} days: from {ends[0]} to {ends[1]})"


def _shares(ai: _Side, setter: _Side) -> list[str]:
    """The shares booked by the last of the days that are asked for, or else the last day, that both sides have."""
    for day in (*reversed(DAYS), math.floor(min(ai.until, setter.until))):
        first, second = ai.at(day), setter.at(day)
        if day and isinstance(first, Measured) and isinstance(second, Measured):
            first_side = f"{_share(first)} of AI's {leads_text(ai.leads)}"
            other_side = f"{_share(second)} of the setters' {count_text(setter.leads)}"
            return [f"By day {day}, an estimated {first_side} and {other_side} had booked."]
    return []


def _share(rate: Measured) -> str:
    return f"{rate_text(rate.value)} ({rate_text(rate.confidence, 0)}: {interval_text(rate.low, rate.high)})"


def _caveats(rows: Sequence[Mapping[str, Any]], ai: _Side, setter: _Side) -> list[str]:
    found = [NOT_ADJUSTED] if ai.leads and setter.leads else []
    for side in (ai, setter):
        for day, few in zip(DAYS, side.at_risk(np.array(DAYS, dtype=np.float64)).tolist(), strict=True):
            if isinstance(side.at(day), Measured) and side.seen_until_before(day) and few < _FEW_AT_RISK:
                found.append(
                    f"Only {count_text(few)} of {_OWN[side.name]} {'was' if few == 1 else 'were'} still followed on"
                    f" day {day}: the share booked by then can change much."
                )
    booked = ai.booked + setter.booked
    at_once = sum(
        side.total((side.durations.event == survival.BOOKED) & (side.durations.days <= 1 / 24))
        for side in (ai, setter)
    )
    if booked and at_once > booked / 2:
        found.append(
            "Most of those who booked did so within an hour. Shorter times are not told apart here, so this is about"
            " how many booked rather than how soon."
        )
    lost = ai.lost + setter.lost
    if lost:
        found.append(
            f"{leads_text(lost)} opted out and count{'s' if lost == 1 else ''} as lost from the last message on: when"
            " they opted out is not known."
        )
    for state, words in _LEFT_OUT.items():
        left_out = sum(int(row["leads"]) for row in rows if row["state"] == state)
        if left_out:
            found.append(f"Left out here: {leads_text(left_out)} {words}.")
    return found


def _at_start(words: str) -> str:
    return words[0].upper() + words[1:]


def _p_text(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
