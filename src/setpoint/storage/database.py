"""Connections: who asks, for which workspace, in one transaction.

The tenant is set once, where the transaction opens, together with a role that owns nothing; the database's
row-level security does the rest. Without a tenant no row is visible.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

import orjson
import psycopg
from psycopg import errors
from psycopg.sql import SQL, Literal
from sqlalchemy import URL, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

from setpoint.domain.errors import DatabaseUnavailable, UsageError
from setpoint.storage import migrate
from setpoint.storage.urgency import stand_back

RUNTIME_ROLE = "setpoint_runtime"
# Each of these is one message to the server: a page has several transactions, and waits for every answer.
_BEGIN = SQL(
    "BEGIN {mode}; SELECT set_config('role', {role}, true), set_config('search_path', 'setpoint, pg_temp', true),"
    " set_config('timezone', 'UTC', true), set_config('setpoint.client_id', {client_id}, true)"
)
_ONE_INSTANT = SQL("ISOLATION LEVEL REPEATABLE READ")
# What may outlive a transaction: tables, cursors, settings.
_LEAVE_NOTHING = "CLOSE ALL; DISCARD TEMP; RESET ALL"
_CLEAN = "setpoint_clean"
_CONNECT_SECONDS = 10
_TURN_SECONDS = 30
# Alembic keeps the connection that it migrates in a global of its own: in one process it is one at a time.
_migrating = asyncio.Lock()

_UNREADABLE_URL = (
    "The database URL cannot be read: write it like postgresql://user:password@host/database, with %40 for an @"
    " in the password."
)
_REFUSED = (
    "The database refused the right to do this: connect as the owner of the `setpoint` schema, who may create"
    " roles or was made a member by `GRANT setpoint_runtime TO ...`."
)
_FULL = "The database's disk is full; nothing of this was saved. Make room and try again."
_BUSY = "Another command is changing the same part of the database; nothing of this was saved. Try again."
_STOPPED = "The database ended a query that took longer than its statement_timeout; nothing of this was saved."
_READ_ONLY = "The database takes no writes: SETPOINT_DATABASE_URL must lead to a primary server."
_CROWDED = "Every connection to the database has been in use for half a minute: try again."
_BROKEN = (
    "The database cannot be reached or broke off; nothing of this was saved. Is it running, and is"
    " SETPOINT_DATABASE_URL right?"
)
_STARTING = "The database is just starting or stopping; nothing of this was saved: try again in a few seconds."
_UNKNOWN = (
    "The database broke off while this was being saved, which may have worked or not: look before you do it again."
)
_SENTENCES: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    ((PoolTimeout,), _CROWDED),
    ((errors.InvalidSchemaName, errors.UndefinedTable, errors.UndefinedFunction), migrate.UNMIGRATED),
    ((errors.InsufficientPrivilege,), _REFUSED),
    ((errors.DiskFull,), _FULL),
    ((errors.DeadlockDetected, errors.LockNotAvailable, errors.SerializationFailure), _BUSY),
    ((errors.QueryCanceled,), _STOPPED),
    ((errors.ReadOnlySqlTransaction,), _READ_ONLY),
    ((psycopg.OperationalError, psycopg.InterfaceError), _BROKEN),
)


@dataclass(frozen=True)
class Database:
    """A pool of connections to the one database. `url` is never shown: it may hold a password."""

    engine: AsyncEngine
    # The pool's own queue forgets whoever waits for a connection that is then not made: whose task is cancelled.
    _turns: asyncio.Semaphore = field(repr=False)

    @asynccontextmanager
    async def tenant(self, client_id: int, *, one_instant: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction that sees the rows of one workspace and no others; committed where the block ends well.

        With `one_instant` all its statements see the rows as they were at the first: what several of them read
        belongs together, whatever is imported meanwhile.
        """
        async with self._transaction(RUNTIME_ROLE, str(client_id), one_instant) as connection:
            yield connection

    @asynccontextmanager
    async def registry(self) -> AsyncIterator[AsyncConnection]:
        """One transaction without a tenant: it can find and create workspaces, and sees no row of any."""
        async with self._transaction(RUNTIME_ROLE, "") as connection:
            yield connection

    @asynccontextmanager
    async def owner(self, client_id: int | None = None) -> AsyncIterator[AsyncConnection]:
        """One transaction as the owner of the schema: for migrations, the doctor, and all workspaces as such only.

        A plain owner sees the rows of `client_id`, and of no workspace without one. A superuser sees all of them.
        """
        async with self._transaction("none", "" if client_id is None else str(client_id)) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(
        self, role: str, client_id: str, one_instant: bool = False
    ) -> AsyncIterator[AsyncConnection]:
        begin = _BEGIN.format(
            mode=_ONE_INSTANT if one_instant else SQL(""), role=Literal(role), client_id=Literal(client_id)
        ).as_string()
        entered = ended = False
        try:
            async with self._turn(), AsyncExitStack() as stack:
                connection = await self._begun(stack, begin)
                entered = True
                yield connection
                ended = True
                if connection.in_transaction():
                    await connection.exec_driver_sql(f"COMMIT; {_LEAVE_NOTHING}")
                    connection.info[_CLEAN] = True
        except (SQLAlchemyError, psycopg.Error) as error:
            if ended and isinstance(error, DBAPIError) and error.connection_invalidated:
                raise DatabaseUnavailable(_UNKNOWN) from error
            # Once a workspace is entered, what the database refuses is our mistake and nobody else's to mend.
            ours = entered and role == RUNTIME_ROLE and isinstance(_cause(error), errors.InsufficientPrivilege)
            named = error if ours else translated(error)
            if named is error:
                raise
            raise named from error

    async def _begun(self, stack: AsyncExitStack, begin: str) -> AsyncConnection:
        """A connection in the transaction that `begin` opens; both end with the stack.

        A connection may have broken in the pool: that is told by this first statement, which did nothing yet, and
        throws all connections of its time away.
        """
        try:
            return await self._begun_once(stack, begin)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return await self._begun_once(stack, begin)

    async def _begun_once(self, stack: AsyncExitStack, begin: str) -> AsyncConnection:
        async with AsyncExitStack() as opened:
            connection = await opened.enter_async_context(self.engine.begin())
            connection.info.pop(_CLEAN, None)
            await connection.exec_driver_sql(begin)
            stack.push_async_exit(opened.pop_all())
            return connection

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """The right to one of the pool's connections."""
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise DatabaseUnavailable(_CROWDED) from None
        try:
            yield
        finally:
            self._turns.release()

    async def migrate(self) -> bool:
        """Bring the schema up to date; True where something was done. Raises DatabaseUnavailable."""
        async with _migrating, self.owner() as connection:
            return await connection.run_sync(migrate.upgrade)

    async def check_revision(self) -> None:
        """Raise DatabaseUnavailable unless the schema is the one this version needs."""
        async with self.registry() as connection:
            await connection.run_sync(migrate.check_current)

    def apart(self, pool_size: int = 1) -> "Database":
        """A pool of its own to the same database: for another thread, whose event loop cannot share this one's."""
        return connect(self.engine.url, pool_size)

    async def close(self) -> None:
        """Close the connections of the pool; those in use follow when they are given back."""
        await self.engine.dispose()


def connect(url: str | URL, pool_size: int = 5, *, stands_back: bool = False) -> Database:
    """Make a pool for a PostgreSQL URL (`postgresql://user:password@host/database`). Nothing is opened yet.

    It opens at most `pool_size` connections; who finds them all in use waits for half a minute. With `stands_back`
    the server's processes for these connections let all others go first, and have no helpers, which would not: for
    a server on this machine that runs under our user. Raises DatabaseUnavailable where the URL cannot be read.
    """
    try:
        parsed = make_url(url)
        # libpq's way to write a socket's directory.
        host = unquote(parsed.host) if parsed.host else None
        (host or "").encode("idna")
    except (ArgumentError, ValueError):
        raise DatabaseUnavailable(_UNREADABLE_URL) from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise DatabaseUnavailable("The database URL must begin with postgresql://.")
    engine = create_async_engine(
        parsed.set(drivername="postgresql+psycopg", host=host),
        pool_size=pool_size,
        max_overflow=0,
        # Transactions are opened and ended by statements of ours.
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        # A report has hundreds of kilobytes, and nobody else is answered while it is read.
        json_deserializer=orjson.loads,
        connect_args={"client_encoding": "utf8"}
        | ({"options": "-c max_parallel_workers_per_gather=0"} if stands_back else {})
        | ({} if "connect_timeout" in parsed.query else {"connect_timeout": _CONNECT_SECONDS}),
    )
    event.listen(engine.sync_engine, "reset", _leave_nothing)
    if stands_back:
        event.listen(engine.sync_engine, "connect", _stand_back)
    return Database(engine, asyncio.Semaphore(pool_size))


def _leave_nothing(connection: DBAPIConnection, record: ConnectionPoolEntry, state: PoolResetState) -> None:
    """Before its next user gets a connection whose transaction did not end well, drop what may outlive that."""
    # A connection that is closed for good takes all of it along.
    if not state.terminate_only and not record.info.pop(_CLEAN, False):
        connection.rollback()
        cursor = connection.cursor()
        cursor.execute(_LEAVE_NOTHING)
        cursor.close()


def _stand_back(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    stand_back(connection.driver_connection.info.backend_pid)


def driver_connection(connection: AsyncConnection) -> psycopg.AsyncConnection[tuple[object, ...]]:
    """The psycopg connection below, in the same transaction: for COPY, which SQLAlchemy does not speak."""
    raw = None if connection.closed else connection.sync_connection
    if raw is None or raw.connection.driver_connection is None:
        raise DatabaseUnavailable("The connection was closed before its work was done: try again.")
    driver: psycopg.AsyncConnection[tuple[object, ...]] = raw.connection.driver_connection
    return driver


def translated(error: SQLAlchemyError | psycopg.Error) -> Exception:
    """Turn what an operator or a user can mend into a named error; anything else is a defect and stays what it is."""
    cause = _cause(error)
    # The driver refuses such a text before it is sent, wherever it was to be looked up or kept.
    if type(cause) is psycopg.DataError and "NUL" in str(cause):
        return UsageError("A NUL character is in what was asked for: leave it out.")
    # A server that turns us away says why, and never repeats the password.
    refusal = re.search(r"FATAL: +(.+)", str(cause))
    if type(cause) is psycopg.OperationalError and refusal:
        if re.search("starting up|shutting down|recovery mode|not yet accepting", refusal[1]):
            return DatabaseUnavailable(_STARTING)
        return DatabaseUnavailable(
            f"The database refused the connection ({refusal[1]}): is SETPOINT_DATABASE_URL right?"
        )
    # Raised before any statement, it is the driver's about an option of the URL.
    if type(cause) is psycopg.ProgrammingError and isinstance(error, DBAPIError) and error.statement is None:
        return DatabaseUnavailable(_UNREADABLE_URL)
    if isinstance(cause, errors.InvalidParameterValue) and RUNTIME_ROLE in str(cause):
        return DatabaseUnavailable(migrate.UNMIGRATED)
    for kinds, sentence in _SENTENCES:
        if isinstance(cause, kinds):
            return DatabaseUnavailable(sentence)
    return error


def _cause(error: SQLAlchemyError | psycopg.Error) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error
