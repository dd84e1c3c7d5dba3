"""What becomes of a file's rows, said so that a person and a script understand it."""

import csv
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.app.console import Console

LEADS = "external_id,email\nl1,ana@example.org\nl2,bo@example.org\n"


@pytest.fixture
def leads(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    path.write_text(LEADS)
    return path


def summary(out: str) -> dict[str, str]:
    """The numbers of a summary, by what they count."""
    return dict(line.rsplit(maxsplit=1) for line in out.splitlines()[1:6])


def test_a_file_is_taken_once_and_its_changes_after_that(setpoint: Console, empty: str, leads: Path) -> None:
    first = setpoint("import", "leads", leads, "--workspace", empty)
    assert (first.status, first.err) == (0, "")
    assert first.out.splitlines()[0] == f"leads from {leads}"
    assert summary(first.out) == {"Rows read": "2", "New": "2", "Changed": "0", "Unchanged": "0", "Rejected": "0"}

    again = setpoint("import", "leads", leads, "--workspace", empty)
    assert summary(again.out) == {"Rows read": "2", "New": "0", "Changed": "0", "Unchanged": "2", "Rejected": "0"}

    leads.write_text(LEADS.replace("bo@", "bob@"))
    changed = setpoint("import", "leads", leads, "--workspace", empty)
    assert summary(changed.out) == {"Rows read": "2", "New": "0", "Changed": "1", "Unchanged": "1", "Rejected": "0"}
    assert len(changed.out.splitlines()) == 6


def test_the_json_document_has_the_whole_account(setpoint: Console, empty: str, leads: Path) -> None:
    leads.write_text("external_id,email,shoe\nl1,a@example.org,43\n,b@example.org,44\n")

    assert setpoint("import", "leads", leads, "--workspace", empty, "--json").json == {
        "kind": "leads",
        "rows": 2,
        "accepted": 1,
        "inserted": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": 1,
        "rejected_by_reason": {"missing": 1},
        "rejections": [
            {
                "line": 3,
                "column": "external_id",
                "reason": "is empty, and the row is of no use without it",
                "key": "",
            }
        ],
        "unknown_columns": ["shoe"],
        "truncated": False,
    }


def test_rejected_rows_are_told_by_line_and_column(setpoint: Console, empty: str, leads: Path) -> None:
    leads.write_text("external_id,created_at,[shoe]\nl1,2026-02-30,43\nl2\nl3,2026-02-01T09:00:00Z,44\n")
    answer = setpoint("import", "leads", leads, "--workspace", empty)

    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[6:] == [
        "Columns that were not taken: [shoe].",
        "Rejected:",
        "  line 2: created_at '2026-02-30' does not exist, or is not written like 2026-01-31T09:30:00Z",
        "  line 3: has 1 cell, the header has 3",
    ]


def test_many_rejected_rows_are_in_the_file_that_was_named(
    setpoint: Console, empty: str, leads: Path, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    rejects.write_text("of an earlier import")
    leads.write_text("external_id,opted_out\n" + "".join(f"l{row},perhaps\n" for row in range(1234)))

    shown = setpoint("import", "leads", leads, "--workspace", empty)
    assert summary(shown.out)["Rejected"] == "1,234"
    assert shown.out.splitlines()[6:] == [
        "All 1,234 rows were rejected, nothing was taken (--rejects FILE writes them all):",
        "  lines 2, 3, 4 and 1,231 more: opted_out 'perhaps' is neither true nor false: write one of them",
    ]

    written = setpoint("import", "leads", leads, "--workspace", empty, "--rejects", rejects)
    assert f"All 1,234 rows were rejected, nothing was taken ({rejects} has them all):" in written.out.splitlines()
    rows = list(csv.DictReader(rejects.read_text().splitlines()))
    assert [int(row["line"]) for row in rows] == list(range(2, 1236))
    assert rows[0] == {
        "line": "2",
        "column": "opted_out",
        "reason": "'perhaps' is neither true nor false: write one of them",
        "key": "l0",
    }


@pytest.mark.parametrize(("rows", "status"), [("l1,perhaps\n", 1), ("l1,perhaps\nl2,no\n", 0), ("", 0)])
def test_a_script_learns_from_the_status_that_nothing_was_taken(
    setpoint: Console, empty: str, leads: Path, rows: str, status: int
) -> None:
    leads.write_text("external_id,opted_out\n" + rows)
    for again in range(2):
        answer = setpoint("import", "leads", leads, "--workspace", empty, "--json")
        assert (answer.status, json.loads(answer.out)["rows"]) == (status, rows.count("\n")), again
        assert answer.err == (
            "setpoint: No row was taken: put right what is told about them, and import the file again.\n"
            if status
            else ""
        )


def test_equal_reasons_are_told_once_with_their_first_lines(setpoint: Console, empty: str, leads: Path) -> None:
    leads.write_text(
        "external_id,opted_out,created_at\na,perhaps,\nb,no,yesterday\n,,\nc,maybe,\nd,no,\ne,no,yesterday\n,,\n"
    )
    answer = setpoint("import", "leads", leads, "--workspace", empty)

    assert answer.out.splitlines()[6:] == [
        "Rejected:",
        "  lines 2 and 5, the first: opted_out 'perhaps' is neither true nor false: write one of them",
        "  lines 3 and 7: created_at 'yesterday' is not an instant: write it like 2026-01-31T09:30:00Z",
        "  lines 4 and 8: external_id is empty, and the row is of no use without it",
    ]


def test_a_parquet_file_has_rows_and_not_lines(setpoint: Console, empty: str, tmp_path: Path) -> None:
    path = tmp_path / "leads.parquet"
    pq.write_table(pa.table({"external_id": ["l1", None]}), path)

    assert "  row 2: external_id is empty" in setpoint("import", "leads", path, "--workspace", empty).out


def test_a_file_that_ends_in_the_middle_says_what_was_taken(setpoint: Console, empty: str, leads: Path) -> None:
    leads.write_text(LEADS + "l3")
    answer = setpoint("import", "leads", leads, "--workspace", empty)

    assert summary(answer.out)["New"] == "2"
    assert "The file ends in the middle of a row: the rows before it were taken." in answer.out


def test_a_file_of_which_nothing_is_whole_does_not_say_that_rows_were_taken(
    setpoint: Console, empty: str, tmp_path: Path
) -> None:
    path = tmp_path / "leads.jsonl"
    path.write_text('{"external_id"')
    answer = setpoint("import", "leads", path, "--workspace", empty)

    assert "The file ends in the middle of a row. Import the whole file" in answer.out
    assert "The one row was rejected, nothing was taken:" in answer.out


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_messages_are_not_taken_for_bookings(setpoint: Console, empty: str, tmp_path: Path, suffix: str) -> None:
    leads, messages = tmp_path / "leads.csv", tmp_path / f"messages.{suffix}"
    leads.write_text("external_id\nl1\n")
    cells = {"external_id": "m1", "lead_external_id": "l1", "channel": "sms", "direction": "outbound", "sent_at": "x"}
    messages.write_text(
        json.dumps(cells) if suffix == "jsonl" else f"{','.join(cells)}\n{','.join(cells.values())}\n"
    )
    setpoint("import", "leads", leads, "--workspace", empty)

    for kind in ("appointments", "drafts", "leads", "campaigns"):
        told = setpoint("import", kind, messages, "--workspace", empty).complains(1)
        assert f"has the columns of messages, not of {kind}: import it as messages" in told
    assert summary(setpoint("import", "leads", leads, "--workspace", empty).out)["Unchanged"] == "1"


def test_a_header_alone_is_no_row(setpoint: Console, empty: str, leads: Path) -> None:
    leads.write_text("external_id\n")
    answer = setpoint("import", "leads", leads, "--workspace", empty)

    assert summary(answer.out)["Rows read"] == "0"
    assert answer.out.splitlines()[6:] == ["The file has no row: nothing was taken."]


def test_a_file_that_cannot_be_read_fails_in_one_line(setpoint: Console, empty: str, tmp_path: Path) -> None:
    folder, nothing, nul = tmp_path / "exports", tmp_path / "empty.csv", tmp_path / "new\nline.csv"
    folder.mkdir()
    nothing.touch()
    for path, complaint in (
        (tmp_path / "missing.csv", "missing.csv does not exist."),
        (folder, "exports is a directory: name one file, such as"),
        (nothing, "empty.csv is empty"),
        (tmp_path / "leads.xlsx", "must end in .csv, .jsonl or .parquet"),
        (nul, "new\ufffdline.csv does not exist."),
    ):
        assert complaint in setpoint("import", "leads", path, "--workspace", empty, "--json").complains(1)


def test_a_file_that_cannot_be_read_is_told_before_the_database_is_asked(tmp_path: Path) -> None:
    nowhere = Console({"SETPOINT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"})
    for name, complaint in (
        ("missing.csv", "missing.csv does not exist."),
        ("leads.xlsx", "must end in"),
        ("x" * 300 + ".csv", "cannot be opened: File name too long."),
    ):
        assert complaint in nowhere("import", "leads", tmp_path / name, "--workspace", "acme").complains(1)


def test_rejects_go_to_no_place_where_they_do_harm(
    setpoint: Console, empty: str, leads: Path, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place, complaint in (
        (pipe, "is a device or a pipe"),
        (tmp_path, "is a directory"),
        (leads, "the file that is imported"),
        (tmp_path / "missing" / "rejects.csv", "cannot be written: No such file or directory"),
    ):
        told = setpoint("import", "leads", leads, "--workspace", empty, "--rejects", place)
        assert complaint in told.complains(2)

    assert leads.read_text() == LEADS
    assert pipe.is_fifo()
    assert summary(setpoint("import", "leads", leads, "--workspace", empty).out)["New"] == "2"


def test_an_unknown_workspace_fails_in_one_line(setpoint: Console, leads: Path) -> None:
    told = setpoint("import", "leads", leads, "--workspace", "nobody").complains(1)

    assert told.startswith("There is no workspace 'nobody': `setpoint workspace list` shows")
