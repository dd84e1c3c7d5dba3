from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from setpoint.datasets.spans import Kind, Span, masked, merged, replaced


def test_of_overlapping_spans_the_longest_gives_the_kind() -> None:
    spans = [Span(2, 6, Kind.NAME), Span(0, 9, Kind.EMAIL), Span(8, 11, Kind.COMPANY)]
    assert merged("anna@b.io c", spans) == [Span(0, 11, Kind.EMAIL)]


def test_of_equal_spans_the_kind_that_comes_first_names_the_place() -> None:
    assert merged("4111", [Span(0, 4, Kind.PHONE), Span(0, 4, Kind.CARD)]) == [Span(0, 4, Kind.CARD)]


def test_neighbouring_names_are_one_and_other_neighbours_are_not() -> None:
    names = [Span(0, 4, Kind.NAME), Span(5, 8, Kind.NAME)]
    assert merged("Anna Roe", names) == [Span(0, 8, Kind.NAME)]
    assert merged("Anna\nRoe", names) == names
    links = [Span(0, 4, Kind.LINK), Span(5, 8, Kind.LINK)]
    assert merged("a.io b.c", links) == links


def test_a_placeholder_cannot_be_read_while_a_text_is_searched() -> None:
    assert masked("a [name] [other]") == "a \0\0\0\0\0\0 [other]"


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9), st.sampled_from(Kind))))
def test_merged_spans_cover_what_was_found_and_stand_apart(drawn: list[tuple[int, int, Kind]]) -> None:
    text = "x" * 30
    spans = [Span(start, start + length, kind) for start, length, kind in drawn]
    result = merged(text, spans)
    assert {place for span in result for place in range(*span[:2])} == {
        place for span in spans for place in range(*span[:2])
    }
    assert all(one.end <= other.start for one, other in pairwise(result))
    assert replaced(text, result).count("[") == len(result)
