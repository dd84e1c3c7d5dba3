"""People of two workspaces, with passwords that cost nothing to hash."""

import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from tests.conftest import WorkspaceFactory

from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.tenancy import passwords
from setpoint.tenancy.invitations import accept_with_password, invite
from setpoint.tenancy.schemas import Actor, Person, SignedIn, cli_actor
from setpoint.tenancy.service import Workspace
from setpoint.tenancy.sessions import enter_workspace, find_person

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> PasswordHash:
    """Argon2 all the same, with the least it allows."""
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    monkeypatch.setattr(passwords, "hasher", hasher)
    return hasher


@pytest.fixture(scope="session")
def addresses() -> Iterator[str]:
    """Addresses that nobody else of the session has."""
    return (f"person-{number}@example.org" for number in itertools.count(1))


@dataclass(frozen=True)
class Member:
    """Somebody who was invited, and is signed in."""

    email: str
    session: SignedIn
    person: Person
    actor: Actor


Enroller = Callable[..., Awaitable[Member]]


async def person_of(database: Database, token: str, now: datetime = NOW, super_admins: str | None = None) -> Person:
    async with database.registry() as connection:
        return await find_person(connection, token, now=now, super_admins=super_admins)


async def link_for(database: Database, workspace: Workspace, email: str, role: Role = Role.SETTER) -> str:
    """An invitation made on the command line."""
    async with database.tenant(workspace.client_id) as connection:
        token, _ = await invite(connection, cli_actor(workspace, "operator"), email, role, now=NOW)
    return token


@pytest.fixture
def enrol(database: Database, addresses: Iterator[str]) -> Enroller:
    """Make somebody a member of a workspace, by an invitation and a password."""

    async def make(workspace: Workspace, role: Role = Role.SETTER, email: str | None = None) -> Member:
        address = email or next(addresses)
        token = await link_for(database, workspace, address, role)
        session = await accept_with_password(database, token, "Some Body", PASSWORD, now=NOW)
        person = await person_of(database, session.token)
        async with database.registry() as connection:
            actor = await enter_workspace(connection, person, workspace.slug)
        return Member(address, session, person, actor)

    return make


@pytest_asyncio.fixture
async def other(new_workspace: WorkspaceFactory) -> Workspace:
    """A workspace that has nothing to do with `workspace`."""
    return await new_workspace()


@pytest_asyncio.fixture
async def admin(enrol: Enroller, workspace: Workspace) -> Member:
    return await enrol(workspace, Role.ADMIN)


@pytest_asyncio.fixture
async def setter(enrol: Enroller, workspace: Workspace) -> Member:
    return await enrol(workspace)


@pytest_asyncio.fixture
async def stranger(enrol: Enroller, other: Workspace) -> Member:
    """The admin of the other workspace."""
    return await enrol(other, Role.ADMIN)
