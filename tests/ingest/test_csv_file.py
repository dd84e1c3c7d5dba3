import time
from pathlib import Path

import pyarrow as pa
import pytest
from tests.ingest.importing import KEY_AND_NAME

from setpoint.domain.errors import FileUnreadable
from setpoint.ingest import csv_file
from setpoint.ingest.csv_file import CsvReader
from setpoint.ingest.schemas import Rejection

HEADER = b"external_id,name\n"


def read(path: Path, content: bytes) -> tuple[dict[str, str], list[Rejection], CsvReader]:
    """The rows of a file of two columns, name by key, and its rejections by line."""
    path.write_bytes(content)
    reader = CsvReader(path, False, KEY_AND_NAME)
    rows: dict[str, str] = {}
    rejections: list[Rejection] = []
    for batch in reader.batches():
        names = batch.cells.get("name", pa.nulls(len(batch.lines), pa.string())).to_pylist()
        rows |= dict(zip(batch.cells["external_id"].to_pylist(), names, strict=True))
        rejections += batch.rejections
    reader.close()
    return rows, sorted(rejections, key=lambda each: each.line), reader


def told(rejections: list[Rejection]) -> list[tuple[int, str]]:
    return [(each.line, each.fault.reason.value) for each in rejections]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_is_one(path: Path, end: bytes) -> None:
    content = end.join([b"\xef\xbb\xbfexternal_id,name", b"a,1", b"", b'b,"2', b'2"', b"c,3"])
    rows, rejections, _ = read(path, content)
    assert rows == {"a": "1", "b": f"2{end.decode()}2", "c": "3"}
    assert rejections == []


def test_header_cells_may_have_capitals_and_spaces(path: Path) -> None:
    rows, _, reader = read(path, b"\n External_ID , NAME ,Mood,\na,1,x,\n")
    assert rows == {"a": "1"}
    assert reader.unknown_columns == ["mood"]


def test_what_stands_in_the_quotes_of_a_ragged_row_is_never_a_row(path: Path) -> None:
    rows, rejections, _ = read(path, HEADER + b'a,"hi\nz,injected\nbye",extra\nb,2\n')
    assert rows == {"b": "2"}
    assert told(rejections) == [(2, "cell_count")]
    assert "it goes on to line 4" in rejections[0].fault.message


def test_a_file_that_ends_inside_a_quote_ends_in_the_middle(path: Path) -> None:
    rows, rejections, reader = read(path, HEADER + b'a,1\nb,"2 and')
    assert rows == {"a": "1"}
    assert told(rejections) == [(3, "cut_off")]
    assert reader.truncated


def test_an_unclosed_quote_costs_its_own_line_only(path: Path) -> None:
    rows, rejections, _ = read(path, HEADER + b'a,1\nb,"2\nc,3\nd,4\n')
    assert rows == {"a": "1", "c": "3", "d": "4"}
    assert told(rejections) == [(3, "broken_quotes")]
    assert "never closed" in rejections[0].fault.message


def test_a_quote_that_another_one_seems_to_close_costs_its_own_line_only(path: Path) -> None:
    rows, rejections, _ = read(path, HEADER + b'a,1\nb,"2\nc,3\nd,"4, or so"\n"e",5\n')
    assert rows == {"a": "1", "c": "3", "d": "4, or so", "e": "5"}
    assert told(rejections) == [(3, "broken_quotes")]


def test_an_unclosed_quote_far_from_the_next_costs_its_own_line_only(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "MAX_RECORD_CHARACTERS", 1000)
    content = HEADER + b'a,"1\n' + b"".join(b"k%d,name\n" % number for number in range(5000))
    rows, rejections, _ = read(path, content)
    assert len(rows) == 5000
    assert told(rejections) == [(2, "too_long")]


def test_ragged_rows_are_counted_in_cells(path: Path) -> None:
    rows, rejections, reader = read(path, HEADER + b"a\nb,2\nc,3,\n")
    assert rows == {"b": "2"}
    assert [each.fault.message for each in rejections] == [
        "has 1 cell, the header has 2",
        "has 3 cells, the header has 2",
    ]
    assert not reader.truncated


def test_lines_are_those_of_the_file(path: Path) -> None:
    rows, rejections, _ = read(path, HEADER + b'\na,"1\n\n1"\n   \nb\nc,"3""\nd,4\n')
    assert rows == {"a": "1\n\n1", "d": "4"}
    assert told(rejections) == [(7, "cell_count"), (8, "broken_quotes")]


def test_a_last_row_that_lacks_cells_was_cut_off(path: Path) -> None:
    rows, rejections, reader = read(path, b"external_id,name,channel\na,1,sms\nb,2")
    assert rows == {"a": "1"}
    assert told(rejections) == [(3, "cut_off")]
    assert reader.truncated


def test_a_last_row_without_a_line_end_is_a_row(path: Path) -> None:
    rows, _, reader = read(path, HEADER + b"a,1\nb,2")
    assert rows == {"a": "1", "b": "2"}
    assert not reader.truncated


def test_bytes_that_are_no_utf8_are_told_by_line_and_column(path: Path) -> None:
    rows, rejections, _ = read(path, HEADER + b"a,gr\xfc\xdfe\nb,2\n\xff,3\nd,\xed\xa0\x80\n\xc3\xa9,5\n")
    assert rows == {"b": "2", "é": "5"}
    assert [(each.line, each.column, each.key) for each in rejections] == [
        (2, "name", "a"),
        (4, "external_id", ""),
        (5, "name", "d"),
    ]


def test_bytes_that_are_no_utf8_matter_only_in_columns_we_keep(path: Path) -> None:
    rows, rejections, _ = read(path, b"external_id,mood\na,\xff\n")
    assert (list(rows), rejections) == (["a"], [])


def test_a_million_characters_are_a_cell_and_ten_million_bytes_too_many_are_not(path: Path) -> None:
    content = HEADER + b"a," + b"x" * 1_000_000 + b"\nb," + b"y" * (20 << 20) + b'\nc,"' + b"z\n" * 10 + b'"\nd,4\n'
    rows, rejections, _ = read(path, content)
    assert {key: len(name) for key, name in rows.items()} == {"a": 1_000_000, "c": 20, "d": 1}
    assert told(rejections) == [(3, "too_long")]


def test_an_overlong_line_inside_quotes_costs_its_record(path: Path) -> None:
    rows, rejections, _ = read(path, HEADER + b'a,"1\n' + b"y" * (20 << 20) + b'\n"\nd,4\n')
    assert rows == {"d": "4"}
    assert [line for line, _ in told(rejections)] == [2, 3, 4]


def test_apostrophes_of_our_own_exports_go_and_others_stay(path: Path) -> None:
    rows, _, _ = read(path, HEADER + b"'-a,'=1+1\nb,''=1\nc,'quoted'\n")
    assert rows == {"-a": "=1+1", "b": "'=1", "c": "'quoted'"}


@pytest.mark.parametrize("line", [b'a","\n', b'"\n', b'""",\n', b'a,"\n', b'a,"\nb,2\n'])
def test_a_file_full_of_quotes_takes_time_in_proportion(
    path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    """Every line may open a quote that is not closed before the end of the file."""
    monkeypatch.setattr(csv_file, "_PATIENCE_LINES", 10_000)

    def seconds(lines: int) -> float:
        began = time.process_time()
        read(path, HEADER + line * lines)
        return time.process_time() - began

    assert seconds(40_000) < 12 * max(0.1, seconds(10_000))


def test_a_header_is_needed(path: Path) -> None:
    for content in (b"\n\n", b"a,1\n", b'"external_id\n'):
        with pytest.raises(FileUnreadable):
            read(path, content)
