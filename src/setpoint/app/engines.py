"""Which engine a piece of work runs on, and the snapshot it may need."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from setpoint.datasets.engine import Engine
from setpoint.datasets.on_duckdb import DuckDBEngine
from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.on_spark import SparkEngine
from setpoint.datasets.snapshot import read_manifest, write_snapshot
from setpoint.domain.windows import Window
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

_OVER_SNAPSHOTS: dict[str, type[DuckDBEngine] | type[SparkEngine]] = {"duckdb": DuckDBEngine, "spark": SparkEngine}


@asynccontextmanager
async def open_engine(
    database: Database, workspace: Workspace, window: Window, name: str, snapshot: Path | None = None
) -> AsyncIterator[Engine]:
    """The engine `postgres`, `duckdb` or `spark` over one workspace's facts.

    The latter two read `snapshot` or, without one, a snapshot that is taken for this use. Raises UsageError and
    FileUnreadable where the snapshot cannot answer for this workspace and window.
    """
    if name == "postgres":
        async with (
            database.tenant(workspace.client_id, one_instant=True) as connection,
            PostgresEngine(connection, workspace.client_id) as engine,
        ):
            yield engine
        return
    with tempfile.TemporaryDirectory(prefix="setpoint-snapshot-") as scratch:
        directory = snapshot
        if directory is None:
            directory = Path(scratch) / "snapshot"
            async with (
                database.tenant(workspace.client_id, one_instant=True) as connection,
                PostgresEngine(connection, workspace.client_id) as source,
            ):
                await write_snapshot(source, workspace.slug, window, directory)
        else:
            read_manifest(directory).check(workspace.slug, window)
        async with _OVER_SNAPSHOTS[name](directory) as other:
            yield other
