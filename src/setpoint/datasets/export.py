"""Write a dataset to a file: CSV, JSON lines or Parquet, completely or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import ibis
import ibis.expr.types as ir
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.rows import COLUMNS, ORDER, TEXT_COLUMNS, csv_header, csv_lines, spelled, whole_seconds
from setpoint.datasets.service import Dataset
from setpoint.domain.errors import SetpointError, UsageError
from setpoint.domain.vocabulary import Attribution


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: its rows, and the SHA-256 of the file."""

    path: Path
    rows: int
    sha256: str


class _Writer(Protocol):
    def write(self, batch: pa.RecordBatch) -> None: ...

    def close(self) -> None: ...


class _Csv:
    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._file = file
        file.write(csv_header(schema))

    def write(self, batch: pa.RecordBatch) -> None:
        self._file.write(csv_lines(batch))

    def close(self) -> None:
        return None


class _JsonLines:
    """One object a line; cells as in the CSV, but booleans are booleans and nothing needs neutralising."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._file = file

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [column if pa.types.is_boolean(column.type) else spelled(column) for column in batch.columns]
        for row in pa.RecordBatch.from_arrays(columns, batch.schema.names).to_pylist():
            self._file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        return None


class _Parquet:
    """Typed columns: instants are timestamps in UTC, in whole seconds as in the other formats, null where unknown."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [
            whole_seconds(column) if pa.types.is_timestamp(column.type) else column for column in batch.columns
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


FORMATS: dict[str, Callable[[IO[bytes], pa.Schema], _Writer]] = {
    ".csv": _Csv,
    ".jsonl": _JsonLines,
    ".parquet": _Parquet,
}


def check_target(path: Path) -> None:
    """Raise UsageError unless the path's suffix names a format and a file can be there."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"--out must end in .csv, .jsonl or .parquet: {path.name!r} does not.")
    if path.is_dir():
        raise UsageError(f"{path} is a directory: name a file in it.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no directory {path.parent}: make it, or name another place.")


async def export(
    dataset: Dataset,
    path: Path,
    attribution: Attribution | None = None,
    balanced: int | None = None,
    with_text: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Exported:
    """Write the rows of a dataset. `with_text` adds the subject and body of the credited message, as people wrote
    them, and is for workspace admins; it needs the Postgres engine.

    Raises UsageError and SetpointError; nothing is left at `path` but the whole file, or what was there before.
    """
    check_target(path)
    parts, schema = dataset.parts(attribution, balanced), COLUMNS
    if with_text:
        parts, schema = [_with_text(dataset, rows) for rows in parts], pa.schema([*COLUMNS, *TEXT_COLUMNS])
    try:
        # Nobody else may read it, from the first byte on.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".setpoint-", delete=False) as file:
            partial = Path(file.name)
            try:
                count = await _write(dataset, parts, schema, FORMATS[path.suffix.lower()](file, schema), progress)
                file.flush()
                os.fsync(file.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        with path.open("rb") as written:
            return Exported(path, count, hashlib.file_digest(written, "sha256").hexdigest())
    except OSError as error:
        reason = error.strerror or error
        raise SetpointError(f"{path} cannot be written: {reason}. Name another place.") from error


async def _write(
    dataset: Dataset,
    parts: Sequence[ir.Table],
    schema: pa.Schema,
    writer: _Writer,
    progress: Callable[[int], None] | None,
) -> int:
    count = 0
    with closing(writer):
        for part in parts:
            async with aclosing(dataset.engine.stream(part)) as batches:
                async for batch in batches:
                    writer.write(batch.cast(schema))
                    count += batch.num_rows
                    if progress is not None:
                        progress(count)
    return count


def _with_text(dataset: Dataset, rows: ir.Table) -> ir.Table:
    engine = dataset.engine
    if not isinstance(engine, PostgresEngine):
        raise UsageError("--with-text needs --engine postgres: a snapshot holds no text.")
    texts = ibis.table(
        {"client_id": "int32", "external_id": "string", "subject": "string", "body": "string"},
        name="message_texts",
    )
    texts = texts.filter(texts.client_id == engine.client_id).drop("client_id")
    joined = rows.left_join(texts, rows.message_id == texts.external_id)
    return joined.select(
        *COLUMNS.names, subject=joined.subject.fill_null(""), body=joined.body.fill_null("")
    ).order_by(*ORDER)
