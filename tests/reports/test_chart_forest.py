"""Differences one under the other: numbers, marks and the line between what is told and what is not."""

from itertools import pairwise

import altair as alt
from tests.reports.pages import Page, values_of

from setpoint.domain.measured import Measured, Refused
from setpoint.reports.chart_forest import ForestRow, forest, forest_specification
from setpoint.reports.chart_style import NARROW, WIDE, Picture

TOLD = [
    ForestRow("Short", Measured(0.026, 0.011, 0.041), "triangle-up", solid=True, tells=", books more"),
    ForestRow("Says it is the last one of all", Measured(-0.034, -0.051, -0.017), "triangle-down"),
]
UNTOLD = [ForestRow("Greeting", Measured(0.003, -0.009, 0.015)), ForestRow("Link", Refused("Too few."))]
LINES = ("Above: told", "Below: not told")


def drawn(above: list[ForestRow], below: list[ForestRow]) -> Picture:
    picture = forest(above, below, axis="Points", lines=LINES, title="Effects", ident="effects")
    assert isinstance(picture, Picture)
    return picture


def test_each_row_carries_its_numbers_and_a_refused_one_has_none() -> None:
    texts = Page(drawn(TOLD, UNTOLD).wide).texts("text")

    for text in ("+2.6 (+1.1 to +4.1)", "−3.4 (−5.1 to −1.7)", "+0.3 (−0.9 to +1.5)", "cannot be told"):
        assert text in texts


def test_a_screen_reader_hears_every_row() -> None:
    assert " ".join(Page(drawn(TOLD, UNTOLD).narrow).texts("desc")) == (
        "Short, books more: +2.6 points, interval +1.1 to +4.1; Says it is the last one of all: −3.4 points, "
        "interval −5.1 to −1.7; Greeting: +0.3 points, interval −0.9 to +1.5; Link: cannot be told"
    )


def test_the_line_stands_only_where_something_is_below_it() -> None:
    assert set(LINES) <= set(Page(drawn(TOLD, UNTOLD).wide).texts("text"))
    assert not set(LINES) & set(Page(drawn(TOLD, []).wide).texts("text"))


def test_rows_go_down_without_overlap_and_the_axis_holds_zero() -> None:
    for layout in (WIDE, NARROW):
        specification = forest_specification(TOLD, UNTOLD, "Points", LINES, layout)
        values = values_of(specification, "line_from")
        spans = [(value["line_from"], value["line_to"]) for value in values]

        assert all(before[1] <= after[0] for before, after in pairwise(spans))
        assert values[1]["line_to"] + 40 < values[2]["line_from"]
        assert specification["height"] >= spans[-1][1]
        x = specification["layer"][1]["encoding"]["x"]
        assert (round(x["scale"]["domain"][0], 3), round(x["scale"]["domain"][1], 3)) == (-5.1, 4.1)
        alt.Chart.from_dict(specification, validate=True)

    one_sided = forest_specification(TOLD[:1], [], "Points", LINES)
    assert one_sided["layer"][1]["encoding"]["x"]["scale"]["domain"][0] == 0


def test_nothing_measured_is_no_picture() -> None:
    assert isinstance(forest(UNTOLD[1:], [], axis="", lines=LINES, title="", ident="x"), Refused)
