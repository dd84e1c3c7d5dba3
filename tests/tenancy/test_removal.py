"""A workspace that is removed leaves no row behind, in no table, and takes nothing along that is another's."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.conftest import WorkspaceFactory
from tests.storage.conftest import run_as_superuser, variant
from tests.storage.facts import TENANT_TABLES, fill

from setpoint.domain.errors import DatabaseUnavailable
from setpoint.storage.catalogue import inspect
from setpoint.storage.database import Database, connect
from setpoint.tenancy.removal import count_rows, remove_workspace
from setpoint.tenancy.service import Workspace, create_workspace, list_workspaces

WITH_CLIENT_ID = text(
    "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
    " WHERE relnamespace = 'setpoint'::regnamespace AND relkind IN ('r', 'p') AND attname = 'client_id'"
    " AND NOT attisdropped ORDER BY 1"
)
ONE_OF_EACH = {table.name: 1 for table in TENANT_TABLES}


@pytest_asyncio.fixture
async def pair(database: Database, new_workspace: WorkspaceFactory) -> tuple[Workspace, Workspace]:
    """Two workspaces with a row in every table."""
    made = (await new_workspace(), await new_workspace())
    for workspace in made:
        async with database.tenant(workspace.client_id) as connection:
            await fill(connection, workspace.client_id)
    return made


async def rows_of(connection: AsyncConnection, workspace: Workspace) -> dict[str, int]:
    """How many rows each table and partition of the catalogue has of a workspace, by one whom no policy stops."""
    found = {}
    for name in (await connection.scalars(WITH_CLIENT_ID)).all():
        count = text(f"SELECT count(*) FROM {name} WHERE client_id = :client_id")
        found[name] = await connection.scalar(count, {"client_id": workspace.client_id}) or 0
    return {name: count for name, count in found.items() if count}


async def remove(database: Database, workspace: Workspace) -> dict[str, int]:
    async with database.owner(workspace.client_id) as connection:
        return await remove_workspace(connection, workspace)


async def test_nothing_of_it_is_left_and_all_of_another(
    database: Database, pair: tuple[Workspace, Workspace]
) -> None:
    gone, kept = pair
    async with database.owner(gone.client_id) as connection:
        assert await count_rows(connection, gone) == ONE_OF_EACH
        before = await rows_of(connection, kept)

    assert await remove(database, gone) == ONE_OF_EACH
    assert await remove(database, gone) == {}
    async with database.owner() as connection:
        assert await rows_of(connection, gone) == {}
        assert await rows_of(connection, kept) == before
        assert {*ONE_OF_EACH, "workspaces", f"messages_{kept.client_id}"} <= before.keys()
        assert await connection.scalar(text(f"SELECT to_regclass('setpoint.messages_{gone.client_id}')")) is None
        slugs = [slug for slug, _ in await list_workspaces(connection)]
        assert await inspect(connection) == []
    assert kept.slug in slugs
    assert gone.slug not in slugs


async def test_its_name_can_be_given_again_and_leads_to_nothing_old(
    database: Database, pair: tuple[Workspace, Workspace]
) -> None:
    await remove(database, pair[0])
    async with database.registry() as connection:
        again = await create_workspace(connection, pair[0].slug)
    async with database.owner(again.client_id) as connection:
        assert await count_rows(connection, again) == {}


async def test_a_table_that_is_added_later_is_covered(database: Database, pair: tuple[Workspace, Workspace]) -> None:
    gone, kept = pair
    async with database.owner() as connection:
        savepoint = await connection.begin_nested()
        of_lead = "FOREIGN KEY (client_id, lead) REFERENCES leads"
        for definition in (
            f'later (client_id integer, lead text COLLATE "C", PRIMARY KEY (client_id, lead), {of_lead})',
            "a_child (client_id integer, id text, FOREIGN KEY (client_id, id) REFERENCES later)",
            f'later_parts (client_id integer, lead text COLLATE "C", {of_lead}) PARTITION BY LIST (client_id)',
            f"later_parts_{gone.client_id} PARTITION OF later_parts FOR VALUES IN ({gone.client_id})",
            f"later_parts_{kept.client_id} PARTITION OF later_parts FOR VALUES IN ({kept.client_id})",
        ):
            await connection.execute(text(f"CREATE TABLE {definition}"))
        for each in pair:
            for name in ("later", "a_child", "later_parts"):
                await connection.execute(text(f"INSERT INTO {name} VALUES (:c, 'l')"), {"c": each.client_id})

        added = {"later": 1, "a_child": 1, "later_parts": 1}
        assert await remove_workspace(connection, gone) == ONE_OF_EACH | added
        assert await rows_of(connection, gone) == {}
        assert added.items() <= (await rows_of(connection, kept)).items()
        await savepoint.rollback()


async def test_what_is_added_meanwhile_goes_as_well(database: Database, pair: tuple[Workspace, Workspace]) -> None:
    gone, _ = pair
    async with database.tenant(gone.client_id) as writer:
        await writer.execute(
            text(
                "INSERT INTO drafts (client_id, external_id, lead_external_id, channel) VALUES (:c, 'n', 'l', 'sms')"
            ),
            {"c": gone.client_id},
        )
        removing = asyncio.create_task(remove(database, gone))
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')")
        async with database.owner() as watcher:
            while not await watcher.scalar(waiting):
                assert not removing.done()
    await removing
    async with database.owner() as connection:
        assert await rows_of(connection, gone) == {}


async def test_whoever_reads_another_workspace_is_not_kept_waiting(
    database: Database, pair: tuple[Workspace, Workspace]
) -> None:
    gone, kept = pair
    reading = text("SELECT count(*) FROM messages")
    async with database.tenant(kept.client_id) as reader:
        assert await reader.scalar(reading) == 1
        removing = asyncio.create_task(remove(database, gone))
        for _ in range(50):
            async with database.tenant(kept.client_id) as other:
                await other.execute(text("SET LOCAL lock_timeout = '2s'"))
                assert await other.scalar(reading) == 1
        assert not removing.done()
    await removing
    async with database.owner() as connection:
        assert await rows_of(connection, gone) == {}


@pytest.fixture
def owned(database: Database, database_url: str) -> Iterator[str]:
    """The URL of a database that belongs to a role without any power beyond it."""
    run_as_superuser(
        database_url,
        "CREATE ROLE removal_owner LOGIN IN ROLE setpoint_runtime",
        "CREATE ROLE removal_daily LOGIN IN ROLE setpoint_runtime",
        "CREATE DATABASE removal_owned OWNER removal_owner",
    )
    yield variant(database_url, user="removal_owner", database="removal_owned")
    run_as_superuser(
        database_url,
        "DROP DATABASE removal_owned WITH (FORCE)",
        "DROP ROLE removal_owner",
        "DROP ROLE removal_daily",
    )


@pytest_asyncio.fixture
async def plain_owner(owned: str) -> AsyncIterator[Database]:
    opened = connect(owned)
    await opened.migrate()
    yield opened
    await opened.close()


async def two_filled(database: Database) -> list[Workspace]:
    made = []
    for slug in ("acme", "umbrella"):
        async with database.registry() as connection:
            made.append(await create_workspace(connection, slug))
        async with database.tenant(made[-1].client_id) as connection:
            await fill(connection, made[-1].client_id)
    return made


async def test_a_plain_owner_may_remove_one(database_url: str, plain_owner: Database) -> None:
    gone, kept = await two_filled(plain_owner)
    async with plain_owner.owner(gone.client_id) as connection:
        assert await count_rows(connection, gone) == ONE_OF_EACH

    assert await remove(plain_owner, gone) == ONE_OF_EACH
    everything = connect(variant(database_url, database="removal_owned"))
    async with everything.owner() as connection:
        assert await rows_of(connection, gone) == {}
        assert ONE_OF_EACH.items() <= (await rows_of(connection, kept)).items()
    await everything.close()


async def test_nobody_else_may_remove_one(owned: str, plain_owner: Database) -> None:
    workspace, _ = await two_filled(plain_owner)
    daily = connect(variant(owned, user="removal_daily"))
    for attempt in (count_rows, remove_workspace):
        with pytest.raises(
            DatabaseUnavailable, match="Only the owner of the `setpoint` schema may remove workspaces"
        ):
            async with daily.owner(workspace.client_id) as connection:
                await attempt(connection, workspace)
    await daily.close()
    async with plain_owner.owner(workspace.client_id) as connection:
        assert await count_rows(connection, workspace) == ONE_OF_EACH
