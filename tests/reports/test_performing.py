"""The work of a run: every section of a report, the same each time, and sensible where there is nobody."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import update
from tests.conftest import WorkspaceFactory
from tests.datasets.conftest import store, store_texts
from tests.outcomes.specification import Appointment, Lead, Message

from setpoint.datasets.engine import Engine
from setpoint.datasets.on_duckdb import DuckDBEngine
from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.service import DatasetRequest
from setpoint.datasets.snapshot import write_snapshot
from setpoint.domain.windows import make_window
from setpoint.reports import service
from setpoint.reports.performing import Performed, perform
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

REQUEST = DatasetRequest("any", make_window("2026-03-01", "2026-06-01"), max_leads=7)


async def performed(database: Database, workspace: Workspace) -> tuple[Performed, list[str]]:
    steps: list[str] = []
    async with (
        database.tenant(workspace.client_id) as connection,
        PostgresEngine(connection, workspace.client_id) as engine,
    ):
        run = await service.queue_run(connection, workspace.client_id, REQUEST, "postgres", "ada")
        return await perform(engine, REQUEST, run, lambda step, rows: steps.append(step)), steps


async def test_an_empty_workspace_gets_every_section_and_no_number(database: Database, workspace: Workspace) -> None:
    found, steps = await performed(database, workspace)
    document = found.document
    assert json.loads(json.dumps(document)) == document
    assert found.evidence == {}
    assert [step["estimate"]["measured"] for step in document["adjustment"]["ladder"]] == [None] * 5
    assert document["adjustment"]["winner"] is None
    assert [sender["booked"] for sender in document["timing"]["senders"]] in ([], [0, 0])
    assert document["patterns"]["findings"] == []
    assert document["trend"]["weeks"] == []
    assert list(dict.fromkeys(steps)) == [
        "labelling leads",
        "comparing setter and AI",
        "measuring time to booking",
        "looking for patterns",
    ]


async def test_the_same_inputs_give_the_same_document(database: Database, new_workspace: WorkspaceFactory) -> None:
    workspace = await new_workspace()
    first, second = [(await performed(database, workspace))[0] for _ in range(2)]
    differing = {name for name in first.document if first.document[name] != second.document[name]}
    assert differing - {"created_at"} == {"id"}
    assert first.evidence == second.evidence


SENT = datetime(2026, 3, 5, 12, tzinfo=UTC)
ALL = DatasetRequest("any", make_window("2026-03-01", "2026-05-01"))


def world() -> list[Lead]:
    """Forty leads that AI and setters wrote to in turn; every fifth booked two days later."""
    leads = []
    for n in range(40):
        at = SENT + timedelta(days=n % 20)
        lead = Lead(f"l{n}", messages=[Message(f"m{n}", "email", at, sent_by="ai" if n % 2 else "setter")])
        if n % 5 == 0:
            lead.appointments.append(Appointment(f"a{n}", booked_at=at + timedelta(days=2)))
        leads.append(lead)
    return leads


async def hashes(database: Database, workspace: Workspace, other: Engine | None = None) -> dict[str, str | None]:
    """What a run's sections were made from, and its dataset."""
    async with (
        database.tenant(workspace.client_id) as connection,
        PostgresEngine(connection, workspace.client_id) as engine,
    ):
        run = await service.queue_run(connection, workspace.client_id, ALL, "postgres", "ada")
        document = (await perform(other or engine, ALL, run)).document
    sections = {name: document[name]["input_sha256"] for name in ("adjustment", "timing", "trend", "patterns")}
    return {"dataset": document["dataset_sha256"], **sections}


async def test_what_the_dataset_does_not_hold_shows_in_the_hash_of_its_section(
    database: Database, workspace: Workspace
) -> None:
    await store(database, workspace, world())
    await store_texts(database, workspace, {f"m{n}": (None, "We could talk on Tuesday.") for n in range(40)})
    first = await hashes(database, workspace)
    assert await hashes(database, workspace) == first

    async with database.tenant(workspace.client_id) as connection:
        await connection.execute(
            update(tables.leads).where(tables.leads.c.external_id == "l1").values(opted_out=True)
        )
    second = await hashes(database, workspace)
    assert {name for name in first if first[name] != second[name]} == {"timing"}

    async with database.tenant(workspace.client_id) as connection:
        told = tables.message_texts.c.external_id == "m7"
        await connection.execute(update(tables.message_texts).where(told).values(body="Shall we talk on Tuesday?"))
    third = await hashes(database, workspace)
    assert {name for name in first if second[name] != third[name]} == {"patterns"}


async def test_sections_have_the_same_hash_on_every_engine(
    database: Database, workspace: Workspace, tmp_path: Path
) -> None:
    await store(database, workspace, world())
    async with (
        database.tenant(workspace.client_id) as connection,
        PostgresEngine(connection, workspace.client_id) as engine,
    ):
        await write_snapshot(engine, ALL.workspace, ALL.window, tmp_path / "snapshot")
    async with DuckDBEngine(tmp_path / "snapshot") as duckdb:
        on_duckdb = await hashes(database, workspace, duckdb)
    assert on_duckdb == await hashes(database, workspace) | {"patterns": None}
