"""The trend of a report: which weeks are settled, and that nothing is claimed without evidence."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.measured import Measured
from setpoint.reports.trend import TrendSection, trend_section
from setpoint.stats.proportions import wilson

Row = dict[str, Any]
FIRST = 2930  # The week of Monday, 2 March 2026.


def row(week: int, outcome: str, leads: int, sender: str = "ai", **other: bool) -> Row:
    flags = {"ambiguous": False, "earlier": False, "soon": outcome == "BOOKED", "young": False}
    return {"sender": sender, "week": FIRST + week, "outcome": outcome, "leads": leads} | flags | other


def weeks(rates: list[int], sender: str = "ai", of: int = 100) -> list[Row]:
    """So many booked of 100 leads in each week."""
    booked = [row(week, "BOOKED", n, sender) for week, n in enumerate(rates)]
    return booked + [row(week, "NOT_BOOKED", of - n, sender) for week, n in enumerate(rates)]


def section(rows: list[Row]) -> TrendSection:
    return trend_section(rows, 14)


TOO_FEW = "No trend can be told yet. Fewer than 10 leads of the settled weeks"
BASIS = " Bookings within 14 days of the first message are counted for this, so that older weeks have no head start."


def test_a_week_by_hand() -> None:
    found = section(
        [
            row(0, "BOOKED", 12),
            row(0, "BOOKED", 3, soon=False),
            row(0, "NOT_BOOKED", 35),
            row(0, "BOOKED", 1, ambiguous=True),
            row(0, "UNATTRIBUTED", 2),
            row(1, "PENDING", 4, "setter", young=True),
        ]
    )

    (first, second) = found["weeks"]
    assert (first["week"], first["start"], first["sender"]) == ("2026-W10", "2026-03-02", "ai")
    assert (first["booked"], first["not_booked"], first["pending"], first["left_out"]) == (15, 35, 0, 3)
    assert first["estimate"]["measured"] is not None
    assert first["estimate"]["measured"]["value"] == 0.3
    assert round(first["estimate"]["measured"]["low"], 4) == 0.191
    assert (first["immature"], second["immature"]) == (False, True)
    assert (second["week"], second["pending"]) == ("2026-W11", 4)
    assert second["estimate"]["measured"] is not None
    assert second["estimate"]["measured"]["value"] == 0


def test_a_week_with_pending_leads_has_the_rate_so_far() -> None:
    """All who have settled have booked, as in every young week: that is no rate of 100%."""
    found = section([row(0, "BOOKED", 20), row(0, "PENDING", 60), row(1, "UNATTRIBUTED", 1)])
    rate = found["weeks"][0]["estimate"]["measured"]

    assert rate is not None
    assert rate["value"] == 0.25
    assert rate["low"] == pytest.approx(wilson_of(20, 80).low)
    assert rate["high"] == 1
    assert found["weeks"][1]["estimate"]["refused"] == {
        "reason": "No lead of this week is in a rate.",
        "needed": None,
    }


def wilson_of(booked: int, leads: int) -> Measured:
    found = wilson(booked, leads)
    assert isinstance(found, Measured)
    return found


def test_weeks_are_those_of_the_calendar() -> None:
    """1 January 2027 is a Friday of the 53rd week of 2026."""
    found = section([row(43, "BOOKED", 1), row(44, "BOOKED", 1)])

    assert [(week["week"], week["start"]) for week in found["weeks"]] == [
        ("2026-W53", "2026-12-28"),
        ("2027-W01", "2027-01-04"),
    ]


def test_a_rate_that_rises_is_told() -> None:
    found = section(weeks([10, 14, 18, 22, 26]))

    assert (found["direction"], found["settled_weeks"]) == ("rising", 5)
    assert found["verdict"].startswith("Over 5 settled weeks the booking rate rose by about 4.0 points a week (95%: ")
    assert found["verdict"].endswith(f"), with the sender held equal.{BASIS}")
    assert found["points_a_week"]["measured"] is not None
    assert found["points_a_week"]["measured"]["value"] == pytest.approx(0.04)
    assert found["p_value"] is not None
    assert found["p_value"] < 0.05


def test_a_rate_that_falls_is_told() -> None:
    found = section(weeks([26, 22, 18, 14, 10]))

    assert found["direction"] == "falling"
    assert found["verdict"].startswith("Over 5 settled weeks the booking rate fell by about 4.0 points a week (95%: ")


def test_a_rate_that_jumps_about_is_not() -> None:
    found = section(weeks([18, 14, 19, 16, 17]))

    assert found["direction"] == "none"
    assert found["verdict"].startswith("No trend can be told over 5 settled weeks (95%: from ")
    assert " points less to " in found["verdict"]
    assert found["verdict"].endswith(f" points more each week).{BASIS}")


def test_a_shift_from_one_sender_to_the_other_is_no_trend() -> None:
    """Each sender stays at its rate, and the better one gets more and more of the leads."""
    ai = [
        each
        for week, n in enumerate((20, 40, 60, 80, 100, 120, 140, 160, 180))
        for each in counts(week, n // 5, n - n // 5, "ai")
    ]
    setter = [
        each
        for week, n in enumerate((180, 160, 140, 120, 100, 80, 60, 40, 20))
        for each in counts(week, n // 10, n - n // 10, "setter")
    ]

    assert section([*ai, *setter])["direction"] == "none"
    assert section([each | {"sender": "ai"} for each in (*ai, *setter)])["direction"] == "rising"


def counts(week: int, booked: int, not_booked: int, sender: str) -> list[Row]:
    return [row(week, "BOOKED", booked, sender), row(week, "NOT_BOOKED", not_booked, sender)]


def test_bookings_after_long_make_no_trend() -> None:
    """Old weeks have had the time to book late."""
    late = [row(week, "BOOKED", 40 - 10 * week, soon=False) for week in range(5)]
    found = section([*weeks([20, 21, 20, 19, 20]), *late])

    assert [week["booked"] for week in found["weeks"]] == [60, 51, 40, 29, 20]
    assert found["direction"] == "none"


def test_pending_leads_of_a_week_that_has_been_followed_have_not_booked_soon() -> None:
    """Where somebody is always written to again, every week has a pending lead, however old it is."""
    rates = [10, 14, 18, 22, 26, 30]
    pending = [row(week, "PENDING", 1, sender) for week in range(6) for sender in ("ai", "setter")]
    found = section([*weeks(rates), *weeks(rates, "setter"), *pending])
    as_not_booked = section(
        [*weeks(rates), *weeks(rates, "setter"), *(each | {"outcome": "NOT_BOOKED"} for each in pending)]
    )

    assert (found["direction"], found["settled_weeks"]) == ("rising", 6)
    assert found["points_a_week"] == as_not_booked["points_a_week"]
    assert found["caveats"][-1] == (
        "12 leads of settled weeks are pending: a booking would come too late to be counted for the direction, but"
        " the rate of the week can still rise."
    )


def test_from_when_on_a_trend_can_be_told_is_said() -> None:
    """The fourth week begins on 23 March 2026; its last leads have been followed 14 days when 13 April begins."""
    found = section([*weeks([10, 14, 18, 22, 26]), *(row(week, "PENDING", 9, young=True) for week in (2, 3, 4))])

    assert found["verdict"] == (
        "No trend can be told yet. 2 weeks are settled, and at least 4 are needed: a report of this window says more"
        " from 2026-04-13 on."
    )


@pytest.mark.parametrize("unsettled", [row(5, "PENDING", 1, "setter", young=True), row(5, "BOOKED", 1, young=True)])
def test_weeks_that_can_still_change_say_nothing(unsettled: Row) -> None:
    flat = [18, 14, 19, 16, 17]
    found = section([*weeks([*flat, 99]), unsettled])

    assert section(weeks([*flat, 99]))["points_a_week"] != section(weeks(flat))["points_a_week"]
    assert (found["points_a_week"], found["settled_weeks"]) == (section(weeks(flat))["points_a_week"], 5)
    assert found["verdict"] == section(weeks(flat))["verdict"]
    assert [week["immature"] for week in found["weeks"] if week["sender"] == "ai"] == [False] * 5 + [True]
    assert any(
        text.startswith("1 week is not settled: some leads were first written to less than 14 days ago")
        for text in found["caveats"]
    )


def test_leads_that_are_not_new_are_left_out_and_counted() -> None:
    old = [row(0, "NOT_BOOKED", 500, earlier=True), row(0, "PENDING", 5, earlier=True)]
    found = section([*weeks([18, 14, 19, 16, 17]), *old])

    assert found["weeks"] == section(weeks([18, 14, 19, 16, 17]))["weeks"]
    assert found["direction"] == "none"
    assert found["caveats"][-1] == (
        "Left out here: 505 leads that had been written to in the 14 days before the window already. All of them"
        " would stand in its first weeks."
    )


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([], "No trend can be told yet. No week is settled, and at least 4 are needed: take a longer window."),
        (
            weeks([10]),
            "No trend can be told yet. 1 week is settled, and at least 4 are needed: take a longer window.",
        ),
        (
            weeks([10, 50, 90]),
            "No trend can be told yet. 3 weeks are settled, and at least 4 are needed: take a longer window.",
        ),
        (
            weeks([0, 1, 2, 6]),
            f"{TOO_FEW} booked soon: too few to tell a trend from.",
        ),
        (
            weeks([100, 99, 98, 94]),
            f"{TOO_FEW} did not book soon: too few to tell a trend from.",
        ),
    ],
)
def test_too_little_is_refused(rows: list[Row], verdict: str) -> None:
    found = section(rows)

    assert (found["verdict"], found["direction"], found["p_value"]) == (verdict, "none", None)
    assert found["refused"] == found["points_a_week"]["refused"]
    assert found["refused"] is not None


ANY_ROWS: st.SearchStrategy[list[Row]] = st.lists(
    st.builds(
        row,
        st.integers(0, 5),
        st.sampled_from(["BOOKED", "NOT_BOOKED", "PENDING", "UNATTRIBUTED"]),
        st.integers(1, 60),
        st.sampled_from(["ai", "setter"]),
        ambiguous=st.booleans(),
        earlier=st.booleans(),
        young=st.booleans(),
    ),
    max_size=15,
)


@given(ANY_ROWS, st.randoms())
def test_any_section_is_whole(rows: list[Row], rng: Any) -> None:
    found = section(rows)
    shuffled = list(rows)
    rng.shuffle(shuffled)

    assert section(shuffled) == found
    json.dumps(found, allow_nan=False)
    assert (found["p_value"] is None) == (found["refused"] is not None)
    shown = sum(week["booked"] + week["not_booked"] + week["pending"] + week["left_out"] for week in found["weeks"])
    assert shown == sum(each["leads"] for each in rows if not each["earlier"])
    assert found["direction"] == "none" or (found["p_value"] is not None and found["p_value"] < 0.05)
