"""Time to booking, as page and terminal show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from setpoint.domain.measured import Refused
from setpoint.reports.definitions import SENDER_LABELS
from setpoint.reports.presentation import (
    count_text,
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


def _difference(section: TimingSection) -> str:
    """How many days sooner, and the test of the curves, as far as there are any."""
    sooner = estimate_of(section["days_sooner"])
    texts = []
    if isinstance(sooner, Refused):
        texts.append(f"How many days sooner: {refusal_text(sooner)}")
    else:
        who = "AI's leads" if sooner.value >= 0 else "The setters' leads"
        low, high = sorted((sooner.low, sooner.high) if sooner.value >= 0 else (-sooner.low, -sooner.high))
        texts.append(
            f"{who} book {abs(sooner.value):.1f} days sooner, averaged over the first {section['horizon_days']} days "
            f"(95%: {_signed(low)} to {_signed(high)})."
        )
    if section["log_rank_p_value"] is not None:
        p = p_text(section["log_rank_p_value"])
        texts.append(f"Whether the curves differ at all: log-rank p {p if p.startswith('<') else '= ' + p}.")
    elif section["log_rank_refused"] and section["log_rank_refused"]["reason"] not in texts[0]:
        texts.append(f"Whether the curves differ: {section['log_rank_refused']['reason']}")
    return " ".join(texts)


def _signed(days: float) -> str:
    text = f"{abs(days):.1f}"
    return f"\u2212{text}" if days < 0 and float(text) else text
