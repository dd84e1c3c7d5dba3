"""Import a file into a workspace: all that is good in it, or nothing."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row
from psycopg.sql import SQL, Composed
from sqlalchemy.ext.asyncio import AsyncConnection as SqlConnection

from setpoint.domain.errors import FileUnreadable
from setpoint.ingest import queries
from setpoint.ingest.bookings import derive_booking_instants
from setpoint.ingest.copy_format import copy_rows
from setpoint.ingest.csv_file import CsvReader
from setpoint.ingest.files import Format, Reader, format_of
from setpoint.ingest.jsonl_file import JsonlReader
from setpoint.ingest.parquet_file import ParquetReader
from setpoint.ingest.rejects import Rejects, Stage, gather_rejects
from setpoint.ingest.rules import check, kind_by_columns
from setpoint.ingest.schemas import (
    LAYOUTS,
    Fault,
    ImportKind,
    ImportSummary,
    Layout,
    Progress,
    Reason,
    Rejection,
)
from setpoint.storage.database import driver_connection
from setpoint.tenancy.service import Workspace

Connection = AsyncConnection[tuple[object, ...]]
_Answer = TypeVar("_Answer")
OnProgress = Callable[[Progress], None]

_READERS: dict[Format, type[CsvReader] | type[JsonlReader] | type[ParquetReader]] = {
    Format.CSV: CsvReader,
    Format.JSONL: JsonlReader,
    Format.PARQUET: ParquetReader,
}
ROWS_OF_A_SLICE = 100_000
_REFUSED_AT_ONCE = 10_000
# The share of the whole that is done when a phase begins, as measured for a first import of messages.
_PHASES = {"reading": 0.0, "sorting": 0.35, "saving": 0.45, "done": 1.0}

_UNKNOWN_LEAD = Fault(Reason.UNKNOWN_LEAD, "names a lead that the workspace does not have: import leads first")


async def import_file(
    connection: SqlConnection,
    workspace: Workspace,
    kind: ImportKind,
    path: Path,
    rejects: Path | None = None,
    progress: OnProgress | None = None,
) -> ImportSummary:
    """Import a CSV, JSON Lines or Parquet file (docs/import.md) in the caller's transaction.

    Rows whose key is new are inserted, changed ones updated, the others left alone. An empty cell means that nothing
    is known; of a column that the file does not have, what is stored stays. Rows with a fault are rejected and told
    about, in the summary and in the CSV file `rejects`, which is written before the
    transaction is committed. Only one import of a kind runs in a workspace at a time. Memory is bounded whatever
    the length of the file.

    Raises FileUnreadable where the file as a whole is none of ours, or of another kind by its columns, and UsageError
    where `rejects` cannot be written; the transaction must then be rolled back.
    """
    layout = LAYOUTS[kind]
    summary = ImportSummary(kind)
    report = _Reporter(summary, progress or (lambda _: None))
    with gather_rejects(summary, rejects, path) as rejected:
        reader = await asyncio.to_thread(_open, path, layout)
        importing = _Import(driver_connection(connection), workspace.client_id, layout, summary, rejected, report)
        with closing(reader):
            _refuse_other_kind(path, layout, reader)
            await importing.stage(_read_ahead(_portions(reader, layout)))
        # JSON Lines tells its columns only now.
        _refuse_other_kind(path, layout, reader)
        await importing.finish(reader)
    report("done", 1.0)
    return summary


@dataclass(frozen=True, slots=True)
class Prepared:
    """A small file, read and checked, without any database: another process can have made it."""

    kind: ImportKind
    portions: Sequence["_Portion"]
    columns: frozenset[str]
    unknown_columns: list[str]
    truncated: bool


def prepare(kind: ImportKind, path: Path) -> Prepared:
    """Read and check all of a file that fits into memory. Raises FileUnreadable."""
    layout = LAYOUTS[kind]
    with closing(_open(path, layout)) as reader:
        # A view of memory stays in its process.
        portions = [replace(portion, copy=bytes(portion.copy)) for portion in _portions(reader, layout)]
        return Prepared(kind, portions, reader.columns, reader.unknown_columns, reader.truncated)


async def import_prepared(
    connection: SqlConnection, workspace: Workspace, prepared: Prepared, rejects: Path
) -> ImportSummary:
    """Import what was prepared, as `import_file` does with its file. Raises UsageError."""
    layout = LAYOUTS[prepared.kind]
    summary = ImportSummary(prepared.kind)
    report = _Reporter(summary, lambda _: None)
    with gather_rejects(summary, rejects) as rejected:
        importing = _Import(driver_connection(connection), workspace.client_id, layout, summary, rejected, report)
        await importing.stage(_each(prepared.portions))
        await importing.finish(prepared)
    return summary


async def _each(portions: Sequence["_Portion"]) -> AsyncGenerator["_Portion", None]:
    for portion in portions:
        yield portion


def _open(path: Path, layout: Layout) -> Reader:
    form, compressed = format_of(path)
    return _READERS[form](path, compressed, layout)


def _refuse_other_kind(path: Path, layout: Layout, reader: Reader) -> None:
    """Nothing takes back what was imported as the wrong kind: each message would be a booking, or a lead."""
    names = reader.columns.union(reader.unknown_columns)
    other = kind_by_columns(layout, names)
    if other is not None:
        raise FileUnreadable(
            f"{path} has the columns of {other}, not of {layout.kind}: import it as {other}, or leave only columns of"
            f" {layout.kind} in it."
        )


@dataclass(frozen=True, slots=True)
class _Portion:
    """A batch, checked: rows for COPY, and what was rejected, by line."""

    rows: int
    copy: memoryview | bytes
    rejections: list[Rejection]
    share: float


def _portions(reader: Reader, layout: Layout) -> Iterator[_Portion]:
    for batch in reader.batches():
        accepted = check(batch, layout)
        yield _Portion(
            len(batch.lines) + len(batch.rejections),
            copy_rows(accepted.lines, accepted.columns, layout),
            sorted(accepted.rejections, key=attrgetter("line")),
            reader.share,
        )


async def _read_ahead(portions: Iterator[_Portion]) -> AsyncGenerator[_Portion, None]:
    """The portions, each made in a thread while the database takes the one before."""
    coming = asyncio.ensure_future(asyncio.to_thread(next, portions, None))
    try:
        while (portion := await asyncio.shield(coming)) is not None:
            coming = asyncio.ensure_future(asyncio.to_thread(next, portions, None))
            yield portion
    finally:
        # The file is closed next: the thread must have let go of it, whatever it came to.
        await asyncio.gather(coming, return_exceptions=True)


class _Reporter:
    """Tells how far an import is, with its rate and the time it may still take."""

    def __init__(self, summary: ImportSummary, tell: OnProgress) -> None:
        self._summary = summary
        self._tell = tell
        self._began = time.monotonic()

    def __call__(self, phase: str, share_of_phase: float) -> None:
        shares = list(_PHASES.values())
        at = list(_PHASES).index(phase)
        share = shares[at] + share_of_phase * (shares[min(at + 1, len(shares) - 1)] - shares[at])
        elapsed = max(time.monotonic() - self._began, 1e-6)
        self._tell(
            Progress(
                phase=phase,
                rows=self._summary.rows,
                share=share,
                rows_per_second=self._summary.rows / elapsed,
                seconds_left=elapsed * (1 - share) / share if share > 0 else None,
            )
        )


@dataclass(frozen=True, slots=True)
class _Import:
    connection: Connection
    client_id: int
    layout: Layout
    summary: ImportSummary
    rejected: Rejects
    report: _Reporter

    async def stage(self, coming: AsyncGenerator[_Portion, None]) -> None:
        """Write what comes into the table `imported`."""
        await self.connection.execute(queries.SETTINGS)
        await self.connection.execute(queries.lock(self.layout.kind, self.client_id))
        await self.connection.execute(queries.create_imported(self.layout))
        async with (
            aclosing(coming) as portions,
            self.connection.cursor() as cursor,
            cursor.copy(queries.COPY) as copy,
        ):
            async for portion in portions:
                self.summary.rows += portion.rows
                self.rejected.add(Stage.FILE, portion.rejections)
                await copy.write(portion.copy)
                self.report("reading", portion.share)

    async def finish(self, read: Reader | Prepared) -> None:
        """Bring what was staged into the workspace, and complete the summary. Raises SetpointError."""
        self.summary.unknown_columns = read.unknown_columns
        self.summary.truncated = read.truncated
        await self.sort()
        await self.save(read.columns)
        if self.summary.accepted + self.summary.rejected + self.summary.unchanged != self.summary.rows:
            raise RuntimeError("An import lost count of its rows; nothing of it was saved.")
        await asyncio.to_thread(self.rejected.finish)

    async def sort(self) -> None:
        """Bring the rows into the order of their keys, and reject what only the database can tell is wrong."""
        self.report("sorting", 0.0)
        await self.connection.execute(queries.ANALYZE_IMPORTED)
        await self.connection.execute(queries.create_incoming(self.layout, self.client_id))
        await self.connection.execute(queries.DROP_IMPORTED)
        await self.connection.execute(queries.ANALYZE_INCOMING)
        async with self.connection.cursor("refused", row_factory=class_row(queries.Refused)) as cursor:
            await cursor.execute(queries.REFUSED)
            while refused := await cursor.fetchmany(_REFUSED_AT_ONCE):
                self.rejected.add(Stage.DATABASE, list(map(_rejection, refused)))

    async def save(self, columns: frozenset[str]) -> None:
        """Write the rows, which have these columns, to the workspace, a slice at a time."""
        if self.layout.copies:
            await self.connection.execute(queries.CREATE_TOUCHED)
        size = await self._one(queries.SIZE, queries.Size)
        step = max(1, size.pages * ROWS_OF_A_SLICE // max(1, size.rows))
        known: str | None = ""  # The first key of the workspace from here on; None where there is none.
        for start in range(0, size.pages, step):
            self.report("saving", start / size.pages)
            part = await self._one(queries.part(start, start + step), queries.Part)
            if part.rows == 0:
                continue
            if known is not None and known < part.first:
                known = await self._next_key(part.first)
            if known is None or known > part.last:
                await self._insert(part)
            else:
                await self._merge(part, columns)
        await self.connection.execute(queries.DROP_INCOMING)
        if self.layout.copies:
            await derive_booking_instants(self.connection, self.client_id)
            await self.connection.execute(queries.DROP_TOUCHED)

    async def _insert(self, part: queries.Part) -> None:
        written = await self.connection.execute(queries.insert(self.layout, self.client_id, part))
        self.summary.inserted += written.rowcount
        if self.layout.texts:
            await self.connection.execute(queries.insert_texts(self.layout, self.client_id, part))
        if self.layout.copies:
            await self.connection.execute(queries.touch_inserted(part))

    async def _merge(self, part: queries.Part, columns: frozenset[str]) -> None:
        merged = await self._one(queries.merge(self.layout, self.client_id, part, columns), queries.Merged)
        self.summary.inserted += merged.inserted
        self.summary.updated += merged.written - merged.inserted
        self.summary.unchanged += part.rows - merged.different

    async def _one(self, query: SQL | Composed, kind: type[_Answer]) -> _Answer:
        async with self.connection.cursor(row_factory=class_row(kind)) as cursor:
            await cursor.execute(query)
            (found,) = await cursor.fetchall()
            return found

    async def _next_key(self, first: str) -> str | None:
        async with self.connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(queries.next_key(self.layout, self.client_id, first))
            found: str | None = await cursor.fetchone()
            return found


def _rejection(refused: queries.Refused) -> Rejection:
    if not refused.lead_known:
        return Rejection(refused.line, "lead_external_id", _UNKNOWN_LEAD, refused.external_id)
    duplicate = Fault(Reason.DUPLICATE_KEY, f"stands on line {refused.first_line} already, and that row was taken")
    return Rejection(refused.line, "external_id", duplicate, refused.external_id)
