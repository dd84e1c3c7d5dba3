"""What a finding says in words: with its numbers, and no more than they can hold."""

from collections.abc import Mapping, Sequence
from typing import Any

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
NO_MESSAGES = (
    "In this window there is no message yet to tell patterns from, one older than the maturity buffer and to a lead"
    " whose credit is clear: choose an earlier or longer window."
)
NO_BOOKINGS = "No message of this window is credited with a booking: there is nothing to compare."
NOTHING_TESTED = "There is too little yet to test any pattern: every one needs more messages or more bookings."
GOES_WITH = (
    "A pattern says what goes with bookings, and not what would happen if you wrote differently. Whoever is about to"
    " book gets other messages: some are written when the meeting is as good as agreed."
)
LAST_MESSAGE = (
    "A booking is credited to the last message before it: what an earlier one did for it is not seen, and a message"
    " that is soon followed by another has less time to be credited than the last of a sequence."
)
MANY_TESTS = (
    "Many patterns are tested at once. Those that are told are chosen so that about one in twenty of them may be"
    " chance."
)
NOT_EQUAL = "What the lead had written and their company are not held equal."

_NAMES = {
    "channel": "channel",
    "sender": "sender",
    "campaign": "campaign",
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
    """A sentence with the estimate, its interval and the counts, and another where the counts look otherwise."""
    digits = points_digits(difference.value, difference.low, difference.high)
    to_whom = "to leads who had written, " if "written" in held_equal else ""
    others = f"others {to_whom}of the same {_same(held_equal)}"
    counts = f"{_count(with_it)} against {_count(without)}"
    level = rate_text(difference.confidence, 0)
    if not is_told:
        bounds = " to ".join(_signed(bound, digits) for bound in (difference.low, difference.high))
        apart = not difference.low <= 0 <= difference.high
        why = ": among so many tests an interval like this can be chance" if apart else ""
        return (
            f"Whether messages that {phrase} are credited with a booking more or less often than {others} cannot be"
            f" told ({level}: {bounds}; {counts}){why}."
        )
    low, high = (points_text(bound, digits) for bound in sorted((difference.low, difference.high), key=abs))
    sentence = (
        f"Messages that {phrase} are credited with a booking {points_text(difference.value, digits)} points"
        f" {'more' if difference.value > 0 else 'less'} often than {others} ({level}: {low} to {high}; {counts})."
    )
    if _rate(with_it) != _rate(without) and (_rate(with_it) > _rate(without)) != (difference.value > 0):
        return f"{sentence} The plain counts look the other way, because they mix messages that are not alike."
    return sentence


def told_sentence(section: Mapping[str, Any]) -> str:
    """What the `patterns` of a report come to: the surest told contrast of each direction, or that there is none."""
    if section["refused"]:
        reason: str = section["refused"]["reason"]
        return reason
    surest = [
        next((found["sentence"] for found in section["findings"] if found["kind"] == kind), "")
        for kind in ("pattern", "anti_pattern")
    ]
    if not any(surest):
        tested = section["tested"]
        if tested == 1:
            return "The one contrast of messages that could be tested cannot be told from chance."
        return f"None of the {count_text(tested)} contrasts of messages that could be tested can be told from chance."
    return " ".join([*filter(None, surest), "What a change would bring is not known until it is tried."])


def _same(held_equal: Sequence[str]) -> str:
    return listed([_NAMES[name] for name in held_equal if name in _NAMES])


def _count(side: SideTable) -> str:
    return f"{count_text(side['booked'])} of {count_text(side['booked'] + side['not_booked'])}"


def _rate(side: SideTable) -> float:
    return side["rate"] or 0.0


def _signed(bound: float, digits: int) -> str:
    size = points_text(bound, digits)
    return f"{size} points {'more' if bound > 0 else 'less'}" if float(size) else "no difference"


def one_sided(messages: int, all_have_it: bool) -> Refused:
    """The refusal where a feature cannot be told of any message, or all have it, or none."""
    if not messages:
        return Refused("It cannot be told of any message.")
    return Refused("All messages have it." if all_have_it else "No message has it.")


def too_little(refused: Refused, shared: bool) -> Refused:
    """A refusal of a clustered difference for a reader who knows no strata. `shared` says whether there are messages
    with the feature and without it that are otherwise alike.
    """
    if not shared:
        return Refused("Messages that are otherwise alike either all have it or none of them does.")
    if refused.needed is None:
        return refused
    # Of messages or of leads, as the reason says; a document's `needed` are leads.
    return Refused(f"{refused.reason} At least {count_text(about(refused.needed))} more are needed.")


def section_caveats(
    *,
    messages: int,
    with_text: int,
    leads: int,
    leads_in_all: int,
    sampled: bool,
    look_back_days: int,
    buffer_days: int,
    told: int,
) -> list[str]:
    """What a reader must know besides the findings, the most important first."""
    found = [GOES_WITH, LAST_MESSAGE, NOT_EQUAL]
    before = (
        f"{look_back_days} {'day' if look_back_days == 1 else 'days'} before the window" if look_back_days else ""
    )
    found.append(f"Touches and the lead's words are counted from {before or 'the start of the window'} on.")
    if buffer_days:
        found.append(
            f"Messages of the last {buffer_days} {'day' if buffer_days == 1 else 'days'} before the as-of instant are"
            " left out, whoever they went to: they may still bring a booking about."
        )
    if told:
        found.append(MANY_TESTS)
    if sampled:
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
