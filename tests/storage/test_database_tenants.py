"""A workspace sees and changes its own rows only, though no query here asks for its own rows only.

Every statement is one that an application would send if it had forgotten the workspace: the policies of the
database are alone.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
import pytest_asyncio
from psycopg import errors
from sqlalchemy import Table, delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.conftest import WorkspaceFactory
from tests.storage.facts import (
    FACTS,
    PARTITIONED,
    REMOVABLE,
    SEALED_TABLES,
    TENANT_TABLES,
    UNCHANGEABLE,
    fill,
    insert,
)

import setpoint
from setpoint.storage import tables
from setpoint.storage.database import Database, driver_connection


def each(tables: list[Table]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("table", tables, ids=lambda table: table.name)


EVERY_TABLE = each(TENANT_TABLES)
CHANGEABLE_TABLES = each([table for table in TENANT_TABLES if table.name not in UNCHANGEABLE])
UNCHANGEABLE_TABLES = each([table for table in TENANT_TABLES if table.name in UNCHANGEABLE])
LASTING_TABLES = each([table for table in TENANT_TABLES if table.name not in REMOVABLE])
REMOVABLE_TABLES = each([table for table in TENANT_TABLES if table.name in REMOVABLE])


class Tenants(NamedTuple):
    own: int
    other: int


@pytest_asyncio.fixture(scope="module")
async def made(database: Database) -> Tenants:
    """Two workspaces whose rows nobody changes."""
    ids = []
    for slug in ("first-tenant", "second-tenant"):
        async with database.registry() as connection:
            ids.append(await connection.scalar(text("SELECT create_workspace(:slug)"), {"slug": slug}))
        async with database.tenant(ids[-1]) as connection:
            await fill(connection, ids[-1])
    return Tenants(*ids)


@pytest.fixture(params=["first", "second"])
def tenants(made: Tenants, request: pytest.FixtureRequest) -> Tenants:
    """The two, from the side of either."""
    return made if request.param == "first" else Tenants(made.other, made.own)


@pytest_asyncio.fixture
async def connection(database: Database, tenants: Tenants) -> AsyncIterator[AsyncConnection]:
    """A transaction of the own workspace that leaves nothing behind."""
    async with database.tenant(tenants.own) as opened:
        savepoint = await opened.begin_nested()
        yield opened
        if savepoint.is_active:
            await savepoint.rollback()


async def owner_count(database: Database, table: Table, client_id: int) -> int | None:
    """How many rows there really are, by one who passes row-level security."""
    async with database.owner() as connection:
        return await connection.scalar(select(func.count()).select_from(table).where(table.c.client_id == client_id))


def refusal(caught: pytest.ExceptionInfo[DBAPIError]) -> BaseException | None:
    return caught.value.orig


@EVERY_TABLE
async def test_without_a_tenant_there_is_no_row(database: Database, made: Tenants, table: Table) -> None:
    async with database.registry() as connection:
        assert await connection.scalar(select(func.count()).select_from(table)) == 0
    assert await owner_count(database, table, made.own) == 1


async def test_without_a_tenant_nothing_is_written(database: Database, made: Tenants) -> None:
    async with database.registry() as connection:
        assert (await connection.execute(update(tables.leads).values(email=None))).rowcount == 0
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.registry() as connection:
            await insert(connection, tables.leads, made.own, external_id="new")


@EVERY_TABLE
async def test_a_tenant_sees_its_own_rows_only(connection: AsyncConnection, tenants: Tenants, table: Table) -> None:
    assert (await connection.scalars(select(table.c.client_id))).all() == [tenants.own]
    foreign = select(func.count()).select_from(table).where(table.c.client_id == tenants.other)
    assert await connection.scalar(foreign) == 0


async def test_a_tenant_sees_its_own_workspace_only(connection: AsyncConnection, tenants: Tenants) -> None:
    assert (await connection.scalars(select(tables.workspaces.c.client_id))).all() == [tenants.own]


@CHANGEABLE_TABLES
async def test_a_tenant_changes_its_own_rows_only(
    connection: AsyncConnection, tenants: Tenants, table: Table
) -> None:
    key, value = next(iter(FACTS[table.name].items()))
    assert (await connection.execute(update(table).values({key: value}))).rowcount == 1
    foreign = update(table).values({key: value}).where(table.c.client_id == tenants.other)
    assert (await connection.execute(foreign)).rowcount == 0


@UNCHANGEABLE_TABLES
async def test_what_is_only_appended_is_never_changed(connection: AsyncConnection, table: Table) -> None:
    key, value = next(iter(FACTS[table.name].items()))
    with pytest.raises(DBAPIError, match="permission denied"):
        await connection.execute(update(table).values({key: value}))


async def test_a_call_that_has_ended_is_never_changed(connection: AsyncConnection) -> None:
    ended = update(tables.ai_calls).values(status="ok")
    assert (await connection.execute(ended)).rowcount == 1
    assert (await connection.execute(ended)).rowcount == 0


@EVERY_TABLE
async def test_a_row_of_another_tenant_is_not_accepted(
    connection: AsyncConnection, tenants: Tenants, table: Table
) -> None:
    with pytest.raises(DBAPIError, match="row-level security") as caught:
        await insert(connection, table, tenants.other)
    assert isinstance(refusal(caught), errors.InsufficientPrivilege)


@CHANGEABLE_TABLES
async def test_a_row_cannot_be_moved_to_another_tenant(
    connection: AsyncConnection, tenants: Tenants, table: Table
) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        await connection.execute(update(table).values(client_id=tenants.other))


async def test_an_upsert_does_not_reach_another_tenant(connection: AsyncConnection, tenants: Tenants) -> None:
    upsert = text(
        "INSERT INTO leads (client_id, external_id) VALUES (:other, 'l')"
        " ON CONFLICT (client_id, external_id) DO UPDATE SET email = 'mine'"
    )
    with pytest.raises(DBAPIError, match="row-level security"):
        await connection.execute(upsert, {"other": tenants.other})


async def test_a_merge_does_not_reach_another_tenant(connection: AsyncConnection, tenants: Tenants) -> None:
    merge = text(
        "MERGE INTO leads USING (SELECT :other AS client_id, 'l' AS external_id) AS new"
        " ON leads.client_id = new.client_id AND leads.external_id = new.external_id"
        " WHEN MATCHED THEN UPDATE SET email = 'mine' WHEN NOT MATCHED THEN DO NOTHING"
    )
    assert (await connection.execute(merge, {"other": tenants.other})).rowcount == 0


@REMOVABLE_TABLES
async def test_a_tenant_removes_its_own_rows_only(
    connection: AsyncConnection, tenants: Tenants, table: Table
) -> None:
    assert (await connection.execute(delete(table).where(table.c.client_id == tenants.other))).rowcount == 0
    assert (await connection.execute(delete(table))).rowcount == 1


@LASTING_TABLES
async def test_nothing_can_be_deleted(connection: AsyncConnection, table: Table) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        await connection.execute(delete(table))


@each(SEALED_TABLES)
@pytest.mark.parametrize(
    "statement", ["SELECT count(*) FROM {}", "DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES", "TRUNCATE {} CASCADE"]
)
async def test_accounts_and_sessions_cannot_be_named(
    connection: AsyncConnection, table: Table, statement: str
) -> None:
    with pytest.raises(DBAPIError, match=f"permission denied for table {table.name}"):
        await connection.exec_driver_sql(statement.format(table.name))


@EVERY_TABLE
async def test_nothing_can_be_truncated(connection: AsyncConnection, table: Table) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        await connection.exec_driver_sql(f"TRUNCATE {table.name} CASCADE")


@pytest.mark.parametrize("parent", PARTITIONED)
@pytest.mark.parametrize("whose", ["own", "other"])
@pytest.mark.parametrize("statement", ["SELECT * FROM {}", "UPDATE {} SET external_id = 'x'", "DELETE FROM {}"])
async def test_a_partition_cannot_be_named(
    connection: AsyncConnection, tenants: Tenants, parent: str, whose: str, statement: str
) -> None:
    partition = f"{parent}_{getattr(tenants, whose)}"
    with pytest.raises(DBAPIError, match=f"permission denied for table {partition}"):
        await connection.exec_driver_sql(statement.format(partition))


@pytest.mark.parametrize("parent", PARTITIONED)
async def test_a_partition_keeps_its_rows_to_itself_even_where_somebody_granted_it(
    database: Database, tenants: Tenants, parent: str
) -> None:
    foreign = f"{parent}_{tenants.other}"
    async with database.owner() as connection:
        savepoint = await connection.begin_nested()
        await connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE ON {foreign} TO setpoint_runtime")
        enter = "SELECT set_config('role', 'setpoint_runtime', true), set_config('setpoint.client_id', '{}', true)"
        await connection.exec_driver_sql(enter.format(tenants.own))
        assert (await connection.exec_driver_sql(f"SELECT * FROM {foreign}")).all() == []
        assert (await connection.exec_driver_sql(f"UPDATE {foreign} SET external_id = 'x'")).rowcount == 0
        with pytest.raises(DBAPIError, match="row-level security"):
            await connection.exec_driver_sql(
                f"INSERT INTO {foreign} SELECT * FROM json_populate_record(NULL::{foreign},"
                f' \'{{"client_id": {tenants.other}, "external_id": "x", "lead_external_id": "l", "channel": "sms",'
                ' "direction": "inbound", "sent_at": "2026-01-05T09:00:00Z"}\')'
            )
        await savepoint.rollback()


@pytest_asyncio.fixture
async def foreign_lead(database: Database, new_workspace: WorkspaceFactory) -> str:
    """The key of a lead that only some other workspace has."""
    workspace = await new_workspace()
    async with database.tenant(workspace.client_id) as connection:
        await insert(connection, tables.leads, workspace.client_id, external_id="theirs")
    return "theirs"


@pytest.mark.parametrize("table", [tables.drafts, tables.messages, tables.appointments], ids=lambda table: table.name)
async def test_a_foreign_key_cannot_point_to_another_tenants_lead(
    connection: AsyncConnection, tenants: Tenants, foreign_lead: str, table: Table
) -> None:
    with pytest.raises(DBAPIError, match="is not present in table") as caught:
        await insert(connection, table, tenants.own, external_id="new", lead_external_id=foreign_lead)
    assert isinstance(refusal(caught), errors.ForeignKeyViolation)


async def test_a_key_that_another_tenant_has_is_free(
    connection: AsyncConnection, tenants: Tenants, foreign_lead: str
) -> None:
    await insert(connection, tables.leads, tenants.own, external_id=foreign_lead)
    mine = select(tables.leads.c.client_id).where(tables.leads.c.external_id == foreign_lead)
    assert (await connection.scalars(mine)).all() == [tenants.own]


async def test_a_bare_copy_is_refused_and_a_copy_out_has_own_rows_only(
    connection: AsyncConnection, tenants: Tenants
) -> None:
    cursor = driver_connection(connection).cursor()
    async with cursor.copy(b"COPY leads (client_id) TO STDOUT") as lines:
        assert {bytes(line).strip() async for line in lines} == {str(tenants.own).encode()}
    with pytest.raises(errors.FeatureNotSupported, match="row-level security"):
        async with cursor.copy(b"COPY leads (client_id, external_id) FROM STDIN") as lines:
            await lines.write_row((tenants.own, "copied"))


async def test_row_security_cannot_be_turned_off(connection: AsyncConnection) -> None:
    await connection.exec_driver_sql("SET LOCAL row_security = off")
    with pytest.raises(DBAPIError, match="row-level security"):
        await connection.exec_driver_sql("SELECT * FROM leads")


async def test_statistics_tell_nothing_of_another_tenant(
    database: Database, made: Tenants, connection: AsyncConnection
) -> None:
    async with database.owner() as owner:
        await owner.exec_driver_sql("ANALYZE leads")
        assert await owner.scalar(text("SELECT count(*) FROM pg_stats WHERE tablename = 'leads'"))
    assert await connection.scalar(text("SELECT count(*) FROM pg_stats WHERE tablename = 'leads'")) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine ()",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql RETURN 1",
        "ALTER TABLE leads DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON leads",
        "SELECT secure_tenant_table('leads')",
        "INSERT INTO workspaces (slug) VALUES ('mine')",
        "UPDATE workspaces SET slug = 'mine'",
        "UPDATE alembic_version SET version_num = 'mine'",
        "SET session_replication_role = replica",
    ],
)
async def test_the_runtime_role_cannot_change_the_rules(connection: AsyncConnection, statement: str) -> None:
    with pytest.raises(DBAPIError) as caught:
        await connection.exec_driver_sql(statement)
    assert isinstance(refusal(caught), errors.InsufficientPrivilege)


async def test_whoever_sets_the_tenant_by_hand_is_believed(database: Database, tenants: Tenants) -> None:
    """The database cannot tell our code from our code. The defence is that one place enters a workspace, as the
    next test holds, and that values reach SQL as parameters."""
    async with database.tenant(tenants.own) as connection:
        by_hand = text("SELECT set_config('setpoint.client_id', :other, false)")
        await connection.execute(by_hand, {"other": str(tenants.other)})
        assert (await connection.scalars(select(tables.leads.c.client_id).distinct())).all() == [tenants.other]
    async with database.registry() as connection:
        assert await connection.scalar(select(func.count()).select_from(tables.leads)) == 0


def test_only_one_place_enters_a_workspace() -> None:
    entering = re.compile(
        r"setpoint\.client_id|\bset\s+(local\s+|session\s+)?role\b|\breset\s+role\b|session\s+authorization"
        r"|set_config\('role'|row_security",
        re.IGNORECASE,
    )
    source = Path(setpoint.__file__).parent
    naming = {
        str(path.relative_to(source)) for path in source.rglob("*.py") if entering.search(path.read_text("utf-8"))
    }
    assert naming == {
        "storage/catalogue.py",
        "storage/database.py",
        "storage/migrations/versions/0001_foundation.py",
        # One of its functions asks each workspace in turn, for its id only.
        "storage/migrations/versions/0005_jobs.py",
        "storage/migrations/versions/0008_figures.py",
    }


async def test_a_tenant_that_is_no_number_is_an_error_and_not_everything(database: Database) -> None:
    async with database.registry() as connection:
        await connection.exec_driver_sql("SET LOCAL setpoint.client_id = 'all'")
        with pytest.raises(DBAPIError) as caught:
            await connection.exec_driver_sql("SELECT * FROM leads")
    assert isinstance(refusal(caught), psycopg.errors.InvalidTextRepresentation)
