"""A sample workspace, in the session's database and in an embedded one that a command made."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import make_url
from tests.app.console import Answer, Console, begin, end
from tests.app.town import Town, make_town

from setpoint.samples.service import MIN_LEADS, Sample, generate
from setpoint.storage.database import Database

LEADS = MIN_LEADS


@dataclass(frozen=True)
class Filled:
    """A workspace with a sample in it, and the options that ask for the sample's window."""

    slug: str
    sample: Sample

    @property
    def window(self) -> list[str]:
        start, end = (instant.date().isoformat() for instant in (self.sample.start, self.sample.end))
        return ["--workspace", self.slug, "--from", start, "--to", end]


@pytest.fixture(scope="session")
def setpoint(database: Database, database_url: str) -> Console:
    """Commands on the session's database."""
    return Console({"SETPOINT_DATABASE_URL": database_url})


@pytest.fixture(scope="session")
def filled(setpoint: Console, slugs: Iterator[str], tmp_path_factory: pytest.TempPathFactory) -> Filled:
    sample = generate(tmp_path_factory.mktemp("sample"), LEADS, seed=7)
    slug = next(slugs)
    assert setpoint("workspace", "create", slug).status == 0
    for kind, path in sample.paths.items():
        assert setpoint("import", kind, path, "--workspace", slug, "--json").json["rejected"] == 0
    return Filled(slug, sample)


@pytest_asyncio.fixture(scope="session")
async def town(database: Database, filled: Filled, slugs: Iterator[str]) -> Town:
    return await make_town(database, filled.sample, lambda: next(slugs))


@pytest.fixture
def empty(setpoint: Console, slugs: Iterator[str]) -> str:
    """An empty workspace of the test's own, in the session's database."""
    slug = next(slugs)
    assert setpoint("workspace", "create", slug).status == 0
    return slug


@pytest.fixture
def unmigrated(database_url: str, slugs: Iterator[str]) -> Iterator[str]:
    """The URL of a database, in the session's cluster, that has no schema yet."""
    name = f"app_{next(slugs)}".replace("-", "_")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield make_url(database_url).set(database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@dataclass(frozen=True)
class Demo:
    """What the first `setpoint demo` on a new data directory said."""

    data_dir: Path
    answer: Answer

    @property
    def workspace(self) -> str:
        return f"sample-{LEADS}-7"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    data_dir = tmp_path_factory.mktemp("demo") / "data"
    return Demo(data_dir, end(begin(data_dir, "demo", "--leads", str(LEADS))))
