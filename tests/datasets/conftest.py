"""Workspaces full of adversarial facts, and every engine over them."""

import resource
import shutil
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Protocol

import pytest
import pytest_asyncio
from sqlalchemy import insert
from tests.outcomes.specification import Appointment, Lead, Message
from tests.outcomes.worlds import make_world
from tests.outcomes.worlds import tables as rows_of

from setpoint.datasets.engine import Engine
from setpoint.datasets.on_duckdb import DuckDBEngine
from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.on_spark import SparkEngine
from setpoint.datasets.snapshot import write_snapshot
from setpoint.domain.windows import Window, make_window
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace, create_workspace

WINDOW = make_window("2026-03-01", "2026-03-20", "2026-03-23")

SPARK = pytest.param("spark", marks=pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"))
# Spark takes seconds for what the others do at once: it is asked for where engines are compared, and not again.
LOCAL_ENGINES = ["postgres", "duckdb"]

ODD_IDS = [
    "a,b",
    'say "hi"',
    '"',
    "it's",
    "=1+1",
    "+1",
    "-1",
    "@here",
    "'=quoted",
    "two\nlines",
    "carriage\rreturn\r\n",
    "tab\t",
    "\u2028separator",
    " spaces ",
    "grüße 🎲",
    "\u00e1",
    "a\u0301",
    "x" * 512,
    "é" * 256,
    "%s %(x)s 100%",
    "back\\slash\\'",
    "${env:HOME} $1 ?",
    "NULL",
    "\\N",
    "{} [a-z]*",
]


def odd_leads(window: Window) -> list[Lead]:
    """Leads whose ids no format likes, booked and not, and leads with instants from the ends of the calendar."""
    leads = []
    sent_at = window.start + timedelta(days=2, microseconds=999_999)
    for number, name in enumerate(ODD_IDS):
        lead = Lead(name, campaign=name, messages=[Message(f"{name}m", "sms", sent_at, draft=name)])
        if number % 2:
            lead.appointments.append(Appointment(f"{name}a", booked_at=sent_at + timedelta(microseconds=1)))
        leads.append(lead)
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    leads.append(
        Lead(
            "calendar",
            messages=[
                Message("c1", "email", first),
                Message("c2", "email", datetime(1969, 12, 31, 23, 59, 59, 500_000, UTC)),
                Message("c3", "email", sent_at),
                Message("c4", "email", last),
            ],
            appointments=[
                Appointment("ca1", "canceled", first + window.attribution, last),
                Appointment("ca2", "confirmed", last),
            ],
        )
    )
    return leads


# Its attribution window begins before the calendar of Python, which the specification is written in.
BOOKED_ON_THE_FIRST_DAY = Lead(
    "first day",
    messages=[Message("fd", "email", WINDOW.start)],
    appointments=[Appointment("fda", booked_at=datetime(1, 1, 1, tzinfo=UTC))],
)


@pytest.fixture(scope="session", autouse=True)
def quick_java() -> Iterator[None]:
    """Java that compiles little: for a few hundred rows, half the work of Spark is compiling itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield


class Facts:
    """A workspace with a world in it, and the snapshot that was taken of it."""

    def __init__(self, database: Database, workspace: Workspace, world: list[Lead], snapshot: Path) -> None:
        self.database, self.workspace, self.world, self.snapshot = database, workspace, world, snapshot

    @asynccontextmanager
    async def engine(self, name: str) -> AsyncIterator[Engine]:
        """An engine over these facts."""
        if name == "postgres":
            async with self.postgres() as postgres:
                yield postgres
        else:
            async with DuckDBEngine(self.snapshot) if name == "duckdb" else SparkEngine(self.snapshot) as other:
                yield other

    @asynccontextmanager
    async def postgres(self) -> AsyncIterator[PostgresEngine]:
        """The engine that a snapshot is taken from."""
        async with (
            self.database.tenant(self.workspace.client_id) as connection,
            PostgresEngine(connection, self.workspace.client_id) as engine,
        ):
            yield engine


async def store(database: Database, workspace: Workspace, world: list[Lead]) -> None:
    """Write a world as an import would leave it. Its drafts belong to no lead in it, so the first gets them."""
    async with database.tenant(workspace.client_id) as connection:
        for name, rows in rows_of(world).items() if world else ():
            for row in rows:
                row["client_id"] = workspace.client_id
                if name == "drafts":
                    row |= {"lead_external_id": world[0].external_id, "channel": "email"}
            if rows:
                await connection.execute(insert(getattr(tables, name)), rows)


async def store_texts(database: Database, workspace: Workspace, texts: dict[str, tuple[str | None, str]]) -> None:
    """Write the subject and body of messages."""
    rows: list[dict[str, Any]] = [
        {"client_id": workspace.client_id, "external_id": message, "subject": subject, "body": body}
        for message, (subject, body) in texts.items()
    ]
    async with database.tenant(workspace.client_id) as connection:
        await connection.execute(insert(tables.message_texts), rows)


@pytest.fixture(scope="session")
def window() -> Window:
    return WINDOW


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let no file that this process writes grow beyond so many bytes, as if the disk were full.

    The runner's own output may go to a file too, so the limit ends before anything is reported.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class FactsFactory(Protocol):
    """Stores a world in a workspace of its own."""

    def __call__(self, world: list[Lead], window: Window = ..., /) -> Awaitable[Facts]: ...


@pytest.fixture(scope="session")
def new_facts(database: Database, slugs: Iterator[str], tmp_path_factory: pytest.TempPathFactory) -> FactsFactory:
    """Store a world in a workspace of its own, and take the snapshot of it."""

    async def make(world: list[Lead], window: Window = WINDOW, /) -> Facts:
        async with database.registry() as connection:
            workspace = await create_workspace(connection, next(slugs))
        await store(database, workspace, world)
        facts = Facts(database, workspace, world, tmp_path_factory.mktemp("snapshots") / "snapshot")
        async with facts.postgres() as engine:
            await write_snapshot(engine, workspace.slug, window, facts.snapshot)
        return facts

    return make


@pytest_asyncio.fixture(scope="session")
async def facts(new_facts: FactsFactory) -> Facts:
    """What the engines are compared on, beside a workspace whose leads have the same ids and other facts."""
    world = [*make_world(Random(11), WINDOW, 300), *odd_leads(WINDOW)]
    others = make_world(Random(12), WINDOW, 300)
    await new_facts(
        [replace(other, external_id=lead.external_id) for lead, other in zip(world, others, strict=False)]
    )
    made = await new_facts([*world, BOOKED_ON_THE_FIRST_DAY])
    made.world = world
    return made
