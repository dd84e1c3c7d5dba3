"""Workers on a real queue: what is queued is done once, in turn, and what a killed one left is done by the next."""

import asyncio
import multiprocessing
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from tests.app import killed
from tests.conftest import WorkspaceFactory
from tests.jobs.conftest import grow_old, jobs_of

from setpoint.app import runs, worker
from setpoint.app.runs import queue_report
from setpoint.app.worker import open_queue, take_over, work
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.windows import make_window
from setpoint.jobs import application
from setpoint.jobs.service import suspects
from setpoint.reports import service
from setpoint.reports.run_rules import SPENT
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

REPORTS = ("reports",)
DOCUMENT = {"version": 1, "dataset_sha256": "0"}


@pytest_asyncio.fixture(autouse=True)
async def _empty_queue(database: Database) -> None:
    async with database.owner() as connection:
        await connection.execute(text("SET LOCAL search_path = setpoint_jobs, pg_temp"))
        await connection.execute(text("DELETE FROM procrastinate_jobs"))


async def queued(database: Database, workspace: Workspace) -> service.Run:
    request = DatasetRequest(workspace.slug, make_window("2026-03-01", "2026-06-01"))
    return await queue_report(database, workspace, request, engine="postgres", author="ana", with_model=False)


async def runs_of(database: Database, workspace: Workspace) -> list[service.Run]:
    async with database.tenant(workspace.client_id) as connection:
        return await service.list_runs(connection, workspace.client_id, limit=1000)


class Watched:
    """Stands in for the work of a run: tells how many were under way at once, and waits to be let go."""

    def __init__(self, wait: bool = False) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.now: dict[str, int] = {}
        self.most: dict[str, int] = {}
        if not wait:
            self.go_on.set()

    async def __call__(self, database: Database, workspace: Workspace, lease: service.Lease, *_: Any) -> None:
        name = workspace.slug
        self.now[name] = self.now.get(name, 0) + 1
        self.most[name] = max(self.most.get(name, 0), self.now[name])
        self.most["all"] = max(self.most.get("all", 0), sum(self.now.values()))
        self.begun.set()
        try:
            await self.go_on.wait()
        finally:
            self.now[name] -= 1
        async with database.tenant(workspace.client_id) as connection:
            await service.complete_run(connection, workspace.client_id, lease, DOCUMENT)


async def test_what_is_queued_is_done_and_leaves_no_job(database: Database, workspace: Workspace) -> None:
    run = await queued(database, workspace)
    await work(database, once=True)
    (kept,) = await runs_of(database, workspace)
    assert (kept.id, kept.status, kept.attempt) == (run.id, "complete", 1)
    assert await jobs_of(database, workspace.client_id) == []


async def test_runs_of_one_workspace_wait_for_each_other_and_for_no_other(
    database: Database, new_workspace: WorkspaceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await new_workspace(), await new_workspace()
    for workspace in (first, first, second):
        await queued(database, workspace)
    watched = Watched(wait=True)
    monkeypatch.setattr(runs, "_make", watched)
    working = asyncio.gather(work(database, REPORTS, 3, once=True), work(database, REPORTS, 3, once=True))
    async with asyncio.timeout(30):
        while watched.most.get("all", 0) < 2:
            await watched.begun.wait()
            watched.begun.clear()
    watched.go_on.set()
    await working
    await work(database, REPORTS, once=True)
    assert watched.most == {first.slug: 1, second.slug: 1, "all": 2}
    assert [run.status for run in await runs_of(database, first)] == ["complete"] * 2


async def test_of_two_workers_one_gets_the_job(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched()
    monkeypatch.setattr(runs, "_make", watched)
    await queued(database, workspace)
    await asyncio.gather(*(work(database, REPORTS, once=True) for _ in range(3)))
    (kept,) = await runs_of(database, workspace)
    assert (kept.status, kept.attempt) == ("complete", 1)
    assert watched.most[workspace.slug] == 1


async def test_a_worker_that_is_stopped_gives_back_what_it_cannot_end(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STOP_SECONDS", 0.01)
    watched = Watched(wait=True)
    monkeypatch.setattr(runs, "_make", watched)
    await queued(database, workspace)
    working = asyncio.create_task(work(database, REPORTS))
    async with asyncio.timeout(30):
        await watched.begun.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
    (kept,) = await runs_of(database, workspace)
    assert (kept.status, kept.attempt) == ("queued", 0)
    (job,) = await jobs_of(database, workspace.client_id)
    assert job["status"] == "todo"
    async with database.owner() as connection:
        workers = "SELECT count(*) FROM setpoint_jobs.procrastinate_workers AS w JOIN"
        workers += " setpoint_jobs.procrastinate_jobs AS j ON j.worker_id = w.id"
        assert await connection.scalar(text(workers)) == 0


async def test_a_worker_that_is_stopped_while_it_begins_leaves_nothing_behind_that_never_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Any) -> None:
        begun.set()
        await go_on.wait()

    monkeypatch.setattr(application, "_enter_schema", slow)
    working = asyncio.create_task(work(database, REPORTS))
    async with asyncio.timeout(30):
        await begun.wait()
        working.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await working
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("pool-")] == []


async def test_a_worker_outlives_the_loss_of_every_connection(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(wait=True)
    monkeypatch.setattr(runs, "_make", watched)
    await queued(database, workspace)
    working = asyncio.create_task(work(database, REPORTS))
    async with asyncio.timeout(60):
        await watched.begun.wait()
        async with database.owner() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            await connection.execute(text(f"{others} AND datname = current_database() AND backend_type ~ '^client'"))
        watched.go_on.set()
        while await jobs_of(database, workspace.client_id):
            pass
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
    (kept,) = await runs_of(database, workspace)
    assert (kept.status, kept.attempt) == ("complete", 1)


async def left(database: Database, workspace: Workspace) -> service.Run:
    """A run that a worker took up before it died, and its job."""
    run = await queued(database, workspace)
    async with open_queue(database) as queue:
        dead = await queue.job_manager.register_worker()
        assert await queue.job_manager.fetch_job(queues=["reports"], worker_id=dead) is not None
    async with database.tenant(workspace.client_id) as connection:
        assert await service.start_run(connection, workspace.client_id, run.id) is not None
    return run


async def test_what_a_dead_worker_left_is_taken_over_once(database: Database, workspace: Workspace) -> None:
    run = await left(database, workspace)
    async with open_queue(database) as queue:
        assert await take_over(database, queue) == 0
        await grow_old(database, workspace.client_id)
        assert await take_over(database, queue) == 1
        assert await take_over(database, queue) == 0
    await work(database, REPORTS, once=True)
    (kept,) = await runs_of(database, workspace)
    assert (kept.id, kept.status, kept.attempt) == (run.id, "complete", 2)


async def test_a_run_whose_heart_beats_is_left_alone_whatever_is_known_of_its_worker(
    database: Database, workspace: Workspace
) -> None:
    await left(database, workspace)
    await grow_old(database, workspace.client_id)
    async with database.owner(workspace.client_id) as connection:
        await connection.execute(
            text("UPDATE report_runs SET heartbeat_at = now() WHERE client_id = :id"), {"id": workspace.client_id}
        )
    async with open_queue(database) as queue:
        assert len(await suspects(queue)) == 1
        assert await take_over(database, queue) == 0


async def test_the_third_death_is_the_last(database: Database, workspace: Workspace) -> None:
    run = await left(database, workspace)
    for _ in range(2):
        await grow_old(database, workspace.client_id)
        async with database.tenant(workspace.client_id) as connection:
            assert await service.start_run(connection, workspace.client_id, run.id) is not None
    await grow_old(database, workspace.client_id)
    await work(database, REPORTS, once=True)
    (kept,) = await runs_of(database, workspace)
    assert (kept.status, kept.failure, kept.attempt) == ("failed", SPENT, 3)
    assert await jobs_of(database, workspace.client_id) == []


# Real processes, really killed


async def kill_workers(
    database: Database, url: str, new_workspace: Callable[[], Awaitable[Workspace]], kills: int, seed: int
) -> list[service.Run]:
    """Kill as many workers, each at a random moment of its life, while runs are queued in two workspaces."""
    draw = random.Random(seed)
    workspaces = [await new_workspace() for _ in range(2)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.app.killed"])
    asked = set()
    for _ in range(kills):
        workspace = draw.choice(workspaces)
        asked.add((await queued(database, workspace)).id)
        process = context.Process(target=killed.run, args=(url,), daemon=True)
        process.start()
        await asyncio.to_thread(process.join, draw.uniform(0.0, 2.0))
        process.kill()
        await asyncio.to_thread(process.join)
        # No run that has not ended is without its job, wherever the kill fell.
        for each in workspaces:
            waiting = {job["args"]["run_id"] for job in await jobs_of(database, each.client_id)}
            unended = {str(run.id) for run in await runs_of(database, each) if run.finished_at is None}
            assert unended <= waiting
            if draw.random() < 0.8:
                await grow_old(database, each.client_id)
    while any([await jobs_of(database, each.client_id) for each in workspaces]):
        for each in workspaces:
            await grow_old(database, each.client_id)
        await work(database, REPORTS, 2, once=True)
    ended = [run for each in workspaces for run in await runs_of(database, each)]
    assert {run.id for run in ended} == asked
    return ended


def assert_all_ended(ended: list[service.Run]) -> None:
    for run in ended:
        assert 1 <= run.attempt <= 3
        assert run.status == "complete" or (run.status, run.failure) == ("failed", SPENT)
        assert (run.dataset_sha256 is None) == (run.status == "failed")


async def test_every_run_ends_though_workers_are_killed(
    database: Database, database_url: str, new_workspace: WorkspaceFactory
) -> None:
    assert_all_ended(await kill_workers(database, database_url, new_workspace, kills=3, seed=11))


@pytest.mark.proof
async def test_every_run_ends_though_a_hundred_workers_are_killed(
    database: Database, database_url: str, new_workspace: WorkspaceFactory
) -> None:
    ended = await kill_workers(database, database_url, new_workspace, kills=100, seed=2026)
    assert_all_ended(ended)
    assert len(ended) == 100
    # The kills fell into work, and not only beside it.
    assert sum(run.attempt > 1 for run in ended) >= 10
