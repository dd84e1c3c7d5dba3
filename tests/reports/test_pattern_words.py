"""What a finding says in words, to the letter."""

import pytest

from setpoint.domain.measured import Measured, Refused
from setpoint.reports.pattern_words import (
    GOES_WITH,
    LAST_MESSAGE,
    MANY_TESTS,
    NOT_EQUAL,
    finding_sentence,
    one_sided,
    section_caveats,
    too_little,
)
from setpoint.reports.schemas import SideTable

EQUAL = ("channel", "sender", "campaign", "touch", "wait")


def side(booked: int, messages: int) -> SideTable:
    return {"booked": booked, "not_booked": messages - booked, "rate": booked / messages if messages else None}


WITH, WITHOUT = side(120, 900), side(310, 4100)
THAN = "others of the same channel, sender, campaign, touch and time since the lead's last word"


def sentence(value: float, low: float, high: float, told: bool = True, equal: tuple[str, ...] = EQUAL) -> str:
    return finding_sentence("offer times", equal, Measured(value, low, high), told, WITH, WITHOUT)


def test_a_pattern_is_said_with_its_numbers() -> None:
    assert sentence(0.018, 0.009, 0.027) == (
        f"Messages that offer times are credited with a booking 1.8 points more often than {THAN}"
        " (95%: 0.9 to 2.7; 120 of 900 against 310 of 4,100)."
    )


def test_an_anti_pattern_is_said_from_the_near_bound_to_the_far_one() -> None:
    assert finding_sentence("apologise", EQUAL, Measured(-0.02, -0.035, -0.005), True, side(1, 90), WITHOUT) == (
        f"Messages that apologise are credited with a booking 2.0 points less often than {THAN}"
        " (95%: 0.5 to 3.5; 1 of 90 against 310 of 4,100)."
    )


def test_a_small_effect_does_not_round_to_nothing() -> None:
    assert "0.08 points more often" in sentence(0.0008, 0.0001, 0.0015)
    assert "(95%: 0.01 to 0.15;" in sentence(0.0008, 0.0001, 0.0015)


def test_where_the_plain_counts_look_the_other_way_it_is_said() -> None:
    assert sentence(-0.018, -0.027, -0.009).endswith(
        "(95%: 0.9 to 2.7; 120 of 900 against 310 of 4,100). The plain counts look the other way, because they mix"
        " messages that are not alike."
    )
    assert "plain counts" not in sentence(0.018, 0.009, 0.027)


def test_what_is_not_told_names_no_direction() -> None:
    assert sentence(0.003, -0.004, 0.01, told=False) == (
        f"Whether messages that offer times are credited with a booking more or less often than {THAN} cannot be told"
        " (95%: 0.4 points less to 1.0 points more; 120 of 900 against 310 of 4,100)."
    )
    assert sentence(0.005, 0.001, 0.009, told=False).endswith(
        "(95%: 0.1 points more to 0.9 points more; 120 of 900 against 310 of 4,100): among so many tests an interval"
        " like this can be chance."
    )


@pytest.mark.parametrize(
    ("equal", "words"),
    [
        (
            ("channel", "sender", "wait"),
            "than others of the same channel, sender and time since the lead's last word (",
        ),
        (("channel", "sender", "touch"), "than others of the same channel, sender and touch ("),
        (
            ("channel", "sender", "touch", "written"),
            "than others to leads who had written, of the same channel, sender and touch (",
        ),
    ],
)
def test_what_was_held_equal_is_said(equal: tuple[str, ...], words: str) -> None:
    assert words in sentence(0.018, 0.009, 0.027, equal=equal)


def test_a_refusal_speaks_of_messages_and_of_no_strata() -> None:
    assert one_sided(0, False) == Refused("It cannot be told of any message.")
    assert one_sided(9, True) == Refused("All messages have it.")
    assert one_sided(9, False) == Refused("No message has it.")
    assert too_little(Refused("In no stratum."), shared=False) == Refused(
        "Messages that are otherwise alike either all have it or none of them does."
    )
    assert too_little(Refused("Too few.", 331), shared=True) == Refused("Too few. At least 340 more are needed.")
    assert too_little(Refused("The same everywhere."), shared=True) == Refused("The same everywhere.")


def test_caveats_say_what_there_is_to_say() -> None:
    always = section_caveats(
        messages=10, with_text=10, leads=5, leads_in_all=5, sampled=False, look_back_days=0, buffer_days=0, told=0
    )
    assert always == [
        GOES_WITH,
        LAST_MESSAGE,
        NOT_EQUAL,
        "Touches and the lead's words are counted from the start of the window on.",
    ]
    told = section_caveats(
        messages=10_000,
        with_text=9_000,
        leads=500,
        leads_in_all=5_000,
        sampled=True,
        look_back_days=1,
        buffer_days=7,
        told=3,
    )
    assert told[3:] == [
        "Touches and the lead's words are counted from 1 day before the window on.",
        (
            "Messages of the last 7 days before the as-of instant are left out, whoever they went to: they may still"
            " bring a booking about."
        ),
        MANY_TESTS,
        "Patterns rest on a uniform sample of 500 leads of 5,000, drawn by a seeded hash.",
        "1,000 of 10,000 messages have no text and take part only in what is told from when they were sent.",
    ]
