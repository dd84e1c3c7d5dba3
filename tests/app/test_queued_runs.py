"""A run that was queued comes to its end, whoever carries it out and whatever happens to them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.conftest import WorkspaceFactory
from tests.jobs.conftest import grow_old, jobs_of

from setpoint.app import heartbeat, runs
from setpoint.app.runs import carry_out_report, is_carried_out, queue_due_reports, queue_report, run_report
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import Conflict, DatabaseUnavailable, SetpointError
from setpoint.domain.windows import Window, make_window
from setpoint.jobs.rules import weekly_window
from setpoint.jobs.schedule import want_weekly
from setpoint.reports import service
from setpoint.reports.run_rules import BROKE_OFF, SPENT
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

DOCUMENT = {"version": 1, "dataset_sha256": "0"}
# A Monday so long ago that no other file's workspace wanted a report by then, whatever today is.
DUE = datetime(2019, 11, 25, 5, tzinfo=UTC)


def request_for(workspace: Workspace) -> DatasetRequest:
    return DatasetRequest(workspace.slug, make_window("2026-03-01", "2026-06-01"))


async def queued(database: Database, workspace: Workspace, **options: Any) -> service.Run:
    request = request_for(workspace)
    return await queue_report(database, workspace, request, engine="postgres", author="ana", **options)


async def as_it_is(database: Database, workspace: Workspace, run: service.Run) -> service.Run:
    async with database.tenant(workspace.client_id) as connection:
        return await service.get_run(connection, workspace.client_id, str(run.id))


class Blocked:
    """Stands in for the work of a run: waits until it is let go, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun, self.go_on, self.error = asyncio.Event(), asyncio.Event(), error

    async def __call__(self, database: Database, workspace: Workspace, lease: service.Lease, *_: Any) -> None:
        self.begun.set()
        if self.error is not None:
            raise self.error
        await self.go_on.wait()
        async with database.tenant(workspace.client_id) as connection:
            await service.complete_run(connection, workspace.client_id, lease, DOCUMENT)


async def test_a_queued_run_makes_the_same_report_as_one_in_the_foreground(
    database: Database, workspace: Workspace
) -> None:
    run = await queued(database, workspace, with_model=False)
    assert run.status == "queued"
    (job,) = await jobs_of(database, workspace.client_id)
    assert job["args"]["run_id"] == str(run.id)

    await carry_out_report(database, workspace.client_id, run.id)

    kept = await as_it_is(database, workspace, run)
    assert (kept.status, kept.author, kept.attempt) == ("complete", "ana", 1)
    here = await run_report(
        database, workspace, request_for(workspace), engine="postgres", snapshot=None, author="ana", with_model=False
    )
    assert kept.document is not None
    varying = {"id": None, "created_at": None}
    assert kept.document | varying == here | varying


async def test_a_run_is_carried_out_once(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await queued(database, workspace)
    work = Blocked()
    monkeypatch.setattr(runs, "_make", work)
    first = asyncio.create_task(carry_out_report(database, workspace.client_id, run.id))
    await work.begun.wait()
    assert await is_carried_out(database, workspace.client_id, run.id)
    with pytest.raises(service.RunHeld):
        await carry_out_report(database, workspace.client_id, run.id)
    work.go_on.set()
    await first
    kept = await as_it_is(database, workspace, run)
    await carry_out_report(database, workspace.client_id, run.id)
    assert await as_it_is(database, workspace, run) == kept
    assert kept.status == "complete"


async def test_a_worker_that_was_thought_dead_cannot_complete_the_run(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await queued(database, workspace)
    slow, quick = Blocked(), Blocked()
    monkeypatch.setattr(runs, "_make", slow)
    old = asyncio.create_task(carry_out_report(database, workspace.client_id, run.id))
    await slow.begun.wait()
    await grow_old(database, workspace.client_id)
    monkeypatch.setattr(runs, "_make", quick)
    new = asyncio.create_task(carry_out_report(database, workspace.client_id, run.id))
    await quick.begun.wait()

    slow.go_on.set()
    await old
    kept = await as_it_is(database, workspace, run)
    assert (kept.status, kept.attempt, kept.document) == ("running", 2, None)

    quick.go_on.set()
    await new
    kept = await as_it_is(database, workspace, run)
    assert (kept.status, kept.attempt) == ("complete", 2)


async def test_a_command_that_was_thought_dead_is_told_so(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "PROGRESS_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    work = Blocked()
    monkeypatch.setattr(runs, "_make", work)
    here = asyncio.create_task(
        run_report(database, workspace, request_for(workspace), engine="postgres", snapshot=None, author="ana")
    )
    await work.begun.wait()
    async with database.tenant(workspace.client_id) as connection:
        later = datetime.now(UTC) + timedelta(minutes=1)
        assert await service.fail_broken_off(connection, workspace.client_id, at=later) == 1
    async with asyncio.timeout(30):
        # The work would go on for ever; it is ended by its heart.
        with pytest.raises(Conflict, match="given up meanwhile"):
            await here
    async with database.tenant(workspace.client_id) as connection:
        (run,) = await service.list_runs(connection, workspace.client_id)
    assert (run.status, run.failure) == ("failed", BROKE_OFF)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (SetpointError("The snapshot is gone."), "The snapshot is gone."),
        (ZeroDivisionError("secret"), "It broke off (ZeroDivisionError)."),
    ],
)
async def test_what_goes_wrong_with_a_run_is_its_failure(
    database: Database,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    failure: str,
) -> None:
    run = await queued(database, workspace)
    monkeypatch.setattr(runs, "_make", Blocked(error))
    await carry_out_report(database, workspace.client_id, run.id)
    kept = await as_it_is(database, workspace, run)
    assert (kept.status, kept.failure) == ("failed", failure)


async def test_a_database_that_goes_away_again_and_again_is_the_failure_in_the_end(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await queued(database, workspace)
    monkeypatch.setattr(runs, "_make", Blocked(DatabaseUnavailable("It broke off.")))
    for status, attempt in (("queued", 1), ("queued", 2), ("failed", 3)):
        with pytest.raises(DatabaseUnavailable):
            await carry_out_report(database, workspace.client_id, run.id)
        kept = await as_it_is(database, workspace, run)
        assert (kept.status, kept.attempt) == (status, attempt)
        assert kept.failure == (None if status == "queued" else "It broke off.")


async def test_a_worker_that_is_stopped_gives_the_run_back(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await queued(database, workspace)
    for _ in range(4):
        work = Blocked()
        monkeypatch.setattr(runs, "_make", work)
        task = asyncio.create_task(carry_out_report(database, workspace.client_id, run.id))
        await work.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        kept = await as_it_is(database, workspace, run)
        assert (kept.status, kept.attempt) == ("queued", 0)
    work = Blocked()
    work.go_on.set()
    monkeypatch.setattr(runs, "_make", work)
    await carry_out_report(database, workspace.client_id, run.id)
    assert (await as_it_is(database, workspace, run)).status == "complete"


async def test_three_dead_workers_are_enough(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await queued(database, workspace)
    for _ in range(3):
        async with database.tenant(workspace.client_id) as connection:
            assert await service.start_run(connection, workspace.client_id, run.id)
        await grow_old(database, workspace.client_id)
    await carry_out_report(database, workspace.client_id, run.id)
    kept = await as_it_is(database, workspace, run)
    assert (kept.status, kept.failure) == ("failed", SPENT)


async def test_the_run_of_a_workspace_that_was_removed_is_nobodys(database: Database, workspace: Workspace) -> None:
    run = await queued(database, workspace)
    await carry_out_report(database, 2_000_000_000, run.id)
    assert not await is_carried_out(database, 2_000_000_000, run.id)


async def test_the_weekly_reports_are_queued_once_for_who_wanted_them_by_then(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    wanting, late, off = [await new_workspace() for _ in range(3)]
    for workspace, wanted, at in (
        (wanting, True, DUE - timedelta(days=3)),
        (late, True, DUE + timedelta(hours=1)),
        (off, False, DUE),
    ):
        async with database.tenant(workspace.client_id) as connection:
            await want_weekly(connection, workspace.client_id, wanted, 2, at=at)

    both = await asyncio.gather(queue_due_reports(database, DUE), queue_due_reports(database, DUE))
    assert await queue_due_reports(database, DUE) == []

    (run,) = [run for queued in both for run in queued]
    assert (run.status, run.author, run.scheduled_for) == ("queued", "system", DUE)
    assert [job["args"]["run_id"] for job in await jobs_of(database, wanting.client_id)] == [str(run.id)]
    asked = service.request_of(run, wanting.slug).window
    assert asked == weekly_window(DUE, 14) == Window(DUE - timedelta(days=14, hours=5), DUE - timedelta(hours=5), DUE)
    for workspace in (late, off):
        assert await jobs_of(database, workspace.client_id) == []
    next_week = await queue_due_reports(database, DUE + timedelta(weeks=1))
    for workspace, count in ((wanting, 2), (late, 1), (off, 0)):
        assert len(await jobs_of(database, workspace.client_id)) == count
    assert {made.scheduled_for for made in next_week} == {DUE + timedelta(weeks=1)}
    assert (len(next_week), run.id in {made.id for made in next_week}) == (2, False)
    for workspace in (wanting, late):
        async with database.tenant(workspace.client_id) as connection:
            await want_weekly(connection, workspace.client_id, False)


async def test_where_the_job_cannot_be_queued_there_is_no_run(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(connection: Any, run_id: Any) -> None:
        await connection.execute(text("SELECT 1 / 0"))

    monkeypatch.setattr(runs, "enqueue_report_run", fail)
    with pytest.raises(Exception, match="division by zero"):
        await queued(database, workspace)
    async with database.tenant(workspace.client_id) as connection:
        assert await service.list_runs(connection, workspace.client_id) == []
