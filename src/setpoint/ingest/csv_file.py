"""CSV, read strictly.

A record with too few or too many cells is rejected as a whole: what stands inside its quotes is somebody's text and
never a row. One whose quotes are broken costs its first line, and reading goes on with the next.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.domain.errors import FileUnreadable
from setpoint.domain.spreadsheet import restore_column
from setpoint.ingest.csv_clean import read_clean
from setpoint.ingest.files import BATCH_BYTES, BATCH_ROWS, ByteSource, unknown
from setpoint.ingest.schemas import MAX_TEXT_BYTES, Batch, Fault, Layout, Reason, Rejection

MAX_RECORD_CHARACTERS = 16 << 20
MAX_RECORD_LINES = 500_000
# What lies behind an unclosed quote is read again. Where that becomes more than what is read anyway, records must be
# shorter, so that no file takes time that grows with the square of its size.
_PATIENCE_LINES = 1_000_000
_SHORT_RECORD_LINES = 20

_UNCLOSED = Fault(Reason.BROKEN_QUOTES, "a quote is opened here and never closed")
_AFTER_QUOTE = Fault(
    Reason.BROKEN_QUOTES, "text follows a closing quote: a quote inside a quoted cell must be doubled"
)
_TOO_LONG = Fault(
    Reason.TOO_LONG, f"is longer than {MAX_TEXT_BYTES >> 20} MiB in one cell, or opens a quote that is never closed"
)
_NOT_UTF8 = Fault(Reason.NOT_UTF8, "is not UTF-8: save the file in that encoding")
_CUT_OFF = Fault(Reason.CUT_OFF, "the file ends in the middle of this row")


class _RecordTooLong(Exception):
    pass


class CsvReader:
    """An open CSV file. Raises FileUnreadable where it is empty or its header is not usable."""

    def __init__(self, path: Path, compressed: bool, layout: Layout) -> None:
        self._source = ByteSource(path, compressed)
        self._blocks = self._source.blocks()
        self._data = b""  # What was read of the file and comes next, from the beginning of a record.
        self._lines: deque[str] = deque()  # The same, once it is read line by line.
        self._record: list[str] = []  # The lines of the record that is being read.
        self._patience = _PATIENCE_LINES  # How many lines may still be read again.
        self._next_line = 1
        self._cut_off = False
        csv.field_size_limit(MAX_TEXT_BYTES)
        try:
            header = self._read_header()
            self._width = len(header)
            self._positions = _positions(path, header, layout)
            self.columns = frozenset(self._positions)
            self.unknown_columns = unknown([name for name in header if name and name not in layout.names])
        except BaseException:
            self.close()
            raise

    @property
    def truncated(self) -> bool:
        """Whether the file visibly ends in the middle."""
        return self._source.truncated or self._cut_off

    @property
    def share(self) -> float:
        """How much of the file was read, from 0 to 1."""
        return self._source.share

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def batches(self) -> Iterator[Batch]:
        """The rows of the file, in its order."""
        self._leave_lines()
        while True:
            size = len(self._data)
            more = True
            while more and len(self._data) < max(BATCH_BYTES, size + 1):
                more = self._fetch()
            if self._lines:
                yield from self._batches_by_line()
                continue
            clean = read_clean(self._data, self._width, self._positions)
            if clean is None or (clean.size == 0 and (not more or len(self._data) > MAX_RECORD_CHARACTERS)):
                self._enter_lines()
                if not self._lines:
                    return
                yield from self._batches_by_line()
            elif clean.size:
                lines = pc.add(clean.first_lines, self._next_line)
                self._next_line += clean.line_count
                self._patience += clean.line_count
                self._data = self._data[clean.size :]
                cells = {name: restore_column(column) for name, column in clean.cells.items()}
                for start in range(0, len(lines), BATCH_ROWS):
                    slices = {name: column.slice(start, BATCH_ROWS) for name, column in cells.items()}
                    yield Batch(lines.slice(start, BATCH_ROWS), slices, [])

    def _fetch(self) -> bool:
        """Read on; False at the end of the file, and where the next line is overlong: then all is in `_lines`."""
        block, overlong = next(self._blocks, (b"", False))
        if overlong:
            self._enter_lines()
            # No record is as long as this, so it is rejected where its first line stands.
            self._lines.append("x" * MAX_RECORD_CHARACTERS + "\n")
            return False
        self._data += block
        return bool(block)

    def _enter_lines(self) -> None:
        # Bytes that are no UTF-8 become lone surrogates, which no valid text has, and are found by column.
        lines = self._data.splitlines(keepends=True)
        self._lines.extend(line.decode("utf-8", "surrogateescape") for line in lines)
        self._data = b""

    def _leave_lines(self) -> None:
        self._data = "".join(self._lines).encode("utf-8", "surrogateescape") + self._data
        self._lines.clear()

    def _batches_by_line(self) -> Iterator[Batch]:
        """Read the lines that are there, and on to the end of the last record that begins in them."""
        end = self._next_line + len(self._lines)
        rows: list[list[str]] = []
        lines: list[int] = []
        rejections: list[Rejection] = []
        size = 0
        for line, row, characters in self._records(end):
            size += characters
            if isinstance(row, Fault):
                rejections.append(Rejection(line, "", row))
            else:
                rows.append(row)
                lines.append(line)
            if len(rows) + len(rejections) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield self._batch(lines, rows, rejections)
                rows, lines, rejections, size = [], [], [], 0
        if rows or rejections:
            yield self._batch(lines, rows, rejections)
        self._leave_lines()

    def _batch(self, lines: list[int], rows: list[list[str]], rejections: list[Rejection]) -> Batch:
        columns = list(zip(*rows, strict=True)) or [()] * self._width
        try:
            cells = {name: _as_cells(columns[at]) for name, at in self._positions.items()}
        except UnicodeEncodeError:
            bad = dict(self._undecoded(columns))
            key = columns[self._positions["external_id"]]
            rejections += [
                Rejection(lines[at], column, _NOT_UTF8, "" if column == "external_id" else _readable(key[at]))
                for at, column in sorted(bad.items())
            ]
            kept = [at for at in range(len(rows)) if at not in bad]
            return self._batch([lines[at] for at in kept], [rows[at] for at in kept], rejections)
        return Batch(pa.array(lines, pa.int64()), cells, rejections)

    def _undecoded(self, columns: Sequence[Sequence[str]]) -> Iterator[tuple[int, str]]:
        """The rows with bytes that are no UTF-8, each with its first such column at the end."""
        for name, position in reversed(self._positions.items()):
            for at, cell in enumerate(columns[position]):
                if not cell.isascii() and any("\udc80" <= c <= "\udcff" for c in cell):
                    yield at, name

    def _feed(self) -> Iterator[str]:
        """Lines for the parser, noted for the record that it is reading."""
        size = 0
        while True:
            if not self._record:
                size = 0
            while not self._lines:
                more = self._fetch()
                self._enter_lines()
                if not (more or self._lines):
                    return
            line = self._lines.popleft()
            self._record.append(line)
            size += len(line)
            most_lines = MAX_RECORD_LINES if self._patience > 0 else _SHORT_RECORD_LINES
            if size > MAX_RECORD_CHARACTERS or len(self._record) > most_lines:
                raise _RecordTooLong
            yield line

    def _records(self, end: int) -> Iterator[tuple[int, list[str] | Fault, int]]:
        """Every record that begins before line `end`, with its line and its length.

        What cannot be a row comes as the fault it has.
        """
        while self._next_line < end:
            parser = csv.reader(self._feed(), strict=True)
            try:
                for row in parser:
                    if len(row) == self._width and not self._is_cut_off():
                        yield self._finish_record(row)
                    elif len(row) == 0 or (len(row) == 1 and not row[0].strip()):
                        self._finish_record(row)
                    else:
                        fault = self._fault_of(row)
                        line, _, characters = self._finish_record(row)
                        yield line, fault, characters
                    if self._next_line >= end:
                        return
                return
            except _RecordTooLong:
                yield self._reject(_TOO_LONG)
            except csv.Error as error:
                fault = _explain(str(error))
                if fault is _UNCLOSED and len(self._record) == 1 and not self._record[0].endswith(("\n", "\r")):
                    # The quote is opened in the last line, which has no end: nothing was meant to close it here.
                    self._cut_off, fault = True, _CUT_OFF
                yield self._reject(fault)

    def _is_cut_off(self) -> bool:
        """Whether the record just read is the last of a file whose compressed data broke off inside it."""
        return self._source.truncated and not self._record[-1].endswith(("\n", "\r"))

    def _fault_of(self, row: list[str]) -> Fault:
        if self._is_cut_off():
            return _CUT_OFF
        if len(row) < self._width and not self._record[-1].endswith(("\n", "\r")):
            self._cut_off = True
            return _CUT_OFF
        cells = f"has {len(row)} cell{'s' if len(row) != 1 else ''}, the header has {self._width}"
        if len(self._record) > 1:
            cells += f"; it goes on to line {self._next_line + len(self._record) - 1}"
        return Fault(Reason.CELL_COUNT, cells)

    def _finish_record(self, row: list[str]) -> tuple[int, list[str], int]:
        line = self._next_line
        size = sum(map(len, self._record))
        self._next_line += len(self._record)
        self._patience += len(self._record)
        self._record.clear()
        return line, row, size

    def _reject(self, fault: Fault) -> tuple[int, Fault, int]:
        """Give up the first line of the record being read; what stands behind it is read again."""
        line = self._next_line
        rest = self._record[1:]
        self._lines.extendleft(reversed(rest))
        self._patience -= len(rest)
        self._next_line += 1
        size = len(self._record[0])
        self._record.clear()
        return line, fault, size

    def _read_header(self) -> list[str]:
        try:
            for row in csv.reader(self._feed(), strict=True):
                self._finish_record(row)
                if any(cell.strip() for cell in row):
                    return [cell.strip().lower() for cell in row]
        except (csv.Error, _RecordTooLong):
            raise FileUnreadable(
                f"{self._source.path} begins with no header: its first line must name the columns, between commas."
            ) from None
        raise self._source.is_empty()


def _positions(path: Path, header: list[str], layout: Layout) -> dict[str, int]:
    """Where each known column stands. Raises FileUnreadable."""
    if any("\udc80" <= c <= "\udcff" or c == "\0" for name in header for c in name):
        raise FileUnreadable(f"{path} is not UTF-8: save it in that encoding and import that.")
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and separator in header[0]:
            raise FileUnreadable(f"{path} has {name} between its columns: save it with commas.")
    twice = [name for name in layout.names if header.count(name) > 1]
    if twice:
        raise FileUnreadable(f"{path} has the column {twice[0]} more than once: leave one.")
    missing = [name for name in layout.required if name not in header]
    if missing:
        raise FileUnreadable(
            f"{path} has no column {', '.join(missing)}: the first line must name the columns, and {layout.kind}"
            f" need {', '.join(layout.required)}."
        )
    return {name: header.index(name) for name in layout.names if name in header}


def _as_cells(column: Sequence[str]) -> pa.Array:
    return restore_column(pa.array(column, pa.string()))


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _explain(error: str) -> Fault:
    if "unexpected end" in error:
        return _UNCLOSED
    if "field limit" in error:
        return _TOO_LONG
    return _AFTER_QUOTE
