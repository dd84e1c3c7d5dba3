"""What is drawn: the right numbers in the right place, readable without colour, nothing of nothing."""

from typing import Any

import altair as alt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reports.documents import all_pending, empty_cohort, full_grid, make_segments, one_sender, realistic
from tests.reports.pages import Page

from setpoint.domain.measured import Refused
from setpoint.reports import charts
from setpoint.reports.chart_style import NARROW, Picture, count_ticks
from setpoint.reports.presentation import Group, arrange_by_channel


def groups(document: dict[str, Any], attribution: str = "cross_channel") -> list[Group]:
    return arrange_by_channel(document[attribution])


def texts(svg: str) -> list[str]:
    return Page(svg).texts("text")


def description(svg: str) -> str:
    return " ".join(Page(svg).texts("desc"))


def drawn(result: Picture | Refused) -> Picture:
    assert isinstance(result, Picture), result
    return result


def test_every_sender_of_every_channel_carries_its_numbers() -> None:
    picture = drawn(charts.booking_rates(groups(realistic()), "Booking rate", "rates", 0.3))

    for number in ("5.9% (111 of 1,870)", "2.5% (19 of 763)", "21.2% (14 of 66)", "17.0% (131 of 771)"):
        assert number in texts(picture.wide)
    for channel in ("Email", "SMS", "LinkedIn"):
        assert channel in texts(picture.wide)
    assert "5.9% (111/1,870)" in texts(picture.narrow)


def test_a_screen_reader_hears_rate_count_and_interval() -> None:
    picture = drawn(charts.booking_rates(groups(one_sender()), "Booking rate", "rates", 0.3))

    assert description(picture.wide) == (
        "Email, Setter: 6.8%, 41 of 601 leads, interval 5.1 to 9.1%; "
        "SMS, Setter: 12.4%, 17 of 137 leads, interval 7.9 to 19.0%"
    )


def test_senders_differ_in_shape_and_filling() -> None:
    specification = charts.booking_rates_specification(groups(realistic()), 0.3)
    encoding = specification["spec"]["layer"][1]["encoding"]

    assert encoding["shape"]["scale"] == {"domain": ["AI", "Setter"], "range": ["circle", "square"]}
    assert len(set(encoding["fill"]["scale"]["range"])) == 2
    assert encoding["fill"]["scale"]["range"] != encoding["stroke"]["scale"]["range"]


def test_the_rate_axis_begins_at_zero_and_is_shared_by_both_attributions() -> None:
    document = realistic()
    both = [groups(document, name) for name in ("cross_channel", "within_channel")]
    limit = charts.rate_limit(*both)
    highest = max(s["high"] for s in [*document["cross_channel"], *document["within_channel"]])

    assert 0.2 < limit <= highest
    for held in both:
        scale = charts.booking_rates_specification(held, limit)["spec"]["layer"][0]["encoding"]["x"]["scale"]
        assert scale["domain"] == [0, limit]


def test_specifications_are_valid_vega_lite() -> None:
    for specification in (
        charts.booking_rates_specification(groups(full_grid()), 0.1),
        charts.outcomes_specification(realistic()["counts"], NARROW),
    ):
        alt.Chart.from_dict(specification, validate=True)


def test_a_sender_without_mature_leads_is_shown_as_such_beside_the_others() -> None:
    segments = make_segments({("ai", "email", ""): (0, 0, 9), ("setter", "email", ""): (5, 95, 0)})
    picture = drawn(charts.booking_rates(arrange_by_channel(segments), "Booking rate", "rates", 0.3))

    assert "no mature lead" in texts(picture.wide)
    assert "5.0% (5 of 100)" in texts(picture.wide)
    assert "Email, AI: no mature lead" in description(picture.wide)


@pytest.mark.parametrize("document", [all_pending(), empty_cohort()])
def test_without_a_settled_outcome_there_is_a_reason_and_no_picture(document: dict[str, Any]) -> None:
    result = charts.booking_rates(groups(document), "Booking rate", "rates", charts.rate_limit(groups(document)))

    assert result == Refused("No lead has a settled outcome yet, so there is no booking rate to draw.")


def test_outcomes_stand_in_their_order_with_counts_and_shares() -> None:
    picture = drawn(charts.outcomes(realistic()["counts"], "Leads by outcome", "outcomes"))
    labels = [text for text in texts(picture.wide) if text[0].isalpha() and text != "Leads"]

    assert labels == ["Booked", "Not booked", "Pending", "No timestamp", "Unattributed"]
    assert "366 (7.4%)" in texts(picture.wide)
    assert description(picture.narrow).startswith("Booked: 366 leads; Not booked: 4,017 leads; Pending: 513 leads")


def test_no_lead_is_no_picture() -> None:
    assert isinstance(charts.outcomes(empty_cohort()["counts"], "Leads by outcome", "outcomes"), Refused)


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (2, [0, 1, 2]),
        (5, [0, 1, 2, 3, 4, 5]),
        (7, [0, 2, 4, 6, 8]),
        (4_017, [0, 1_000, 2_000, 3_000, 4_000, 5_000]),
    ],
)
def test_counts_have_whole_ticks_each_of_them_once(largest: int, ticks: list[int]) -> None:
    assert count_ticks(largest, 6) == ticks


@given(st.integers(0, 10**9), st.integers(1, 8))
def test_ticks_of_counts_reach_the_largest_and_are_few(largest: int, about: int) -> None:
    ticks = count_ticks(largest, about)

    assert ticks[-1] >= largest
    assert len(set(ticks)) == len(ticks) <= about + 2


def test_a_sender_without_leads_in_a_channel_has_no_empty_row() -> None:
    segments = make_segments({("ai", "email", ""): (9, 90, 0), ("setter", "email", ""): (5, 95, 0)})
    segments += make_segments({("setter", "sms", ""): (5, 95, 0)})
    picture = drawn(charts.booking_rates(arrange_by_channel(segments), "Booking rate", "rates", 0.3))

    assert [text for text in texts(picture.wide) if text in ("AI", "Setter")] == ["AI", "Setter", "Setter"]
