"""How the tests of this room write files, import them and look at what is there afterwards."""

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import text

from setpoint.ingest.schemas import LAYOUTS, Cell, Column, ImportKind, ImportSummary, Layout
from setpoint.ingest.service import import_file
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

Row = Mapping[str, str]
# For tests of how files are read, whatever stands in them.
KEY_AND_NAME = Layout(ImportKind.CAMPAIGNS, (Column("external_id", Cell.ID, required=True), Column("name")))
MESSAGE = {
    "external_id": "m1",
    "lead_external_id": "lead-1",
    "channel": "email",
    "direction": "outbound",
    "sent_at": "2026-01-31T09:30:00Z",
}


def message(key: str, **cells: str) -> dict[str, str]:
    """A message that holds up, apart from what `cells` say."""
    return {**MESSAGE, "external_id": key, **cells}


def write(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows of texts to a file in the format that its name tells."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    if suffixes == [".parquet"]:
        columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
        pq.write_table(pa.table(columns), path)
        data = path.read_bytes()
    elif suffixes == [".jsonl"]:
        data = "".join(json.dumps(dict(row)) + "\n" for row in rows).encode()
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(rows)
        data = path.read_bytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


async def run(
    database: Database, workspace: Workspace, kind: str, path: Path, rejects: Path | None = None
) -> ImportSummary:
    """Import a file in a transaction of its own."""
    async with database.tenant(workspace.client_id) as connection:
        return await import_file(connection, workspace, ImportKind(kind), path, rejects)


async def add_leads(database: Database, workspace: Workspace, folder: Path, *keys: str) -> None:
    """Put leads into a workspace."""
    path = write(folder / "leads-before.csv", [{"external_id": key} for key in keys])
    assert (await run(database, workspace, "leads", path)).inserted == len(keys)


async def stored(database: Database, workspace: Workspace, table: str) -> list[dict[str, Any]]:
    """The rows of a table that the workspace sees, by key, without what only the database knows."""
    async with database.tenant(workspace.client_id) as connection:
        found = await connection.execute(text(f"SELECT * FROM {table} ORDER BY external_id"))
        return [{name: value for name, value in row.items() if name != "client_id"} for row in found.mappings()]


async def everything(database: Database, workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    """All facts and texts of a workspace."""
    tables = [layout.table for layout in LAYOUTS.values()] + ["message_texts", "draft_texts"]
    return {table: await stored(database, workspace, table) for table in tables}
