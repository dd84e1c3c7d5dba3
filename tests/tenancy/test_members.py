"""Who is in a workspace, and that nobody else can tell or change it."""

import asyncio
import uuid

import pytest
from sqlalchemy import func, select, text
from tests.tenancy.conftest import NOW, Enroller, Member, link_for, person_of

from setpoint.domain.errors import Conflict, NotAllowed, NotFound, UsageError
from setpoint.domain.vocabulary import Role
from setpoint.storage import tables
from setpoint.storage.catalogue import inspect
from setpoint.storage.database import Database
from setpoint.tenancy.api_tokens import create_token, find_token_actor, list_tokens
from setpoint.tenancy.invitations import accept_signed_in, find_invitation, invite, list_invitations
from setpoint.tenancy.members import add_member, change_role, find_member, list_members, remove_member
from setpoint.tenancy.schemas import (
    Actor,
    ActorKind,
    NotSignedIn,
    cli_actor,
    require_admin,
    require_managing_admin,
    require_operator,
    require_super_admin,
    system_actor,
)
from setpoint.tenancy.service import Workspace

WORKSPACE = Workspace(1, "acme")
SETTER = Actor(ActorKind.USER, str(uuid.UUID(int=1)), "a@b.c", 1, "acme", Role.SETTER)
ADMIN = Actor(ActorKind.USER, str(uuid.UUID(int=2)), "b@b.c", 1, "acme", Role.ADMIN)
OWNER = Actor(ActorKind.USER, str(uuid.UUID(int=3)), "c@b.c", 1, "acme", Role.ADMIN, is_super_admin=True)
TOKEN = Actor(ActorKind.TOKEN, str(uuid.UUID(int=4)), "token script", 1, "acme", Role.ADMIN)
CLI, SYSTEM = cli_actor(WORKSPACE, "root"), system_actor(WORKSPACE)
EVERYBODY = (SETTER, ADMIN, OWNER, TOKEN, CLI, SYSTEM)


class TestRights:
    @pytest.mark.parametrize(
        ("require", "allowed"),
        [
            (require_admin, {ADMIN, OWNER, TOKEN, CLI, SYSTEM}),
            (require_managing_admin, {ADMIN, OWNER, CLI}),
            (require_operator, {CLI}),
            (require_super_admin, {OWNER}),
        ],
    )
    def test_who_may(self, require: object, allowed: set[Actor]) -> None:
        assert callable(require)
        for actor in EVERYBODY:
            if actor in allowed:
                require(actor)
            else:
                with pytest.raises(NotAllowed):
                    require(actor)

    @pytest.mark.parametrize(("kind", "role"), [(ActorKind.TOKEN, Role.ADMIN), (ActorKind.USER, Role.SETTER)])
    def test_a_token_or_a_setter_is_no_super_admin(self, kind: ActorKind, role: Role) -> None:
        with pytest.raises(ValueError, match="super-admin is a person"):
            Actor(kind, "1", "x", 1, "acme", role, is_super_admin=True)


class TestMembers:
    async def test_admins_see_the_members_of_their_workspace_and_of_no_other(
        self, database: Database, workspace: Workspace, admin: Member, setter: Member, stranger: Member
    ) -> None:
        async with database.tenant(workspace.client_id) as connection:
            listed = await list_members(connection, admin.actor)
            assert {(each.email, each.role) for each in listed} == {
                (admin.email, Role.ADMIN),
                (setter.email, Role.SETTER),
            }
            assert {each.added_by for each in listed} == {"operator"}
            assert (await find_member(connection, admin.actor, setter.email.upper())).user_id == setter.person.id
            with pytest.raises(NotFound):
                await find_member(connection, admin.actor, stranger.email)
            with pytest.raises(NotAllowed):
                await list_members(connection, setter.actor)

    async def test_the_database_alone_and_the_application_alone_keep_them_apart(
        self, database: Database, workspace: Workspace, admin: Member, stranger: Member
    ) -> None:
        # The actor of one workspace on the connection of another finds nothing of either.
        async with database.tenant(workspace.client_id) as connection:
            assert await list_members(connection, stranger.actor) == []
            assert await list_tokens(connection, stranger.actor) == []
            assert await list_invitations(connection, stranger.actor) == []
            with pytest.raises(NotFound):
                await remove_member(connection, stranger.actor, stranger.person.id, now=NOW)
        # Past the policies, as a superuser: the filters alone.
        async with database.owner() as connection:
            assert await list_members(connection, stranger.actor) == []
            with pytest.raises(NotFound):
                await remove_member(connection, stranger.actor, admin.person.id, now=NOW)
            with pytest.raises(NotFound):
                await change_role(connection, stranger.actor, admin.person.id, Role.SETTER, now=NOW)
        async with database.tenant(workspace.client_id) as connection:
            found = await connection.execute(text("SELECT * FROM workspace_members(:id)"), {"id": 10**6})
            assert found.all() == []

    async def test_without_a_tenant_nobody_is_found(
        self, database: Database, workspace: Workspace, admin: Member
    ) -> None:
        async with database.registry() as connection:
            assert await list_members(connection, admin.actor) == []
            for table in (tables.memberships, tables.api_tokens, tables.invitations):
                assert await connection.scalar(select(func.count()).select_from(table)) == 0

    async def test_a_foreign_member_answers_like_an_absent_one(
        self, database: Database, workspace: Workspace, admin: Member, stranger: Member
    ) -> None:
        said = set()
        for user_id in (stranger.person.id, uuid.uuid4()):
            async with database.tenant(workspace.client_id) as connection:
                for forbidden in (
                    change_role(connection, admin.actor, user_id, Role.SETTER, now=NOW),
                    remove_member(connection, admin.actor, user_id, now=NOW),
                ):
                    with pytest.raises(NotFound) as caught:
                        await forbidden
                    said.add(caught.value.message)
        assert len(said) == 1
        assert (await person_of(database, stranger.session.token)).memberships[0].role is Role.ADMIN

    async def test_only_the_operator_adds_an_account_without_an_invitation(
        self, database: Database, workspace: Workspace, other: Workspace, admin: Member, stranger: Member
    ) -> None:
        operator = cli_actor(workspace, "root")
        async with database.tenant(workspace.client_id) as connection:
            with pytest.raises(NotAllowed, match="command line"):
                await add_member(connection, admin.actor, stranger.email, Role.SETTER, now=NOW)
            await add_member(connection, operator, stranger.email.upper(), Role.SETTER, now=NOW)
            with pytest.raises(Conflict):
                await add_member(connection, operator, stranger.email, Role.ADMIN, now=NOW)
            with pytest.raises(NotFound, match="setpoint invite"):
                await add_member(connection, operator, "nobody@nowhere.example", Role.ADMIN, now=NOW)
            with pytest.raises(UsageError):
                await add_member(connection, operator, "None", Role.ADMIN, now=NOW)
        roles = {
            each.workspace: each.role for each in (await person_of(database, stranger.session.token)).memberships
        }
        assert roles == {workspace.slug: Role.SETTER, other.slug: Role.ADMIN}

    async def test_setters_manage_nobody(
        self, database: Database, workspace: Workspace, admin: Member, setter: Member
    ) -> None:
        async with database.tenant(workspace.client_id) as connection:
            for forbidden in (
                change_role(connection, setter.actor, setter.person.id, Role.ADMIN, now=NOW),
                remove_member(connection, setter.actor, admin.person.id, now=NOW),
                invite(connection, setter.actor, "x@example.org", Role.SETTER, now=NOW),
                create_token(connection, setter.actor, "mine", Role.SETTER, now=NOW),
                list_tokens(connection, setter.actor),
                list_invitations(connection, setter.actor),
            ):
                with pytest.raises(NotAllowed):
                    await forbidden


class TestTheLastAdmin:
    async def test_stays(self, database: Database, workspace: Workspace, admin: Member, setter: Member) -> None:
        async with database.tenant(workspace.client_id) as connection:
            with pytest.raises(Conflict, match="only admin"):
                await remove_member(connection, admin.actor, admin.person.id, now=NOW)
            with pytest.raises(Conflict, match="only admin"):
                await change_role(connection, admin.actor, admin.person.id, Role.SETTER, now=NOW)
            await change_role(connection, admin.actor, setter.person.id, Role.ADMIN, now=NOW)
            await remove_member(connection, admin.actor, admin.person.id, now=NOW)

    async def test_of_two_who_go_at_once_one_stays(
        self, database: Database, workspace: Workspace, enrol: Enroller
    ) -> None:
        two = [await enrol(workspace, Role.ADMIN) for _ in range(2)]

        async def leave(member: Member) -> None:
            async with database.tenant(workspace.client_id) as connection:
                await remove_member(connection, member.actor, member.person.id, now=NOW)

        done = await asyncio.gather(*map(leave, two), return_exceptions=True)
        assert [type(each) for each in done if each is not None] == [Conflict]


@pytest.mark.parametrize("how", ["removed", "demoted"])
async def test_whoever_stops_being_an_admin_keeps_no_key(
    database: Database, workspace: Workspace, admin: Member, enrol: Enroller, how: str
) -> None:
    going = await enrol(workspace, Role.ADMIN)
    async with database.tenant(workspace.client_id) as connection:
        theirs, _ = await create_token(connection, going.actor, "theirs", Role.ADMIN, now=NOW)
        others, _ = await create_token(connection, admin.actor, "others", Role.ADMIN, now=NOW)
        link, _ = await invite(connection, going.actor, "back-door@example.org", Role.ADMIN, now=NOW)
    kept = await link_for(database, workspace, "front-door@example.org")
    async with database.tenant(workspace.client_id) as connection:
        if how == "removed":
            await remove_member(connection, admin.actor, going.person.id, now=NOW)
        else:
            await change_role(connection, admin.actor, going.person.id, Role.SETTER, now=NOW)
    with pytest.raises(NotSignedIn):
        await find_token_actor(database, theirs, now=NOW)
    assert (await find_token_actor(database, others, now=NOW)).role is Role.ADMIN
    async with database.registry() as connection:
        with pytest.raises(NotFound):
            await find_invitation(connection, link, now=NOW)
        assert (await find_invitation(connection, kept, now=NOW)).workspace == workspace.slug


async def test_whoever_is_removed_does_not_come_back_by_an_older_link(
    database: Database, workspace: Workspace, admin: Member, stranger: Member
) -> None:
    link = await link_for(database, workspace, stranger.email, Role.ADMIN)
    async with database.tenant(workspace.client_id) as connection:
        await add_member(connection, cli_actor(workspace, "root"), stranger.email, Role.SETTER, now=NOW)
        await remove_member(connection, admin.actor, stranger.person.id, now=NOW)
    with pytest.raises(NotFound):
        await accept_signed_in(database, link, stranger.person, now=NOW)


async def test_the_catalogue_agrees_and_finds_what_would_open_the_accounts(database: Database) -> None:
    async with database.owner() as connection:
        assert await inspect(connection) == []
        savepoint = await connection.begin_nested()
        for statement in (
            "GRANT SELECT (password_hash) ON users TO setpoint_runtime",
            "CREATE POLICY open ON user_sessions TO setpoint_runtime USING (true)",
            "ALTER TABLE identities DISABLE ROW LEVEL SECURITY",
            "GRANT EXECUTE ON FUNCTION find_account TO PUBLIC",
        ):
            await connection.exec_driver_sql(statement)
        found = {(finding.check, finding.object) for finding in await inspect(connection)}
        await savepoint.rollback()
    assert found == {
        ("privileges", "users"),
        ("row-level security", "user_sessions"),
        ("row-level security", "identities"),
        ("functions", "find_account(text)"),
    }
