"""The workspace's own Postgres, under row-level security."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, Final, Self

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.csv as pc_csv
from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.datasets.engine import compiled, new_name
from setpoint.outcomes.facts import facts
from setpoint.storage.database import driver_connection

_CHUNK_BYTES = 8 << 20

# The planner cannot know how many rows the labels leave, guesses few, and would loop over a table of millions. A
# hash join is never far from the best plan here. The last two may be set otherwise for a database or a role: the
# compiler's literals and the reader below count on them.
_SETTINGS: Final = {
    "work_mem": "256MB",
    "enable_nestloop": "off",
    "jit": "off",
    "standard_conforming_strings": "on",
    "datestyle": "ISO",
}


class PostgresEngine:
    """Runs on the caller's tenant transaction, under row-level security."""

    name = "postgres"

    def __init__(self, connection: AsyncConnection, client_id: int) -> None:
        self.connection = connection
        self.client_id = client_id
        self.facts = facts(client_id)

    async def __aenter__(self) -> Self:
        for name, value in _SETTINGS.items():
            await self.connection.execute(
                text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value}
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def keep(self, name: str, table: ir.Table) -> ir.Table:
        kept = new_name(name)
        await self._run(f"CREATE TEMP TABLE {kept} ON COMMIT DROP AS {compiled(table, self.name)}")
        await self._run(f"ANALYZE {kept}")
        return ibis.table(table.schema(), name=kept)

    async def fetch(self, table: ir.Table) -> list[dict[str, Any]]:
        result = await self._run(compiled(table, self.name))
        return [dict(row) for row in result.mappings()]

    async def stream(self, table: ir.Table) -> AsyncGenerator[pa.RecordBatch]:
        schema = table.schema().to_pyarrow()
        chunk = bytearray()
        async with (
            driver_connection(self.connection).cursor() as cursor,
            cursor.copy(
                f"COPY ({compiled(table, self.name)}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)".encode()
            ) as copy,
        ):
            async for line in copy:
                chunk += line
                if len(chunk) >= _CHUNK_BYTES:
                    yield _parsed(bytes(chunk), schema)
                    chunk.clear()
        if chunk:
            yield _parsed(bytes(chunk), schema)

    @asynccontextmanager
    async def looking_up(self) -> AsyncIterator[None]:
        """For queries over a kept table, whose size the planner knows: each row may be looked up by a key."""
        await self._run("SET LOCAL enable_nestloop = on")
        yield
        await self._run("SET LOCAL enable_nestloop = off")

    async def _run(self, sql: str) -> CursorResult[Any]:
        # The compiler has put every value into the text, so that a percent sign stands for itself.
        return await self.connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def _parsed(lines: bytes, schema: pa.Schema) -> pa.RecordBatch:
    """Read the database's CSV: a quoted cell is a value, an unquoted empty one is null."""
    types = {field.name: field.type for field in schema}
    table = pc_csv.read_csv(
        BytesIO(lines),
        read_options=pc_csv.ReadOptions(column_names=schema.names, block_size=len(lines) + 1),
        parse_options=pc_csv.ParseOptions(newlines_in_values=True),
        convert_options=pc_csv.ConvertOptions(
            column_types=types,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
        ),
    )
    return table.combine_chunks().to_batches()[0]
