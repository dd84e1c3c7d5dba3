"""What the operator does with accounts, at the server's command line, on an owner connection.

No page and no API leads here: whoever can vouch for an address can make its owner a super-admin.
"""

import uuid
from datetime import datetime

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import DatabaseUnavailable, NotFound
from setpoint.storage.tables import identities, user_sessions, users
from setpoint.tenancy.rules import check_name, normalise_email


async def verify_account(connection: AsyncConnection, email: str, password_hash: str | None, *, now: datetime) -> str:
    """Vouch that an address is its owner's, and give the account a new password, or none; return the address.

    An account that is missing is made. What was there before it was vouched for may be somebody else's: the old
    password is replaced, every session ends, and a provider that was connected must be connected again. Raises
    UsageError and DatabaseUnavailable.
    """
    await require_owner(connection)
    address = normalise_email(email)
    unproven = select(users.c.id).where(users.c.email == address, users.c.email_verified.is_(False)).with_for_update()
    await connection.execute(delete(identities).where(identities.c.user_id.in_(unproven)))
    values = {"email_verified": True, "password_hash": password_hash}
    account = insert(users).values(
        id=uuid.uuid4(), email=address, name=check_name(address[:80]), created_at=now, **values
    )
    await connection.execute(account.on_conflict_do_update(index_elements=["email"], set_=values))
    await _end_sessions(connection, address, now)
    return address


async def set_disabled(connection: AsyncConnection, email: str, disabled: bool, *, now: datetime) -> None:
    """Shut an account out, with its sessions and the tokens and invitations it made, or let it in again.

    Its sessions stay ended when it is let in again. Raises NotFound, UsageError and DatabaseUnavailable.
    """
    await require_owner(connection)
    address = normalise_email(email)
    changed = update(users).values(disabled_at=now if disabled else None).where(users.c.email == address)
    if not (await connection.execute(changed)).rowcount:
        raise NotFound("There is no account with this address.")
    if disabled:
        await _end_sessions(connection, address, now)


async def _end_sessions(connection: AsyncConnection, address: str, now: datetime) -> None:
    ended = update(user_sessions).values(revoked_at=now)
    await connection.execute(
        ended.where(
            user_sessions.c.user_id == users.c.id, users.c.email == address, user_sessions.c.revoked_at.is_(None)
        )
    )


async def require_owner(connection: AsyncConnection) -> None:
    """Raise DatabaseUnavailable unless the connection is the schema's owner's."""
    owned = text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'users'::regclass")
    if not await connection.scalar(owned):
        raise DatabaseUnavailable(
            "Only the owner of the `setpoint` schema may change accounts: connect as that role."
        )
