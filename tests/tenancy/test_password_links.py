"""A link to a new password works once, for a day, and while the account is as it was."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.tenancy.conftest import NOW, PASSWORD, Member, person_of

from setpoint.domain.errors import Conflict, DatabaseUnavailable, NotFound, UsageError
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.accounts import set_disabled, verify_account
from setpoint.tenancy.password_links import find_password_link, make_password_link, use_password_link
from setpoint.tenancy.schemas import NotSignedIn, SignedIn, SignInRefused
from setpoint.tenancy.secret import sha256
from setpoint.tenancy.sessions import change_address, change_password
from setpoint.tenancy.sign_in import sign_in

NEW = "quite another phrase"


async def link_for(database: Database, email: str) -> str:
    async with database.owner() as connection:
        token, _ = await make_password_link(connection, email, now=NOW)
    return token


async def opens(database: Database, token: str, after: timedelta = timedelta(0)) -> bool:
    """Whether a link is one."""
    try:
        async with database.registry() as connection:
            await find_password_link(connection, token, now=NOW + after)
    except NotFound:
        return False
    return True


async def test_it_ends_the_old_password_and_every_session_and_opens_one(
    database: Database, admin: Member, setter: Member
) -> None:
    token = await link_for(database, f" {admin.email.upper()}")
    session = await use_password_link(database, token, NEW, now=NOW)
    person = await person_of(database, session.token)
    assert (person.id, person.email, person.email_verified) == (admin.person.id, admin.email, False)
    with pytest.raises(NotSignedIn):
        await person_of(database, admin.session.token)
    with pytest.raises(SignInRefused):
        await sign_in(database, admin.email, PASSWORD, client_address=None, now=NOW)
    await sign_in(database, admin.email, NEW, client_address=None, now=NOW)
    await person_of(database, setter.session.token)


async def test_it_works_once_and_of_two_at_once_for_one(database: Database, admin: Member) -> None:
    token = await link_for(database, admin.email)
    done = await asyncio.gather(
        *(use_password_link(database, token, f"{NEW} {number}", now=NOW) for number in range(3)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["NotFound", "NotFound", "SignedIn"]
    (session,) = [each for each in done if isinstance(each, SignedIn)]
    await person_of(database, session.token)
    assert not await opens(database, token)


async def test_it_lasts_a_day_and_a_new_one_replaces_it(database: Database, admin: Member) -> None:
    first = await link_for(database, admin.email)
    assert await opens(database, first, timedelta(days=1, seconds=-1))
    assert not await opens(database, first, timedelta(days=1))
    with pytest.raises(NotFound):
        await use_password_link(database, first, NEW, now=NOW + timedelta(days=1))
    second = await link_for(database, admin.email)
    assert [await opens(database, each) for each in (first, second)] == [False, True]


async def test_a_weak_password_leaves_it_as_it_is(database: Database, admin: Member) -> None:
    token = await link_for(database, admin.email)
    for weak in ("", "short", admin.email, "x" * 300):
        with pytest.raises(UsageError):
            await use_password_link(database, token, weak, now=NOW)
    assert await opens(database, token)
    await person_of(database, admin.session.token)


async def _changes_the_password(database: Database, member: Member) -> None:
    await change_password(database, member.session.token, PASSWORD, NEW, now=NOW)


async def _changes_the_address(database: Database, member: Member) -> None:
    async with database.registry() as connection:
        await change_address(connection, member.session.token, f"new-{member.email}", now=NOW)


async def _is_vouched_for(database: Database, member: Member) -> None:
    async with database.owner() as connection:
        await verify_account(connection, member.email, None, now=NOW)


async def _is_shut_and_let_in_again(database: Database, member: Member) -> None:
    for disabled in (True, False):
        async with database.owner() as connection:
            await set_disabled(connection, member.email, disabled, now=NOW)


@pytest.mark.parametrize(
    "happens", [_changes_the_password, _changes_the_address, _is_vouched_for, _is_shut_and_let_in_again]
)
async def test_it_ends_when_the_account_is_another(
    database: Database, admin: Member, happens: Callable[[Database, Member], Awaitable[None]]
) -> None:
    token = await link_for(database, admin.email)
    await happens(database, admin)
    assert not await opens(database, token)
    with pytest.raises(NotFound):
        await use_password_link(database, token, "a phrase of a thief", now=NOW)


async def test_a_change_of_the_password_and_a_link_at_once_leave_one_of_the_two(
    database: Database, admin: Member
) -> None:
    token = await link_for(database, admin.email)
    done = await asyncio.gather(
        use_password_link(database, token, NEW, now=NOW),
        change_password(database, admin.session.token, PASSWORD, f"{NEW} 2", now=NOW),
        return_exceptions=True,
    )
    assert [isinstance(each, Exception) for each in done].count(True) == 1
    assert not await opens(database, token)


async def test_it_is_made_for_accounts_that_are_open_by_the_owner_alone(database: Database, admin: Member) -> None:
    async with database.owner() as connection:
        with pytest.raises(NotFound):
            await make_password_link(connection, "nobody@links.example", now=NOW)
        with pytest.raises(UsageError):
            await make_password_link(connection, "none", now=NOW)
        await set_disabled(connection, admin.email, True, now=NOW)
        with pytest.raises(Conflict):
            await make_password_link(connection, admin.email, now=NOW)
    async with database.registry() as connection:
        with pytest.raises(DatabaseUnavailable):
            await make_password_link(connection, admin.email, now=NOW)


async def test_only_its_hash_is_kept(database: Database, admin: Member) -> None:
    token = await link_for(database, admin.email)
    async with database.owner() as connection:
        kept = await connection.execute(
            select(tables.password_links).where(tables.password_links.c.user_id == admin.person.id)
        )
    (row,) = kept.mappings()
    assert row["token_sha256"] == sha256(token)
    assert token not in str(dict(row))


@pytest.mark.parametrize(
    "token", ["", "None", "\u00e9" * 43, "\ud800", "' OR true --", "never-given-out".ljust(43, "0")]
)
async def test_what_is_no_link_opens_nothing(database: Database, token: str) -> None:
    assert not await opens(database, token)
    with pytest.raises(NotFound):
        await use_password_link(database, token, NEW, now=NOW)
