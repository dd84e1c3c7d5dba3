import csv
import io
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.ingest.importing import KEY_AND_NAME

from setpoint.ingest import csv_file, files
from setpoint.ingest.csv_clean import read_clean
from setpoint.ingest.csv_file import CsvReader

POSITIONS = {"external_id": 0, "name": 1}
CELLS = st.text(st.sampled_from("ab,\"\n\r '=é\0"), max_size=6)
Row = tuple[int, tuple[str, ...]]


def read_all(path: Path, block: int, batch: int, quick: bool) -> tuple[list[Row], list[tuple[int, str]], bool]:
    """The rows of a file by line, and its rejections; `quick` allows the way through read_clean."""
    rows: list[Row] = []
    rejections: list[tuple[int, str]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK_BYTES", block)
        patch.setattr(csv_file, "BATCH_BYTES", batch)
        if not quick:
            patch.setattr(csv_file, "read_clean", lambda *_: None)
        reader = CsvReader(path, False, KEY_AND_NAME)
        for found in reader.batches():
            columns = [found.cells[name].to_pylist() for name in sorted(found.cells)]
            rows += zip(found.lines.to_pylist(), zip(*columns, strict=True), strict=True)
            rejections += ((each.line, each.fault.message) for each in found.rejections)
        reader.close()
        return rows, sorted(rejections), reader.truncated


def test_it_reads_whole_records_and_leaves_the_rest() -> None:
    found = read_clean(b'a,"x\ny"\n\nb,""""\nc,"un', 2, POSITIONS)
    assert found is not None
    assert (found.size, found.line_count) == (16, 4)
    assert found.first_lines.to_pylist() == [0, 3]
    assert {name: cells.to_pylist() for name, cells in found.cells.items()} == {
        "external_id": ["a", "b"],
        "name": ["x\ny", '"'],
    }


@pytest.mark.parametrize(
    "odd",
    [
        b'a"b,c\n',
        b'"a"b,c\n',
        b'"a" ,c\n',
        b"a,b,c\n",
        b"a\n",
        b"a,b\rc,d\n",
        b"a,\xff\n",
        b"\xef\xbb\xbfa,b\n",
    ],
)
def test_it_leaves_alone_what_is_not_by_the_book(odd: bytes) -> None:
    assert read_clean(odd, 2, POSITIONS) is None


@settings(max_examples=300)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_a_csv_writer_wrote_is_read_as_it_was(rows: list[tuple[str, str]], end: str, all_quoted: bool) -> None:
    # Before Python 3.13 the writer leaves a lone carriage return without quotes.
    assume(all_quoted or not any("\r" in cell for row in rows for cell in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL)
    writer.writerows(rows)
    found = read_clean(text.getvalue().encode(), 2, POSITIONS)
    # A lone carriage return is left to the slower way.
    if found is not None:
        assert found.size == len(text.getvalue().encode())
        assert list(zip(*(found.cells[name].to_pylist() for name in POSITIONS), strict=True)) == rows


@settings(max_examples=400, deadline=None)
@given(
    st.text(st.sampled_from('ab,,,"""\n\n\n\r é\0'), max_size=60),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(["external_id", "external_id,name"]),
)
def test_both_ways_through_a_file_find_the_same(
    tmp_path_factory: pytest.TempPathFactory, text: str, block: int, batch: int, header: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "both.csv"
    path.write_bytes(f"{header}\n{text}".encode())
    assert read_all(path, block, batch, quick=True) == read_all(path, block, batch, quick=False)
    assert read_all(path, block, batch, quick=True) == read_all(path, 1 << 20, 1 << 20, quick=False)
