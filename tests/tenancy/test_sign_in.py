"""Sign in by password: what is told, what is counted, and how much work is done."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, text
from tests.tenancy.conftest import NOW, PASSWORD, Member, person_of

from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy import passwords
from setpoint.tenancy.accounts import set_disabled, verify_account
from setpoint.tenancy.attempts import key_of
from setpoint.tenancy.rules import ATTEMPT_WINDOW, ATTEMPTS_FROM_ADDRESS, ATTEMPTS_ON_ACCOUNT
from setpoint.tenancy.schemas import SignedIn, SignInRefused, TooManyAttempts
from setpoint.tenancy.sign_in import sign_in

CLIENTS = (f"198.51.{network}.{host}" for network in range(256) for host in range(256))


@pytest.fixture
def client() -> str:
    """A client's address that no other test uses."""
    return next(CLIENTS)


@pytest.fixture
def nobody(addresses: Iterator[str]) -> str:
    return next(addresses)


async def attempt(
    database: Database, email: str, password: str, client: str, after: timedelta = timedelta(0)
) -> SignedIn:
    return await sign_in(database, email, password, client_address=client, now=NOW + after)


async def fail(database: Database, email: str, client: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(SignInRefused):
            await attempt(database, email, "wrong", client)


async def test_the_right_password_opens_a_session_of_its_own(database: Database, admin: Member, client: str) -> None:
    signed_in = [await attempt(database, f" {admin.email.upper()} ", PASSWORD, client) for _ in range(2)]
    assert len({each.token for each in signed_in} | {admin.session.token}) == 3
    for each in signed_in:
        assert (await person_of(database, each.token)).id == admin.person.id


async def test_what_is_wrong_is_not_told(database: Database, admin: Member, nobody: str, client: str) -> None:
    async with database.owner() as connection:
        await verify_account(connection, nobody, None, now=NOW)
    said = set()
    for email, password in [
        (admin.email, "wrong"),
        (admin.email, ""),
        (admin.email, "x" * 1000),
        (admin.email, "\ud800"),
        ("unknown@example.org", PASSWORD),
        ("no address", PASSWORD),
        ("\u212aim@example.org", PASSWORD),
        (nobody, ""),
        (nobody, "None"),
    ]:
        with pytest.raises(SignInRefused) as caught:
            await attempt(database, email, password, client)
        said.add(caught.value.message)
    async with database.owner() as connection:
        await set_disabled(connection, admin.email, True, now=NOW)
    with pytest.raises(SignInRefused) as caught:
        await attempt(database, admin.email, PASSWORD, client)
    assert said | {caught.value.message} == {"The address or the password is wrong."}


async def test_every_refusal_takes_one_hash_of_work(
    database: Database, admin: Member, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    real = Argon2Hasher.verify

    def verify(self: Argon2Hasher, password: str | bytes, kept: str | bytes) -> bool:
        verified.append(str(kept).split("$")[3])
        return real(self, password, kept)

    monkeypatch.setattr(Argon2Hasher, "verify", verify)
    for email, password in [(admin.email, "wrong"), ("unknown@example.org", "wrong"), ("no address", "wrong")]:
        verified.clear()
        with pytest.raises(SignInRefused):
            await attempt(database, email, password, client)
        assert verified == ["m=8,t=1,p=1"]


async def test_a_hash_of_older_parameters_is_made_anew(
    database: Database, admin: Member, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardened = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=16, parallelism=1),))
    monkeypatch.setattr(passwords, "hasher", hardened)
    for _ in range(2):
        await attempt(database, admin.email, PASSWORD, client)
        async with database.registry() as connection:
            kept = await connection.scalar(
                text("SELECT password_hash FROM find_account(:email)"), {"email": admin.email}
            )
        assert "m=16,t=2,p=1" in str(kept)


class TestLimits:
    async def test_an_account_is_shut_after_ten_wrong_ones_from_anywhere(
        self, database: Database, admin: Member, setter: Member
    ) -> None:
        for _ in range(ATTEMPTS_ON_ACCOUNT):
            await fail(database, admin.email, next(CLIENTS), 1)
        with pytest.raises(TooManyAttempts) as caught:
            await attempt(database, admin.email, PASSWORD, next(CLIENTS))
        assert caught.value.retry_at == NOW + ATTEMPT_WINDOW
        assert caught.value.message.endswith("try again after 2026-03-02T09:15:00Z.")
        with pytest.raises(TooManyAttempts):
            await attempt(database, admin.email, PASSWORD, next(CLIENTS), ATTEMPT_WINDOW - timedelta(seconds=1))
        await attempt(database, setter.email, PASSWORD, next(CLIENTS))
        await attempt(database, admin.email, PASSWORD, next(CLIENTS), ATTEMPT_WINDOW)

    async def test_an_unknown_account_is_shut_as_well(self, database: Database, nobody: str, client: str) -> None:
        await fail(database, nobody, client, ATTEMPTS_ON_ACCOUNT)
        with pytest.raises(TooManyAttempts):
            await attempt(database, nobody.upper(), "wrong", next(CLIENTS))

    async def test_a_client_is_shut_whatever_accounts_it_tries_and_shuts_none(
        self, database: Database, admin: Member, client: str
    ) -> None:
        for number in range(ATTEMPTS_FROM_ADDRESS):
            await fail(database, f"victim-{number}@{client}.example", client, 1)
        for _ in range(ATTEMPTS_ON_ACCOUNT + 1):
            with pytest.raises(TooManyAttempts):
                await attempt(database, admin.email, PASSWORD, client)
        await attempt(database, admin.email, PASSWORD, next(CLIENTS))

    async def test_whoever_succeeds_uses_up_nothing(self, database: Database, admin: Member, client: str) -> None:
        for _ in range(3):
            await fail(database, admin.email, client, ATTEMPTS_ON_ACCOUNT - 1)
            await attempt(database, admin.email, PASSWORD, client)
        async with database.owner() as connection:
            counted = select(tables.sign_in_attempts.c.attempts).where(
                tables.sign_in_attempts.c.key_sha256.in_([key_of(client), key_of(admin.email)])
            )
            assert (await connection.scalars(counted)).all() == [3 * (ATTEMPTS_ON_ACCOUNT - 1)]

    async def test_a_burst_gets_no_more_than_the_limit(self, database: Database, admin: Member) -> None:
        tries = [attempt(database, admin.email, "wrong", next(CLIENTS)) for _ in range(ATTEMPTS_ON_ACCOUNT + 15)]
        kinds = [type(each) for each in await asyncio.gather(*tries, return_exceptions=True)]
        assert kinds.count(SignInRefused) == ATTEMPTS_ON_ACCOUNT
        assert kinds.count(TooManyAttempts) == 15

    async def test_counts_name_nobody_and_go_when_their_window_is_over(
        self, database: Database, nobody: str, client: str
    ) -> None:
        await fail(database, nobody, client, 1)
        async with database.owner() as connection:
            rows = (await connection.execute(select(tables.sign_in_attempts))).all()
        assert rows
        assert not any(nobody in str(row) or client in str(row) for row in rows)
        for number in range(len(rows)):
            later = f"later-{number}@{client}.example"
            with pytest.raises(SignInRefused):
                await attempt(database, later, "wrong", next(CLIENTS), 2 * ATTEMPT_WINDOW)
            async with database.owner() as connection:
                began = (await connection.scalars(select(tables.sign_in_attempts.c.window_began_at))).all()
            if min(began) == NOW + 2 * ATTEMPT_WINDOW:
                return
        pytest.fail("what is over is never removed")
