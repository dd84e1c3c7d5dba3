"""Runs and their jobs stand and fall together, and what dead workers left is found."""

import asyncio
from uuid import UUID, uuid4

import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.conftest import WorkspaceFactory
from tests.jobs.conftest import grow_old, jobs_of

from setpoint.app.worker import open_queue
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.windows import make_window
from setpoint.jobs.service import enqueue_report_run, replace_job, suspects
from setpoint.reports.service import begin_run, list_runs, queue_run
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

REQUEST = DatasetRequest("any", make_window("2026-03-01", "2026-06-01"))


async def enqueued(database: Database, workspace: Workspace) -> UUID:
    async with database.tenant(workspace.client_id) as connection:
        run = await queue_run(connection, workspace.client_id, REQUEST, "postgres", "ada")
        await enqueue_report_run(connection, run.id)
    return run.id


async def fetched(database: Database, workspace: Workspace) -> int:
    """A job that a worker has taken from the queue, its number."""
    (job,) = await jobs_of(database, workspace.client_id)
    async with open_queue(database) as queue:
        worker = await queue.job_manager.register_worker()
        while (taken := await queue.job_manager.fetch_job(queues=["reports"], worker_id=worker)) is not None:
            if taken.id == job["id"]:
                return int(job["id"])
            await queue.job_manager.finish_job(taken, Status.SUCCEEDED, delete_job=True)
    raise AssertionError("The job was not in the queue.")


async def test_a_job_carries_ids_and_nothing_else(database: Database, workspace: Workspace) -> None:
    run_id = await enqueued(database, workspace)
    (job,) = await jobs_of(database, workspace.client_id)
    assert job["args"] == {"client_id": workspace.client_id, "run_id": str(run_id)}
    assert (job["status"], job["queue_name"], job["task_name"]) == ("todo", "reports", "report_run")
    assert (job["lock"], job["queueing_lock"]) == (f"reports of {workspace.client_id}", f"run {run_id}")


async def test_rolled_back_there_is_neither_run_nor_job(database: Database, workspace: Workspace) -> None:
    async with database.tenant(workspace.client_id) as connection:
        savepoint = await connection.begin_nested()
        run = await queue_run(connection, workspace.client_id, REQUEST, "postgres", "ada")
        await enqueue_report_run(connection, run.id)
        assert await connection.scalar(text("SELECT count(*) FROM report_runs")) == 1
        await savepoint.rollback()
    async with database.tenant(workspace.client_id) as connection:
        assert await list_runs(connection, workspace.client_id) == []
    assert await jobs_of(database, workspace.client_id) == []


async def test_no_run_has_two_jobs_that_wait(database: Database, workspace: Workspace) -> None:
    run_id = await enqueued(database, workspace)
    with pytest.raises(DBAPIError, match="procrastinate_jobs_queueing_lock_idx_v1"):
        async with database.tenant(workspace.client_id) as connection:
            await enqueue_report_run(connection, run_id)
    assert len(await jobs_of(database, workspace.client_id)) == 1


async def test_there_is_no_job_without_a_run_of_ones_own_that_is_queued(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    mine, theirs = await new_workspace(), await new_workspace()
    foreign = await enqueued(database, theirs)
    async with database.tenant(mine.client_id) as connection:
        lease = await begin_run(connection, mine.client_id, REQUEST, "postgres", "ada")
    for run_id in (foreign, uuid4(), lease.run.id):
        with pytest.raises(DBAPIError, match="no report run to enqueue"):
            async with database.tenant(mine.client_id) as connection:
                await enqueue_report_run(connection, run_id)
    with pytest.raises(DBAPIError, match="no report run to enqueue"):
        async with database.registry() as connection:
            await enqueue_report_run(connection, foreign)
    assert await jobs_of(database, mine.client_id) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM setpoint_jobs.procrastinate_jobs",
        "INSERT INTO setpoint_jobs.procrastinate_workers DEFAULT VALUES",
        "SELECT setpoint_jobs.procrastinate_register_worker_v1()",
    ],
)
async def test_who_works_for_a_workspace_sees_nothing_of_the_queue(
    database: Database, workspace: Workspace, statement: str
) -> None:
    with pytest.raises(DBAPIError, match="permission denied for schema setpoint_jobs"):
        async with database.tenant(workspace.client_id) as connection:
            await connection.execute(text(statement))


async def test_a_job_is_suspect_once_nothing_was_heard_of_its_worker(
    database: Database, workspace: Workspace
) -> None:
    await enqueued(database, workspace)
    job_id = await fetched(database, workspace)
    async with open_queue(database) as queue:
        assert job_id not in [suspect.id for suspect in await suspects(queue)]
        await grow_old(database, workspace.client_id, 29)
        assert job_id not in [suspect.id for suspect in await suspects(queue)]
        await grow_old(database, workspace.client_id, 2)
        (found,) = [suspect for suspect in await suspects(queue) if suspect.id == job_id]
        assert (found.task, found.orphaned) == ("report_run", True)
        assert found.arguments["client_id"] == workspace.client_id


async def test_an_old_job_of_a_worker_that_lives_is_looked_at_too(database: Database, workspace: Workspace) -> None:
    await enqueued(database, workspace)
    job_id = await fetched(database, workspace)
    await grow_old(database, workspace.client_id)
    async with database.owner() as connection:
        await connection.execute(text("UPDATE setpoint_jobs.procrastinate_workers SET last_heartbeat = now()"))
    async with open_queue(database) as queue:
        (found,) = [suspect for suspect in await suspects(queue) if suspect.id == job_id]
    assert not found.orphaned


async def test_a_job_is_replaced_once_and_its_old_worker_cannot_end_the_new_one(
    database: Database, workspace: Workspace
) -> None:
    run_id = await enqueued(database, workspace)
    job_id = await fetched(database, workspace)
    async with open_queue(database) as queue:
        (job,) = await queue.job_manager.list_jobs_async(id=job_id)
        assert sorted(await asyncio.gather(*(replace_job(queue, job_id) for _ in range(4)))) == [False] * 3 + [True]
        with pytest.raises(ConnectorException):
            await queue.job_manager.finish_job(job, Status.FAILED, delete_job=False)
    (anew,) = await jobs_of(database, workspace.client_id)
    assert (anew["status"], anew["args"]["run_id"]) == ("todo", str(run_id))
    assert anew["id"] != job_id
