"""Servers and workers that are killed with `kill -9` at random moments: every run that was asked for ends."""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import psutil
import pytest
from tests.app import killed_service
from tests.app.test_worker import assert_all_ended, runs_of
from tests.app.town import by_token
from tests.conftest import WorkspaceFactory
from tests.jobs.conftest import grow_old, jobs_of

from setpoint.app.http.state import utc_now
from setpoint.app.worker import work
from setpoint.domain.vocabulary import Role
from setpoint.reports import service
from setpoint.storage.database import Database
from setpoint.tenancy.api_tokens import create_token
from setpoint.tenancy.schemas import cli_actor
from setpoint.tenancy.service import Workspace

WINDOW = {"from": "2026-03-01", "to": "2026-06-01"}
PATIENCE = 60.0


async def until_gone(process: psutil.Process) -> None:
    end = time.monotonic() + PATIENCE
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > end:
            process.kill()
            pytest.fail("A worker outlived its server.")
        await asyncio.sleep(0.02)


async def ask(port: int, workspace: Workspace, token: str) -> UUID | None:
    """Queue a report; None where the server was gone before it told whether it had."""
    address = f"http://127.0.0.1:{port}/api/v1/workspaces/{workspace.slug}/reports"
    try:
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            answer = await http.post(address, headers=by_token(token), json=WINDOW)
    except httpx.TransportError:
        return None
    # 409 says that enough of them wait.
    assert answer.status_code in (202, 409), answer.text
    return UUID(answer.json()["id"]) if answer.status_code == 202 else None


async def kill_services(
    database: Database, url: str, new_workspace: Callable[[], Awaitable[Workspace]], kills: int, seed: int
) -> tuple[list[service.Run], set[UUID], int]:
    """Kill at least so many servers and workers while runs are asked for by the API: all runs, those that a server
    told of, and how many requests there were.
    """
    draw = random.Random(seed)
    homes: list[tuple[Workspace, str]] = []
    for _ in range(2):
        workspace = await new_workspace()
        async with database.tenant(workspace.client_id) as connection:
            token, _ = await create_token(connection, cli_actor(workspace, "ana"), "t", Role.SETTER, now=utc_now())
        homes.append((workspace, token))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.app.killed_service"])
    asked: set[UUID] = set()
    killed = requests = 0
    while killed < kills:
        ours, theirs = context.Pipe()
        server = context.Process(target=killed_service.run, args=(url, theirs), daemon=True)
        server.start()
        pid, port = await asyncio.to_thread(ours.recv)
        worker = psutil.Process(pid)
        asking = [asyncio.create_task(ask(port, *draw.choice(homes))) for _ in range(draw.randint(1, 2))]
        requests += len(asking)
        await asyncio.sleep(draw.uniform(0.0, 2.0))
        if draw.random() < 0.75:
            worker.kill()
            killed += 1
            await asyncio.sleep(draw.uniform(0.0, 0.5))
        server.kill()
        killed += 1
        await asyncio.to_thread(server.join)
        # Alone, it is to end by itself.
        await until_gone(worker)
        asked |= {run_id for run_id in await asyncio.gather(*asking) if run_id is not None}
        for workspace, _ in homes:
            waiting = {job["args"]["run_id"] for job in await jobs_of(database, workspace.client_id)}
            unended = {str(run.id) for run in await runs_of(database, workspace) if run.finished_at is None}
            assert unended <= waiting
            if draw.random() < 0.8:
                await grow_old(database, workspace.client_id)
    while any([await jobs_of(database, workspace.client_id) for workspace, _ in homes]):
        for workspace, _ in homes:
            await grow_old(database, workspace.client_id)
        await work(database, ("reports",), 2, once=True)
    return [run for workspace, _ in homes for run in await runs_of(database, workspace)], asked, requests


@pytest.mark.proof
async def test_every_run_ends_though_servers_and_workers_are_killed_a_hundred_times(
    database: Database, database_url: str, new_workspace: WorkspaceFactory
) -> None:
    ended, asked, requests = await kill_services(database, database_url, new_workspace, kills=100, seed=2026)

    assert_all_ended(ended)
    assert asked <= {run.id for run in ended}
    assert len(asked) <= len(ended) <= requests
    # The kills fell into work, and not only beside it.
    assert sum(run.attempt > 1 for run in ended) >= 5
