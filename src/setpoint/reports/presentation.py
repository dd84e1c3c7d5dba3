"""What every rendering of a report shares: numbers as text, and segments arranged for a reader.

The report document is a plain mapping. The chart, the page and the terminal arrange it through this module,
so that the same number is written and ordered the same way in all of them.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from setpoint.datasets.plain_text import visible
from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Channel, Disposition, Sender
from setpoint.reports.definitions import (
    CHANNEL_LABELS,
    DISPOSITION_LABELS,
    RESPONSE_MODE_LABELS,
    SENDER_LABELS,
)
from setpoint.reports.schemas import EstimateDocument, IntervalDocument, LadderStep, RefusalDocument
from setpoint.stats.proportions import wilson

Segment = Mapping[str, Any]

# Halves of characters and what is none: no file can hold them.
_UNWRITABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")
_HASHED = {
    "adjustment": "AI against setters, adjusted",
    "timing": "Time to booking",
    "trend": "Booking rate by week",
    "patterns": "Patterns of messages",
    "synthesis": "What to do",
}
_CHANNELS = [channel.value for channel in Channel]
_SENDERS = [sender.value for sender in Sender]
_DISPOSITIONS = [*(disposition.value for disposition in Disposition), ""]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: leads by outcome, and their booking rate. A part belongs to the whole above it."""

    label: str
    booked: int
    not_booked: int
    pending: int
    rate: Measured | Refused
    is_part: bool = False
    key: str = ""

    @property
    def mature(self) -> int:
        """Leads whose outcome is settled, the denominator of the rate."""
        return self.booked + self.not_booked


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one heading."""

    label: str
    rows: Sequence[Row]
    key: str = ""

    @property
    def wholes(self) -> list[Row]:
        """The rows that are no parts."""
        return [row for row in self.rows if not row.is_part]


def arrange_by_channel(segments: Iterable[Segment]) -> list[Group]:
    """Arrange segments by channel and sender, AI first, each with one part a disposition.

    A sender without any disposition has no parts. The rate of a whole is taken of the summed counts.
    """
    return [
        Group(
            label_of(CHANNEL_LABELS, channel),
            [
                row
                for sender, of_sender in _split(in_channel, "sender", _SENDERS)
                for row in _whole_and_parts(sender, of_sender)
            ],
            channel,
        )
        for channel, in_channel in _split(segments, "channel", _CHANNELS)
    ]


def arrange_by_response_mode(segments: Iterable[Segment]) -> list[Group]:
    """Arrange segments by the response mode of the campaign and channel; dispositions add up.

    AI and setters stand side by side within one mode and channel and are never summed over channels, which
    would mix up what the sender does with what the channel does.
    """
    return [
        Group(
            f"{label_of(RESPONSE_MODE_LABELS, mode)} · {label_of(CHANNEL_LABELS, channel)}",
            [
                _sum(label_of(SENDER_LABELS, sender), of_sender)
                for sender, of_sender in _split(in_channel, "sender", _SENDERS)
            ],
        )
        for mode, in_mode in _split(segments, "response_mode", list(RESPONSE_MODE_LABELS))
        for channel, in_channel in _split(in_mode, "channel", _CHANNELS)
    ]


def _whole_and_parts(sender: str, segments: Sequence[Segment]) -> list[Row]:
    parts = _split(segments, "disposition", _DISPOSITIONS)
    whole = replace(_sum(label_of(SENDER_LABELS, sender), segments), key=sender)
    if [disposition for disposition, _ in parts] == [""]:
        return [whole]
    return [
        whole,
        *(_sum(label_of(DISPOSITION_LABELS, disposition), part, is_part=True) for disposition, part in parts),
    ]


def _split(segments: Iterable[Segment], field: str, order: Sequence[str]) -> list[tuple[str, list[Segment]]]:
    """Split segments by a field, in the given order of its values; unknown values come last."""
    held = list(segments)
    values = {str(s[field]) for s in held}
    known = [value for value in order if value in values]
    return [(v, [s for s in held if s[field] == v]) for v in known + sorted(values.difference(known))]


def _sum(label: str, segments: Sequence[Segment], is_part: bool = False) -> Row:
    booked, not_booked, pending = (
        sum(int(s[name]) for s in segments) for name in ("booked", "not_booked", "pending")
    )
    rate = wilson(booked, booked + not_booked)
    return Row(label, booked, not_booked, pending, rate, is_part)


def input_hashes(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The sections of a report, and the hash of what each was made from; in words where there is none."""
    return [
        (label, document[name]["input_sha256"] or "none kept")
        for name, label in _HASHED.items()
        if document.get(name) and "input_sha256" in document[name]
    ]


def readable(document: Any) -> Any:
    """The document without characters that nobody sees: they could give orders to a terminal, or break a picture."""
    if isinstance(document, str):
        return _UNWRITABLE.sub("\ufffd", visible(document))
    if isinstance(document, Mapping):
        return {readable(key): readable(value) for key, value in document.items()}
    if isinstance(document, list):
        return [readable(value) for value in document]
    return document


def anchor(*names: str) -> str:
    """The address of a part of the page: lower case, with dashes for all that is no letter, digit or underscore."""
    return re.sub(r"[^a-z0-9_]+", "-", "-".join(names).lower()).strip("-")


def channel_verdicts(comparison: Mapping[str, Any]) -> list[str]:
    """Return the verdicts by channel where they add to the overall one.

    They do not when there is one channel only, or when nothing at all can be compared.
    """
    refused = comparison["overall"]["refused"]
    if len(comparison["by_channel"]) < 2 or (refused and refused["needed"] is None):
        return []
    return [line["verdict"] for line in comparison["by_channel"]]


def label_of(labels: Mapping[str, str], value: str) -> str:
    """Return the label of a value; one that a later version may have brought is shown as it is."""
    return labels.get(value, value)


def labelled(labels: Mapping[str, str], counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Counts with their labels, in the labels' order: a document that was stored has lost its own."""
    known = [value for value in labels if value in counts]
    return [(label_of(labels, value), counts[value]) for value in [*known, *sorted(counts.keys() - labels.keys())]]


def count_text(count: int) -> str:
    """`1234` as `1,234`."""
    return f"{count:,}"


def leads_text(count: int, kind: str = "") -> str:
    """`1 mature lead`, `1,234 mature leads`."""
    return f"{count_text(count)} {kind + ' ' if kind else ''}{'lead' if count == 1 else 'leads'}"


def rests_on_text(step: LadderStep) -> str:
    """What an estimate rests on: `1,234 leads`, `no leads`."""
    return f"{'no' if step['n'] is None else count_text(step['n'])} {step['unit']}"


def rate_text(rate: float, digits: int = 1) -> str:
    """A fraction as a percentage: `0.1234` as `12.3%`."""
    return f"{rate * 100:.{digits}f}%"


def interval_text(low: float, high: float, digits: int = 1) -> str:
    """An interval of fractions in percent: `9.8 to 15.6%`."""
    return f"{low * 100:.{digits}f} to {high * 100:.{digits}f}%"


def rate_digits(document: Mapping[str, Any]) -> int:
    """Return the decimals of percentages in this report: one, or two where rates are all small (below 2%)."""
    segments = [*document["cross_channel"], *document["within_channel"]]
    rates = [s["rate"] for s in segments if s["rate"] is not None]
    return 2 if 0 < max(rates, default=0) < 0.02 else 1


def points_digits(*fractions: float) -> int:
    """Return the decimals with which none of these differences, in points, rounds to zero."""
    points = [abs(fraction * 100) for fraction in fractions if fraction]
    return 2 if points and min(points) < 0.1 else 1


def points_text(fraction: float, digits: int = 1) -> str:
    """The size of a difference in percentage points, without its sign: `-0.021` as `2.1`."""
    return f"{abs(fraction) * 100:.{digits}f}"


def signed_points_text(fraction: float, digits: int = 1) -> str:
    """A difference in percentage points with its sign, a true minus where it is negative: `+2.1`."""
    text = points_text(fraction, digits)
    if not float(text):
        return text
    return ("+" if fraction > 0 else "\u2212") + text


def days_text(days: float) -> str:
    """The size of a number of days with as many decimals as it takes not to look like none: `1.2`, `0.04`."""
    size = abs(days)
    return f"{size:.1f}" if size >= 0.1 else f"{size:.2g}"


def estimate_of(estimate: EstimateDocument) -> Measured | Refused:
    """The estimate that a document holds."""
    measured = estimate["measured"]
    return measured_of(measured) if measured else refusal_of(estimate["refused"])


def measured_of(interval: IntervalDocument) -> Measured:
    """The number and interval that a document holds."""
    return Measured(interval["value"], interval["low"], interval["high"], interval["confidence"])


def refusal_of(refusal: RefusalDocument | None) -> Refused:
    """The refusal that a document holds."""
    return Refused(refusal["reason"], refusal["needed"]) if refusal else Refused("It was not computed.")


def refusal_text(refused: Refused) -> str:
    """Why there is no number, and what would bring one."""
    if not refused.needed:
        return refused.reason
    return f"{refused.reason} About {count_text(about(refused.needed))} more are needed."


def difference_texts(measured: Measured) -> tuple[str, str]:
    """A difference in percentage points and its interval: `+2.1` and `+0.4 to +3.9`."""
    digits = points_digits(measured.value, measured.low, measured.high)
    low, high = (signed_points_text(bound, digits) for bound in (measured.low, measured.high))
    return signed_points_text(measured.value, digits), f"{low} to {high}"


def p_text(p: float) -> str:
    """A p-value or q-value with three decimals: `0.012`, `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def about(count: int) -> int:
    """Round up to two significant digits: a forecast is not more exact than that."""
    if count < 100:
        return count
    step: int = 10 ** (int(math.log10(count)) - 1)
    return -(-count // step) * step


def instant_text(instant: str) -> str:
    """`2026-01-31T00:00:00Z` as `2026-01-31`, any other time of the day as `2026-01-31 14:05 UTC`."""
    day, _, time = instant.partition("T")
    clock = time.removesuffix("Z").removesuffix(":00")
    return day if clock in ("", "00:00") else f"{day} {clock} UTC"


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"
