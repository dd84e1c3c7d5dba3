"""Transactions and the pool: what a connection's next user finds, and what an operator is told."""

import asyncio
import re
import socket
from typing import Any

import psycopg
import pytest
from sqlalchemy import Row, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.storage.conftest import NewDatabase, Opener, variant
from tests.storage.facts import insert

from setpoint.domain.errors import DatabaseUnavailable, UsageError
from setpoint.storage import database as module
from setpoint.storage import tables
from setpoint.storage.database import Database, connect, translated
from setpoint.tenancy.service import Workspace

STATE = text(
    "SELECT current_user = session_user, coalesce(current_setting('setpoint.client_id', true), ''),"
    " (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relnamespace = pg_my_temp_schema()),"
    " (SELECT count(*) FROM pg_cursors WHERE is_holdable), current_setting('search_path')"
)
CLEAN = (True, "", 0, 0, '"$user", public')


async def leftovers(database: Database) -> Row[Any]:
    """What somebody would find who took a connection from the pool and forgot to enter anything."""
    async with database.engine.connect() as connection:
        return (await connection.execute(STATE)).one()


async def backend(connection: AsyncConnection) -> int:
    return int(await connection.scalar(text("SELECT pg_backend_pid()")))


async def lead_count(database: Database, workspace: Workspace) -> int | None:
    async with database.tenant(workspace.client_id) as connection:
        return await connection.scalar(select(func.count()).select_from(tables.leads))


async def terminate(database: Database, pid: int) -> None:
    """Break a connection as a server that goes down would, and wait until it is gone."""
    async with database.owner() as connection:
        assert await connection.scalar(text("SELECT pg_terminate_backend(:pid, 60000)"), {"pid": pid})


class TestTransactions:
    async def test_what_a_block_wrote_is_there_when_it_ends_well(
        self, database: Database, workspace: Workspace
    ) -> None:
        async with database.tenant(workspace.client_id) as connection:
            await insert(connection, tables.leads, workspace.client_id)
        assert await lead_count(database, workspace) == 1

    @pytest.mark.parametrize(
        "kind", [ValueError, KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit]
    )
    async def test_what_a_block_wrote_is_gone_when_it_fails(
        self, database: Database, workspace: Workspace, kind: type[BaseException]
    ) -> None:
        async def fail() -> None:
            async with database.tenant(workspace.client_id) as connection:
                await insert(connection, tables.leads, workspace.client_id)
                raise kind

        with pytest.raises(kind):
            await fail()
        assert await lead_count(database, workspace) == 0

    async def test_every_kind_of_statement_is_inside(self, database: Database, workspace: Workspace) -> None:
        mine = workspace.client_id
        async with database.tenant(mine) as connection:
            await connection.exec_driver_sql(f"INSERT INTO leads (client_id, external_id) VALUES ({mine}, 'driver')")
            driver = module.driver_connection(connection)
            await driver.execute("INSERT INTO leads (client_id, external_id) VALUES (%s, 'psycopg')", [mine])
            await insert(connection, tables.leads, mine)
            await connection.rollback()
        assert await lead_count(database, workspace) == 0

    async def test_sessions_speak_utc_and_find_names_in_the_schema_only(
        self, database: Database, workspace: Workspace
    ) -> None:
        for entered in (database.tenant(workspace.client_id), database.registry(), database.owner()):
            async with entered as connection:
                shown = "SELECT current_setting('TimeZone'), current_setting('search_path')"
                assert (await connection.execute(text(shown))).one() == ("UTC", "setpoint, pg_temp")

    async def test_who_enters_is_who_acts(self, database: Database, workspace: Workspace) -> None:
        for entered, owner in (
            (database.tenant(workspace.client_id), False),
            (database.registry(), False),
            (database.owner(), True),
        ):
            async with entered as connection:
                name = await connection.scalar(text("SELECT current_user"))
                assert (name != "setpoint_runtime") is owner

    async def test_a_connection_that_is_closed_has_no_driver(self, database: Database) -> None:
        async with database.registry() as connection:
            pass
        with pytest.raises(DatabaseUnavailable):
            module.driver_connection(connection)


class TestPool:
    @pytest.mark.parametrize("size", [1, 2])
    async def test_the_tenant_does_not_outlive_its_transaction(
        self, database_url: str, open_database: Opener, workspace: Workspace, size: int
    ) -> None:
        pool = open_database(database_url, size)
        for lead in range(2 * size):
            async with pool.tenant(workspace.client_id) as connection:
                await insert(connection, tables.leads, workspace.client_id, external_id=f"lead-{size}-{lead}")
        assert [await leftovers(pool) for _ in range(size)] == [CLEAN] * size
        async with pool.registry() as connection:
            assert await connection.scalar(select(func.count()).select_from(tables.leads)) == 0

    @pytest.mark.parametrize("ends_well", [True, False])
    async def test_nothing_of_a_tenant_outlives_its_transaction(
        self, database_url: str, open_database: Opener, workspace: Workspace, ends_well: bool
    ) -> None:
        pool = open_database(database_url)

        async def forget() -> None:
            async with pool.tenant(workspace.client_id) as connection:
                for statement in (
                    "CREATE TEMP TABLE kept AS SELECT 'body of a message' AS body",
                    "DECLARE held CURSOR WITH HOLD FOR SELECT 'body of a message'",
                    "SELECT set_config('setpoint.client_id', '1', false), set_config('work_mem', '1MB', false)",
                ):
                    await connection.exec_driver_sql(statement)
                if not ends_well:
                    raise LookupError

        await asyncio.gather(forget(), return_exceptions=not ends_well)
        assert await leftovers(pool) == CLEAN

    async def test_a_pool_opens_no_more_connections_than_it_may(
        self, database_url: str, open_database: Opener
    ) -> None:
        pool = open_database(database_url, 2)
        pids: set[int] = set()

        async def use() -> None:
            async with pool.registry() as connection:
                pids.add(await backend(connection))

        await asyncio.gather(*(use() for _ in range(8)))
        assert len(pids) <= 2

    async def test_a_crowded_pool_is_named(
        self, database_url: str, open_database: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pool = open_database(database_url)
        monkeypatch.setattr(module, "_TURN_SECONDS", 0)
        async with pool.registry():
            with pytest.raises(DatabaseUnavailable, match="Every connection"):
                await pool.registry().__aenter__()
        async with pool.registry():
            pass

    async def test_a_connection_that_broke_in_the_pool_is_replaced(
        self, database: Database, database_url: str, open_database: Opener
    ) -> None:
        pool = open_database(database_url)
        async with pool.registry() as connection:
            pid = await backend(connection)
        await terminate(database, pid)
        async with pool.registry() as connection:
            assert await backend(connection) != pid


class TestCancellation:
    async def test_a_query_that_is_cancelled_leaves_nothing(
        self, database: Database, database_url: str, open_database: Opener, workspace: Workspace
    ) -> None:
        pool = open_database(database_url)
        lock = workspace.client_id
        started: list[int] = []

        async def wait_for_ever() -> None:
            async with pool.tenant(workspace.client_id) as connection:
                started.append(await backend(connection))
                await insert(connection, tables.leads, workspace.client_id)
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})

        async with database.owner() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
            task = asyncio.create_task(wait_for_ever())
            waits = text("SELECT count(*) FROM pg_locks WHERE pid = ANY (:pids) AND NOT granted")
            while not await connection.scalar(waits, {"pids": started}):
                pass
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await leftovers(pool) == CLEAN
        assert await lead_count(pool, workspace) == 0

    @pytest.mark.parametrize("again", [None, 0, 1])
    async def test_a_task_may_be_cancelled_at_any_moment(
        self, database_url: str, open_database: Opener, workspace: Workspace, again: int | None
    ) -> None:
        pool = open_database(database_url)

        async def write(key: str) -> str:
            async with pool.tenant(workspace.client_id) as connection:
                await insert(connection, tables.leads, workspace.client_id, external_id=key)
            return key

        moment = 0
        task = asyncio.create_task(write("0"))
        while not task.done():
            task.cancel()
            if again is not None:
                await ticks(again)
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await leftovers(pool) == CLEAN
            moment += 1 + moment // 8
            task = asyncio.create_task(write(str(moment)))
            await ticks(moment)
        assert moment > 10
        async with pool.tenant(workspace.client_id) as connection:
            found = set((await connection.scalars(select(tables.leads.c.external_id))).all())
        assert task.result() in found

    async def test_waiting_for_a_connection_may_be_cancelled(self, database_url: str, open_database: Opener) -> None:
        pool = open_database(database_url)

        async def use() -> None:
            async with pool.registry():
                pass

        async with pool.registry():
            waiting = [asyncio.create_task(use()) for _ in range(3)]
            await ticks(5)
            waiting[0].cancel()
            waiting[2].cancel()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError, type(None), asyncio.CancelledError]
        assert await leftovers(pool) == CLEAN


class TestErrors:
    async def complaint(self, url: str) -> str:
        """The one sentence that somebody with this URL is told; it must not hold the password."""
        with pytest.raises(DatabaseUnavailable) as caught:
            await use_once(url)
        assert "s3cret" not in caught.value.message
        assert "\n" not in caught.value.message
        return caught.value.message

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "somewhere",
            "host=localhost password=s3cret",
            "postgresql://user:s3cret@host:port/name",
            "postgresql://user:s3cret@host:5432:5432/name",
            "postgresql://user:s3cret@two..dots/name",
            f"postgresql://user:s3cret@{'long' * 50}/name",
            "postgresql://user:s3cret@127.0.0.1/name?no_such_option=1",
            "postgresql://user:s3cret@127.0.0.1/name?connect_timeout=soon",
        ],
    )
    async def test_a_url_that_cannot_be_read(self, url: str) -> None:
        assert (await self.complaint(url)).startswith("The database URL cannot be read")

    @pytest.mark.parametrize("url", ["mysql://user:s3cret@host/name", "sqlite:///file"])
    async def test_a_url_of_another_database(self, url: str) -> None:
        assert await self.complaint(url) == "The database URL must begin with postgresql://."

    async def test_a_server_that_is_not_there(self) -> None:
        with socket.socket() as taken:
            # The port is ours and nobody listens.
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            for scheme in ("postgresql", "postgres", "postgresql+psycopg"):
                message = await self.complaint(f"{scheme}://user:s3cret@127.0.0.1:{port}/name")
                assert message.startswith("The database cannot be reached")
        assert "cannot be reached" in await self.complaint("postgresql://user:s3cret@/name?host=/nowhere")

    async def test_a_server_that_turns_us_away_says_why(self, database_url: str) -> None:
        for wrong in (variant(database_url, user="nobody:s3cret"), variant(database_url, database="nowhere")):
            assert re.search(r'"no\w+" does not exist', await self.complaint(wrong.replace("%3A", ":")))

    async def test_a_database_that_was_never_migrated(
        self, database: Database, new_database: NewDatabase, open_database: Opener
    ) -> None:
        empty = open_database(new_database())
        unmigrated = "The database has not this version's schema: run `setpoint migrate`."
        with pytest.raises(DatabaseUnavailable, match=re.escape(unmigrated)):
            await empty.check_revision()
        for statement in ("SELECT * FROM leads", "SELECT create_workspace('new')"):
            with pytest.raises(DatabaseUnavailable, match=re.escape(unmigrated)):
                async with empty.registry() as connection:
                    await connection.exec_driver_sql(statement)

    async def test_a_server_that_breaks_off_saves_nothing(
        self, database: Database, database_url: str, open_database: Opener, workspace: Workspace
    ) -> None:
        pool = open_database(database_url)

        async def work() -> None:
            async with pool.tenant(workspace.client_id) as connection:
                await insert(connection, tables.leads, workspace.client_id)
                await terminate(database, await backend(connection))
                await connection.execute(select(tables.leads))

        with pytest.raises(DatabaseUnavailable, match="nothing of this was saved"):
            await work()
        assert await lead_count(pool, workspace) == 0

    async def test_a_server_that_breaks_off_at_the_commit_leaves_us_in_doubt(
        self, database: Database, database_url: str, open_database: Opener, workspace: Workspace
    ) -> None:
        pool = open_database(database_url)

        async def work() -> None:
            async with pool.tenant(workspace.client_id) as connection:
                await terminate(database, await backend(connection))

        with pytest.raises(DatabaseUnavailable, match="may have worked or not"):
            await work()
        assert await lead_count(pool, workspace) == 0

    @pytest.mark.parametrize(
        ("statements", "told"),
        [
            (["SET LOCAL statement_timeout = 1", "SELECT pg_sleep(60)"], "statement_timeout"),
            (["SET TRANSACTION READ ONLY", "INSERT INTO leads VALUES (1, 'new')"], "takes no writes"),
            (["SELECT * FROM no_such_table"], "run `setpoint migrate`"),
        ],
    )
    async def test_what_an_operator_can_mend_is_named(
        self, database: Database, workspace: Workspace, statements: list[str], told: str
    ) -> None:
        with pytest.raises(DatabaseUnavailable, match=told):
            await run(database, workspace, *statements)

    @pytest.mark.parametrize(
        "kind",
        [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable],
    )
    def test_who_was_in_each_others_way_may_try_again(self, kind: type[psycopg.Error]) -> None:
        assert "Another command" in str(translated(kind("details")))

    @pytest.mark.parametrize(
        "state", ["starting up", "shutting down", "in recovery mode", "not yet accepting connections"]
    )
    def test_a_server_that_is_not_up_yet_is_no_matter_of_its_url(self, state: str) -> None:
        refused = psycopg.OperationalError(f"connection failed: FATAL:  the database system is {state}")
        assert "try again in a few seconds" in str(translated(refused))

    def test_a_full_disk_is_named(self) -> None:
        assert "disk is full" in str(translated(psycopg.errors.DiskFull("could not extend file")))

    async def test_a_nul_that_came_this_far_is_the_users_to_leave_out(
        self, database: Database, workspace: Workspace
    ) -> None:
        with pytest.raises(UsageError, match="NUL character"):
            async with database.tenant(workspace.client_id) as connection:
                await connection.execute(text("SELECT * FROM leads WHERE external_id = :id"), {"id": "a\0b"})

    @pytest.mark.parametrize(
        ("statement", "kind"),
        [
            ("SELECT 1 / 0", psycopg.errors.DivisionByZero),
            ("DELETE FROM leads", psycopg.errors.InsufficientPrivilege),
            ("INSERT INTO leads VALUES (0, 'new')", psycopg.errors.InsufficientPrivilege),
        ],
    )
    async def test_a_defect_stays_what_it_is(
        self, database: Database, workspace: Workspace, statement: str, kind: type[psycopg.Error]
    ) -> None:
        with pytest.raises(DBAPIError) as caught:
            await run(database, workspace, statement)
        assert isinstance(caught.value.orig, kind)
        assert caught.value.__cause__ is caught.value.orig

    def test_the_url_is_never_shown(self) -> None:
        assert "s3cret" not in repr(connect("postgresql://user:s3cret@host/name"))


async def run(database: Database, workspace: Workspace, *statements: str) -> None:
    async with database.tenant(workspace.client_id) as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


async def use_once(url: str) -> None:
    database = connect(url)
    try:
        async with database.registry():
            pass
    finally:
        await database.close()


async def ticks(count: int) -> None:
    """Let the others go on for a while: `count` turns of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_instant_sees_nothing_that_came_after_its_first_statement(
    database: Database, workspace: Workspace
) -> None:
    async with database.tenant(workspace.client_id, one_instant=True) as reader:
        before = await reader.scalar(text("SELECT count(*) FROM leads"))
        async with database.tenant(workspace.client_id) as writer:
            await writer.execute(
                text("INSERT INTO leads (client_id, external_id) VALUES (:client, 'late')"),
                {"client": workspace.client_id},
            )
        assert await reader.scalar(text("SELECT count(*) FROM leads")) == before == 0
    async with database.tenant(workspace.client_id) as connection:
        assert await connection.scalar(text("SELECT count(*) FROM leads")) == 1
