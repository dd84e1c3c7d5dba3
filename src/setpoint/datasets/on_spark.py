"""The Spark engine: the same expression over a snapshot, on this machine or a cluster.

Where `SPARK_HOME`, `SPARK_CONF_DIR` or `MASTER` is set, Spark is configured as it says there (`spark-defaults.conf`).
Without any of them it runs locally, on all cores.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncGenerator, Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from setpoint.datasets.engine import BATCH_ROWS, compiled, in_thread, new_name
from setpoint.datasets.snapshot import parquet_files
from setpoint.domain.errors import EngineUnavailable, UsageError
from setpoint.outcomes.facts import COLUMNS, facts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

T = TypeVar("T")

# A local Spark needs no name that resolves, and stays off the network.
_LOCAL: Final[dict[str, bool | float | int | str | None]] = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": str(max(2, os.cpu_count() or 2)),
}
_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    # A text in a query stands for itself, whatever it looks like.
    "spark.sql.variable.substitute": "false",
    # Other engines count days before 1582 as we do; Spark would suspect the calendar of its older versions.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
}


def check_installed() -> None:
    """Tell before anything is opened what Spark lacks here. Raises UsageError and EngineUnavailable."""
    if not all(find_spec(package) for package in ("pyspark", "py4j")):
        raise UsageError(
            "Spark is not installed: install Setpoint with its spark extra: `pip install -e '.[spark]'`."
        )
    if os.environ.get("SPARK_REMOTE"):
        raise EngineUnavailable("Spark Connect is not supported: unset SPARK_REMOTE, and name a master.")
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        raise EngineUnavailable("Spark needs Java 17 or newer: install it, or set JAVA_HOME.")


def _session() -> "SparkSession":
    check_installed()
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder = (
        SparkSession.builder.appName("setpoint")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "ERROR")
    )
    if not any(os.environ.get(name) for name in ("SPARK_HOME", "SPARK_CONF_DIR", "MASTER")):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.config(map=_LOCAL)
    try:
        # One Spark to a process; the names of tables are each engine's own.
        session = builder.getOrCreate().newSession()
    except (PySparkException, RuntimeError, OSError) as error:
        raise EngineUnavailable(f"Spark could not start: {type(error).__name__}. Is Java 17 installed?") from error
    for name, value in _SESSION.items():
        session.conf.set(name, value)
    return session


class SparkEngine:
    """Runs on Spark over the Parquet files of a snapshot, which every worker must be able to read."""

    name = "spark"

    def __init__(self, snapshot: Path) -> None:
        self.facts = facts()
        self._snapshot = snapshot
        self._kept: list[DataFrame] = []

    async def __aenter__(self) -> Self:
        self._spark = await asyncio.to_thread(_session)
        for name in COLUMNS:
            files = [_location(path) for path in parquet_files(self._snapshot, name)]
            view = await self._run(partial(self._spark.read.parquet, *files))
            view.createOrReplaceTempView(name)
        return self

    async def __aexit__(self, *_: object) -> None:
        for frame in self._kept:
            frame.unpersist()

    async def keep(self, name: str, table: ir.Table) -> ir.Table:
        kept = new_name(name)
        frame = await self._frame(table)
        self._kept.append(frame.persist())
        frame.createOrReplaceTempView(kept)
        return ibis.table(table.schema(), name=kept)

    async def fetch(self, table: ir.Table) -> list[dict[str, Any]]:
        frame = await self._frame(table)
        return [row.asDict() for row in await self._run(frame.collect)]

    async def stream(self, table: ir.Table) -> AsyncGenerator[pa.RecordBatch]:
        from pyspark.sql import functions

        schema = table.schema().to_pyarrow()
        frame = (await self._frame(table)).persist()
        try:
            # Spark numbers the partitions of a sorted result in its order; one at a time has room here.
            partition = functions.spark_partition_id()
            numbered = frame.groupBy(partition.alias("number")).count()
            for number, rows in sorted(await self._run(numbered.collect)):
                part = await self._run(frame.where(partition == number).toArrow)
                if part.num_rows != rows:
                    raise EngineUnavailable("Spark lost a worker and with it a part of the rows: run this again.")
                for batch in part.cast(schema).to_batches(BATCH_ROWS):
                    yield batch
        finally:
            frame.unpersist()

    async def _frame(self, table: ir.Table) -> "DataFrame":
        sql = compiled(table, "pyspark")
        return await self._run(lambda: self._spark.sql(sql))

    async def _run(self, work: Callable[[], T]) -> T:
        from py4j.protocol import Py4JError  # type: ignore[import-untyped]
        from pyspark.errors import PySparkException

        try:
            return await in_thread(work, self._spark.interruptAll)
        except (PySparkException, Py4JError) as error:
            raise EngineUnavailable(
                f"Spark could not do its work: {type(error).__name__}. Can all its workers read {self._snapshot},"
                " and do they have memory and disk enough?"
            ) from error


def _location(path: Path) -> str:
    """A file of this machine for Spark, which takes some characters of a path for a pattern."""
    return "file://" + re.sub(r"([\\*?\[\]{}])", r"\\\1", str(path.absolute()))
