"""An answer in a terminal: numbers as a reader takes them, sentences below, nothing empty."""

import io

import pytest
from rich.console import Console
from tests.reports.insights.sections import with_sections

from setpoint.llm.schemas import ErrorKind, Failure, Status
from setpoint.reports.insights.answer_rules import of_tables
from setpoint.reports.insights.pack_tables import pack_document
from setpoint.reports.insights.suppression import suppressed
from setpoint.reports.insights.table_text import rows_text
from setpoint.reports.insights.terminal import print_answer

TABLES = {table["key"]: table for table in pack_document(with_sections())["tables"]}


def lines(*keys: str, of_setter: bool = False, width: int = 400) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    answer = of_tables("Which messages work?", list(TABLES.values()), Failure(Status.NO_MODEL, ErrorKind.NO_MODEL))
    print_answer(answer, [suppressed(TABLES[key]) if of_setter else TABLES[key] for key in keys], console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def printed(*keys: str, of_setter: bool = False) -> str:
    return " ".join(" ".join(lines(*keys, of_setter=of_setter)).split())


def test_rates_are_percent_and_differences_points() -> None:
    told = printed("adjustment", "timing")
    assert "+2.8 +0.9 +4.7" in told
    assert "6.1%" in told
    assert "Too few first messages." in told
    assert told.count("Nobody was watched for so long.") == 1


def test_where_there_is_no_number_there_is_a_dash() -> None:
    assert "Same stage – – – 12 messages" in printed("adjustment")


def test_suppressed_rows_are_shown_as_such() -> None:
    told = printed("patterns", of_setter=True)
    assert "Messages that say that they are the last one books less suppressed" in told
    assert "A row in which a count is below 5 is shown without its numbers" in told


def test_words_stand_in_their_column_where_there_are_no_numbers() -> None:
    assert "Crude All leads as they are" in printed("definitions")


@pytest.mark.parametrize("key", list(TABLES))
def test_in_80_columns_no_number_and_no_word_is_broken(key: str) -> None:
    told = lines(key, width=80)
    assert max(map(len, told)) <= 80
    labels = [word for column in TABLES[key]["columns"] for word in column["label"].split()]
    known = {*printed(key).split(), *labels, *(f"{word}," for word in labels), *(f"{word}." for word in labels)}
    assert {*" ".join(told).split()} <= known | {"Left", "out", "for", "want", "of", "room,", "and", "in", "--json:"}


def test_what_has_no_room_is_named_with_where_it_is() -> None:
    told = " ".join(" ".join(lines("patterns", width=60)).split())
    assert "Messages that offer times" in told
    assert "Left out for want of room, and in --json: " in told
    assert "Left out" not in printed("patterns")


def test_an_interval_without_zero_does_not_seem_to_touch_it() -> None:
    step: list[str | int | float | None] = ["Adjusted", 0.0052, 0.0005, 0.0099, None, 12, "leads", ""]
    assert rows_text(TABLES["adjustment"], [step])[0][1:4] == ["+0.52", "+0.05", "+0.99"]
