"""A report run is on record, however it ends."""

import asyncio
from pathlib import Path

import pytest
from tests.app.conftest import Filled

from setpoint.app.runs import run_report
from setpoint.app.wiring import workspace_of
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import FileUnreadable
from setpoint.domain.vocabulary import RunStatus
from setpoint.domain.windows import Window
from setpoint.reports import service
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace


def request_for(filled: Filled) -> DatasetRequest:
    return DatasetRequest(filled.slug, Window(filled.sample.start, filled.sample.end, filled.sample.end))


async def latest(database: Database, workspace: Workspace) -> service.Run:
    async with database.tenant(workspace.client_id) as connection:
        return (await service.list_runs(connection, workspace.client_id))[0]


async def test_a_run_that_went_well_is_kept_as_it_was_returned(database: Database, filled: Filled) -> None:
    workspace = await workspace_of(database, filled.slug)
    seen: list[tuple[str, int | None]] = []

    document = await run_report(
        database,
        workspace,
        request_for(filled),
        engine="postgres",
        snapshot=None,
        author="ana",
        progress=lambda step, rows: seen.append((step, rows)),
    )

    run = await latest(database, workspace)
    assert (str(run.id), run.status, run.author) == (document["id"], RunStatus.COMPLETE, "ana")
    assert run.dataset_sha256 == document["dataset_sha256"]
    async with database.tenant(workspace.client_id) as connection:
        assert (await service.get_run(connection, workspace.client_id, document["id"])).document == document
    hashed = [rows for step, rows in seen if step == "hashing the dataset" and rows]
    assert hashed == sorted(hashed)
    assert hashed[-1] > 0
    assert list(dict.fromkeys(step for step, _ in seen))[-1] == "looking for patterns"


async def test_a_run_that_failed_is_kept_with_the_reason(database: Database, filled: Filled, tmp_path: Path) -> None:
    workspace = await workspace_of(database, filled.slug)

    with pytest.raises(FileUnreadable) as raised:
        await run_report(database, workspace, request_for(filled), engine="duckdb", snapshot=tmp_path, author="ana")

    run = await latest(database, workspace)
    assert (run.status, run.failure, run.dataset_sha256) == (RunStatus.FAILED, raised.value.message, None)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ZeroDivisionError("secret"), "It broke off (ZeroDivisionError)."),
        (asyncio.CancelledError(), "It was stopped before it was done."),
    ],
)
async def test_a_run_that_broke_off_is_kept_without_what_the_error_quotes(
    database: Database, filled: Filled, error: BaseException, reason: str
) -> None:
    workspace = await workspace_of(database, filled.slug)

    def break_off(step: str, rows: int | None) -> None:
        raise error

    with pytest.raises(type(error)):
        await run_report(
            database,
            workspace,
            request_for(filled),
            engine="postgres",
            snapshot=None,
            author="ana",
            progress=break_off,
        )

    run = await latest(database, workspace)
    assert (run.status, run.failure) == (RunStatus.FAILED, reason)
