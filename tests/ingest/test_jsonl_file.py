from pathlib import Path

import pytest
from tests.ingest.importing import KEY_AND_NAME

from setpoint.ingest.jsonl_file import JsonlReader
from setpoint.ingest.schemas import Rejection


def read(path: Path, content: bytes) -> tuple[list[tuple[int, str | None, str | None]], list[Rejection], JsonlReader]:
    """Line, key and name of each row of a file of two columns, and the rejections."""
    path.write_bytes(content)
    reader = JsonlReader(path, False, KEY_AND_NAME)
    rows: list[tuple[int, str | None, str | None]] = []
    rejections: list[Rejection] = []
    for batch in reader.batches():
        columns = (batch.lines, batch.cells["external_id"], batch.cells["name"])
        rows += zip(*(column.to_pylist() for column in columns), strict=True)
        rejections += batch.rejections
    reader.close()
    return rows, sorted(rejections, key=lambda each: each.line), reader


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def test_values_become_their_texts(path: Path) -> None:
    content = b"""{"external_id": 7, "name": true}
{"external_id": "b", "name": null}

{"external_id": "c", "name": 0.85, "name": "last"}
{"external_id": "d"}
{"external_id": 1.5, "name": false}"""
    rows, rejections, _ = read(path, content)
    assert rows == [(1, "7", "true"), (2, "b", None), (4, "c", "last"), (5, "d", None), (6, "1.5", "false")]
    assert rejections == []


def test_lines_that_hold_no_flat_object_are_rejected(path: Path) -> None:
    content = b"""{"external_id": "a"}
[1]
"text"
{"external_id": "b", "name": ["x"]}
{"external_id": "c", "name": {"x": 1}}
{"external_id": "d",}
{"external_id": "\\ud800"}
{"external_id": "\xff"}
{"external_id": 123456789012345678901234567890}
{"external_id": NaN}
"""
    rows, rejections, _ = read(path, content + b"[" * 5000 + b"\n")
    assert rows == [(1, "a", None)]
    assert [(each.line, each.column, each.fault.reason.value, each.key) for each in rejections] == [
        (2, "", "not_json", ""),
        (3, "", "not_json", ""),
        (4, "name", "not_text", "b"),
        (5, "name", "not_text", "c"),
        (6, "", "not_json", ""),
        (7, "", "not_json", ""),
        (8, "", "not_utf8", ""),
        (9, "external_id", "not_text", ""),
        (10, "", "not_json", ""),
        (11, "", "not_json", ""),
    ]


@pytest.mark.parametrize("number", ["9" * 25, "9" * 400, "-" + "9" * 5000, "1e400", "-12345678901234567890"])
def test_a_number_that_cannot_be_kept_is_told_by_its_column(path: Path, number: str) -> None:
    rows, rejections, _ = read(path, f'{{"external_id": 18446744073709551615, "name": {number}}}\n'.encode())
    assert rows == []
    assert [(each.column, each.fault.reason.value, each.key) for each in rejections] == [
        ("name", "not_text", "18446744073709551615")
    ]


def test_a_number_that_cannot_be_kept_is_nobodys_business_where_no_column_takes_it(path: Path) -> None:
    rows, rejections, reader = read(path, b'{"external_id": 7, "name": "n", "mood": 1e400}\n')
    assert (rows, rejections) == ([(1, "7", "n")], [])
    assert reader.unknown_columns == ["mood"]


def test_a_list_in_a_list_is_no_text_however_deep(path: Path) -> None:
    content = "".join(f'{{"external_id": "a", "name": {"[" * depth}{"]" * depth}}}\n' for depth in (2, 2000, 50_000))
    rows, rejections, _ = read(path, content.encode())
    assert rows == []
    assert [(each.line, each.fault.reason.value) for each in rejections] == [(line, "not_text") for line in (1, 2, 3)]


@pytest.mark.parametrize("wrong", ['1e400, "name": NaN', '1e400, "name": "\\ud800"', "1e400, 2", "1e400,"])
def test_a_number_that_cannot_be_kept_excuses_nothing_else(path: Path, wrong: str) -> None:
    _, rejections, _ = read(path, f'{{"external_id": {wrong}}}\n'.encode())
    assert [(each.column, each.fault.reason.value) for each in rejections] == [("", "not_json")]


def test_a_last_line_that_breaks_off_says_so(path: Path) -> None:
    rows, rejections, reader = read(path, b'{"external_id": "a"}\n{"external_id": "b", "na')
    assert rows == [(1, "a", None)]
    assert [each.fault.reason.value for each in rejections] == ["cut_off"]
    assert reader.truncated


def test_a_last_line_may_break_off_inside_a_letter(path: Path) -> None:
    _, rejections, reader = read(path, '{"external_id": "é'.encode()[:-1])
    assert [each.fault.reason.value for each in rejections] == ["cut_off"]
    assert reader.truncated


@pytest.mark.parametrize("last", [b"]", b"]\xff", b"external_id,name"])
def test_a_last_line_that_never_was_an_object_is_not_broken_off(path: Path, last: bytes) -> None:
    _, rejections, reader = read(path, b"[\n" + last)
    assert "cut_off" not in [each.fault.reason.value for each in rejections]
    assert len(rejections) == 2
    assert not reader.truncated


def test_an_overlong_line_is_rejected_and_the_next_is_read(path: Path) -> None:
    long = b'{"external_id": "a", "name": "' + b"x" * (17 << 20) + b'"}\n'
    rows, rejections, _ = read(path, long + b'{"external_id": "b"}\n')
    assert rows == [(2, "b", None)]
    assert [(each.line, each.fault.reason.value) for each in rejections] == [(1, "too_long")]


def test_names_of_unknown_columns_are_gathered(path: Path) -> None:
    _, _, reader = read(path, b'{"external_id": 1, "mood": 2}\n{"external_id": 2, "Name": 3, "mood": 4}\n')
    assert reader.unknown_columns == ["mood", "Name"]
