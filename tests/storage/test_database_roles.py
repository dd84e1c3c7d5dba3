"""PostgreSQL as it is run elsewhere: the owner of the schema is no superuser, and a login may own nothing.

The embedded database's only login is a superuser, who passes row-level security and may do everything.
"""

import asyncio

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from tests.storage.conftest import Opener, run_as_superuser, variant
from tests.storage.facts import INSTANT, SEARCHED, TENANT_TABLES, fill

from setpoint.domain.errors import DatabaseUnavailable
from setpoint.domain.vocabulary import Role
from setpoint.storage import tables
from setpoint.storage.catalogue import inspect
from setpoint.storage.database import Database
from setpoint.tenancy.accounts import set_disabled
from setpoint.tenancy.api_tokens import create_token, find_token_actor
from setpoint.tenancy.invitations import accept_with_password, invite
from setpoint.tenancy.members import list_members
from setpoint.tenancy.schemas import NotSignedIn, cli_actor
from setpoint.tenancy.service import create_workspace, find_workspace
from setpoint.tenancy.sessions import find_person
from setpoint.tenancy.sign_in import sign_in


async def assert_round_trip(database: Database) -> None:
    """Two workspaces, each with a row in every table, and each sees its own."""
    clients = []
    for slug in ("acme", "umbrella"):
        async with database.registry() as connection:
            await create_workspace(connection, slug)
        async with database.registry() as connection:
            clients.append((await find_workspace(connection, slug)).client_id)
        async with database.tenant(clients[-1]) as connection:
            await fill(connection, clients[-1])
    for client_id in clients:
        async with database.tenant(client_id) as connection:
            for table in TENANT_TABLES:
                assert (await connection.scalars(select(table.c.client_id))).all() == [client_id]
    async with database.owner() as connection:
        assert await inspect(connection) == []


async def test_a_plain_owner_who_may_create_roles(cluster: str, open_database: Opener) -> None:
    run_as_superuser(cluster, "CREATE ROLE owner LOGIN CREATEROLE", "CREATE DATABASE owned OWNER owner")
    database = open_database(variant(cluster, user="owner", database="owned"))
    assert await database.migrate()
    await database.check_revision()
    await assert_round_trip(database)


async def test_a_plain_owner_is_behind_the_policies_as_well(cluster: str, open_database: Opener) -> None:
    run_as_superuser(cluster, "CREATE ROLE owner LOGIN CREATEROLE", "CREATE DATABASE owned OWNER owner")
    database = open_database(variant(cluster, user="owner", database="owned"))
    await database.migrate()
    await assert_round_trip(database)
    async with database.owner() as connection:
        for table in TENANT_TABLES:
            found = 2 if table.name in SEARCHED else 0
            assert await connection.scalar(select(func.count()).select_from(table)) == found
        # The functions that run in its name must find a workspace by its slug.
        assert await connection.scalar(select(func.count()).select_from(tables.workspaces)) == 2
        await connection.exec_driver_sql("SELECT * FROM workspaces")
        with pytest.raises(DBAPIError, match="row-level security"):
            await connection.exec_driver_sql("INSERT INTO leads (client_id, external_id) VALUES (1, 'new')")


async def test_people_are_found_for_a_plain_owner(cluster: str, open_database: Opener) -> None:
    """What runs as the owner passes the policies of the accounts, and no others."""
    run_as_superuser(cluster, "CREATE ROLE owner LOGIN CREATEROLE", "CREATE DATABASE owned OWNER owner")
    database = open_database(variant(cluster, user="owner", database="owned"))
    await database.migrate()
    async with database.registry() as connection:
        workspace = await create_workspace(connection, "acme")
    operator = cli_actor(workspace, "root")
    async with database.tenant(workspace.client_id) as connection:
        link, _ = await invite(connection, operator, "jane@example.org", Role.ADMIN, now=INSTANT)
        token, _ = await create_token(connection, operator, "script", Role.SETTER, now=INSTANT)
    await accept_with_password(database, link, "Jane", "four quiet words", now=INSTANT)
    signed_in = await sign_in(database, "jane@example.org", "four quiet words", client_address=None, now=INSTANT)
    async with database.registry() as connection:
        person = await find_person(connection, signed_in.token, now=INSTANT, super_admins=None)
    assert [(each.workspace, each.role) for each in person.memberships] == [("acme", Role.ADMIN)]
    assert (await find_token_actor(database, token, now=INSTANT)).workspace == "acme"
    async with database.tenant(workspace.client_id) as connection:
        assert [each.email for each in await list_members(connection, operator)] == ["jane@example.org"]
    async with database.owner() as connection:
        await set_disabled(connection, "jane@example.org", True, now=INSTANT)
    async with database.registry() as connection:
        with pytest.raises(NotSignedIn):
            await find_person(connection, signed_in.token, now=INSTANT, super_admins=None)


async def test_an_owner_to_whom_an_administrator_gave_role_and_schema(cluster: str, open_database: Opener) -> None:
    run_as_superuser(
        cluster,
        "CREATE ROLE setpoint_runtime",
        "CREATE ROLE owner LOGIN",
        "GRANT setpoint_runtime TO owner",
        "CREATE DATABASE owned",
    )
    administrator = variant(cluster, database="owned")
    run_as_superuser(administrator, "CREATE SCHEMA setpoint AUTHORIZATION owner")
    database = open_database(variant(cluster, user="owner", database="owned"))
    with pytest.raises(DatabaseUnavailable, match="`CREATE SCHEMA setpoint_jobs AUTHORIZATION owner`"):
        await database.migrate()
    run_as_superuser(administrator, "CREATE SCHEMA setpoint_jobs AUTHORIZATION owner")
    assert await database.migrate()
    await assert_round_trip(database)


async def test_a_login_that_owns_nothing_may_do_the_daily_work(cluster: str, open_database: Opener) -> None:
    run_as_superuser(cluster, "CREATE DATABASE owned")
    await open_database(variant(cluster, database="owned")).migrate()
    run_as_superuser(cluster, "CREATE ROLE daily LOGIN IN ROLE setpoint_runtime")
    database = open_database(variant(cluster, user="daily", database="owned"))
    await database.check_revision()
    assert await database.migrate() is False
    await assert_round_trip(database)


async def test_a_login_that_may_not_become_the_runtime_role(cluster: str, open_database: Opener) -> None:
    run_as_superuser(cluster, "CREATE DATABASE owned", "CREATE ROLE stranger LOGIN")
    await open_database(variant(cluster, database="owned")).migrate()
    stranger = open_database(variant(cluster, user="stranger", database="owned"))
    with pytest.raises(DatabaseUnavailable, match="GRANT setpoint_runtime TO"):
        await stranger.check_revision()


@pytest.mark.parametrize("rights", ["LOGIN", "LOGIN CREATEROLE"])
async def test_an_owner_without_the_rights_to_migrate_is_told_which(
    cluster: str, open_database: Opener, rights: str
) -> None:
    # In the second case another database's owner made the role, and it is theirs to give.
    run_as_superuser(cluster, f"CREATE ROLE owner {rights}", "CREATE DATABASE owned OWNER owner")
    if "CREATEROLE" in rights:
        run_as_superuser(cluster, "CREATE ROLE setpoint_runtime")
    owner = open_database(variant(cluster, user="owner", database="owned"))
    with pytest.raises(DatabaseUnavailable, match="may create roles or was made a member by `GRANT setpoint_runtime"):
        await owner.migrate()


@pytest.mark.parametrize("power", ["SUPERUSER", "BYPASSRLS"])
async def test_a_runtime_role_that_passes_the_policies_is_refused(
    cluster: str, open_database: Opener, power: str
) -> None:
    run_as_superuser(cluster, f"CREATE ROLE setpoint_runtime {power}", "CREATE DATABASE owned")
    database = open_database(variant(cluster, database="owned"))
    with pytest.raises(DatabaseUnavailable, match="may pass row-level security"):
        await database.migrate()
    async with database.owner() as connection:
        assert await connection.scalar(text("SELECT to_regnamespace('setpoint')")) is None


@pytest.mark.parametrize("user", ["postgres", "owner"])
async def test_databases_of_one_cluster_may_be_migrated_at_once(
    cluster: str, open_database: Opener, user: str
) -> None:
    run_as_superuser(cluster, "CREATE ROLE owner LOGIN CREATEROLE")
    names = [f"owned_{number}" for number in range(4)]
    run_as_superuser(cluster, *(f"CREATE DATABASE {name} OWNER owner" for name in names))
    databases = [open_database(variant(cluster, user=user, database=name)) for name in names]
    assert await asyncio.gather(*(database.migrate() for database in databases)) == [True] * len(names)
    for database in databases:
        async with database.registry() as connection:
            await create_workspace(connection, "acme")


async def test_a_dump_that_another_owner_restored_is_found(cluster: str, open_database: Opener) -> None:
    run_as_superuser(cluster, "CREATE ROLE owner LOGIN CREATEROLE", "CREATE DATABASE owned OWNER owner")
    await open_database(variant(cluster, user="owner", database="owned")).migrate()
    run_as_superuser(variant(cluster, database="owned"), "CREATE ROLE heir LOGIN", "REASSIGN OWNED BY owner TO heir")
    async with open_database(variant(cluster, user="heir", database="owned")).owner() as connection:
        findings = await inspect(connection)
    assert {finding.object for finding in findings} == {"workspaces", *SEARCHED}
    for finding in findings:
        assert finding.check == "workspaces"
        assert "may not be searched by its owner heir" in finding.problem
