"""A database that an earlier version made, with people and reports in it, comes to this version with all of it."""

from collections.abc import Callable

import orjson
import pytest
from alembic import command
from sqlalchemy import Connection, text
from tests.storage.conftest import Opener, run_as_superuser, variant
from tests.storage.facts import INSTANT

from setpoint.domain.errors import DatabaseUnavailable
from setpoint.domain.vocabulary import Role
from setpoint.reports.service import list_runs
from setpoint.storage import migrate
from setpoint.storage.catalogue import inspect
from setpoint.storage.database import Database
from setpoint.tenancy.invitations import accept_with_password, invite
from setpoint.tenancy.password_links import make_password_link, use_password_link
from setpoint.tenancy.schemas import NotSignedIn, cli_actor
from setpoint.tenancy.service import Workspace, create_workspace
from setpoint.tenancy.sessions import confirm_password, end_session, find_person, list_sessions
from setpoint.tenancy.sign_in import sign_in

PASSWORD = "four quiet words"
RUN = text("""
INSERT INTO report_runs (client_id, id, status, author, code_version, parameters, document, dataset_sha256)
VALUES (:client_id, gen_random_uuid(), :status, 'ana', '0.1', '{}', CAST(:document AS jsonb), :sha256)
""")


def as_of(revision: str) -> Callable[[Connection], None]:
    """Bring an empty database to an earlier revision."""

    def upgrade(connection: Connection) -> None:
        connection.execute(text("CREATE SCHEMA setpoint"))
        connection.execute(text("SET LOCAL search_path = setpoint, pg_temp"))
        command.upgrade(migrate._config(connection), revision)

    return upgrade


async def lived_in(database: Database) -> tuple[Workspace, list[str]]:
    """A workspace with an admin who is signed in twice, and with a run of every kind; the sessions' tokens."""
    async with database.registry() as connection:
        workspace = await create_workspace(connection, "acme")
    async with database.tenant(workspace.client_id) as connection:
        link, _ = await invite(connection, cli_actor(workspace, "root"), "jane@example.org", Role.ADMIN, now=INSTANT)
        for status, document in (("queued", None), ("failed", None), ("complete", {"cohort_leads": 1200})):
            values = {"client_id": workspace.client_id, "status": status, "sha256": document and "f" * 64}
            written = None if document is None else orjson.dumps(document).decode()
            await connection.execute(RUN, values | {"document": written})
    first = await accept_with_password(database, link, "Jane", PASSWORD, now=INSTANT)
    second = await sign_in(database, "jane@example.org", PASSWORD, client_address=None, now=INSTANT)
    return workspace, [first.token, second.token]


@pytest.mark.parametrize("owner", ["postgres", "owner"])
async def test_people_stay_signed_in_and_reports_stay_through_an_upgrade(
    cluster: str, open_database: Opener, owner: str
) -> None:
    run_as_superuser(cluster, "CREATE ROLE owner LOGIN CREATEROLE", f"CREATE DATABASE owned OWNER {owner}")
    database = open_database(variant(cluster, user=owner, database="owned"))
    async with database.owner() as connection:
        await connection.run_sync(as_of("0008"))
    workspace, (first, second) = await lived_in(database)
    with pytest.raises(DatabaseUnavailable, match="run `setpoint migrate`"):
        await database.check_revision()

    assert await database.migrate()

    await database.check_revision()
    async with database.owner() as connection:
        assert await inspect(connection) == []
    async with database.registry() as connection:
        person = await find_person(connection, first, now=INSTANT, super_admins=None)
        assert [(each.workspace, each.role) for each in person.memberships] == [("acme", Role.ADMIN)]
        mine, other = await list_sessions(connection, first, now=INSTANT)
        assert (mine.is_this, other.is_this) == (True, False)
        await end_session(connection, first, other.id, now=INSTANT)
        with pytest.raises(NotSignedIn):
            await find_person(connection, second, now=INSTANT, super_admins=None)
    await confirm_password(database, first, PASSWORD, now=INSTANT)
    async with database.tenant(workspace.client_id) as connection:
        runs = await list_runs(connection, workspace.client_id)
    assert {run.status.value: run.cohort_leads for run in runs} == {"queued": None, "failed": None, "complete": 1200}
    async with database.owner() as connection:
        link, _ = await make_password_link(connection, "jane@example.org", now=INSTANT)
    await use_password_link(database, link, "four other words", now=INSTANT)
    await sign_in(database, "jane@example.org", "four other words", client_address=None, now=INSTANT)
