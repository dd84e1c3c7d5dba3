"""A snapshot: the facts of one workspace as partitioned Parquet without any text, for the other engines.

DIR/snapshot.json                      what it holds and which windows it can answer; written last
DIR/{leads,campaigns,drafts,appointments}/part-0.parquet
DIR/messages/month=YYYY-MM/part-0.parquet
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from setpoint.datasets.engine import Engine
from setpoint.domain.errors import Conflict, FileUnreadable, SetpointError, UsageError
from setpoint.domain.windows import Window, format_instant, parse_instant
from setpoint.outcomes.attribution import described
from setpoint.outcomes.facts import COLUMNS, DERIVED, facts

MANIFEST = "snapshot.json"
FORMAT_VERSION = 3
_ROW_GROUP = 131_072


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot holds: one workspace's messages sent in `[covers_from, covers_until]`, all its other facts."""

    workspace: str
    covers_from: datetime
    covers_until: datetime
    rows: dict[str, int]

    def check(self, workspace: str, window: Window) -> None:
        """Raise UsageError unless the snapshot can answer this question."""
        if self.workspace != workspace:
            raise UsageError(f"The snapshot is of the workspace {self.workspace!r}, not of {workspace!r}.")
        if window.start - window.attribution < self.covers_from or window.known_until > self.covers_until:
            raise UsageError(
                f"The snapshot holds messages from {format_instant(self.covers_from)} to"
                f" {format_instant(self.covers_until)}, which does not cover this window with its attribution days"
                " and as-of: take a new one with `setpoint dataset snapshot`."
            )


def read_manifest(directory: Path) -> Manifest:
    """Read what a snapshot holds. Raises FileUnreadable where the directory is none, or of another version."""
    try:
        stored: dict[str, Any] = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        version = stored["version"]
        if version != FORMAT_VERSION:
            raise FileUnreadable(f"The snapshot has version {version!r}, this Setpoint reads {FORMAT_VERSION}.")
        return Manifest(
            workspace=stored["workspace"],
            covers_from=parse_instant(stored["covers_from"], "covers_from"),
            covers_until=parse_instant(stored["covers_until"], "covers_until"),
            rows={name: int(stored["rows"][name]) for name in COLUMNS},
        )
    except (OSError, ValueError, KeyError, TypeError, UsageError):
        raise FileUnreadable(
            f"{directory} is not a snapshot: make one with `setpoint dataset snapshot --out DIR`."
        ) from None


def parquet_files(directory: Path, table: str) -> list[Path]:
    """The Parquet files of one table of a snapshot, in order of their names; never none.

    Raises FileUnreadable where they are not whole: a month that is missing would give another answer, not an error.
    """
    files = sorted((directory / table).rglob("*.parquet"))
    schema = getattr(facts(), table).schema().to_pyarrow()
    rows = sum(_count_rows(path, schema) for path in files)
    if not files or rows != read_manifest(directory).rows[table]:
        raise FileUnreadable(f"The snapshot {directory} has lost some of its {table}: take a new one.")
    return files


def _count_rows(path: Path, schema: pa.Schema) -> int:
    try:
        with pq.ParquetFile(path) as file:
            if file.schema_arrow == schema:
                rows: int = file.metadata.num_rows
                return rows
    except (OSError, pa.ArrowException):
        pass
    raise FileUnreadable(f"{path} cannot be read as a part of a snapshot: take a new one.")


async def write_snapshot(
    engine: Engine,
    workspace: str,
    window: Window,
    out: Path,
    progress: Callable[[str, int], None] | None = None,
) -> Manifest:
    """Write the facts that a window needs to a new directory, completely or not at all.

    `progress` is told the table and its rows so far. Raises Conflict where `out` exists and is not empty.
    """
    out = out.resolve()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Conflict(f"{out} exists already and is not empty: name a new directory.")
    covers_from, covers_until = window.start - window.attribution, window.known_until
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise SetpointError(f"{out} cannot be written: {error.strerror or error}. Name another place.") from error
    try:
        rows: dict[str, int] = {}
        for name in COLUMNS:
            rows[name] = await _write_table(engine, name, covers_from, covers_until, partial, progress)
        manifest = Manifest(workspace, covers_from, covers_until, rows)
        (partial / MANIFEST).write_text(_spelled(manifest), encoding="utf-8")
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        reason = error.strerror or error
        raise SetpointError(f"{out} could not be written: {reason}. Nothing of it was kept.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _spelled(manifest: Manifest) -> str:
    return json.dumps(
        {
            "version": FORMAT_VERSION,
            "workspace": manifest.workspace,
            "covers_from": manifest.covers_from.isoformat(),
            "covers_until": manifest.covers_until.isoformat(),
            "rows": manifest.rows,
        },
        indent=2,
    )


async def _write_table(
    engine: Engine,
    name: str,
    covers_from: datetime,
    covers_until: datetime,
    directory: Path,
    progress: Callable[[str, int], None] | None,
) -> int:
    table = getattr(engine.facts, name)
    if name == "messages":
        table = table.filter(
            table.sent_at >= ibis.literal(covers_from, type=table.sent_at.type()),
            table.sent_at <= ibis.literal(covers_until, type=table.sent_at.type()),
        )
        table = described(table, engine.facts.drafts)
        in_order = [table.lead_external_id, table.sent_at, table.external_id]
        table = table.mutate(position=ibis.row_number().over(ibis.window(order_by=in_order)))
        table = table.select(*COLUMNS[name], *DERIVED).order_by(table.sent_at.truncate("month"), "position")
    else:
        table = table.order_by("external_id")
    rows = 0
    with _Files(directory / name, table.schema().to_pyarrow()) as files:
        async with aclosing(engine.stream(table)) as batches:
            async for batch in batches:
                if name == "messages":
                    months = pc.strftime(batch["sent_at"].cast(pa.timestamp("us")), format="%Y-%m")
                    for month in pc.unique(months).to_pylist():
                        files.write(f"month={month}", batch.filter(pc.equal(months, month)))
                else:
                    files.write("", batch)
                rows += batch.num_rows
                if progress is not None:
                    progress(name, rows)
    return rows


class _Files:
    """The Parquet files of one table, one for each folder. The rows of a folder come together, so that only one file
    is open and no more than a row group waits.
    """

    def __init__(self, directory: Path, schema: pa.Schema) -> None:
        self._directory, self._schema = directory, schema
        self._folder: str | None = None
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []

    def __enter__(self) -> "_Files":
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is None:
            if self._folder is None:
                self._start("")
            self._finish()
        elif self._writer is not None:
            with suppress(OSError):
                self._writer.close()

    def write(self, folder: str, batch: pa.RecordBatch) -> None:
        if folder != self._folder:
            self._finish()
            self._start(folder)
        self._waiting.append(batch)
        if sum(part.num_rows for part in self._waiting) >= _ROW_GROUP:
            self._flush()

    def _start(self, folder: str) -> None:
        (self._directory / folder).mkdir(parents=True, exist_ok=True)
        path = self._directory / folder / "part-0.parquet"
        self._folder, self._writer = folder, pq.ParquetWriter(path, self._schema, compression="zstd")

    def _flush(self) -> None:
        if self._writer is not None:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting = []

    def _finish(self) -> None:
        self._flush()
        if self._writer is not None:
            self._writer.close()
