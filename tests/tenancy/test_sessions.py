"""A session is read with every request, and is over at once."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from tests.tenancy.conftest import NOW, PASSWORD, Enroller, Member, person_of

from setpoint.domain.errors import Conflict, NotFound, UsageError
from setpoint.domain.vocabulary import Role
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.accounts import set_disabled, verify_account
from setpoint.tenancy.members import change_role, remove_member
from setpoint.tenancy.schemas import NotSignedIn, SignInRefused, TooManyAttempts
from setpoint.tenancy.secret import new_secret, sha256
from setpoint.tenancy.service import Workspace
from setpoint.tenancy.sessions import (
    change_address,
    change_password,
    confirm_password,
    end_session,
    enter_workspace,
    list_sessions,
    open_session,
    sign_out,
    sign_out_everywhere,
)
from setpoint.tenancy.sign_in import sign_in


async def another_session(database: Database, member: Member) -> str:
    return (await sign_in(database, member.email, PASSWORD, client_address=None, now=NOW)).token


async def is_over(database: Database, token: str, after: timedelta = timedelta(0)) -> bool:
    try:
        await person_of(database, token, NOW + after)
    except NotSignedIn:
        return True
    return False


class TestWhoSomebodyIs:
    async def test_a_session_tells_the_person_and_their_workspaces(
        self, database: Database, workspace: Workspace, admin: Member
    ) -> None:
        person = await person_of(database, admin.session.token)
        assert (person.email, person.email_verified, person.is_super_admin) == (admin.email, False, False)
        ((client_id, slug, role),) = [(each.client_id, each.workspace, each.role) for each in person.memberships]
        assert (client_id, slug, role) == (workspace.client_id, workspace.slug, Role.ADMIN)
        assert (admin.actor.name, admin.actor.role, admin.actor.user_id) == (admin.email, Role.ADMIN, person.id)

    async def test_only_the_hash_of_the_token_is_kept(self, database: Database, admin: Member) -> None:
        async with database.owner() as connection:
            kept = await connection.execute(
                select(tables.user_sessions).where(tables.user_sessions.c.user_id == admin.person.id)
            )
        (row,) = kept.mappings()
        assert row["token_sha256"] == sha256(admin.session.token)
        assert admin.session.token not in str(dict(row))

    @pytest.mark.parametrize("token", ["", "None", "\u00e9" * 43, "\ud800", "x" * 43, "' OR true --"])
    async def test_a_token_that_is_none_is_nobodys(self, database: Database, token: str) -> None:
        assert await is_over(database, token)

    async def test_a_foreign_workspace_answers_like_an_absent_one(
        self, database: Database, other: Workspace, admin: Member
    ) -> None:
        said = []
        for slug in (other.slug, "nowhere", "", "No Slug"):
            async with database.registry() as connection:
                with pytest.raises(NotFound) as caught:
                    await enter_workspace(connection, admin.person, slug)
            said.append(caught.value.message)
        assert len(set(said)) == 1


class TestSuperAdmins:
    async def test_a_verified_and_listed_address_is_admin_everywhere_and_loses_it_with_the_address(
        self, database: Database, workspace: Workspace, other: Workspace, enrol: Enroller
    ) -> None:
        member = await enrol(workspace)
        listed = f"somebody@else.org, {member.email.upper()}"
        assert not (await person_of(database, member.session.token, super_admins=listed)).is_super_admin
        async with database.owner() as connection:
            await connection.execute(
                tables.users.update().where(tables.users.c.id == member.person.id).values(email_verified=True)
            )
        person = await person_of(database, member.session.token, super_admins=listed)
        assert person.is_super_admin
        for slug in (workspace.slug, other.slug):
            async with database.registry() as connection:
                actor = await enter_workspace(connection, person, slug)
            assert (actor.role, actor.is_super_admin, actor.workspace) == (Role.ADMIN, True, slug)
        async with database.registry() as connection:
            with pytest.raises(NotFound):
                await enter_workspace(connection, person, "nowhere")

        assert not (await person_of(database, member.session.token, super_admins="")).is_super_admin
        async with database.registry() as connection:
            new = await change_address(connection, member.session.token, f" New-{member.email}", now=NOW)
        for listed in (member.email, new):
            changed = await person_of(database, member.session.token, super_admins=listed)
            assert (changed.email, changed.email_verified, changed.is_super_admin) == (new, False, False)

    async def test_an_address_that_somebody_has_cannot_be_taken(
        self, database: Database, admin: Member, setter: Member
    ) -> None:
        async with database.registry() as connection:
            with pytest.raises(Conflict):
                await change_address(connection, admin.session.token, setter.email, now=NOW)
        assert (await person_of(database, admin.session.token)).email == admin.email


class TestTheEnd:
    async def test_it_ends_a_month_after_it_began_however_often_it_is_used(
        self, database: Database, admin: Member
    ) -> None:
        for day in range(0, 30, 5):
            assert not await is_over(database, admin.session.token, timedelta(days=day))
        assert not await is_over(database, admin.session.token, timedelta(days=30, seconds=-1))
        assert await is_over(database, admin.session.token, timedelta(days=30))

    async def test_it_ends_after_a_week_without_use(self, database: Database, admin: Member) -> None:
        assert not await is_over(database, admin.session.token, timedelta(days=7, seconds=-1))
        assert await is_over(database, admin.session.token, timedelta(days=14))

    async def test_signing_out_ends_one(self, database: Database, admin: Member) -> None:
        other = await another_session(database, admin)
        for _ in range(2):
            async with database.registry() as connection:
                await sign_out(connection, other, now=NOW)
                await sign_out(connection, "None", now=NOW)
        assert await is_over(database, other)
        assert not await is_over(database, admin.session.token)

    async def test_signing_out_everywhere_ends_all_of_one_person(
        self, database: Database, admin: Member, setter: Member
    ) -> None:
        other = await another_session(database, admin)
        async with database.registry() as connection:
            await sign_out_everywhere(connection, other, now=NOW)
        assert await is_over(database, other)
        assert await is_over(database, admin.session.token)
        assert not await is_over(database, setter.session.token)
        async with database.registry() as connection:
            # A session that is over ends no other.
            newest = await another_session(database, admin)
            await sign_out_everywhere(connection, other, now=NOW)
        assert not await is_over(database, newest)

    async def test_a_role_that_was_taken_is_gone_with_the_next_request(
        self, database: Database, workspace: Workspace, admin: Member, enrol: Enroller
    ) -> None:
        second = await enrol(workspace, Role.ADMIN)
        async with database.tenant(workspace.client_id) as connection:
            await change_role(connection, admin.actor, second.person.id, Role.SETTER, now=NOW)
        (membership,) = (await person_of(database, second.session.token)).memberships
        assert membership.role is Role.SETTER
        async with database.tenant(workspace.client_id) as connection:
            await remove_member(connection, admin.actor, second.person.id, now=NOW)
        assert (await person_of(database, second.session.token)).memberships == ()

    async def test_a_disabled_account_is_out_until_it_is_let_in_and_signs_in_again(
        self, database: Database, admin: Member
    ) -> None:
        async with database.owner() as connection:
            await set_disabled(connection, admin.email.upper(), True, now=NOW)
        assert await is_over(database, admin.session.token)
        with pytest.raises(SignInRefused):
            await another_session(database, admin)
        async with database.registry() as connection:
            with pytest.raises(SignInRefused):
                await open_session(connection, admin.person.id, now=NOW)
        async with database.owner() as connection:
            await set_disabled(connection, admin.email, False, now=NOW)
        assert await is_over(database, admin.session.token)
        assert not await is_over(database, await another_session(database, admin))

    async def test_sessions_that_are_over_are_cleared_away(self, database: Database, admin: Member) -> None:
        async with database.registry() as connection:
            await sign_out(connection, admin.session.token, now=NOW)
        await another_session(database, admin)
        async with database.owner() as connection:
            mine = select(tables.user_sessions.c.revoked_at).where(tables.user_sessions.c.user_id == admin.person.id)
            assert (await connection.scalars(mine)).all() == [None]


class TestTheList:
    async def test_it_has_the_live_ones_of_one_person_this_one_first(
        self, database: Database, admin: Member, setter: Member
    ) -> None:
        other = await another_session(database, admin)
        await person_of(database, other, NOW + timedelta(days=1))
        async with database.registry() as connection:
            over = await another_session(database, admin)
            await sign_out(connection, over, now=NOW)
            listed = await list_sessions(connection, admin.session.token, now=NOW + timedelta(days=1))
            late = await list_sessions(connection, other, now=NOW + timedelta(days=7, seconds=1))
        assert [(each.is_this, each.last_seen_at) for each in listed] == [
            (True, NOW),
            (False, NOW + timedelta(days=1)),
        ]
        assert {each.created_at for each in listed} == {NOW}
        assert {each.expires_at for each in listed} == {NOW + timedelta(days=30)}
        assert [each.is_this for each in late] == [True]

    async def test_one_is_ended_and_another_s_is_not_there(
        self, database: Database, admin: Member, setter: Member
    ) -> None:
        other = await another_session(database, admin)
        async with database.registry() as connection:
            _, second = await list_sessions(connection, admin.session.token, now=NOW)
            (theirs,) = await list_sessions(connection, setter.session.token, now=NOW)
            await end_session(connection, admin.session.token, second.id, now=NOW)
            for absent in (second.id, theirs.id, uuid4()):
                with pytest.raises(NotFound):
                    await end_session(connection, admin.session.token, absent, now=NOW)
            with pytest.raises(NotFound):
                await end_session(connection, other, theirs.id, now=NOW)
        assert await is_over(database, other)
        assert not await is_over(database, admin.session.token)
        assert not await is_over(database, setter.session.token)


class TestPasswordChange:
    NEW = "quite another phrase"

    async def test_it_ends_every_other_session(self, database: Database, admin: Member) -> None:
        other = await another_session(database, admin)
        await change_password(database, admin.session.token, PASSWORD, self.NEW, now=NOW)
        assert await is_over(database, other)
        assert not await is_over(database, admin.session.token)
        with pytest.raises(SignInRefused):
            await another_session(database, admin)
        await sign_in(database, admin.email, self.NEW, client_address=None, now=NOW)

    @pytest.mark.parametrize("present", [None, "", "wrong", "x" * 300])
    async def test_it_needs_the_present_one(self, database: Database, admin: Member, present: str | None) -> None:
        with pytest.raises(SignInRefused):
            await change_password(database, admin.session.token, present, self.NEW, now=NOW)
        await another_session(database, admin)

    async def test_whoever_stole_a_session_cannot_guess_the_password_for_ever(
        self, database: Database, admin: Member
    ) -> None:
        for _ in range(10):
            with pytest.raises(SignInRefused):
                await change_password(database, admin.session.token, "a guess", self.NEW, now=NOW)
        with pytest.raises(TooManyAttempts):
            await change_password(database, admin.session.token, PASSWORD, self.NEW, now=NOW)

    async def test_a_password_is_asked_for_again(self, database: Database, admin: Member) -> None:
        await confirm_password(database, admin.session.token, PASSWORD, now=NOW)
        for wrong in (None, "", "another phrase"):
            with pytest.raises(SignInRefused):
                await confirm_password(database, admin.session.token, wrong, now=NOW)

    async def test_whoever_has_none_has_signed_in_a_moment_ago(self, database: Database, admin: Member) -> None:
        async with database.owner() as connection:
            await connection.execute(
                tables.users.update().where(tables.users.c.id == admin.person.id).values(password_hash=None)
            )
        moment = timedelta(minutes=15)
        await confirm_password(database, admin.session.token, None, now=NOW + moment - timedelta(seconds=1))
        with pytest.raises(SignInRefused, match="sign in again"):
            await confirm_password(database, admin.session.token, None, now=NOW + moment)
        with pytest.raises(SignInRefused):
            await confirm_password(database, admin.session.token, "a guess", now=NOW)

    async def test_tries_from_outside_use_up_none_of_those_within(self, database: Database, admin: Member) -> None:
        outside = "198.51.100.77"
        for _ in range(10):
            with pytest.raises(SignInRefused):
                await sign_in(database, admin.email, "a guess", client_address=outside, now=NOW)
        with pytest.raises(TooManyAttempts):
            await sign_in(database, admin.email, PASSWORD, client_address=outside, now=NOW)
        await confirm_password(database, admin.session.token, PASSWORD, now=NOW)

    async def test_a_weak_one_and_no_session_are_refused(self, database: Database, admin: Member) -> None:
        with pytest.raises(UsageError):
            await change_password(database, admin.session.token, PASSWORD, "short", now=NOW)
        with pytest.raises(NotSignedIn):
            await change_password(database, new_secret(), PASSWORD, self.NEW, now=NOW)

    async def test_of_two_at_once_one_changes_it(self, database: Database, admin: Member) -> None:
        done = await asyncio.gather(
            *(
                change_password(database, admin.session.token, PASSWORD, f"{self.NEW} {number}", now=NOW)
                for number in range(2)
            ),
            return_exceptions=True,
        )
        assert [type(each) for each in done if each is not None] == [Conflict]

    async def test_a_sign_in_that_overlaps_a_change_opens_no_session(self, database: Database, admin: Member) -> None:
        async with database.registry() as connection:
            seen = await connection.scalar(
                text("SELECT password_hash FROM find_account(:email)"), {"email": admin.email}
            )
        await change_password(database, admin.session.token, PASSWORD, self.NEW, now=NOW)
        async with database.registry() as connection:
            with pytest.raises(SignInRefused):
                await open_session(connection, admin.person.id, now=NOW, seen_hash=seen)

    async def test_a_change_waits_for_a_session_that_is_being_opened_and_ends_it(
        self, database: Database, admin: Member
    ) -> None:
        async with database.registry() as connection:
            opened = await open_session(connection, admin.person.id, now=NOW)
            change = asyncio.create_task(change_password(database, admin.session.token, PASSWORD, self.NEW, now=NOW))
            async with database.owner() as watching:
                waiting = text(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock' AND query ~ 'change_password'"
                )
                for _ in range(2000):
                    await watching.execute(text("SELECT pg_stat_clear_snapshot()"))
                    if await watching.scalar(waiting):
                        break
                else:
                    pytest.fail("the change did not wait")
        await change
        assert await is_over(database, opened.token)


class TestOperator:
    async def test_vouching_for_an_address_ends_what_was_there_before(
        self, database: Database, admin: Member
    ) -> None:
        async with database.owner() as connection:
            assert await verify_account(connection, f" {admin.email.upper()}", None, now=NOW) == admin.email
        assert await is_over(database, admin.session.token)
        with pytest.raises(SignInRefused):
            await another_session(database, admin)

    async def test_an_account_that_is_missing_is_made(self, database: Database) -> None:
        async with database.owner() as connection:
            await verify_account(connection, "owner@vouched.example", None, now=NOW)
            await verify_account(connection, "owner@vouched.example", None, now=NOW)
            found = await connection.execute(text("SELECT * FROM find_account('owner@vouched.example')"))
            assert found.one().email_verified is True
            with pytest.raises(NotFound):
                await set_disabled(connection, "nobody@vouched.example", True, now=NOW)
