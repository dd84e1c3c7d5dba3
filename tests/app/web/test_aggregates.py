"""What every member may read of a report: nothing that its suppressed tables do not say."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.reports import documents, sections_fixture

from setpoint.app.web.aggregates import Tables, cells, figures, is_put_away, said, table_view, week_lines
from setpoint.domain.vocabulary import Role
from setpoint.reports.answer import answer_of
from setpoint.reports.insights.pack_tables import pack_document
from setpoint.reports.insights.schemas import TableDocument
from setpoint.reports.insights.suppression import SUPPRESSED, suppressed

DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "realistic": documents.realistic,
    "no bookings": documents.no_bookings,
    "one sender": documents.one_sender,
    "all pending": documents.all_pending,
    "empty cohort": documents.empty_cohort,
    "full grid": documents.full_grid,
    "every section": lambda: documents.realistic() | sections_fixture.rich(),
}


def tables_of(document: dict[str, Any], role: Role) -> Tables:
    tables = pack_document(document)["tables"]
    return {table["key"]: table if role is Role.ADMIN else suppressed(table) for table in tables}


def put_away(table: TableDocument, key: str) -> TableDocument:
    """The table with every row put away."""
    kinds = [column["kind"] for column in table["columns"]]
    rows = [
        [cell if kind == "label" else SUPPRESSED for kind, cell in zip(kinds, row, strict=True)]
        for row in table["rows"]
    ]
    return {**table, "key": key, "rows": list(rows), "notes": []}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_report_can_be_arranged_and_drawn(name: str, role: Role) -> None:
    document = DOCUMENTS[name]()
    tables = tables_of(document, role)

    assert said(document, tables, role).verdict
    assert all(drawn.picture or drawn.reason for drawn in figures(tables).values())
    for table in tables.values():
        view = table_view(table)
        assert [len(row) for row in view.rows] == [len(view.columns)] * len(table["rows"])


def test_admins_read_the_verdict_of_the_report() -> None:
    document = DOCUMENTS["every section"]()

    assert said(document, tables_of(document, Role.ADMIN), Role.ADMIN).verdict == answer_of(document).verdict


def test_setters_read_the_adjusted_verdict_only_where_its_table_is_whole() -> None:
    document = DOCUMENTS["every section"]()
    tables = dict(tables_of(document, Role.ADMIN))
    assert said(document, tables, Role.SETTER).verdict == document["adjustment"]["verdict"]

    tables["adjustment"] = put_away(tables["adjustment"], "adjustment")
    assert said(document, tables, Role.SETTER).verdict == document["comparison"]["overall"]["verdict"]
    assert said(document, tables, Role.SETTER).reasons == ()

    tables["comparison"] = put_away(tables["comparison"], "comparison")
    assert "fewer than 5 leads" in said(document, tables, Role.SETTER).verdict


def test_what_is_put_away_stands_in_no_cell_and_no_picture() -> None:
    document = DOCUMENTS["every section"]()
    for count in ("booked", "not_booked"):
        document["trend"]["weeks"][0][count] = 3
    document["trend"]["weeks"][0]["start"] = "1999-01-04"
    tables = tables_of(document, Role.SETTER)
    row = next(row for row in cells(tables["trend"]) if row["week"] == "1999-01-04")

    assert is_put_away(row)
    assert "1999-01-04" not in [line.start for line in week_lines(tables["trend"])]
    picture = figures(tables)["trend"].picture
    assert picture is not None
    assert "1999-01-04" not in picture.wide + picture.narrow
    shown = next(line for line in table_view(tables["trend"]).rows if line[0] == ("1999-01-04", "left"))
    assert [cell for cell in shown if cell is not None] == [("1999-01-04", "left"), shown[1], shown[-1]]


def test_an_estimate_stands_beside_its_interval_or_its_reason() -> None:
    document = DOCUMENTS["every section"]()
    view = table_view(tables_of(document, Role.ADMIN)["comparison"])
    labels = [label for label, _ in view.columns]
    at = labels.index("AI minus setters")

    assert labels[at + 1] == "95% interval"
    for row in view.rows:
        value, interval = row[at], row[at + 1]
        assert value is not None
        assert interval is not None
        assert re.fullmatch(r"[+\u2212]?[\d.]+", value[0]) or (value[0] == "–" and interval[1] == "muted wrap")


def test_pictures_of_whole_tables_have_the_numbers_of_the_report() -> None:
    document = DOCUMENTS["realistic"]()
    picture = figures(tables_of(document, Role.ADMIN))["comparison"].picture
    assert picture is not None
    for line in document["comparison"]["by_channel"]:
        for side in ("ai", "setter"):
            if line[side]["n"]:
                assert f"({line[side]['booked']:,} of {line[side]['n']:,})" in picture.wide
