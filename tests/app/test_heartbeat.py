"""A run's heart beats beside its work, and stops the work where the run is somebody else's."""

import asyncio
import time
from datetime import timedelta

import pytest

from setpoint.app import heartbeat
from setpoint.app.heartbeat import Heartbeat
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.windows import make_window
from setpoint.reports import service
from setpoint.storage.database import Database, connect
from setpoint.tenancy.service import Workspace

REQUEST = DatasetRequest("any", make_window("2026-03-01", "2026-06-01"))


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "PROGRESS_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.02)


async def begun(database: Database, workspace: Workspace) -> service.Lease:
    async with database.tenant(workspace.client_id) as connection:
        run = await service.queue_run(connection, workspace.client_id, REQUEST, "postgres", "ada")
        lease = await service.start_run(connection, workspace.client_id, run.id)
    assert lease is not None
    return lease


async def as_it_is(database: Database, workspace: Workspace, lease: service.Lease) -> service.Run:
    async with database.tenant(workspace.client_id) as connection:
        return await service.get_run(connection, workspace.client_id, str(lease.run.id))


async def test_progress_and_heartbeats_are_on_record_while_the_run_is_worked_on(
    database: Database, workspace: Workspace
) -> None:
    lease = await begun(database, workspace)
    async with asyncio.timeout(30), Heartbeat(database, workspace.client_id, lease) as heart:
        heart.tell("hashing the dataset", 1200)
        while (run := await as_it_is(database, workspace, lease)).progress is None:
            pass
        first = run.heartbeat_at
        assert {name: run.progress[name] for name in ("step", "rows")} == {
            "step": "hashing the dataset",
            "rows": 1200,
        }
        assert run.progress["at"].endswith("Z")
        # Nothing new to tell, and it beats all the same.
        while (await as_it_is(database, workspace, lease)).heartbeat_at == first:
            pass
    assert not heart.lost


async def test_it_beats_while_a_calculation_keeps_the_event_loop_busy(
    database: Database, workspace: Workspace
) -> None:
    lease = await begun(database, workspace)
    async with Heartbeat(database, workspace.client_id, lease):
        until = time.monotonic() + 1
        while time.monotonic() < until:
            sum(range(1000))
        busy = lease.run.heartbeat_at
    assert busy is not None
    beaten = (await as_it_is(database, workspace, lease)).heartbeat_at
    assert beaten is not None
    assert beaten > busy + timedelta(milliseconds=100)


async def test_the_work_ends_where_the_lease_is_lost(database: Database, workspace: Workspace) -> None:
    lease = await begun(database, workspace)
    later = lease.run.created_at + timedelta(minutes=1)
    async with database.tenant(workspace.client_id) as connection:
        thief = await service.start_run(connection, workspace.client_id, lease.run.id, at=later)
    assert thief is not None
    heart = Heartbeat(database, workspace.client_id, lease)
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(30), heart:
            await asyncio.Event().wait()
    assert heart.lost
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()


async def test_a_database_that_is_away_stops_nothing(database: Database, workspace: Workspace) -> None:
    lease = await begun(database, workspace)
    away = connect("postgresql://nobody@127.0.0.1:9/nothing")
    async with Heartbeat(away, workspace.client_id, lease) as heart:
        for _ in range(20):
            heart.tell("comparing setter and AI", None)
            await asyncio.to_thread(heart._ended.wait, 0.01)
    assert not heart.lost
    await away.close()
