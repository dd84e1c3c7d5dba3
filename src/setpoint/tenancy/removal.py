"""Remove a workspace with every row that the database keeps of it.

Which tables those are is read from the catalogue, so that none that is added later is forgotten.
"""

import asyncio
import time
from dataclasses import dataclass
from graphlib import TopologicalSorter

from psycopg.errors import LockNotAvailable
from sqlalchemy import TableClause, column, delete, func, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import DatabaseUnavailable
from setpoint.tenancy.service import Workspace

_TABLES = text("""
SELECT relname AS name, relkind = 'p' AS partitioned, pg_has_role(relowner, 'USAGE') AS owned, ARRAY(
    SELECT target.relname::text FROM pg_constraint JOIN pg_class AS target ON target.oid = confrelid
    WHERE conrelid = tenant.oid AND contype = 'f' AND confrelid <> conrelid
) AS refers_to
FROM pg_class AS tenant JOIN pg_attribute ON attrelid = tenant.oid AND attname = 'client_id' AND NOT attisdropped
WHERE relnamespace = 'setpoint'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY relname
""")
_PARTITIONS = text("""
SELECT parent.relname AS parent, 'setpoint.' || quote_ident(part.relname) AS name
FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid JOIN pg_class AS parent ON parent.oid = inhparent
WHERE part.relnamespace = 'setpoint'::regnamespace
    AND pg_get_expr(part.relpartbound, part.oid) = format('FOR VALUES IN (%s)', CAST(:client_id AS integer))
ORDER BY part.relname
""")
_PATIENT = text("SET LOCAL lock_timeout = '30s'")
# PostgreSQL looks for what refers to a row among all the rows just deleted, once for each: hours for a large
# workspace. Who may spare that, as the embedded database may, does, because what refers to it goes as well.
_SPARE_CHECKS = text(
    "SELECT set_config('session_replication_role', 'replica', true)"
    " WHERE has_parameter_privilege('session_replication_role', 'SET')"
)
_LOCK = text("SELECT FROM workspaces WHERE client_id = :client_id FOR UPDATE")
_IMPATIENT = text("SET LOCAL lock_timeout = '100ms'")
_DROP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    partitioned: bool


async def count_rows(connection: AsyncConnection, workspace: Workspace) -> dict[str, int]:
    """How many rows each table has of a workspace, tables without any left out, on its owner connection.

    Raises DatabaseUnavailable for anybody but the owner of the schema.
    """
    return await _count(connection, await _tables(connection), workspace.client_id)


async def remove_workspace(connection: AsyncConnection, workspace: Workspace) -> dict[str, int]:
    """Remove a workspace and all of its rows in the caller's transaction, on its owner connection.

    Returns how many rows there were, as `count_rows` does: none where it was removed before. Raises
    DatabaseUnavailable for anybody but the owner, and where other commands use the workspace for half a minute.
    """
    tables = await _tables(connection)
    client_id = workspace.client_id
    await connection.execute(_PATIENT)
    # What belongs to the workspace row cannot be added from here on.
    await connection.execute(_LOCK, {"client_id": client_id})
    spared = await connection.scalar(_SPARE_CHECKS) is not None
    rows = await _count(connection, tables, client_id)
    partitions = [(row.parent, row.name) for row in await connection.execute(_PARTITIONS, {"client_id": client_id})]
    # Once its leads are deleted nobody can add to them, and what was added just before is found the second time.
    for _ in range(2):
        for each in tables:
            if not each.partitioned:
                facts = _facts(each.name)
                await connection.execute(delete(facts).where(facts.c.client_id == client_id))
            elif not spared:
                # Readers of other workspaces may have to wait for this one's end: their plans name every partition.
                for parent, partition in partitions:
                    if parent == each.name:
                        await connection.execute(text(f"TRUNCATE {partition}"))
    await _drop(connection, [partition for _, partition in partitions])
    return rows


async def _tables(connection: AsyncConnection) -> list[_Table]:
    """The tables with rows of workspaces, those that refer to others before them."""
    found = {row.name: row for row in await connection.execute(_TABLES)}
    if not all(row.owned for row in found.values()):
        raise DatabaseUnavailable(
            "Only the owner of the `setpoint` schema may remove workspaces: connect as that role."
        )
    referring: dict[str, set[str]] = {name: set() for name in found}
    for name, row in found.items():
        for target in row.refers_to:
            if target in referring:
                referring[target].add(name)
    return [_Table(name, found[name].partitioned) for name in TopologicalSorter(referring).static_order()]


async def _count(connection: AsyncConnection, tables: list[_Table], client_id: int) -> dict[str, int]:
    rows = {}
    for each in tables:
        if each.name != "workspaces":
            facts = _facts(each.name)
            count = select(func.count()).select_from(facts).where(facts.c.client_id == client_id)
            rows[each.name] = await connection.scalar(count) or 0
    return {name: count for name, count in sorted(rows.items()) if count}


def _facts(name: str) -> TableClause:
    return table(name, column("client_id"), schema="setpoint")


async def _drop(connection: AsyncConnection, partitions: list[str]) -> None:
    """Drop the partitions, which nobody may read beside: we try for that again and again, so that none waits long."""
    deadline = time.monotonic() + _DROP_SECONDS
    while partitions:
        try:
            async with connection.begin_nested():
                await connection.execute(_IMPATIENT)
                await connection.execute(text(f"DROP TABLE {', '.join(partitions)}"))
                return
        except DBAPIError as error:
            if not isinstance(error.orig, LockNotAvailable) or time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)
