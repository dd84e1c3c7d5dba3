"""The verdicts of a comparison in words, which claim no more than the numbers can.

A crude difference over all leads can be made by the channels alone (Simpson's paradox). Before it is named
it is held against the channels: when a channel on its own says the opposite, when with the channel held equal
the sign turns, or when the difference is then no longer told from zero, no winner is named.
"""

from collections.abc import Mapping, Sequence

from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Channel
from setpoint.reports.contest import Contest, Demands, Missing, Side
from setpoint.reports.definitions import CHANNEL_LABELS, CHANNEL_PHRASES
from setpoint.reports.presentation import (
    about,
    count_text,
    listed,
    points_digits,
    points_text,
    rate_text,
)
from setpoint.stats.proportions import Stratum, minimum_detectable_difference
from setpoint.stats.stratified import mantel_haenszel_difference

Contests = Mapping[Channel, Contest]

CRUDE_CAVEAT = (
    "This is a first, crude comparison. It is not adjusted for who got which lead, so it does not show that "
    "the same leads would have booked more with the other sender."
)

_DOER = {"ai": "AI books", "setter": "setters book"}
_THAN = {"ai": "setters", "setter": "AI"}
_OWNER = {"ai": "AI's", "setter": "the setters'"}
_OTHER: Mapping[Side, Side] = {"ai": "setter", "setter": "ai"}


def channel_verdict(contest: Contest, channel: Channel, demands: Demands) -> str:
    """Say who books more in one channel, or that it cannot be told and what is missing."""
    return _verdict(contest, demands, " " + CHANNEL_PHRASES[channel])


def overall_verdict(overall: Contest, channels: Contests, demands: Demands) -> str:
    """Say who books more, unless the channels contradict it."""
    if overall.is_two_sided and not _shared(channels):
        return f"No comparison. {different_channels().reason}"
    if overall.winner is None or isinstance(overall.outcome, Refused):
        verdict = _verdict(overall, demands, "")
        told = [
            f"{_DOER[contest.winner]} more {CHANNEL_PHRASES[channel]}"
            for channel, contest in channels.items()
            if contest.winner
        ]
        if told:
            return f"{verdict} By channel it can be told: {listed(told)}."
        hidden = None if isinstance(overall.outcome, Refused) else _hidden_winner(channels, demands)
        if hidden:
            return f"{verdict} With the channel held equal, though, {_OWNER[hidden]} rate is the higher one."
        return verdict

    doubt = _doubt(overall.winner, channels, demands)
    if doubt is None:
        return f"{_claim(overall.winner, overall.outcome, '')}, not adjusted for who got which lead."
    size, interval = _size_and_interval(overall.outcome)
    return (
        f"No overall winner can be named. All channels together {_OWNER[overall.winner]} rate is {size} "
        f"points higher {interval}, but {doubt}. Read it by channel."
    )


def different_channels() -> Refused:
    """Return the refusal for two sides that never worked in the same channel."""
    return Refused("AI and setters did not work in the same channel: sender and channel cannot be told apart.")


def caveats(overall: Contest, channels: Contests, demands: Demands) -> list[str]:
    """List what a reader must know besides the verdicts, the most important first."""
    # Two sides that share no channel are not compared at all, and then there is nothing crude about it.
    found = [CRUDE_CAVEAT] if _shared(channels) else []
    mix = _mix(channels, demands)
    if mix:
        found.append(mix)
    if overall.leader and isinstance(overall.outcome, Measured):
        against = _led_by(_OTHER[overall.leader], channels)
        if against and (overall.winner is None or _doubt(overall.winner, channels, demands) is None):
            owner = _OWNER[_OTHER[overall.leader]]
            found.append(
                f"The channels do not all agree with the total: {owner} observed rate is the higher one "
                f"{listed(against)}."
            )
    if any(contest.winner for contest in channels.values()) and len(_shared(channels)) > 1:
        found.append(
            f"Several channels are compared at once, each at {rate_text(demands.confidence, 0)}: a single "
            "narrow win among them can be chance."
        )
    return found


def disagreement(across: Contest, within: Contest) -> Side | None:
    """Return who is ahead by the within-channel attribution, where the cross-channel one has the other ahead.

    None where they agree, and where neither difference can be told: then which is ahead says nothing.
    """
    told = across.winner is not None or within.winner is not None
    return within.leader if told and across.leader and within.leader == _OTHER[across.leader] else None


def by_attribution(verdict: str, ahead: Side) -> str:
    """Add to a verdict that it is by the cross-channel attribution, where the within-channel one disagrees."""
    return (
        f"{verdict} This is by the cross-channel attribution; by the within-channel one {_OWNER[ahead]} rate is the "
        "higher one."
    )


def attribution_caveat(places: Sequence[str]) -> str:
    """Return what a reader must know where the two attributions disagree about who is ahead."""
    return (
        f"The two attributions do not agree about who is ahead {listed(places)}. A lead that got messages in several "
        "channels is credited to the last one across channels, and to the last one of each channel within them: who "
        "comes last, and in which channel, decides."
    )


def _verdict(contest: Contest, demands: Demands, place: str) -> str:
    outcome = contest.outcome
    if isinstance(outcome, Refused):
        if contest.missing:
            return f"Not enough data yet{place}: {_missing_text(contest.missing)}"
        one_sided = (contest.ai.n > 0) != (contest.setter.n > 0)
        return f"{'No comparison' if one_sided else 'Not enough data yet'}{place}. {outcome.reason}"
    if contest.winner:
        return f"{_claim(contest.winner, outcome, place)}."
    verdict = (
        f"No difference between AI and setters can be told{place} ({rate_text(outcome.confidence, 0)}: from "
        f"{_side_text(outcome.low, outcome)} to {_side_text(outcome.high, outcome)})."
    )
    visible = minimum_detectable_difference(
        contest.ai.n, contest.setter.n, contest.rate, demands.power, demands.alpha
    )
    if isinstance(visible, Refused):
        return verdict
    size = points_text(visible, points_digits(visible))
    return f"{verdict} A difference of {size} points or more would probably have shown."


def _claim(winner: Side, outcome: Measured, place: str) -> str:
    size, interval = _size_and_interval(outcome)
    doer = _DOER[winner]
    return f"{doer[0].upper()}{doer[1:]} {size} points more than {_THAN[winner]}{place} {interval}"


def _size_and_interval(outcome: Measured) -> tuple[str, str]:
    """Write a told difference from the side of the winner, both bounds without a sign."""
    digits = points_digits(outcome.value, outcome.low, outcome.high)
    bounds = sorted((abs(outcome.low), abs(outcome.high)))
    low, high = (points_text(bound, digits) for bound in bounds)
    return points_text(outcome.value, digits), f"({rate_text(outcome.confidence, 0)}: {low} to {high})"


def _side_text(bound: float, outcome: Measured) -> str:
    if bound == 0:
        return "no difference"
    size = points_text(bound, points_digits(outcome.low, outcome.high))
    return f"{size} points more by {'AI' if bound > 0 else 'setters'}"


def _missing_text(missing: Missing) -> str:
    # The smaller part is rounded, the larger is what the rounded total leaves, so that the three add up.
    total = about(missing.ai + missing.setter)
    smaller = about(min(missing.ai, missing.setter))
    ai, setter = (smaller, total - smaller) if missing.ai <= missing.setter else (total - smaller, smaller)
    text = f"about {count_text(total)} more mature {'lead is' if total == 1 else 'leads are'} needed"
    if not missing.ai or not missing.setter:
        return f"{text}, from {'AI' if missing.ai else 'setters'}."
    return f"{text}, {count_text(ai)} from AI and {count_text(setter)} from setters."


def _shared(channels: Contests) -> list[Channel]:
    return [channel for channel, contest in channels.items() if contest.is_two_sided]


def _led_by(side: Side, channels: Contests) -> list[str]:
    return [CHANNEL_PHRASES[channel] for channel, contest in channels.items() if contest.leader == side]


def _doubt(winner: Side, channels: Contests, demands: Demands) -> str | None:
    """Return what the channels say against the crude winner, or None when they bear it out."""
    if len(channels) < 2:
        return None
    held_equal = _with_channel_held_equal(channels, demands)
    other = _OTHER[winner]
    turned = not isinstance(held_equal, Refused) and (held_equal.value < 0) == (winner == "ai")
    # Where both book alike in every channel, nobody leads any and the sign is that of nothing.
    against = _led_by(other, channels)
    if against and (turned or any(contest.winner == other for contest in channels.values())):
        return f"{_OWNER[other]} is the higher one {listed(against)}"
    if isinstance(held_equal, Refused) or held_equal.low <= 0 <= held_equal.high:
        return "with the channel held equal the difference cannot be told from zero"
    return None


def _hidden_winner(channels: Contests, demands: Demands) -> Side | None:
    """Return who books more with the channel held equal, where that is told apart from zero."""
    held_equal = _with_channel_held_equal(channels, demands)
    if len(channels) < 2 or isinstance(held_equal, Refused) or held_equal.low <= 0 <= held_equal.high:
        return None
    return "ai" if held_equal.value > 0 else "setter"


def _with_channel_held_equal(channels: Contests, demands: Demands) -> Measured | Refused:
    return mantel_haenszel_difference(
        [
            Stratum(contest.ai.booked, contest.ai.n, contest.setter.booked, contest.setter.n)
            for contest in channels.values()
        ],
        demands.confidence,
    )


def _mix(channels: Contests, demands: Demands) -> str | None:
    """Say that the two sides work in different channels, by the channel in which they differ most."""
    ai = sum(contest.ai.n for contest in channels.values())
    setter = sum(contest.setter.n for contest in channels.values())
    if not ai or not setter:
        return None
    shares = {c: (contest.ai.n / ai, contest.setter.n / setter) for c, contest in channels.items()}
    if sum(abs(a - s) for a, s in shares.values()) / 2 < demands.mix:
        return None
    channel, (of_ai, of_setter) = max(shares.items(), key=lambda item: abs(item[1][0] - item[1][1]))
    return (
        f"AI and setters work in different channels: {CHANNEL_LABELS[channel]} is {rate_text(of_ai, 0)} of "
        f"AI's mature leads and {rate_text(of_setter, 0)} of the setters'. A difference of the channels can "
        "look like one of the senders."
    )
