import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.errors import FileUnreadable
from setpoint.ingest import files
from setpoint.ingest.files import ByteSource, Format, check_file, format_of, unknown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("messages.csv", (Format.CSV, False)),
        ("Messages.2026.CSV.GZ", (Format.CSV, True)),
        ("m.jsonl", (Format.JSONL, False)),
        ("m.parquet.gz", (Format.PARQUET, True)),
    ],
)
def test_the_name_tells_the_format(name: str, expected: tuple[Format, bool]) -> None:
    assert format_of(Path("some") / name) == expected


@pytest.mark.parametrize("name", ["messages.txt", "messages", "messages.gz", ".csv", "messages.csv.zip", "json.json"])
def test_other_names_tell_nothing(name: str) -> None:
    with pytest.raises(FileUnreadable, match=r"must end in \.csv, \.jsonl or \.parquet"):
        format_of(Path(name))


def test_a_file_is_looked_at_before_it_is_read_and_a_pipe_is_left_to_its_reader(tmp_path: Path) -> None:
    pipe, folder, file = tmp_path / "pipe.csv", tmp_path / "folder.csv", tmp_path / "file.csv"
    os.mkfifo(pipe)
    folder.mkdir()
    file.touch()
    check_file(file)
    check_file(pipe)
    for path, complaint in (
        (folder, "is a directory"),
        (tmp_path / "no.csv", "does not exist"),
        (pipe.parent, "is a"),
    ):
        with pytest.raises(FileUnreadable, match=complaint):
            check_file(path)


@given(st.text("ab\n\r", max_size=40), st.integers(1, 9), st.booleans())
def test_blocks_are_the_file_and_end_with_a_line(
    tmp_path_factory: pytest.TempPathFactory, text: str, size: int, compressed: bool
) -> None:
    data = b"x" + text.encode()
    path = tmp_path_factory.getbasetemp() / "blocks"
    path.write_bytes(gzip.compress(data) if compressed else data)
    with pytest.MonkeyPatch.context() as patch, ByteSource(path, compressed) as source:
        patch.setattr(files, "BLOCK_BYTES", size)
        blocks = [block for block, _ in source.blocks()]
        assert source.share == 1.0
    assert b"".join(blocks) == data
    assert all(block.endswith((b"\n", b"\r")) for block in blocks[:-1])
    # A pair of carriage return and line feed is one line end.
    assert b"".join(blocks).splitlines(True) == [line for block in blocks for line in block.splitlines(True)]


def test_an_overlong_line_is_told_by_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 4)
    monkeypatch.setattr(files, "MAX_LINE_BYTES", 10)
    path = tmp_path / "long"
    path.write_bytes(b"one\n" + b"x" * 50 + b"\ntwo\n")
    with ByteSource(path, False) as source:
        blocks = list(source.blocks())
    assert [overlong for _, overlong in blocks].count(True) == 1
    assert b"".join(block for block, overlong in blocks if not overlong) == b"one\ntwo\n"


def test_names_of_unknown_columns_are_shown_short_and_plain() -> None:
    assert unknown(["mood", "a\nb", "x" * 99]) == ["mood", "a?b", "x" * 60]
    assert len(unknown([str(number) for number in range(999)])) == 50


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"external_id\nl1\n", "is not compressed with gzip: give it a name that does not end in .gz"),
        (b"\x1f\x8b, and then something else", "is not a sound gzip file"),
        (gzip.compress(b"external_id\nl1\n", mtime=0)[:5], "ends in the middle, before its first row"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress("external_id\n".encode("utf-16-le"), mtime=0), "is not UTF-8"),
        (gzip.compress("external_id\n".encode("utf-16-be"), mtime=0), "is not UTF-8"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_told_what_it_is(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "leads.csv.gz"
    path.write_bytes(content)
    with ByteSource(path, True) as source, pytest.raises(FileUnreadable, match=complaint):
        list(source.blocks())
