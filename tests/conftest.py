"""What the tests of several rooms share: one embedded PostgreSQL for the session, a workspace for each test."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio
from hypothesis import settings

from setpoint.storage import embedded
from setpoint.storage.database import Database, connect
from setpoint.tenancy.service import Workspace, create_workspace

# The suite is the same for everybody; new counterexamples are looked for with `--hypothesis-profile explore`.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=1000)
settings.load_profile("suite")

WorkspaceFactory = Callable[[], Awaitable[Workspace]]


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The superuser's URL of an empty, embedded database that lives as long as the session."""
    with embedded.start(tmp_path_factory.mktemp("data")) as server:
        yield server.url


@pytest_asyncio.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The migrated database."""
    opened = connect(database_url)
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def slugs() -> Iterator[str]:
    """Names that no other workspace of the session has."""
    return (f"workspace-{number}" for number in itertools.count(1))


@pytest.fixture
def new_workspace(database: Database, slugs: Iterator[str]) -> WorkspaceFactory:
    """Make as many empty workspaces as a test needs."""

    async def make() -> Workspace:
        async with database.registry() as connection:
            return await create_workspace(connection, next(slugs))

    return make


@pytest_asyncio.fixture
async def workspace(new_workspace: WorkspaceFactory) -> Workspace:
    """An empty workspace of the test's own."""
    return await new_workspace()
