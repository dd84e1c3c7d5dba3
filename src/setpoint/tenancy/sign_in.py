"""Sign in with address and password, as often as somebody who mistypes it does and no oftener."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import UsageError
from setpoint.storage.database import Database
from setpoint.tenancy.attempts import count_account, count_client, forget, forgive, key_of
from setpoint.tenancy.passwords import verify_password
from setpoint.tenancy.rules import address_key, normalise_email
from setpoint.tenancy.schemas import SignedIn, SignInRefused, TooManyAttempts
from setpoint.tenancy.sessions import open_session

_WRONG = "The address or the password is wrong."


@dataclass(frozen=True, slots=True)
class _Account:
    id: UUID
    email: str
    password_hash: str | None
    disabled: bool


async def sign_in(
    database: Database, email: str, password: str, *, client_address: str | None, now: datetime
) -> SignedIn:
    """Open a session for whoever knows the password of an account.

    Every attempt is counted before the password is looked at, for the account and for the client's address, and
    stays counted where it fails; so this opens its own transactions. Raises TooManyAttempts, and SignInRefused with
    the same words after the same work whether address or password is wrong, or the account is disabled or has no
    password.
    """
    try:
        address: str | None = normalise_email(email)
    except UsageError:
        address = None
    account_key, client_key = key_of(address or email), key_of(address_key(client_address))
    async with database.registry() as connection:
        retry_at = await count_client(connection, client_key, now=now)
        # Whoever is shut out already must not be able to shut others out of their accounts.
        if retry_at is None:
            retry_at = await count_account(connection, account_key, now=now)
        account = None if address is None or retry_at is not None else await _find_account(connection, address)
        await forget(connection, now=now)
    if retry_at is not None:
        raise TooManyAttempts(retry_at)
    kept = None if account is None or account.disabled else account.password_hash
    right, rehashed = await verify_password(password, kept)
    if account is None or kept is None or not right:
        raise SignInRefused(_WRONG)
    async with database.registry() as connection:
        if rehashed is not None:
            change = {"id": account.id, "old": kept, "new": rehashed}
            await connection.execute(text("SELECT rehash_password(:id, :old, :new)"), change)
        signed_in = await _open(connection, account.id, rehashed or kept, now)
        await forgive(connection, account_key, client_key)
    return signed_in


async def _open(connection: AsyncConnection, user_id: UUID, seen_hash: str, now: datetime) -> SignedIn:
    try:
        return await open_session(connection, user_id, now=now, seen_hash=seen_hash)
    except SignInRefused:
        raise SignInRefused(_WRONG) from None


async def _find_account(connection: AsyncConnection, address: str) -> _Account | None:
    found = await connection.execute(
        text("SELECT id, email, password_hash, disabled FROM find_account(:email)"), {"email": address}
    )
    row = found.one_or_none()
    return None if row is None else _Account(*row)
