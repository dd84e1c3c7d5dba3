"""Where things are, and the database, ready for use."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import psycopg
from platformdirs import user_data_path

from setpoint.domain.errors import DatabaseUnavailable
from setpoint.storage import embedded
from setpoint.storage.database import Database, connect
from setpoint.tenancy.service import Workspace, find_workspace

T = TypeVar("T")

_LOOK_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. `database_url` None means the embedded database in `data_dir`."""

    data_dir: Path
    database_url: str | None = None

    @classmethod
    def read(cls, data_dir: Path | None = None) -> "Settings":
        """From the option or the environment. An explicit data directory wins over a database URL."""
        url = os.environ.get("SETPOINT_DATABASE_URL") or None
        stated = data_dir or os.environ.get("SETPOINT_DATA_DIR") or user_data_path("setpoint")
        return cls(Path(os.path.expanduser(stated)), None if data_dir else url)


@asynccontextmanager
async def open_database(
    settings: Settings,
    migrate: bool = True,
    connections: int = 5,
    *,
    stands_back: bool = False,
    stays: bool = False,
) -> AsyncIterator[Database]:
    """The database, ready for use: the embedded one is started and migrated, yours is only checked.

    It opens at most so many `connections`; those to the embedded one let all others go first where it `stands_back`.
    With `migrate` false nothing is changed or checked. With `stays` an embedded server that is killed is started
    again, as the next command would do: nobody gives one while we serve. Raises DatabaseUnavailable.
    """
    if settings.database_url is not None:
        async with _connected(settings.database_url, connections) as database:
            if migrate:
                await database.check_revision()
            yield database
        return
    # Should we be cancelled right here, the server stops with the process.
    server = await in_thread(partial(embedded.start, settings.data_dir))
    try:
        async with (
            _revived(server) if stays else nullcontext(),
            _connected(server.url, connections, stands_back) as database,
        ):
            if migrate:
                await database.migrate()
            yield database
    finally:
        await in_thread(server.stop)


@asynccontextmanager
async def _revived(server: embedded.EmbeddedServer) -> AsyncIterator[None]:
    """Keep an embedded server running while a block lasts."""

    async def look() -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                if await in_thread(server.revive):
                    _log.warning("The embedded database was gone, and is started again.")
            except (DatabaseUnavailable, OSError, psycopg.Error) as error:
                _log.warning("The embedded database is gone, and does not start: %s", error)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


@asynccontextmanager
async def _connected(url: str, connections: int, stands_back: bool = False) -> AsyncIterator[Database]:
    database = connect(url, connections, stands_back=stands_back)
    try:
        yield database
    finally:
        await database.close()


async def in_thread(work: Callable[[], T], stop: Callable[[], None] | None = None) -> T:
    """Run what blocks beside the event loop.

    Should we be cancelled meanwhile, it is told by `stop`, and waited for: nothing is taken away under it.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if stop is not None:
            stop()
        await asyncio.gather(running, return_exceptions=True)
        raise


@asynccontextmanager
async def open_workspace(data_dir: Path | None, slug: str) -> AsyncIterator[tuple[Database, Workspace]]:
    """The database and one of its workspaces, as most commands need them. Raises what both raise."""
    async with open_database(Settings.read(data_dir)) as database:
        yield database, await workspace_of(database, slug)


async def workspace_of(database: Database, slug: str) -> Workspace:
    """Find a workspace. Raises NotFound."""
    async with database.registry() as connection:
        return await find_workspace(connection, slug)
