"""What reports begin with where nobody says otherwise."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.conftest import WorkspaceFactory

from setpoint.domain.errors import UsageError
from setpoint.domain.windows import Window
from setpoint.jobs.schedule import Weekly, want_weekly, weekly_settings
from setpoint.storage.database import Database
from setpoint.tenancy.defaults import (
    BookingProvider,
    WorkspaceDefaults,
    set_workspace_defaults,
    workspace_defaults,
)
from setpoint.tenancy.service import Workspace

AT = datetime(2026, 6, 1, tzinfo=UTC)


async def test_a_workspace_begins_with_the_products_own(database: Database, workspace: Workspace) -> None:
    async with database.tenant(workspace.client_id) as connection:
        assert await workspace_defaults(connection, workspace.client_id) == WorkspaceDefaults(14, 7)
        # Also where the row is there for another reason.
        await want_weekly(connection, workspace.client_id, True, at=AT)
        assert await workspace_defaults(connection, workspace.client_id) == WorkspaceDefaults(14, 7)


async def test_they_are_kept_beside_the_weekly_report_and_in_no_other_workspace(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    here, there = await new_workspace(), await new_workspace()
    wanted = WorkspaceDefaults(21, 10, BookingProvider.CALENDLY)
    async with database.tenant(here.client_id) as connection:
        await want_weekly(connection, here.client_id, True, 4, at=AT)
        await set_workspace_defaults(connection, here.client_id, wanted)
        assert await workspace_defaults(connection, here.client_id) == wanted
        assert await weekly_settings(connection, here.client_id) == Weekly(True, AT, 28)
        await want_weekly(connection, here.client_id, False)
        assert await workspace_defaults(connection, here.client_id) == wanted
    async with database.tenant(there.client_id) as connection:
        assert await workspace_defaults(connection, here.client_id) == WorkspaceDefaults()
        await set_workspace_defaults(connection, there.client_id, WorkspaceDefaults(0, 0))
        assert await workspace_defaults(connection, there.client_id) == WorkspaceDefaults(0, 0)


def test_a_window_gets_their_lengths_and_nothing_else() -> None:
    window = Window(AT, AT + timedelta(days=7), AT + timedelta(days=8))

    applied = WorkspaceDefaults(3, 2).applied_to(window)

    assert (applied.attribution, applied.maturity) == (timedelta(days=3), timedelta(days=2))
    assert (applied.start, applied.end, applied.as_of) == (window.start, window.end, window.as_of)


@pytest.mark.parametrize(("attribution", "maturity"), [(-1, 7), (14, -1), (3661, 7), (14, 3661)])
def test_senseless_lengths_are_refused(attribution: int, maturity: int) -> None:
    with pytest.raises(UsageError, match="between 0 and 3660"):
        WorkspaceDefaults(attribution, maturity)


@pytest.mark.parametrize(
    ("column", "value"), [("attribution_days", "-1"), ("maturity_days", "3661"), ("booking_provider", "'cal'")]
)
async def test_the_database_refuses_them_too(
    database: Database, workspace: Workspace, column: str, value: str
) -> None:
    async with database.tenant(workspace.client_id) as connection:
        with pytest.raises(DBAPIError, match="check constraint"):
            await connection.execute(
                text(f"INSERT INTO workspace_settings (client_id, {column}) VALUES (:id, {value})"),
                {"id": workspace.client_id},
            )
