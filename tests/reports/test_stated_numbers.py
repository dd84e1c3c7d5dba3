"""Numbers of a sentence against those that its writer was shown, also where they hide."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.reports.stated_numbers import PERCENT, PLAIN, POINTS, Shown, invented, numbers_in

SHOWN = Shown.of(
    [
        "+4.1 points (95%: 1.8 to 6.4 points)",
        "1,234 of 11,871 mature leads booked: 10.4% (95%: 9.9 to 11.0%)",
        "14 days",
        "1.42 days",
        "q 0.004",
        "2026-01-05 to 2026-03-02",
        "short (under 40 words)",
        "offer two times or more",
        "99.7%",
        "0.04%",
    ]
)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("4.1 points", [("4.1", POINTS)]),
        ("4.1 percentage points, 4.1pp and 4.1 pts", [("4.1", POINTS)] * 3),
        ("12.3%, 12.3 percent, 12.3 per cent", [("12.3", PERCENT)] * 3),
        ("between 0.9 and 2.7 points", [("0.9", POINTS), ("2.7", POINTS)]),
        ("from −1.2 to +3.4 points", [("1.2", POINTS), ("3.4", POINTS)]),
        ("9.8–15.6%", [("9.8", PERCENT), ("15.6", PERCENT)]),
        ("1,234,567 leads", [("1234567", PLAIN)]),
        ("1,234.5", [("1234.5", PLAIN)]),
        ("(58 of 1,070; 95%: 1.8 to 3.0%).", [("58", ""), ("1070", ""), ("95", "%"), ("1.8", "%"), ("3.0", "%")]),
        ("14 days, a 14-day window", [("14", "day")] * 2),
        ("on 2026-01-05", [("20260105", "date")]),
        ("3x, 10k, 7th", [("3", "x"), ("10", "k"), ("7", "th")]),
        ("$500", [("500", "money")]),
        (".5 points", [("0.5", POINTS)]),
        ("nothing here", []),
    ],
)
def test_numbers_are_read_with_their_units(text: str, numbers: list[tuple[str, str]]) -> None:
    assert [(number.value, number.unit) for number in numbers_in(text)] == [(Decimal(n), unit) for n, unit in numbers]


@pytest.mark.parametrize(
    "text",
    [
        "Messages that offer times book 4.1 points more (95%: 1.8 to 6.4).",
        "4 points more",
        "−4.1 points",
        "1,234 of 11,871 leads",
        "1234 leads",
        "10.4% of them, or 10%",
        "between 9.9 and 11%",
        "within 14 days",
        "1.4 days sooner",
        "from 2026-01-05",
        "under 40 words",
        "They offer two times or more.",
        "One question at a time, in one message.",
        "Ask for a third meeting and at a quarter past.",
    ],
)
def test_what_was_shown_may_be_said(text: str) -> None:
    assert invented(text, SHOWN) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4.2 points more", "4.2 points"),
        ("AI books nine tenths of them", "nine tenths"),
        ("AI books XCIX%", "XCIX%"),
        ("AI books \u4e5d\u5341 %", "\u4e5d\u5341 %"),
        ("10.4‰ of them", "‰"),
        ("5 points more", "5 points"),
        ("4.1% more", "4.1%"),
        ("4.11 points", "4.11 points"),
        ("1,200 leads", "1,200"),
        ("11 leads", "11"),
        ("a share of 11,871%", "11,871%"),
        ("14 leads", "14"),
        ("14 points", "14 points"),
        ("2 days", "2 days"),
        ("40%", "40%"),
        ("100% of leads", "100%"),
        ("0.0% of leads", "0.0%"),
        ("1.4x", "1.4x"),
        ("2026-01-06", "2026-01-06"),
        ("1.2.3", "1.2.3"),
        ("１０ leads", "10"),
        ("４.1 % of leads", "4.1 %"),
        ("½ of them", "1"),
        ("24/7", "24"),
        ("$4.1", "$4.1"),
        ("bookings doubled", "doubled"),
        ("twice as many", "twice"),
        ("half of the leads", "half"),
        ("three times more", "three times more"),
        ("a third of all leads", "a third"),
        ("five points more", "five points"),
        ("twenty percent", "twenty percent"),
        ("Nine out of ten leads", "Nine out of ten"),
        ("one in five leads", "one in five"),
        ("most of the leads", "most of the leads"),
        ("hundreds of leads", "hundreds"),
        ("tenfold", "tenfold"),
        ("three leads", "three leads"),
        ("for two weeks", "two weeks"),
    ],
)
def test_what_was_not_shown_is_found(text: str, number: str) -> None:
    assert number in invented(text, SHOWN)


def test_words_for_numbers_are_allowed_as_they_were_shown() -> None:
    shown = Shown.of(["A difference of half of the booking rate.", "14 days"])
    assert invented("half of the booking rate", shown) == []
    assert invented("fourteen days", shown) == []


@given(st.decimals(min_value=Decimal("0.1"), max_value=Decimal(90), places=2), st.sampled_from(["%", " points"]))
def test_a_shown_number_may_be_said_and_rounded_and_no_other_one(value: Decimal, unit: str) -> None:
    shown = Shown.of([f"{value:.2f}{unit}"])
    assert invented(f"{value:.2f}{unit}", shown) == []
    assert invented(f"{value + Decimal('0.02'):.2f}{unit}", shown) != []
    assert invented(f"{value + 2:.0f}{unit}", shown) != []
