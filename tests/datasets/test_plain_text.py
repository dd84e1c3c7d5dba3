"""Texts are compared in one spelling, and every place in it leads back to the source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.datasets.plain_text import spell, spelled, visible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Renée Søren STRAUß Łódź", "Renee Soren STRAUss Lodz"),
        ("ｊｏｅ＠ａｃｍｅ．ｃｏｍ", "joe@acme.com"),
        ("it’s 10–12 o‘clock", "it's 10-12 o'clock"),
        ("a\u00a0b ½", "a b 1⁄2"),
        ("한국", "한국"),
    ],
)
def test_what_looks_alike_is_spelled_alike(text: str, expected: str) -> None:
    assert spelled(text) == expected
    assert spell(text).text == expected


def test_invisible_characters_go_and_line_breaks_stay() -> None:
    assert visible("a\0b\u200bc\u00add\u202ee\ufe0ff\u2066g\r\n\th") == "abcdefg\r\n\th"
    assert visible("a\x07b\x7f\n") == "ab\n"


@given(st.text(max_size=40))
def test_a_place_leads_back_to_whole_characters_of_the_source(text: str) -> None:
    found = spell(text)
    for start in range(len(found.text)):
        first, last = found.source(start, start + 1)
        assert 0 <= first < last <= len(text)
        assert found.text[start] in spelled(text[first:last])


def test_an_accent_that_stands_apart_belongs_to_its_letter() -> None:
    found = spell("e\u0301x")
    assert found.text == "ex"
    assert found.source(0, 1) == (0, 2)
