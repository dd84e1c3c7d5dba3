"""What a finding says in words: with its numbers, and no more than they can hold."""

from collections.abc import Sequence

from setpoint.domain.measured import Measured, Refused
from setpoint.reports.presentation import (
    about,
    count_text,
    leads_text,
    listed,
    points_digits,
    points_text,
    rate_text,
)
from setpoint.reports.schemas import SideTable

NO_TEXT = (
    "Patterns are told from what messages say, and this engine works on a snapshot, which holds no text:"
    " run the report with --engine postgres."
)
NO_MESSAGES = "In this window no message went to a lead whose outcome is settled: choose an earlier or longer window."
NO_BOOKINGS = "No message of this window is credited with a booking: there is nothing to compare."
NOTHING_TESTED = "There is too little yet to test any pattern: every one needs more messages or more bookings."

_NAMES = {
    "channel": "channel",
    "sender": "sender",
    "touch": "touch",
    "wait": "time since the lead's last word",
}


def finding_sentence(
    phrase: str,
    held_equal: Sequence[str],
    difference: Measured,
    is_told: bool,
    with_it: SideTable,
    without: SideTable,
) -> str:
    """One sentence for a contrast, with its estimate, interval and counts; a second where the counts look otherwise."""
    digits = points_digits(difference.value, difference.low, difference.high)
    others = (
        f"others {'to leads who had written, ' if 'written' in held_equal else ''}of the same {_same(held_equal)}"
    )
    counts = f"{_count(with_it)} against {_count(without)}"
    level = rate_text(difference.confidence, 0)
    if not is_told:
        bounds = " to ".join(_signed(bound, digits) for bound in (difference.low, difference.high))
        return (
            f"Whether messages that {phrase} are credited with a booking more or less often than {others} cannot be"
            f" told ({level}: {bounds}; {counts})."
        )
    low, high = (points_text(bound, digits) for bound in sorted((difference.low, difference.high), key=abs))
    sentence = (
        f"Messages that {phrase} are credited with a booking {points_text(difference.value, digits)} points"
        f" {'more' if difference.value > 0 else 'less'} often than {others} ({level}: {low} to {high}; {counts})."
    )
    if _rate(with_it) != _rate(without) and (_rate(with_it) > _rate(without)) != (difference.value > 0):
        return f"{sentence} The plain counts look the other way, because they mix messages that are not alike."
    return sentence


def _same(held_equal: Sequence[str]) -> str:
    return listed([_NAMES[name] for name in held_equal if name in _NAMES])


def _count(side: SideTable) -> str:
    return f"{count_text(side['booked'])} of {count_text(side['booked'] + side['not_booked'])}"


def _rate(side: SideTable) -> float:
    return side["rate"] or 0.0


def _signed(bound: float, digits: int) -> str:
    size = points_text(bound, digits)
    return f"{size} points {'more' if bound > 0 else 'less'}" if float(size) else "no difference"


def missing_messages(refused: Refused) -> Refused:
    """A refusal of a clustered difference, whose `needed` counts messages or leads as the case may be, in words."""
    if refused.needed is None:
        return refused
    return Refused(f"{refused.reason} At least {count_text(about(refused.needed))} more are needed.")


def section_caveats(
    *,
    messages: int,
    with_text: int,
    leads: int,
    leads_in_all: int,
    look_back_days: int,
    told: int,
) -> list[str]:
    """What a reader must know besides the findings, the most important first."""
    found = [
        "A pattern says what goes with bookings, and not what would happen if you wrote differently. Whoever is about"
        " to book gets other messages: some are written when the meeting is as good as agreed.",
        "A booking is credited to the last message before it, so a pattern is about that message. What an earlier one"
        " did for it is not seen.",
        "What the lead had written, their campaign and their company are not held equal.",
        f"Touches and the lead's words are counted from {look_back_days} days before the window on.",
    ]
    if told:
        found.append(
            "Many patterns are tested at once. Those that are told are chosen so that about one in twenty of them"
            " may be chance."
        )
    if leads < leads_in_all:
        found.append(
            f"Patterns rest on a uniform sample of {leads_text(leads)} of {count_text(leads_in_all)}, drawn by a"
            " seeded hash."
        )
    if with_text < messages:
        found.append(
            f"{count_text(messages - with_text)} of {count_text(messages)} messages have no text and take part only"
            " in what is told from when they were sent."
        )
    return found
