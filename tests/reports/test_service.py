"""Report runs on a real database: queued, running, complete or failed, and nobody else's."""

from uuid import uuid4

import pytest
from tests.conftest import WorkspaceFactory

from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import Conflict, NotFound
from setpoint.domain.windows import make_window
from setpoint.reports import service
from setpoint.reports.performing import perform
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

REQUEST = DatasetRequest("any", make_window("2026-03-01", "2026-06-01"), max_leads=7)


async def queued(database: Database, workspace: Workspace) -> service.Run:
    async with database.tenant(workspace.client_id) as connection:
        return await service.queue_run(connection, workspace.client_id, REQUEST, "postgres", "ada")


async def test_a_run_goes_from_queued_to_complete(database: Database, workspace: Workspace) -> None:
    client_id = workspace.client_id
    run = await queued(database, workspace)
    async with database.tenant(client_id) as connection:
        await service.start_run(connection, client_id, run.id)
    async with database.tenant(client_id) as connection, PostgresEngine(connection, client_id) as engine:
        document = (await perform(engine, REQUEST, run)).document
    async with database.tenant(client_id) as connection:
        await service.complete_run(connection, client_id, run.id, document)
    async with database.tenant(client_id) as connection:
        kept = await service.get_run(connection, client_id, str(run.id))
        listed = await service.list_runs(connection, client_id)
    assert (kept.status, kept.author, kept.document) == ("complete", "ada", document)
    assert kept.dataset_sha256 == document["dataset_sha256"]
    assert kept.parameters["max_leads"] == 7
    assert kept.parameters["from"] == "2026-03-01T00:00:00Z"
    assert [(each.id, each.document) for each in listed] == [(run.id, None)]


async def test_a_failed_run_keeps_its_reason(database: Database, workspace: Workspace) -> None:
    run = await queued(database, workspace)
    async with database.tenant(workspace.client_id) as connection:
        await service.start_run(connection, workspace.client_id, run.id)
        await service.fail_run(connection, workspace.client_id, run.id, "The disk is full.")
        kept = await service.get_run(connection, workspace.client_id, str(run.id))
    assert (kept.status, kept.failure, kept.document) == ("failed", "The disk is full.", None)


async def test_a_run_is_taken_up_once(database: Database, workspace: Workspace) -> None:
    run = await queued(database, workspace)
    async with database.tenant(workspace.client_id) as connection:
        await service.start_run(connection, workspace.client_id, run.id)
        with pytest.raises(Conflict, match="not queued"):
            await service.start_run(connection, workspace.client_id, run.id)


async def test_a_foreign_run_answers_like_an_absent_one(database: Database, new_workspace: WorkspaceFactory) -> None:
    mine, theirs = await new_workspace(), await new_workspace()
    run = await queued(database, theirs)
    async with database.tenant(mine.client_id) as connection:
        for wanted in (str(run.id), str(uuid4()), "no such id"):
            with pytest.raises(NotFound, match="There is no report run"):
                await service.get_run(connection, mine.client_id, wanted)
        with pytest.raises(Conflict):
            await service.start_run(connection, theirs.client_id, run.id)
        assert await service.list_runs(connection, theirs.client_id) == []


async def test_a_run_keeps_its_window_to_the_microsecond(database: Database, workspace: Workspace) -> None:
    exact = "2026-05-03T04:05:06.000007Z"
    request = DatasetRequest("any", make_window("2026-03-01", "2026-06-01", exact))
    async with database.tenant(workspace.client_id) as connection:
        run = await service.queue_run(connection, workspace.client_id, request, "postgres", "ada")
        kept = await service.get_run(connection, workspace.client_id, str(run.id))
    assert kept.parameters["as_of"] == exact


async def test_a_document_of_an_unknown_form_says_how_to_make_it_again(
    database: Database, workspace: Workspace
) -> None:
    run = await queued(database, workspace)
    async with database.tenant(workspace.client_id) as connection:
        await service.start_run(connection, workspace.client_id, run.id)
        document = {"version": 99, "reproduce": "setpoint report run --workspace any", "dataset_sha256": "0"}
        await service.complete_run(connection, workspace.client_id, run.id, document)
        with pytest.raises(Conflict, match="run it again with `setpoint report run --workspace any`"):
            await service.get_run(connection, workspace.client_id, str(run.id))
