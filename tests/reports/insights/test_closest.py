"""The closest tables of a realistic report, by questions as people ask them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reports.documents import realistic
from tests.reports.insights.sections import with_sections

from setpoint.reports.insights.closest import closest
from setpoint.reports.insights.pack_tables import pack_document

TABLES = pack_document(with_sections())["tables"]


@pytest.mark.parametrize(
    ("question", "table"),
    [
        ("Who books more, AI or the team?", "comparison"),
        ("Is the bot better than our people?", "comparison"),
        ("How fast do leads book?", "timing"),
        ("How long does it take to get a meeting?", "timing"),
        ("What should we write differently?", "patterns"),
        ("Which messages work best?", "patterns"),
        ("Where does the pattern hold?", "pattern_parts"),
        ("How many leads are pending?", "counts"),
        ("Why were leads dropped?", "dropped"),
        ("Which messages were left out?", "messages"),
        ("What does unattributed mean?", "definitions"),
        ("Is it a fair comparison, held equal?", "adjustment"),
        ("Did it improve week by week?", "trend"),
        ("How do auto-send campaigns do?", "response_mode:cross_channel"),
        ("Do edited drafts book?", "segments:cross_channel"),
        ("Which period is this about?", "about"),
    ],
)
def test_a_question_finds_its_table(question: str, table: str) -> None:
    assert table in closest(question, TABLES)[:2]


@pytest.mark.parametrize("question", ["", "What is the weather?", "???", "of the and", "\u4f60\u597d"])
def test_where_no_word_fits_nothing_is_close(question: str) -> None:
    assert closest(question, TABLES) == []


@given(st.text(max_size=300), st.integers(1, 5))
def test_any_question_gets_at_most_so_many_tables_each_once(question: str, limit: int) -> None:
    found = closest(question, TABLES, limit)
    assert len(found) <= limit
    assert len(set(found)) == len(found)


def test_without_tables_nothing_is_close() -> None:
    assert closest("Who books more?", []) == []


def test_a_report_without_the_later_sections_still_answers() -> None:
    assert closest("Who books more, AI or setters?", pack_document(realistic())["tables"])[0] == "comparison"
