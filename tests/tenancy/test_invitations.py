"""A link works once, for a week, for one address, and proves nothing about it."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from tests.tenancy.conftest import NOW, PASSWORD, Enroller, Member, link_for, person_of

from setpoint.domain.errors import Conflict, NotAllowed, NotFound, UsageError
from setpoint.domain.vocabulary import Role
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.accounts import set_disabled
from setpoint.tenancy.invitations import (
    accept_signed_in,
    accept_with_password,
    find_invitation,
    invite,
    list_invitations,
    revoke_invitation,
)
from setpoint.tenancy.schemas import SignedIn
from setpoint.tenancy.secret import sha256
from setpoint.tenancy.service import Workspace


@pytest.fixture
def address(addresses: Iterator[str]) -> str:
    return next(addresses)


async def join(database: Database, token: str, after: timedelta = timedelta(0)) -> SignedIn:
    return await accept_with_password(database, token, "New Colleague", PASSWORD, now=NOW + after)


async def test_whoever_accepts_becomes_a_member_with_an_unproven_address(
    database: Database, workspace: Workspace, admin: Member, address: str
) -> None:
    async with database.tenant(workspace.client_id) as connection:
        token, made = await invite(connection, admin.actor, address.upper(), Role.SETTER, now=NOW)
    async with database.registry() as connection:
        found = await find_invitation(connection, token, now=NOW)
    assert (found.email, found.role, found.workspace) == (address, Role.SETTER, workspace.slug)
    session = await join(database, token)
    person = await person_of(database, session.token, super_admins=address)
    assert (person.email, person.name) == (address, "New Colleague")
    assert (person.email_verified, person.is_super_admin) == (False, False)
    assert [(each.workspace, each.role) for each in person.memberships] == [(workspace.slug, Role.SETTER)]
    async with database.tenant(workspace.client_id) as connection:
        (accepted,) = [each for each in await list_invitations(connection, admin.actor) if each.id == made.id]
    assert (made.is_open(NOW), accepted.accepted_at, accepted.is_open(NOW)) == (True, NOW, False)


async def test_the_token_itself_is_kept_nowhere(database: Database, workspace: Workspace, address: str) -> None:
    token = await link_for(database, workspace, address)
    async with database.tenant(workspace.client_id) as connection:
        (row,) = (await connection.execute(select(tables.invitations))).mappings()
    assert row["token_sha256"] == sha256(token)
    assert token not in str(dict(row))


@pytest.mark.parametrize("token", ["", "None", "x" * 43, "\u00e9" * 43, "\ud800"])
async def test_what_is_no_link_is_refused(database: Database, token: str) -> None:
    with pytest.raises(NotFound):
        await join(database, token)


async def test_of_several_who_accept_at_once_one_gets_in(
    database: Database, workspace: Workspace, address: str
) -> None:
    token = await link_for(database, workspace, address)
    done = await asyncio.gather(*(join(database, token) for _ in range(4)), return_exceptions=True)
    assert [type(each) for each in done].count(SignedIn) == 1
    assert {type(each) for each in done} <= {SignedIn, NotFound, Conflict}
    with pytest.raises(NotFound):
        await join(database, token)


async def test_of_two_acceptances_by_one_account_one_counts(
    database: Database, other: Workspace, admin: Member
) -> None:
    token = await link_for(database, other, admin.email)
    tries = [accept_signed_in(database, token, admin.person, now=NOW) for _ in range(4)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["FoundInvitation"] + ["NotFound"] * 3
    assert len((await person_of(database, admin.session.token)).memberships) == 2


async def test_it_expires(database: Database, workspace: Workspace, address: str) -> None:
    token = await link_for(database, workspace, address)
    with pytest.raises(NotFound):
        await join(database, token, timedelta(days=7))
    await join(database, token, timedelta(days=7, seconds=-1))


async def test_a_new_one_for_the_same_address_replaces_the_old(
    database: Database, workspace: Workspace, address: str
) -> None:
    old = await link_for(database, workspace, address)
    new = await link_for(database, workspace, address, Role.ADMIN)
    with pytest.raises(NotFound):
        await join(database, old)
    (membership,) = (await person_of(database, (await join(database, new)).token)).memberships
    assert membership.role is Role.ADMIN


async def test_it_can_be_taken_back_by_its_own_workspace_only(
    database: Database, workspace: Workspace, admin: Member, stranger: Member, address: str
) -> None:
    async with database.tenant(workspace.client_id) as connection:
        token, made = await invite(connection, admin.actor, address, Role.SETTER, now=NOW)
    said = set()
    for invitation_id in (made.id, uuid.uuid4()):
        async with database.tenant(stranger.actor.client_id) as connection:
            with pytest.raises(NotFound) as caught:
                await revoke_invitation(connection, stranger.actor, invitation_id, now=NOW)
        said.add(caught.value.message)
    assert len(said) == 1
    async with database.tenant(workspace.client_id) as connection:
        await revoke_invitation(connection, admin.actor, made.id, now=NOW)
    with pytest.raises(NotFound):
        await join(database, token)
    async with database.tenant(workspace.client_id) as connection:
        revived = await connection.execute(update(tables.invitations).values(revoked_at=None))
        used = select(tables.invitations.c.revoked_at).where(tables.invitations.c.id == made.id)
        assert await connection.scalar(used) == NOW
        assert revived.rowcount == 0


async def test_whoever_has_an_account_signs_in_and_joins_with_it(
    database: Database, workspace: Workspace, other: Workspace, admin: Member, setter: Member
) -> None:
    token = await link_for(database, other, admin.email)
    with pytest.raises(Conflict, match="sign in"):
        await join(database, token)
    with pytest.raises(NotAllowed, match="another address"):
        await accept_signed_in(database, token, setter.person, now=NOW)
    await accept_signed_in(database, token, admin.person, now=NOW)
    roles = {each.workspace: each.role for each in (await person_of(database, admin.session.token)).memberships}
    assert roles == {workspace.slug: Role.ADMIN, other.slug: Role.SETTER}
    assert (await person_of(database, setter.session.token)).memberships == setter.person.memberships


async def test_a_member_is_not_invited_again(
    database: Database, workspace: Workspace, admin: Member, setter: Member
) -> None:
    async with database.tenant(workspace.client_id) as connection:
        with pytest.raises(Conflict):
            await invite(connection, admin.actor, setter.email, Role.ADMIN, now=NOW)


async def test_a_failed_acceptance_leaves_nothing_behind(
    database: Database, workspace: Workspace, address: str
) -> None:
    token = await link_for(database, workspace, address)
    for name, password in [("New", "short"), ("", PASSWORD), ("New", address)]:
        with pytest.raises(UsageError):
            await accept_with_password(database, token, name, password, now=NOW)
    await join(database, token)


async def test_an_invitation_of_somebody_who_is_shut_out_does_not_work(
    database: Database, workspace: Workspace, enrol: Enroller, address: str
) -> None:
    member = await enrol(workspace, Role.ADMIN)
    async with database.tenant(workspace.client_id) as connection:
        token, _ = await invite(connection, member.actor, address, Role.ADMIN, now=NOW)
    async with database.owner() as connection:
        await set_disabled(connection, member.email, True, now=NOW)
    with pytest.raises(NotFound):
        await join(database, token)
