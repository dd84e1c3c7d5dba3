"""The booking rate from week to week, as page and terminal show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Sender
from setpoint.reports.definitions import SENDER_LABELS
from setpoint.reports.presentation import count_text, estimate_of, interval_text, label_of, rate_text


@dataclass(frozen=True, slots=True)
class WeekLine:
    """The leads of one sender who were first written to in one week."""

    start: str
    sender: str
    booked: int
    not_booked: int
    pending: int
    rate: Measured | Refused
    immature: bool
    digits: int

    @property
    def label_of_sender(self) -> str:
        """The sender in the word that is used everywhere."""
        return label_of(SENDER_LABELS, self.sender)

    @property
    def spoken(self) -> str:
        """Rate, counts and interval in one breath."""
        if isinstance(self.rate, Refused):
            return "no mature lead"
        return (
            f"{rate_text(self.rate.value, self.digits)}, {count_text(self.booked)} of "
            f"{count_text(self.booked + self.not_booked)}, "
            f"interval {interval_text(self.rate.low, self.rate.high, self.digits)}"
        )


@dataclass(frozen=True, slots=True)
class TrendView:
    """What the weeks come to, and the weeks by sender, AI first."""

    verdict: str
    caveats: Sequence[str]
    senders: Sequence[tuple[str, Sequence[WeekLine]]]

    @property
    def weeks(self) -> list[tuple[str, bool, list[WeekLine | None]]]:
        """Each week with whether it is too young to be read, and its line of every sender, where there is one."""
        starts = sorted({line.start for line in self.lines})
        found = {(line.start, label): line for label, lines in self.senders for line in lines}
        return [
            (
                start,
                any(line.immature for line in self.lines if line.start == start),
                [found.get((start, label)) for label, _ in self.senders],
            )
            for start in starts
        ]

    @property
    def lines(self) -> list[WeekLine]:
        """All weeks of all senders."""
        return [line for _, lines in self.senders for line in lines]


def trend_view(section: Mapping[str, Any] | None, digits: int) -> TrendView | None:
    """Arrange the `trend` of a report by sender, or None where the report has none."""
    if section is None:
        return None
    lines = [
        WeekLine(
            start=week["start"],
            sender=week["sender"],
            booked=week["booked"],
            not_booked=week["not_booked"],
            pending=week["pending"],
            rate=estimate_of(week["estimate"]),
            immature=week["immature"],
            digits=digits,
        )
        for week in section["weeks"]
    ]
    by_sender = [
        (
            SENDER_LABELS[sender],
            sorted((line for line in lines if line.sender == sender), key=lambda line: line.start),
        )
        for sender in Sender
    ]
    return TrendView(section["verdict"], section["caveats"], [held for held in by_sender if held[1]])
