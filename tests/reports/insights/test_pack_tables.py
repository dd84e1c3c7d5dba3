"""A report's tables in a pack: every number of the report, named, and no number of a handful of leads for setters."""

import json
from typing import Any

from tests.reports.documents import empty_cohort, realistic
from tests.reports.insights.sections import with_sections

from setpoint.reports.insights.pack_tables import pack_document
from setpoint.reports.insights.schemas import TableDocument
from setpoint.reports.insights.suppression import SUPPRESSED, suppressed


def tables_of(document: dict[str, Any]) -> dict[str, TableDocument]:
    return {table["key"]: table for table in pack_document(document)["tables"]}


def row_of(table: TableDocument, *labels: str) -> dict[str, Any]:
    [row] = [row for row in table["rows"] if all(label in row for label in labels)]
    return dict(zip([column["key"] for column in table["columns"]], row, strict=True))


def test_a_report_of_today_has_its_tables() -> None:
    assert list(tables_of(realistic())) == [
        "comparison",
        *("segments:cross_channel", "segments:within_channel"),
        *("response_mode:cross_channel", "response_mode:within_channel"),
        *("counts", "dropped", "messages", "about", "definitions"),
    ]


def test_later_sections_have_theirs() -> None:
    assert set(tables_of(with_sections())) - set(tables_of(realistic())) == {
        *("adjustment", "adjustment_balance", "timing", "patterns", "pattern_parts", "trend")
    }


def test_a_section_that_is_null_is_left_out() -> None:
    assert "timing" not in tables_of(with_sections(timing=None))


def test_every_table_is_whole_and_json() -> None:
    for document in (realistic(), with_sections(), empty_cohort()):
        pack = pack_document(document)
        assert json.loads(json.dumps(pack)) == pack
        for table in pack["tables"]:
            assert table["rows"]
            assert len(table["rows"]) == len(table["citations"])
            assert all(len(row) == len(table["columns"]) for row in table["rows"])


def test_numbers_are_those_of_the_report() -> None:
    tables = tables_of(with_sections())
    segment = row_of(tables["segments:cross_channel"], "Email", "AI", "auto-sent")
    assert (segment["booked"], segment["not_booked"], segment["pending"]) == (58, 1012, 171)
    assert segment["rate"] == 58 / 1070
    adjusted = row_of(tables["adjustment"], "Adjusted")
    assert (adjusted["n"], adjusted["value"], adjusted["refused"]) == (3968, 0.028, None)
    early = row_of(tables["adjustment"], "Same stage")
    assert (early["value"], early["low"], early["refused"]) == (None, None, "Too few first messages.")
    assert row_of(tables["timing"], "AI", "by day 14")["rate"] == 0.061
    assert row_of(tables["counts"], "No timestamp")["leads"] == 12
    assert row_of(tables["patterns"], "Messages that offer times")["with_booked"] == 141
    assert tables["patterns"]["citations"] == ["pattern:offers_times", "pattern:farewell", "pattern:link"]
    assert tables["comparison"]["citations"][:2] == ["comparison", "comparison:email"]


def test_a_row_of_a_handful_is_shown_without_numbers_and_never_alone() -> None:
    table = tables_of(with_sections())["patterns"]
    shown = suppressed(table)
    farewell = row_of(shown, "Messages that say that they are the last one")
    assert farewell["finding"] == "books less"
    assert {value for key, value in farewell.items() if key not in ("messages", "finding")} == {SUPPRESSED}
    # The next smallest goes with it, and the largest stays.
    assert row_of(shown, "Messages that have a link")["with_booked"] == SUPPRESSED
    assert row_of(shown, "Messages that offer times") == row_of(table, "Messages that offer times")
    (note,) = shown["notes"]
    assert note.startswith("A row in which a count is below 5 is shown without its numbers;")
    assert "141" in json.dumps(table), "the original stays as it was"


def test_nobody_is_not_a_handful_and_five_are_none() -> None:
    counts = realistic()["counts"]
    for count in (0, 5, 6):
        table = tables_of(realistic() | {"counts": {**counts, "PENDING": count}})["counts"]
        assert suppressed(table) == table
    for count in (1, 4):
        table = suppressed(tables_of(realistic() | {"counts": {**counts, "PENDING": count}})["counts"])
        assert row_of(table, "Pending")["leads"] == SUPPRESSED
        assert [row[1] for row in table["rows"]].count(SUPPRESSED) == 2


def test_tables_without_counts_stay() -> None:
    for key in ("about", "definitions"):
        table = tables_of(realistic())[key]
        assert suppressed(table) == table
