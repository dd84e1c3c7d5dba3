"""Where an expression runs: the workspace's own Postgres, DuckDB or Spark over a snapshot.

An engine compiles the same Ibis expression to its own SQL. It can keep a result for the length of a run, fetch
a small one, and stream a large one in bounded memory.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol, TypeVar

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from setpoint.outcomes.facts import Facts

BATCH_ROWS = 65_536

T = TypeVar("T")


class Engine(Protocol):
    """One place to run expressions over one workspace's facts."""

    name: str
    facts: Facts

    async def keep(self, name: str, table: ir.Table) -> ir.Table:
        """Compute a table once and hold it until the run ends, under a name that begins with `name`."""

    async def fetch(self, table: ir.Table) -> list[dict[str, Any]]:
        """The rows of a small result."""

    def stream(self, table: ir.Table) -> AsyncGenerator[pa.RecordBatch]:
        """The rows of a result of any size, in its order. Who may stop before the end closes it (`aclosing`): until
        then the engine is busy with it.
        """


_numbers = itertools.count(1)


def new_name(name: str) -> str:
    """A name for a kept table that no other of this process has, also where engines share a session.

    No table of the schema begins like that: the partitions are called `messages_7`, by their workspace.
    """
    return f"kept_{name}_{next(_numbers)}"


def compiled(table: ir.Table, dialect: str) -> str:
    """The expression as SQL of an engine's dialect."""
    return str(ibis.to_sql(table, dialect=dialect, pretty=False))


async def in_thread(work: Callable[[], T], interrupt: Callable[[], object]) -> T:
    """Do what blocks in a thread. Where its caller is cancelled it is interrupted, and its end is waited for."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        # An interruption that comes before the work has begun is forgotten, hence again and again.
        while not running.done():
            interrupt()
            await asyncio.wait([running], timeout=0.1)
        # It has failed because we wanted it to.
        running.cancelled() or running.exception()
        raise
