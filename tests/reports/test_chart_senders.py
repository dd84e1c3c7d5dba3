"""AI and setters side by side: what is drawn of overlap, curves and weeks."""

from typing import Any

import altair as alt
import pytest
from tests.reports import sections_fixture as sections
from tests.reports.pages import Page, values_of

from setpoint.domain.measured import Refused
from setpoint.reports import chart_senders
from setpoint.reports.chart_style import NARROW, WIDE, Picture
from setpoint.reports.view_trend import WeekLine, trend_view


def lines(section: dict[str, Any]) -> list[WeekLine]:
    view = trend_view(section, 1)
    assert view is not None
    return view.lines


def drawn(picture: Picture | Refused) -> Picture:
    assert isinstance(picture, Picture), picture
    return picture


def test_overlap_is_mirrored_in_shares_of_each_side() -> None:
    overlap = sections.adjustment()["overlap"]
    assert overlap is not None
    bars = values_of(chart_senders.overlap_specification(overlap), "share")

    assert sum(bar["share"] for bar in bars if bar["sender"] == "AI") == pytest.approx(1)
    assert sum(bar["share"] for bar in bars if bar["sender"] == "Setter") == pytest.approx(-1)
    assert "0% to 10%: 14 of AI, 402 of setters" in " ".join(
        Page(drawn(chart_senders.overlap(overlap, "t", "overlap")).wide).texts("desc")
    )


def test_overlap_of_one_side_is_no_picture() -> None:
    overlap = sections.adjustment()["overlap"]
    assert overlap is not None

    assert isinstance(chart_senders.overlap({**overlap, "ai": [0] * 10}, "t", "x"), Refused)


def test_curves_begin_at_zero_and_carry_the_days_and_who_was_at_risk() -> None:
    section = sections.timing()
    section["senders"][0]["curve"] = section["senders"][0]["curve"][3:]
    steps = values_of(chart_senders.incidence_specification(section), "low")
    picture = drawn(chart_senders.incidence(section, "t", "timing"))

    assert next(step for step in steps if step["sender"] == "AI") == {
        "sender": "AI",
        "day": 0,
        "value": 0.0,
        "low": 0.0,
        "high": 0.0,
    }
    assert {"At risk", "2,439", "1,490", "406", "1,474", "401"} <= set(Page(picture.wide).texts("text"))
    assert "AI by day 14: 8.4% booked, interval 7.4% to 9.3%" in " ".join(Page(picture.narrow).texts("desc"))


def test_names_of_curves_that_meet_are_moved_apart() -> None:
    section = sections.timing()
    section["senders"][1]["curve"] = section["senders"][0]["curve"]
    low, high = (label["value"] for label in values_of(chart_senders.incidence_specification(section), "label"))

    assert high - low > 0.005


def test_a_sender_without_a_curve_leaves_the_other_alone() -> None:
    section = sections.timing_refused()
    picture = drawn(chart_senders.incidence(section, "t", "timing"))

    assert "AI" not in Page(picture.wide).texts("text")
    assert "Setter by day 30: cannot be told" in " ".join(Page(picture.wide).texts("desc"))
    section["senders"] = section["senders"][:1]
    assert isinstance(chart_senders.incidence(section, "t", "timing"), Refused)


def test_weeks_that_are_too_young_are_hatched_and_said_to_be() -> None:
    picture = drawn(chart_senders.weeks(lines(sections.trend()), "t", "trend"))
    page = Page(picture.wide)

    assert page.attributes("fill").count("url(#trend-wide--line)") == 2
    assert " ".join(page.texts("desc")).count("too young to be read") == 2
    assert {"5 Jan", "23 Feb"} <= set(page.texts("text"))


def test_a_young_week_does_not_press_the_others_flat() -> None:
    specification = chart_senders.weeks_specification(lines(sections.trend()))
    domains = [
        layer["encoding"]["y"]["scale"]["domain"]
        for layer in specification["spec"]["layer"]
        if "scale" in layer["encoding"]["y"]
    ]

    assert domains
    assert all(0.14 < high < 0.2 for _, high in domains)


def test_weeks_without_a_rate_are_no_picture() -> None:
    assert isinstance(chart_senders.weeks(lines(sections.trend_refused()), "t", "trend"), Refused)


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
def test_specifications_are_valid_vega_lite(layout: Any) -> None:
    overlap = sections.adjustment()["overlap"]
    assert overlap is not None
    for specification in (
        chart_senders.overlap_specification(overlap, layout),
        chart_senders.incidence_specification(sections.timing(), layout),
        chart_senders.weeks_specification(lines(sections.trend()), layout),
    ):
        alt.Chart.from_dict(specification, validate=True)
