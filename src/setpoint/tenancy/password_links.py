"""Links to a new password, for who forgot theirs: the operator makes one and hands it on, for no mail is sent.

A link works once, within a day, and only while the account is as it was: another password or address, or a shut
account, ends it. It proves no address, for whoever made it has seen it too.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import Conflict, NotFound
from setpoint.storage.database import Database
from setpoint.storage.tables import password_links, users
from setpoint.tenancy.accounts import require_owner
from setpoint.tenancy.passwords import hash_password
from setpoint.tenancy.rules import PASSWORD_LINK_LASTS, check_password, is_secret, normalise_email
from setpoint.tenancy.schemas import SignedIn
from setpoint.tenancy.secret import new_secret, sha256
from setpoint.tenancy.sessions import open_session

_OVER = "This link does not work, or no longer: ask whoever runs Setpoint for another."


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """Whose password a link replaces, and until when."""

    email: str
    expires_at: datetime


async def make_password_link(connection: AsyncConnection, email: str, *, now: datetime) -> tuple[str, PasswordLink]:
    """Make a link for an account, on an owner connection; the first of the two is its token, shown once.

    A link that the account had is replaced. Raises NotFound, UsageError, DatabaseUnavailable, and Conflict where the
    account is shut.
    """
    await require_owner(connection)
    address = normalise_email(email)
    found = await connection.execute(select(users.c.id, users.c.disabled_at).where(users.c.email == address))
    account = found.one_or_none()
    if account is None:
        raise NotFound("There is no account with this address: `setpoint invite` makes a link for somebody new.")
    if account.disabled_at is not None:
        raise Conflict("This account is shut: `setpoint member enable` lets it in again, then make the link.")
    token = new_secret()
    made = PasswordLink(address, now + PASSWORD_LINK_LASTS)
    values = {"token_sha256": sha256(token), "created_at": now, "expires_at": made.expires_at}
    link = insert(password_links).values(user_id=account.id, **values)
    await connection.execute(link.on_conflict_do_update(index_elements=["user_id"], set_=values))
    return token, made


async def find_password_link(connection: AsyncConnection, token: str, *, now: datetime) -> PasswordLink:
    """What a link is for, on a registry connection. Raises NotFound, whatever is wrong with it."""
    row = None
    if is_secret(token):
        found = await connection.execute(
            text("SELECT email, expires_at FROM find_password_link(:sha256, :now)"),
            {"sha256": sha256(token), "now": now},
        )
        row = found.one_or_none()
    if row is None:
        raise NotFound(_OVER)
    return PasswordLink(row.email, row.expires_at)


async def use_password_link(database: Database, token: str, password: str, *, now: datetime) -> SignedIn:
    """Give the account its new password, end all its sessions, and open a new one.

    No connection is held while the password is hashed. Raises NotFound, and UsageError where the password is too
    weak, after which the link still works.
    """
    async with database.registry() as connection:
        found = await find_password_link(connection, token, now=now)
    hashed = await hash_password(check_password(password, found.email))
    async with database.registry() as connection:
        account = await connection.scalar(
            text("SELECT use_password_link(:sha256, :hash, :now)"),
            {"sha256": sha256(token), "hash": hashed, "now": now},
        )
        if account is None:
            raise NotFound(_OVER)
        return await open_session(connection, account, now=now, seen_hash=hashed)
