"""An answer in a terminal: numbers as a reader takes them, sentences below, nothing empty."""

import io

from rich.console import Console
from tests.reports.insights.sections import with_sections

from setpoint.llm.schemas import ErrorKind, Failure, Status
from setpoint.reports.insights.answer_rules import of_tables
from setpoint.reports.insights.pack_tables import pack_document
from setpoint.reports.insights.suppression import suppressed
from setpoint.reports.insights.terminal import print_answer

TABLES = {table["key"]: table for table in pack_document(with_sections())["tables"]}


def printed(*keys: str, of_setter: bool = False) -> str:
    console = Console(file=io.StringIO(), width=400)
    answer = of_tables("Which messages work?", list(TABLES.values()), Failure(Status.NO_MODEL, ErrorKind.NO_MODEL))
    print_answer(answer, [suppressed(TABLES[key]) if of_setter else TABLES[key] for key in keys], console)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_rates_are_percent_and_differences_points() -> None:
    told = printed("adjustment", "timing")
    assert "+2.8 +0.9 +4.7" in told
    assert "6.1%" in told
    assert "Too few first messages." in told
    assert told.count("Nobody was watched for so long.") == 1


def test_where_there_is_no_number_there_is_a_dash() -> None:
    assert "Same stage messages 12 – – –" in printed("adjustment")


def test_suppressed_rows_are_shown_as_such() -> None:
    told = printed("patterns", of_setter=True)
    assert "Messages that say that they are the last one books less suppressed" in told
    assert "A row in which a count is below 5 is shown without its numbers" in told


def test_words_stand_in_their_column_where_there_are_no_numbers() -> None:
    assert "Crude All leads as they are" in printed("definitions")
