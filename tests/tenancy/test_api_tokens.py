"""Tokens of programs: one workspace, one role, shown once."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from tests.tenancy.conftest import NOW, Enroller, Member

from setpoint.domain.errors import NotAllowed, NotFound, UsageError
from setpoint.domain.vocabulary import Role
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.accounts import set_disabled
from setpoint.tenancy.api_tokens import ApiToken, create_token, find_token_actor, list_tokens, revoke_token
from setpoint.tenancy.invitations import invite
from setpoint.tenancy.schemas import ActorKind, NotSignedIn, cli_actor
from setpoint.tenancy.secret import new_secret, sha256
from setpoint.tenancy.service import Workspace


async def make(database: Database, member: Member, role: Role = Role.SETTER) -> tuple[str, ApiToken]:
    async with database.tenant(member.actor.client_id) as connection:
        return await create_token(connection, member.actor, " nightly import ", role, now=NOW)


async def listed(database: Database, member: Member) -> list[ApiToken]:
    async with database.tenant(member.actor.client_id) as connection:
        return await list_tokens(connection, member.actor)


async def revoke(database: Database, member: Member, token_id: uuid.UUID) -> None:
    async with database.tenant(member.actor.client_id) as connection:
        await revoke_token(connection, member.actor, token_id, now=NOW)


@pytest.mark.parametrize("role", list(Role))
async def test_it_acts_in_its_workspace_with_its_role(database: Database, admin: Member, role: Role) -> None:
    token, made = await make(database, admin, role)
    actor = await find_token_actor(database, token, now=NOW)
    assert (actor.kind, actor.id, actor.name) == (ActorKind.TOKEN, str(made.id), "token nightly import")
    assert (actor.client_id, actor.workspace, actor.role) == (admin.actor.client_id, admin.actor.workspace, role)
    assert (actor.is_super_admin, actor.user_id) == (False, None)


async def test_the_token_itself_is_kept_nowhere(database: Database, admin: Member) -> None:
    token, made = await make(database, admin)
    assert token.startswith("sp_")
    assert (made.prefix, made.created_by) == (token[:11], admin.email)
    async with database.tenant(admin.actor.client_id) as connection:
        (row,) = (await connection.execute(select(tables.api_tokens))).mappings()
    assert row["token_sha256"] == sha256(token)
    assert token not in str(dict(row))
    assert await listed(database, admin) == [made]


@pytest.mark.parametrize(
    "token", ["", "None", "sp_", "sp_None", "sp_" + "x" * 43, "\u00e9", "sp_" + "\u00e9" * 43, "\ud800"]
)
async def test_what_is_no_token_is_refused(database: Database, token: str) -> None:
    with pytest.raises(NotSignedIn):
        await find_token_actor(database, token, now=NOW)


async def test_a_session_is_no_token_and_a_token_no_session(database: Database, admin: Member) -> None:
    for secret in (admin.session.token, "sp_" + admin.session.token, new_secret("sp_")):
        with pytest.raises(NotSignedIn):
            await find_token_actor(database, secret, now=NOW)


async def test_revoked_is_refused_with_the_next_use_and_for_ever(database: Database, admin: Member) -> None:
    token, made = await make(database, admin)
    await revoke(database, admin, made.id)
    with pytest.raises(NotSignedIn):
        await find_token_actor(database, token, now=NOW)
    assert [each.revoked_at for each in await listed(database, admin)] == [NOW]
    with pytest.raises(NotFound):
        await revoke(database, admin, made.id)
    async with database.tenant(admin.actor.client_id) as connection:
        revived = await connection.execute(update(tables.api_tokens).values(revoked_at=None))
        assert revived.rowcount == 0


async def test_a_use_that_races_a_revocation_leaves_it_revoked(database: Database, admin: Member) -> None:
    for number in range(5):
        token, made = await make(database, admin)
        uses = [find_token_actor(database, token, now=NOW + timedelta(hours=hour)) for hour in range(4)]
        done = await asyncio.gather(*uses, revoke(database, admin, made.id), return_exceptions=True)
        assert {type(each) for each in done if isinstance(each, BaseException)} <= {NotSignedIn}
        with pytest.raises(NotSignedIn):
            await find_token_actor(database, token, now=NOW)
        assert [each.revoked_at for each in await listed(database, admin)] == [NOW] * (number + 1)


async def test_a_foreign_token_answers_like_an_absent_one(
    database: Database, admin: Member, stranger: Member
) -> None:
    token, made = await make(database, admin)
    said = set()
    for token_id in (made.id, uuid.uuid4()):
        with pytest.raises(NotFound) as caught:
            await revoke(database, stranger, token_id)
        said.add(caught.value.message)
    assert len(said) == 1
    assert await listed(database, stranger) == []
    assert (await find_token_actor(database, token, now=NOW)).workspace == admin.actor.workspace


async def test_a_token_of_another_workspace_is_not_written(
    database: Database, admin: Member, stranger: Member
) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.tenant(admin.actor.client_id) as connection:
            await create_token(connection, stranger.actor, "foreign", Role.ADMIN, now=NOW)


async def test_the_last_use_is_noted_now_and_then(database: Database, admin: Member) -> None:
    token, _ = await make(database, admin)
    noted = []
    for minutes in (0, 4, 5, 9, 11):
        await find_token_actor(database, token, now=NOW + timedelta(minutes=minutes))
        noted.append((await listed(database, admin))[0].last_used_at)
    assert noted == [NOW + timedelta(minutes=minutes) for minutes in (0, 0, 5, 5, 11)]


async def test_it_makes_no_other_key(database: Database, admin: Member) -> None:
    token, made = await make(database, admin, Role.ADMIN)
    actor = await find_token_actor(database, token, now=NOW)
    async with database.tenant(actor.client_id) as connection:
        for forbidden in (
            create_token(connection, actor, "another", Role.ADMIN, now=NOW),
            revoke_token(connection, actor, made.id, now=NOW),
            invite(connection, actor, "x@example.org", Role.ADMIN, now=NOW),
        ):
            with pytest.raises(NotAllowed, match="signed in"):
                await forbidden


async def test_it_does_not_work_while_whoever_made_it_is_shut_out(
    database: Database, workspace: Workspace, enrol: Enroller
) -> None:
    member = await enrol(workspace, Role.ADMIN)
    token, _ = await make(database, member)
    async with database.owner() as connection:
        await set_disabled(connection, member.email, True, now=NOW)
    with pytest.raises(NotSignedIn):
        await find_token_actor(database, token, now=NOW)


async def test_the_operator_makes_one_too_and_a_name_is_needed(database: Database, workspace: Workspace) -> None:
    async with database.tenant(workspace.client_id) as connection:
        operator = cli_actor(workspace, "root")
        token, made = await create_token(connection, operator, "script", Role.ADMIN, now=NOW)
        with pytest.raises(UsageError, match="name"):
            await create_token(connection, operator, " ", Role.ADMIN, now=NOW)
    assert made.created_by == "root"
    assert (await find_token_actor(database, token, now=NOW)).role is Role.ADMIN
