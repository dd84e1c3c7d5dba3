"""A drawn specification stands in a page: colours follow the page, and a screen reader hears a sentence."""

from typing import Any

import pytest
from tests.reports.pages import Page

from setpoint.domain.vocabulary import Outcome
from setpoint.reports import svg


def bars(colours: list[str], label: str = "one") -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": [{"name": f"{label} {i}", "n": i + 1, "c": c} for i, c in enumerate(colours)]},
        "mark": "bar",
        "encoding": {
            "y": {"field": "name", "type": "nominal"},
            "x": {"field": "n", "type": "quantitative"},
            "fill": {"field": "c", "type": "nominal", "scale": None},
            "stroke": {"field": "c", "type": "nominal", "scale": None},
        },
    }


def test_the_picture_speaks_instead_of_its_marks() -> None:
    page = Page(svg.draw(bars([svg.AI]), "A title", "AI: 5 of 10 leads", "figure"))

    assert page.elements[0][1]["role"] == "img"
    assert page.elements[0][1]["aria-labelledby"] == "figure-title figure-desc"
    assert [(tag, attributes["id"]) for tag, attributes in page.elements[1:3]] == [
        ("title", "figure-title"),
        ("desc", "figure-desc"),
    ]
    assert (page.texts("title"), page.texts("desc")) == (["A title"], ["AI: 5 of 10 leads"])
    assert page.attributes("role") == ["img"]
    assert page.attributes("aria-label") == []


def test_colours_are_variables_of_the_page_with_a_fallback() -> None:
    drawn = svg.draw(bars([svg.AI, svg.SETTER]), "t", "d", "figure")

    assert 'fill="var(--ai, #0072b2)"' in drawn
    assert 'fill="var(--setter, #d55e00)"' in drawn
    assert '"#0072b2"' not in drawn


def test_outcomes_differ_without_colour() -> None:
    page = Page(svg.draw(bars([svg.OUTCOMES[outcome] for outcome in Outcome]), "t", "d", "figure"))
    outlined = [e for _, e in page.elements if "transform" not in e and e.get("stroke", "").startswith("var(--")]
    fills = [e["fill"] for e in outlined if e.get("fill", "none") != "none"]

    assert fills == [
        "var(--booked, #00795c)",
        "var(--surface, #ffffff)",
        "url(#figure--pending)",
        "url(#figure--booked-no-timestamp)",
        "url(#figure--unattributed)",
    ]
    assert [attributes["id"] for tag, attributes in page.elements if tag == "pattern"] == [
        "figure--pending",
        "figure--booked-no-timestamp",
        "figure--unattributed",
    ]


def test_two_pictures_in_a_page_share_no_id() -> None:
    colours = [svg.OUTCOMES[Outcome.PENDING]]
    first, second = (Page(svg.draw(bars(colours), "t", "d", name)).attributes("id") for name in ("one", "two"))

    assert len(first) == 3
    assert not set(first) & set(second)


def test_the_same_specification_is_drawn_the_same() -> None:
    assert svg.draw(bars([svg.AI]), "t", "d", "x") == svg.draw(bars([svg.AI]), "t", "d", "x")


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b"])
def test_text_stays_text(text: str) -> None:
    page = Page(svg.draw(bars([svg.AI], label=text), text, text, "figure"))

    assert not {"script", "img"} & set(page.tags)
    assert page.texts("title") == page.texts("desc") == [text]
    assert f"{text} 0" in page.texts("text")


def test_a_mark_that_is_told_says_so_to_who_points_at_it() -> None:
    specification = bars([svg.AI, svg.SETTER])
    first, second = specification["data"]["values"]
    first[svg.TOLD], second["other"] = "AI: 5 of <10> leads", "Setter: 3 of 9 leads"
    specification["encoding"]["description"] = {"field": svg.TOLD}
    page = Page(svg.draw(specification, "t", "d", "figure"))

    assert page.texts("title") == ["t", "AI: 5 of <10> leads"]
    assert page.attributes("aria-label") == []
