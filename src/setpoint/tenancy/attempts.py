"""How often somebody tried to sign in, kept in the database: all processes of the service count together."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.tenancy.rules import ATTEMPT_WINDOW, ATTEMPTS_FROM_ADDRESS, ATTEMPTS_ON_ACCOUNT, blocked_until
from setpoint.tenancy.secret import sha256


def key_of(account_or_client: str) -> str:
    """What attempts are counted under: a hash, so that the table names no account and no client."""
    return sha256(account_or_client)


async def count_account(connection: AsyncConnection, key: str, *, now: datetime) -> datetime | None:
    """Count one attempt on an account, before it is made; the instant to wait for where it is one too many.

    On a registry connection, which must be committed whatever becomes of the attempt.
    """
    return await _count(connection, "account", key, ATTEMPTS_ON_ACCOUNT, now)


async def count_client(connection: AsyncConnection, key: str, *, now: datetime) -> datetime | None:
    """Count one attempt from a client's address, as `count_account` does."""
    return await _count(connection, "address", key, ATTEMPTS_FROM_ADDRESS, now)


async def _count(connection: AsyncConnection, kind: str, key: str, limit: int, now: datetime) -> datetime | None:
    found = await connection.execute(
        text("SELECT attempts, window_began_at FROM count_attempt(:kind, :key, :now, :width)"),
        {"kind": kind, "key": key, "now": now, "width": ATTEMPT_WINDOW},
    )
    attempts, began_at = found.one()
    return blocked_until(attempts, began_at, limit)


async def forgive(connection: AsyncConnection, account_key: str, client_key: str) -> None:
    """Forget the attempts on an account that was signed in to, and the one of this client that succeeded."""
    keys = {"account": account_key, "client": client_key}
    await connection.execute(text("SELECT forgive_attempts(:account, :client)"), keys)


async def forget(connection: AsyncConnection, *, now: datetime) -> None:
    """Remove some counts whose window is over: the last that a transaction does, so that none waits for another."""
    await connection.execute(text("SELECT forget_attempts(:now, :width)"), {"now": now, "width": ATTEMPT_WINDOW})
