"""Whose account a provider's identity is: known by issuer and subject, found by a proven address, invited or not."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import func, select, text
from tests.tenancy.conftest import NOW, PASSWORD, Member, link_for, person_of

from setpoint.domain.errors import Conflict, NotAllowed
from setpoint.domain.vocabulary import Role
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.accounts import set_disabled, verify_account
from setpoint.tenancy.identities import WaysIn, connect_provider, disconnect_provider, sign_in_with_provider, ways_in
from setpoint.tenancy.oidc import Claims
from setpoint.tenancy.rules import Address
from setpoint.tenancy.schemas import NotSignedIn, Person, SignInRefused
from setpoint.tenancy.secret import new_secret
from setpoint.tenancy.service import Workspace
from setpoint.tenancy.sign_in import sign_in

ISSUER = "https://id.example"


@pytest.fixture
def address(addresses: Iterator[str]) -> str:
    return next(addresses)


def said(email: str | None, verified: bool = True, subject: str | None = None, issuer: str = ISSUER) -> Claims:
    """What a provider says; somebody's subject is their address, unless it is another."""
    claimed = None if email is None else Address(email, verified)
    return Claims(issuer, subject or f"subject of {email}", claimed, "Jane")


async def enter(database: Database, claims: Claims, super_admins: str | None = None) -> Person:
    session = await sign_in_with_provider(database, claims, now=NOW, super_admins=super_admins)
    return await person_of(database, session.token, super_admins=super_admins)


class TestSomebodyNew:
    async def test_gets_an_account_and_the_memberships_they_were_invited_to(
        self, database: Database, workspace: Workspace, other: Workspace, address: str
    ) -> None:
        await link_for(database, workspace, address, Role.ADMIN)
        await link_for(database, other, address)
        person = await enter(database, said(address))
        assert (person.email, person.email_verified, person.name) == (address, True, "Jane")
        assert {each.workspace: each.role for each in person.memberships} == {
            workspace.slug: Role.ADMIN,
            other.slug: Role.SETTER,
        }
        assert await enter(database, said(address)) == person

    @pytest.mark.parametrize("verified", [True, False])
    async def test_is_turned_away_uninvited(self, database: Database, address: str, verified: bool) -> None:
        with pytest.raises(NotAllowed):
            await enter(database, said(address, verified))
        async with database.owner() as connection:
            made = select(func.count()).select_from(tables.users).where(tables.users.c.email == address)
            assert await connection.scalar(made) == 0

    @pytest.mark.parametrize("claimed", ["unverified", "nothing"])
    async def test_is_turned_away_unproven_though_invited(
        self, database: Database, workspace: Workspace, address: str, claimed: str
    ) -> None:
        await link_for(database, workspace, address)
        with pytest.raises(NotAllowed, match="verified"):
            await enter(database, said(address if claimed == "unverified" else None, False, subject=address))

    async def test_is_let_in_as_a_super_admin(self, database: Database, address: str) -> None:
        person = await enter(database, said(address), super_admins=address.upper())
        assert (person.is_super_admin, person.memberships) == (True, ())
        assert not (await enter(database, said(address), super_admins="")).is_super_admin

    async def test_signing_in_twice_at_once_is_one_account(
        self, database: Database, workspace: Workspace, address: str
    ) -> None:
        await link_for(database, workspace, address)
        people = await asyncio.gather(*(enter(database, said(address)) for _ in range(4)))
        assert len({person.id for person in people}) == 1
        final = await enter(database, said(address))
        assert [each.workspace for each in final.memberships] == [workspace.slug]


class TestSomebodyWithAnAccount:
    async def test_a_proven_address_ends_what_was_there_before_it_was_proven(
        self, database: Database, admin: Member
    ) -> None:
        # Whoever made the account may not be whoever has the address.
        async with database.registry() as connection:
            await connection.execute(
                text("SELECT add_identity('https://other.example', 'theirs', :id, :now)"),
                {"id": admin.person.id, "now": NOW},
            )
        person = await enter(database, said(admin.email))
        assert (person.id, person.email_verified) == (admin.person.id, True)
        with pytest.raises(NotSignedIn):
            await person_of(database, admin.session.token)
        with pytest.raises(SignInRefused):
            await sign_in(database, admin.email, PASSWORD, client_address=None, now=NOW)
        with pytest.raises(NotAllowed):
            await enter(database, said(None, subject="theirs", issuer="https://other.example"))

    async def test_a_password_and_sessions_of_a_proven_account_stay(self, database: Database, admin: Member) -> None:
        await enter(database, said(admin.email))
        session = await sign_in_with_provider(database, said(admin.email), now=NOW, super_admins=None)
        await enter(database, said(admin.email))
        assert (await person_of(database, session.token)).id == admin.person.id

    async def test_an_unproven_address_finds_no_account(self, database: Database, admin: Member) -> None:
        with pytest.raises(NotAllowed):
            await enter(database, said(admin.email, False))
        assert (await person_of(database, admin.session.token)).id == admin.person.id

    async def test_a_second_identity_of_the_same_provider_finds_none(self, database: Database, admin: Member) -> None:
        await enter(database, said(admin.email))
        with pytest.raises(NotAllowed, match="another identity"):
            await enter(database, said(admin.email, subject="a newcomer with an old address"))

    async def test_a_disabled_account_stays_shut(self, database: Database, admin: Member) -> None:
        async with database.owner() as connection:
            await set_disabled(connection, admin.email, True, now=NOW)
        with pytest.raises(SignInRefused):
            await enter(database, said(admin.email))
        async with database.owner() as connection:
            await set_disabled(connection, admin.email, False, now=NOW)
        await enter(database, said(admin.email))
        async with database.owner() as connection:
            await set_disabled(connection, admin.email, True, now=NOW)
        with pytest.raises(SignInRefused):
            await enter(database, said(admin.email))


class TestAChangedAddress:
    async def test_a_new_proven_address_replaces_the_old(self, database: Database, admin: Member) -> None:
        await enter(database, said(admin.email, subject="jane"))
        new = f"new-{admin.email}"
        person = await enter(database, said(new, subject="jane"), super_admins=f"{admin.email}")
        assert (person.id, person.email, person.email_verified) == (admin.person.id, new, True)
        assert not person.is_super_admin

    async def test_a_new_unproven_address_takes_the_proof_of_the_old(self, database: Database, admin: Member) -> None:
        subject = f"jane {admin.email}"
        assert (await enter(database, said(admin.email, subject=subject), admin.email)).is_super_admin
        person = await enter(database, said(f"new-{admin.email}", False, subject=subject), admin.email)
        assert (person.email, person.email_verified, person.is_super_admin) == (admin.email, False, False)

    async def test_one_that_somebody_else_has_takes_the_proof_as_well(
        self, database: Database, admin: Member, setter: Member
    ) -> None:
        subject = f"jane {admin.email}"
        await enter(database, said(admin.email, subject=subject))
        person = await enter(database, said(setter.email, subject=subject), admin.email)
        assert (person.id, person.email, person.is_super_admin) == (admin.person.id, admin.email, False)
        assert (await person_of(database, setter.session.token)).email_verified is False

    async def test_a_provider_that_says_nothing_changes_nothing(self, database: Database, admin: Member) -> None:
        subject = f"jane {admin.email}"
        await enter(database, said(admin.email, subject=subject))
        assert (await enter(database, said(None, subject=subject), admin.email)).is_super_admin


class TestConnecting:
    async def test_whoever_is_signed_in_connects_an_identity_whatever_it_says_of_addresses(
        self, database: Database, admin: Member
    ) -> None:
        claims = said(None, subject=f"jane {admin.email}")
        for _ in range(2):
            await connect_provider(database, claims, admin.person, now=NOW)
        person = await enter(database, claims, super_admins=admin.email)
        assert (person.id, person.email_verified, person.is_super_admin) == (admin.person.id, False, False)

    async def test_one_identity_is_one_account_and_the_other_way_round(
        self, database: Database, admin: Member, setter: Member
    ) -> None:
        claims = said(None, subject=f"jane {admin.email}")
        await connect_provider(database, claims, admin.person, now=NOW)
        with pytest.raises(Conflict, match="another account"):
            await connect_provider(database, claims, setter.person, now=NOW)
        with pytest.raises(Conflict, match="another identity"):
            await connect_provider(database, said(None, subject="second"), admin.person, now=NOW)

    async def test_an_identity_that_was_connected_before_the_operator_vouched_is_gone(
        self, database: Database, admin: Member
    ) -> None:
        claims = said(None, subject=f"jane {admin.email}")
        await connect_provider(database, claims, admin.person, now=NOW)
        async with database.owner() as connection:
            await verify_account(connection, admin.email, None, now=NOW)
        with pytest.raises(NotAllowed):
            await enter(database, claims)
        await enter(database, said(admin.email, subject="the real one"))
        async with database.owner() as connection:
            await verify_account(connection, admin.email, None, now=NOW)
        assert (await enter(database, said(None, subject="the real one"))).id == admin.person.id


class TestDisconnecting:
    async def test_it_takes_one_identity_of_whoever_is_signed_in(
        self, database: Database, admin: Member, setter: Member
    ) -> None:
        for member in (admin, setter):
            await connect_provider(database, said(None, subject=f"jane {member.email}"), member.person, now=NOW)
        async with database.registry() as connection:
            ways = await ways_in(connection, admin.session.token, ISSUER, now=NOW)
            assert ways == WaysIn(True, NOW)
            assert await ways_in(connection, admin.session.token, None, now=NOW) == WaysIn(True, None)
            for issuer in ("https://other.example", ISSUER):
                with suppress(Conflict):
                    await disconnect_provider(connection, admin.session.token, issuer, now=NOW)
            assert await ways_in(connection, admin.session.token, ISSUER, now=NOW) == WaysIn(True, None)
            with pytest.raises(Conflict, match="not connected"):
                await disconnect_provider(connection, admin.session.token, ISSUER, now=NOW)
            assert await ways_in(connection, setter.session.token, ISSUER, now=NOW) == WaysIn(True, NOW)
        with pytest.raises(NotAllowed):
            await enter(database, said(None, subject=f"jane {admin.email}"))

    async def test_the_only_way_in_stays(self, database: Database, admin: Member) -> None:
        await enter(database, said(admin.email))
        session = await sign_in_with_provider(database, said(admin.email), now=NOW, super_admins=None)
        async with database.registry() as connection:
            with pytest.raises(Conflict, match="only way in"):
                await disconnect_provider(connection, session.token, ISSUER, now=NOW)
        await enter(database, said(admin.email))

    async def test_a_session_that_is_over_tells_and_takes_nothing(self, database: Database, admin: Member) -> None:
        async with database.registry() as connection:
            for token in (new_secret(), "none"):
                with pytest.raises(NotSignedIn):
                    await ways_in(connection, token, ISSUER, now=NOW)
                with pytest.raises(NotSignedIn):
                    await disconnect_provider(connection, token, ISSUER, now=NOW)
