"""Who wants a weekly report."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.conftest import WorkspaceFactory

from setpoint.domain.errors import UsageError
from setpoint.jobs.schedule import MAX_WEEKS, Weekly, want_weekly, weekly_clients, weekly_settings
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

AT = datetime(2026, 11, 18, 12, tzinfo=UTC)
DAY = timedelta(days=1)


async def test_nobody_has_a_weekly_report_unasked(database: Database, workspace: Workspace) -> None:
    async with database.tenant(workspace.client_id) as connection:
        assert await weekly_settings(connection, workspace.client_id) == Weekly(False, None, 84)


async def test_what_was_said_is_kept_until_something_else_is_said(database: Database, workspace: Workspace) -> None:
    client_id = workspace.client_id
    async with database.tenant(client_id) as connection:
        assert await want_weekly(connection, client_id, True, 4, at=AT) == Weekly(True, AT, 28)
        # Said again, it is wanted since the first time.
        assert await want_weekly(connection, client_id, True, at=AT + DAY) == Weekly(True, AT, 28)
        off = await want_weekly(connection, client_id, False, at=AT + DAY)
        assert (off.wanted, off.window_days) == (False, 28)
        assert await want_weekly(connection, client_id, True, 5, at=AT + 2 * DAY) == Weekly(True, AT + 2 * DAY, 35)
        await want_weekly(connection, client_id, False)


async def test_off_before_on(database: Database, workspace: Workspace) -> None:
    async with database.tenant(workspace.client_id) as connection:
        assert await want_weekly(connection, workspace.client_id, False) == Weekly(False, None, 84)


@pytest.mark.parametrize("weeks", [0, -1, MAX_WEEKS + 1])
async def test_a_senseless_number_of_weeks(database: Database, workspace: Workspace, weeks: int) -> None:
    async with database.tenant(workspace.client_id) as connection:
        with pytest.raises(UsageError, match="between 1 and 522"):
            await want_weekly(connection, workspace.client_id, True, weeks)


def test_what_is_switched_on_later_waits_for_the_next_monday() -> None:
    assert Weekly(True, AT).wanted_at(AT)
    assert not Weekly(True, AT).wanted_at(AT - DAY)
    assert not Weekly(False, AT).wanted_at(AT + DAY)
    assert not Weekly(True, None).wanted_at(AT)


async def test_the_schedule_finds_who_wants_one_and_nobody_else(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    wanting, refusing, silent = [await new_workspace() for _ in range(3)]
    for workspace, wanted in ((wanting, True), (refusing, False)):
        async with database.tenant(workspace.client_id) as connection:
            await want_weekly(connection, workspace.client_id, wanted)

    async with database.registry() as connection:
        found = await weekly_clients(connection)
        # It has entered each workspace, and left again.
        assert await connection.scalar(text("SELECT count(*) FROM workspace_settings")) == 0
    assert wanting.client_id in found
    assert not {refusing.client_id, silent.client_id} & set(found)

    async with database.tenant(refusing.client_id) as connection:
        await weekly_clients(connection)
        assert (await connection.scalars(text("SELECT client_id FROM workspace_settings"))).all() == [
            refusing.client_id
        ]
    async with database.tenant(wanting.client_id) as connection:
        await want_weekly(connection, wanting.client_id, False)


async def test_part_of_a_week_is_no_window(database: Database, workspace: Workspace) -> None:
    async with database.tenant(workspace.client_id) as connection:
        with pytest.raises(DBAPIError, match="check constraint"):
            await connection.execute(
                text("INSERT INTO workspace_settings (client_id, weekly_window_days) VALUES (:id, 8)"),
                {"id": workspace.client_id},
            )
