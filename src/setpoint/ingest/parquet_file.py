"""Parquet, column by column as text, so that every format goes through the same checks."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from setpoint.domain.errors import FileUnreadable
from setpoint.ingest.files import BATCH_BYTES, BATCH_ROWS, ByteSource, open_bytes, unknown
from setpoint.ingest.schemas import OUT_OF_YEARS, Batch, Cell, Fault, Layout, Reason, Rejection

_LARGEST_EXACT = float(2**53)
_TICKS = {"s": 1, "ms": 1000, "us": 1_000_000}
# From the year 1 until before the year 10000.
_SECONDS = (-62_135_596_800, 253_402_300_800)
_MICROSECONDS = pa.timestamp("us", "UTC")
_BYTES = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)
_NOT_UTF8 = Fault(Reason.NOT_UTF8, "is not UTF-8")
_INEXACT = Fault(Reason.NOT_TEXT, "is a number too large to be kept exactly: store the column as text")


class ParquetReader:
    """An open Parquet file. A rejection's line is the number of its row, from 1. Raises FileUnreadable."""

    truncated = False

    def __init__(self, path: Path, compressed: bool, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self._rows_read = 0
        self._file = _unpack(path) if compressed else open_bytes(path)
        try:
            if self._file.seek(0, os.SEEK_END) == 0:
                raise FileUnreadable(f"{path} is empty: even without rows, a Parquet file names its columns.")
            self._parquet = pq.ParquetFile(self._file, pre_buffer=False, page_checksum_verification=True)
            self._check_columns(self._parquet.schema_arrow)
        except (pa.ArrowException, OSError, ValueError):
            self.close()
            raise self._damaged() from None
        except BaseException:
            self.close()
            raise

    @property
    def share(self) -> float:
        """How much of the file was read, from 0 to 1."""
        rows = self._parquet.metadata.num_rows
        return self._rows_read / rows if rows else 1.0

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def batches(self) -> Iterator[Batch]:
        """The rows of the file, in its order."""
        try:
            for group in range(self._parquet.num_row_groups):
                for batch in self._parquet.iter_batches(
                    self._batch_rows(group), row_groups=[group], columns=self._wanted, use_threads=False
                ):
                    first = self._rows_read + 1
                    self._rows_read += batch.num_rows
                    yield self._as_batch(batch, first)
        except (pa.ArrowException, OSError, ValueError):
            raise self._damaged() from None

    def _damaged(self) -> FileUnreadable:
        return FileUnreadable(
            f"{self._path} is not a sound Parquet file, so none of it was taken: make it or fetch it again."
        )

    def _check_columns(self, schema: pa.Schema) -> None:
        counts = Counter(schema.names)
        self._wanted = [name for name in self._layout.names if name in counts]
        self.columns = frozenset(self._wanted)
        self.unknown_columns = unknown([name for name in schema.names if name not in self._layout.names])
        for name in self._wanted:
            if counts[name] > 1:
                raise FileUnreadable(f"{self._path} has the column {name} more than once: leave one.")
            kind = schema.field(name).type
            try:
                _as_text(pa.array([], kind), Cell.TEXT)
            except pa.ArrowException:
                raise FileUnreadable(
                    f"{self._path} has values of the type {kind} in the column {name}: store them as text."
                ) from None
        missing = [name for name in self._layout.required if name not in counts]
        if missing:
            raise FileUnreadable(
                f"{self._path} has no column {', '.join(missing)}: {self._layout.kind} need"
                f" {', '.join(self._layout.required)}."
            )

    def _batch_rows(self, group: int) -> int:
        """As many rows of a row group as fit a batch, by their mean size."""
        found = self._parquet.metadata.row_group(group)
        fitting: int = BATCH_BYTES * found.num_rows // max(1, found.total_byte_size)
        return max(1, min(BATCH_ROWS, fitting))

    def _as_batch(self, batch: pa.RecordBatch, first: int) -> Batch:
        cells: dict[str, pa.Array] = {}
        bad: dict[int, tuple[str, Fault]] = {}
        for column in self._layout.columns:
            if column.name in self.columns:
                cells[column.name], faults = _as_text(batch.column(column.name), column.cell)
                for at, fault in faults.items():
                    bad.setdefault(at, (column.name, fault))
        lines = pa.array(range(first, first + batch.num_rows), pa.int64())
        keys = cells["external_id"]
        rejections = [
            Rejection(first + at, name, fault, keys[at].as_py() or "") for at, (name, fault) in sorted(bad.items())
        ]
        if bad:
            kept = pa.array([at for at in range(batch.num_rows) if at not in bad], pa.int64())
            lines = lines.take(kept)
            cells = {name: column.take(kept) for name, column in cells.items()}
        return Batch(lines, cells, rejections)


def _unpack(path: Path) -> IO[bytes]:
    """Unpack a .parquet.gz to a file without a name: Parquet is read from its end."""
    with ExitStack() as stack:
        unpacked = stack.enter_context(tempfile.TemporaryFile())
        with ByteSource(path, compressed=True) as source:
            while data := source.read():
                unpacked.write(data)
        if source.truncated:
            raise FileUnreadable(
                f"{path} ends in the middle, and Parquet keeps its index at the end, so none of it was taken:"
                " fetch it again."
            )
        unpacked.seek(0)
        stack.pop_all()
        return unpacked


def _as_text(values: pa.Array, cell: Cell) -> tuple[pa.Array, dict[int, Fault]]:
    """A column as text, and the rows whose value has none. Raises pa.ArrowException for a type without texts."""
    kind = values.type
    if isinstance(kind, pa.UuidType):
        return pa.array([str(value) if value else None for value in values.to_pylist()], pa.string()), {}
    if isinstance(kind, pa.BaseExtensionType):
        return _as_text(values.storage, cell)
    if pa.types.is_dictionary(kind):
        return _as_text(values.dictionary_decode(), cell)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return _instants_as_text(values.cast(pa.timestamp(kind.unit, "UTC")))
    if pa.types.is_floating(kind):
        return _numbers_as_text(values.cast(pa.float64()), cell)
    if any(test(kind) for test in _BYTES):
        return _bytes_as_text(values.cast(pa.binary()))
    return values.cast(pa.string()), {}


def _instants_as_text(instants: pa.Array) -> tuple[pa.Array, dict[int, Fault]]:
    unit = instants.type.unit
    if unit == "ns":
        microseconds = pc.floor_temporal(instants, unit="microsecond").cast(_MICROSECONDS, safe=False)
        return microseconds.cast(pa.string()), {}
    # Arrow writes a year that it cannot spell as another one.
    ticks = instants.cast(pa.int64())
    earliest, latest = (second * _TICKS[unit] for second in _SECONDS)
    far = pc.or_(pc.less(ticks, earliest), pc.greater_equal(ticks, latest))
    near = pc.if_else(far, None, instants)
    return near.cast(_MICROSECONDS).cast(pa.string()), dict.fromkeys(_rows(far), OUT_OF_YEARS)


def _numbers_as_text(numbers: pa.Array, cell: Cell) -> tuple[pa.Array, dict[int, Fault]]:
    # A NaN is how data frames write that there is nothing.
    numbers = pc.if_else(pc.is_nan(numbers), None, numbers)
    inexact = [] if cell is Cell.SHARE else _rows(pc.greater_equal(pc.abs(numbers), _LARGEST_EXACT))
    return numbers.cast(pa.string()), dict.fromkeys(inexact, _INEXACT)


def _bytes_as_text(values: pa.Array) -> tuple[pa.Array, dict[int, Fault]]:
    try:
        return values.cast(pa.string()), {}
    except pa.ArrowInvalid:
        texts: list[str | None] = []
        faults: dict[int, Fault] = {}
        for at, value in enumerate(values.to_pylist()):
            try:
                texts.append(None if value is None else value.decode())
            except UnicodeDecodeError:
                faults[at] = _NOT_UTF8
                texts.append(None)
        return pa.array(texts, pa.string()), faults


def _rows(mask: pa.Array) -> list[int]:
    found: list[int] = pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist()
    return found
