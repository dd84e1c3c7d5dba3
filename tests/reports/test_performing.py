"""The work of a run: every section of a report, the same each time, and sensible where there is nobody."""

import json

from tests.conftest import WorkspaceFactory

from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.windows import make_window
from setpoint.reports import service
from setpoint.reports.performing import Performed, perform
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
    assert differing == {"id", "created_at"}
    assert first.evidence == second.evidence
