"""Time to booking, as page and terminal show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from setpoint.domain.measured import Refused
from setpoint.reports.definitions import SENDER_LABELS
from setpoint.reports.presentation import (
    count_text,
    days_text,
    estimate_of,
    interval_text,
    label_of,
    p_text,
    rate_text,
    refusal_of,
    refusal_text,
)
from setpoint.reports.schemas import SenderTiming, TimingSection


@dataclass(frozen=True, slots=True)
class DayLine:
    """The share of one sender's leads booked by a day. `value` is empty where there is none: see `interval`."""

    sender: str
    value: str
    interval: str
    at_risk: str


@dataclass(frozen=True, slots=True)
class TimingView:
    """What the curves come to: the verdict, the lines by day, and the leads behind them."""

    verdict: str
    days: Sequence[tuple[int, Sequence[DayLine]]]
    leads: Sequence[SenderTiming]
    difference: str
    caveats: Sequence[str]


def timing_view(section: TimingSection | None, digits: int) -> TimingView | None:
    """Arrange the `timing` of a report, or None where the report has none."""
    if section is None:
        return None
    asked = sorted({day["day"] for sender in section["senders"] for day in sender["days"]})
    return TimingView(
        section["verdict"],
        [(day, [_line(sender, day, digits) for sender in section["senders"]]) for day in asked],
        section["senders"],
        _difference(section),
        section["caveats"],
    )


def _line(sender: SenderTiming, day: int, digits: int) -> DayLine:
    label = label_of(SENDER_LABELS, sender["sender"])
    found = next((held for held in sender["days"] if held["day"] == day), None)
    if found is None:
        return DayLine(label, "", refusal_text(refusal_of(sender["refused"])), "")
    estimate = estimate_of(found["estimate"])
    at_risk = count_text(found["at_risk"])
    if isinstance(estimate, Refused):
        return DayLine(label, "", refusal_text(estimate), at_risk)
    return DayLine(
        label, rate_text(estimate.value, digits), interval_text(estimate.low, estimate.high, digits), at_risk
    )


def days_sentence(section: TimingSection) -> str:
    """How many days more or fewer AI's leads went without a booking, or why that cannot be said."""
    sooner = estimate_of(section["days_sooner"])
    if isinstance(sooner, Refused):
        return f"How many days more or fewer without a booking: {refusal_text(sooner)}"
    start, level = f"Of the first {section['horizon_days']} days AI's leads spent", rate_text(sooner.confidence, 0)
    than = "without a booking than the setters' on average"
    if sooner.low <= 0 <= sooner.high:
        ends = f"{_more_or_fewer(sooner.low)} and {_more_or_fewer(sooner.high)}"
        return f"{start} between {ends} {than} ({level}): a difference cannot be told."
    low, high = (days_text(end) for end in sorted((sooner.low, sooner.high), key=abs))
    return f"{start} {_more_or_fewer(sooner.value)} {than} ({level}: {low} to {high} days)."


def _more_or_fewer(sooner: float) -> str:
    if not sooner:
        return "as many days"
    return f"{days_text(sooner)} days {'fewer' if sooner > 0 else 'more'}"


def _difference(section: TimingSection) -> str:
    """How many days more or fewer without a booking, and the test of the curves, as far as they are told."""
    sooner = estimate_of(section["days_sooner"])
    texts = []
    if isinstance(sooner, Refused) or not sooner.low <= 0 <= sooner.high:
        texts.append(days_sentence(section))
    if section["log_rank_p_value"] is not None:
        p = p_text(section["log_rank_p_value"])
        texts.append(f"Whether the curves differ at all: log-rank p {p if p.startswith('<') else '= ' + p}.")
    elif section["log_rank_refused"] and section["log_rank_refused"]["reason"] not in " ".join(texts):
        texts.append(f"Whether the curves differ: {section['log_rank_refused']['reason']}")
    return " ".join(texts)
