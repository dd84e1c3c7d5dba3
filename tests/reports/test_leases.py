"""Whoever holds the lease of a run ends it, and nobody else; what nobody holds is taken up or put on record."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.conftest import WorkspaceFactory

from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import Conflict
from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import make_window
from setpoint.reports import service
from setpoint.reports.run_rules import BROKE_OFF, SPENT
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

REQUEST = DatasetRequest("any", make_window("2026-03-01", "2026-06-01"))
DOCUMENT = {"version": 1, "dataset_sha256": "0"}
BEFORE, LATER = timedelta(seconds=29), timedelta(seconds=31)


async def queued(database: Database, workspace: Workspace) -> service.Run:
    async with database.tenant(workspace.client_id) as connection:
        return await service.queue_run(connection, workspace.client_id, REQUEST, "postgres", "ada")


async def start(
    database: Database, workspace: Workspace, run: service.Run, after: timedelta = timedelta(0)
) -> service.Lease | None:
    async with database.tenant(workspace.client_id) as connection:
        return await service.start_run(connection, workspace.client_id, run.id, at=run.created_at + after)


async def held(
    database: Database, workspace: Workspace, run: service.Run, after: timedelta = timedelta(0)
) -> service.Lease:
    lease = await start(database, workspace, run, after)
    assert lease is not None
    return lease


async def as_it_is(database: Database, workspace: Workspace, run: service.Run) -> service.Run:
    async with database.tenant(workspace.client_id) as connection:
        return await service.get_run(connection, workspace.client_id, str(run.id))


async def test_of_those_who_want_a_run_at_once_one_gets_it(database: Database, workspace: Workspace) -> None:
    run = await queued(database, workspace)
    got = await asyncio.gather(*(start(database, workspace, run) for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in got) == ["Lease", "RunHeld", "RunHeld", "RunHeld"]
    assert (await as_it_is(database, workspace, run)).attempt == 1


async def test_who_lost_the_lease_can_neither_complete_nor_fail_nor_give_back(
    database: Database, workspace: Workspace
) -> None:
    client_id = workspace.client_id
    run = await queued(database, workspace)
    old = await held(database, workspace, run)
    with pytest.raises(service.RunHeld):
        await start(database, workspace, run, BEFORE)
    new = await held(database, workspace, run, LATER)
    assert (old.run.attempt, new.run.attempt) == (1, 2)

    async with database.tenant(client_id) as connection:
        assert not await service.beat(connection, client_id, old, {"step": "late", "rows": 1, "at": "now"})
        for ending in (
            service.complete_run(connection, client_id, old, DOCUMENT),
            service.fail_run(connection, client_id, old, "Late."),
            service.release_run(connection, client_id, old),
        ):
            with pytest.raises(Conflict, match="given up meanwhile"):
                await ending
        assert await service.beat(connection, client_id, new)
        await service.complete_run(connection, client_id, new, DOCUMENT)
    kept = await as_it_is(database, workspace, run)
    assert (kept.status, kept.failure, kept.attempt, kept.progress) == ("complete", None, 2, None)


async def test_a_heartbeat_keeps_the_lease(database: Database, workspace: Workspace) -> None:
    run = await queued(database, workspace)
    lease = await held(database, workspace, run)
    progress = {"step": "hashing the dataset", "rows": 5, "at": "2026-11-25T12:00:00Z"}
    async with database.tenant(workspace.client_id) as connection:
        assert await service.beat(connection, workspace.client_id, lease, progress, at=run.created_at + BEFORE)
        assert await service.beat(connection, workspace.client_id, lease, at=run.created_at + BEFORE)
        at = run.created_at + LATER
        assert await service.is_held(connection, workspace.client_id, run.id, at=at)
        assert not await service.is_held(connection, workspace.client_id, run.id, at=at + LATER)
    with pytest.raises(service.RunHeld):
        await start(database, workspace, run, LATER)
    kept = await as_it_is(database, workspace, run)
    assert (kept.progress, kept.heartbeat_at) == (progress, run.created_at + BEFORE)


async def test_a_run_that_breaks_off_again_and_again_is_given_up(database: Database, workspace: Workspace) -> None:
    run = await queued(database, workspace)
    for attempt in range(3):
        assert (await held(database, workspace, run, attempt * LATER)).run.attempt == attempt + 1
    assert await start(database, workspace, run, 3 * LATER) is None
    kept = await as_it_is(database, workspace, run)
    assert (kept.status, kept.failure, kept.attempt) == ("failed", SPENT, 3)
    assert kept.finished_at == run.created_at + 3 * LATER
    assert await start(database, workspace, run, 4 * LATER) is None


async def test_what_is_given_back_undone_can_be_taken_up_at_once(database: Database, workspace: Workspace) -> None:
    run = await queued(database, workspace)
    for counted, attempt in ((False, 0), (True, 1), (True, 2), (False, 2)):
        lease = await held(database, workspace, run)
        async with database.tenant(workspace.client_id) as connection:
            await service.release_run(connection, workspace.client_id, lease, counted=counted)
        kept = await as_it_is(database, workspace, run)
        assert (kept.status, kept.attempt, kept.heartbeat_at) == ("queued", attempt, None)


async def test_what_a_command_left_is_shown_as_failed(database: Database, workspace: Workspace) -> None:
    client_id = workspace.client_id
    async with database.tenant(client_id) as connection:
        run = (await service.begin_run(connection, client_id, REQUEST, "postgres", "ada")).run
    assert (run.status, run.attempt, run.in_foreground) == ("running", 1, True)
    async with database.tenant(client_id) as connection:
        (listed,) = await service.list_runs(connection, client_id, at=run.created_at + BEFORE)
        assert listed.status == "running"
        (listed,) = await service.list_runs(connection, client_id, at=run.created_at + LATER)
        assert (listed.status, listed.failure) == ("failed", BROKE_OFF)
        assert listed.finished_at == run.created_at + LATER


async def test_what_was_begun_before_there_were_heartbeats_is_too(database: Database, workspace: Workspace) -> None:
    async with database.tenant(workspace.client_id) as connection:
        await connection.execute(
            text(
                "INSERT INTO report_runs (client_id, id, status, author, code_version, parameters, created_at)"
                " SELECT :id, gen_random_uuid(), status, 'ada', '0', '{}', now() - interval '1 hour'"
                " FROM unnest(ARRAY['queued', 'running']) AS status"
            ),
            {"id": workspace.client_id},
        )
        listed = await service.list_runs(connection, workspace.client_id)
    assert [(run.status, run.failure) for run in listed] == [("failed", BROKE_OFF)] * 2


async def test_what_a_worker_left_waits_for_the_next_worker(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    workspace, other = await new_workspace(), await new_workspace()
    run = await queued(database, workspace)
    waiting = await queued(database, workspace)
    await held(database, workspace, run)
    async with database.tenant(other.client_id) as connection:
        assert await service.fail_broken_off(connection, workspace.client_id, at=run.created_at + LATER) == 0
    async with database.tenant(workspace.client_id) as connection:
        assert await service.fail_broken_off(connection, workspace.client_id, at=run.created_at + LATER) == 0
        listed = await service.list_runs(connection, workspace.client_id, at=run.created_at + LATER)
    assert {each.id: each.status for each in listed} == {run.id: "running", waiting.id: "queued"}


async def test_what_was_asked_for_comes_back_from_the_record(database: Database, workspace: Workspace) -> None:
    window = make_window("2026-03-01", "2026-06-01", "2026-05-03T04:05:06.000007Z", 3, 0)
    asked = DatasetRequest("any", window, (Channel.SMS, Channel.EMAIL), 7, "it's %s")
    async with database.tenant(workspace.client_id) as connection:
        run = await service.queue_run(connection, workspace.client_id, asked, "duckdb", "ada", with_model=False)
        kept = await service.get_run(connection, workspace.client_id, str(run.id))
    assert service.request_of(kept, "any") == asked
    assert (kept.with_model, kept.in_foreground, kept.parameters["engine"]) == (False, False, "duckdb")


async def test_one_run_for_each_monday(database: Database, workspace: Workspace) -> None:
    client_id = workspace.client_id
    due = REQUEST.window.as_of
    async with database.tenant(client_id) as connection:
        first = await service.queue_scheduled_run(connection, client_id, REQUEST, "postgres", "system", due)
        assert first is not None
        assert first.scheduled_for == due
        assert await service.queue_scheduled_run(connection, client_id, REQUEST, "postgres", "system", due) is None
        later = due + timedelta(weeks=1)
        assert await service.queue_scheduled_run(connection, client_id, REQUEST, "postgres", "system", later)
        assert len(await service.list_runs(connection, client_id)) == 2
