"""Numbers in a text against those it may have: respelled and rounded ones pass, made-up ones are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.reports.number_check import numbers_not_in

VALUES: list[float | str] = [1204, 343, 58, 0, 0.1234, -0.021, 0.0039, 13.7, 0.95, 0.0003, "by day 14", "2026-03-01"]


@pytest.mark.parametrize(
    "text",
    [
        "No number at all.",
        # Counts, with every separator of thousands.
        *("1204 leads", "1,204 leads", "1\u202f204 leads", "1\u00a0204 leads", "1'204 leads", "1\u2019204 leads"),
        *(
            "58 booked.",
            "58, and 343.",
            "(343)",
            "58/1204",
            "58 of 1,204",
            "about 1,200 leads",
            "roughly 350",
            "~340",
        ),
        *("1.2k leads", "fifty-eight leads", "fifty eight messages", "zero leads"),
        # Rates, rounded to what is shown.
        *("12%", "12.3%", "12.34%", "12.3 %", "12.3 percent", "12.3 per cent", "0.123", "0.1234", "12,3%"),
        *("twelve percent", "95% interval", "about 12.5%"),
        # Differences, whose sign may be told in words, and every minus sign.
        *("2.1 points fewer", "-2.1 points", "\u22122.1 points", "2.1 percentage points", "2.1-point gap", "2.1 pp"),
        *("\uff0d2.1 points", "0.39 points", "0.4%"),
        # A range whose unit is said once, and an interval behind its estimate.
        *("2.1 to 12.3%", "between 0.4 and 12.3 percent", "0.4\u201312.3%", "0.4-12.3%"),
        "AI books 2.1 points less (95%: 0.4 to 12.3).",
        # Days, dates and labels; p-values.
        *("13.7 days", "14 days", "by day 14", "since 2026-03-01", "p < 0.001", "p is below 0.001", "p = 0.0003"),
        # No numbers of the report.
        *("B2B", "GPT4", "the 3rd message", "one of them", "two of the tables", "version v2", "one lead at a time"),
        "１２.３%",
    ],
)
def test_what_the_values_say_passes(text: str) -> None:
    assert numbers_not_in(text, VALUES) == []


@pytest.mark.parametrize(
    ("text", "made_up"),
    [
        ("1205 leads", ["1205"]),
        ("1,200 leads", ["1,200"]),
        ("about 1,300 leads", ["1,300"]),
        ("12.4%", ["12.4%"]),
        ("12.33%", ["12.33%"]),
        ("13%", ["13%"]),
        # A count is no share, and a share no count.
        ("58%", ["58%"]),
        ("343 points", ["343 points"]),
        ("14%", ["14%"]),
        ("1 lead", ["1"]),
        ("12 leads", ["12"]),
        # The other way round.
        ("+2.1 points", ["+2.1 points"]),
        ("\u221212.3%", ["\u221212.3%"]),
        # Something is not nothing.
        ("0 points", ["0 points"]),
        ("0.0%", ["0.0%"]),
        ("2.1 to 9.9%", ["9.9%"]),
        ("7.7 to 12.3%", ["7.7"]),
        ("2.1 points (0.4 to 8.8)", ["8.8"]),
        ("p < 0.0001", ["0.0001"]),
        ("forty percent", ["forty percent"]),
        ("twelve leads", ["twelve leads"]),
        ("a hundred leads", ["a hundred leads"]),
        ("two hundred messages", ["two hundred messages"]),
        ("3.4k", ["3.4k"]),
        ("$500", ["500"]),
        ("\u0663\u0664 leads", ["\u0663\u0664"]),
        ("\u00bd", ["1", "2"]),
        ("2026-04-01, and 2026-03-01", ["2026-04-01"]),
        # Nobody computed these.
        ("Twice as many as 343", ["Twice"]),
        ("58 times as many", ["58 times as"]),
        ("two thirds of 343", ["two thirds of"]),
        ("tenfold", ["tenfold"]),
        ("AI doubled it: 58, 99 and 98", ["doubled", "99", "98"]),
    ],
)
def test_what_no_value_says_is_named_as_it_is_spelled(text: str, made_up: list[str]) -> None:
    assert numbers_not_in(text, VALUES) == made_up


def test_without_values_no_number_passes() -> None:
    assert numbers_not_in("12.3% of 58", []) == ["12.3%", "58"]
    assert numbers_not_in("12.3%", [float("nan"), float("inf"), True]) == ["12.3%"]


@given(st.floats(0.001, 0.999), st.integers(0, 3))
def test_a_rate_is_recognised_at_any_rounding_that_does_not_make_it_zero(rate: float, digits: int) -> None:
    shown = f"{rate * 100:.{digits}f}"
    if float(shown):
        assert numbers_not_in(f"{shown}%", [rate]) == []
        assert numbers_not_in(f"{shown} points", [-rate]) == []
        assert numbers_not_in(f"\u2212{shown} points", [-rate]) == []
        assert numbers_not_in(f"\u2212{shown} points", [rate]) != []


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_count_is_itself_and_no_other(count: int, other: int) -> None:
    assert numbers_not_in(f"{count:,} leads, {count} in all", [count]) == []
    assert bool(numbers_not_in(f"{other:,} leads", [count])) == (other != count)


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert all(isinstance(found, str) for found in numbers_not_in(text, VALUES))
