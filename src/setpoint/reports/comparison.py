"""Setter against AI: the `comparison` of a report, for all leads together and for each channel.

A first, crude comparison. `contest` decides what can be told, `verdicts` says it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Channel, Sender
from setpoint.reports.contest import Arm, Contest, Demands, Side, decide
from setpoint.reports.definitions import CHANNEL_PHRASES
from setpoint.reports.verdicts import (
    attribution_caveat,
    by_attribution,
    caveats,
    channel_verdict,
    different_channels,
    disagreement,
    overall_verdict,
)
from setpoint.stats.proportions import wilson


@dataclass(frozen=True, slots=True)
class Cell:
    """Mature leads of one sender in one channel; ambiguous ones are left out."""

    channel: Channel
    sender: Sender
    booked: int
    not_booked: int


class ArmDocument(TypedDict):
    """One side of a comparison; the rate and its interval are null without mature leads."""

    booked: int
    not_booked: int
    n: int
    rate: float | None
    low: float | None
    high: float | None


class DifferenceDocument(TypedDict):
    """AI's rate minus the setters', as fractions."""

    value: float
    low: float
    high: float
    confidence: float


class RefusalDocument(TypedDict):
    """Why there is no number, and how many mature leads are missing where that is known."""

    reason: str
    needed: int | None


class ComparisonDocument(TypedDict):
    """The two arms, either a difference or a refusal but never both, and what that means."""

    ai: ArmDocument
    setter: ArmDocument
    difference: DifferenceDocument | None
    refused: RefusalDocument | None
    verdict: str


class ChannelComparisonDocument(ComparisonDocument):
    """A comparison within one channel."""

    channel: str


class ComparisonSection(TypedDict):
    """The `comparison` of a report document."""

    overall: ComparisonDocument
    by_channel: list[ChannelComparisonDocument]
    caveats: list[str]


def compare(cells: Iterable[Cell], demands: Demands | None = None, within: Iterable[Cell] = ()) -> ComparisonSection:
    """Build the comparison of setter and AI from the mature leads of the cross-channel attribution.

    Cells of the same channel and sender add up. Channels appear in the order of the vocabulary, those
    without any cell do not appear. `within` has the cells of the within-channel attribution: where they put the
    other side ahead, verdicts and caveats say so.
    """
    asked = demands or Demands()
    overall, channels = _contests(list(cells), asked)
    overall_within, channels_within = _contests(list(within), asked)
    if overall.is_two_sided and not any(contest.is_two_sided for contest in channels.values()):
        overall = replace(overall, outcome=different_channels(), missing=None)
    against = {
        channel: ahead
        for channel, contest in channels.items()
        if channel in channels_within and (ahead := disagreement(contest, channels_within[channel]))
    }
    against_overall = disagreement(overall, overall_within)
    places = (["over all channels"] if against_overall else []) + [CHANNEL_PHRASES[channel] for channel in against]

    def told(verdict: str, ahead: Side | None) -> str:
        return by_attribution(verdict, ahead) if ahead else verdict

    return ComparisonSection(
        overall=_document(overall, told(overall_verdict(overall, channels, asked), against_overall)),
        by_channel=[
            ChannelComparisonDocument(
                channel=channel.value,
                **_document(contest, told(channel_verdict(contest, channel, asked), against.get(channel))),
            )
            for channel, contest in channels.items()
        ],
        caveats=[*caveats(overall, channels, asked), *([attribution_caveat(places)] if places else [])],
    )


def _contests(cells: Sequence[Cell], demands: Demands) -> tuple[Contest, dict[Channel, Contest]]:
    """All leads together, and those of each channel that has any."""
    channels = {
        channel: _contest([cell for cell in cells if cell.channel == channel], demands)
        for channel in Channel
        if any(cell.channel == channel for cell in cells)
    }
    return _contest(cells, demands), channels


def _contest(cells: Sequence[Cell], demands: Demands) -> Contest:
    return decide(_arm(cells, Sender.AI), _arm(cells, Sender.SETTER), demands)


def _arm(cells: Sequence[Cell], sender: Sender) -> Arm:
    own = [c for c in cells if c.sender == sender]
    return Arm(sum(c.booked for c in own), sum(c.not_booked for c in own))


def _document(contest: Contest, verdict: str) -> ComparisonDocument:
    outcome = contest.outcome
    return ComparisonDocument(
        ai=_arm_document(contest.ai),
        setter=_arm_document(contest.setter),
        difference=(
            DifferenceDocument(value=outcome.value, low=outcome.low, high=outcome.high, confidence=outcome.confidence)
            if isinstance(outcome, Measured)
            else None
        ),
        refused=(
            RefusalDocument(reason=outcome.reason, needed=outcome.needed) if isinstance(outcome, Refused) else None
        ),
        verdict=verdict,
    )


def _arm_document(arm: Arm) -> ArmDocument:
    rate = wilson(arm.booked, arm.n)
    measured = rate if isinstance(rate, Measured) else None
    return ArmDocument(
        booked=arm.booked,
        not_booked=arm.not_booked,
        n=arm.n,
        rate=measured.value if measured else None,
        low=measured.low if measured else None,
        high=measured.high if measured else None,
    )
