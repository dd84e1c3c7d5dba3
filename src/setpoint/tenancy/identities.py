"""Who an identity provider signed in, as an account here.

The provider says who somebody is and never what they may do: a membership comes from an invitation only.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import Conflict, NotAllowed, NotFound, UsageError
from setpoint.storage.database import Database
from setpoint.tenancy.invitations import accept
from setpoint.tenancy.oidc import Claims
from setpoint.tenancy.rules import Address, check_name, is_super_admin, settled_address
from setpoint.tenancy.schemas import NotSignedIn, Person, SignedIn, SignInRefused
from setpoint.tenancy.sessions import OVER, named_session, open_session

_UNPROVEN = (
    "The identity provider does not say that your address is verified, so no account is found by it: sign in with"
    " your password, then connect the provider."
)
_UNKNOWN = "Nobody has invited this address: ask an admin of the workspace for an invitation."
_OTHER = "This account is connected with another identity of this provider: sign in with that one."


@dataclass(frozen=True, slots=True)
class _Account:
    id: UUID
    address: Address


async def sign_in_with_provider(
    database: Database, claims: Claims, *, now: datetime, super_admins: str | None
) -> SignedIn:
    """Open a session for whoever a provider vouched for, and accept the open invitations for their proven address.

    They are known by issuer and subject. Somebody new is connected with the account that has their address, or gets
    one if they are invited or a super-admin; both only where the provider says that the address is verified. Raises
    NotAllowed for anybody else, and SignInRefused where the account is disabled.
    """
    async with database.registry() as connection:
        account = await _find(connection, claims)
        if account is None:
            account = await _connect_by_address(connection, claims, now, super_admins)
        await _settle(connection, claims, account, now)
        signed_in = await open_session(connection, account.id, now=now)
    await _accept_invitations(database, claims, account.id, now)
    return signed_in


async def connect_provider(database: Database, claims: Claims, person: Person, *, now: datetime) -> None:
    """Let somebody who is signed in sign in with this identity from now on.

    Raises Conflict where the identity is another account's, or the account has another one of this provider.
    """
    async with database.registry() as connection:
        account = await _find(connection, claims)
        if account is None:
            if not await _add(connection, claims, person.id, now):
                raise Conflict(_OTHER)
        elif account.id != person.id:
            raise Conflict("This identity is connected with another account: sign in with that one.")


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How somebody can sign in: whether by a password, and since when with the provider, if at all."""

    has_password: bool
    connected_at: datetime | None


async def ways_in(connection: AsyncConnection, token: str, issuer: str | None, *, now: datetime) -> WaysIn:
    """How whoever is signed in can sign in, `issuer` being the provider there is, on a registry connection.

    Raises NotSignedIn.
    """
    found = await connection.execute(
        text("SELECT * FROM ways_in(:sha256, :issuer, :now, :idle)"), {**named_session(token, now), "issuer": issuer}
    )
    row = found.one_or_none()
    if row is None:
        raise NotSignedIn(OVER)
    return WaysIn(row.has_password, row.connected_at)


async def disconnect_provider(connection: AsyncConnection, token: str, issuer: str, *, now: datetime) -> None:
    """Let whoever is signed in no longer sign in with this provider, on a registry connection.

    Raises NotSignedIn, and Conflict where it is not connected, or is the only way in.
    """
    if not (await ways_in(connection, token, issuer, now=now)).has_password:
        raise Conflict("Without a password this provider is your only way in: set a password first.")
    removed = await connection.scalar(
        text("SELECT remove_identity(:sha256, :issuer, :now, :idle)"), {**named_session(token, now), "issuer": issuer}
    )
    if not removed:
        raise Conflict("This account is not connected with the provider.")


async def _find(connection: AsyncConnection, claims: Claims) -> _Account | None:
    found = await connection.execute(
        text("SELECT id, email, email_verified, disabled FROM find_identity(:issuer, :subject)"),
        {"issuer": claims.issuer, "subject": claims.subject},
    )
    row = found.one_or_none()
    if row is None:
        return None
    if row.disabled:
        raise SignInRefused("This account cannot be signed in to: ask whoever runs Setpoint.")
    return _Account(row.id, Address(row.email, row.email_verified))


async def _add(connection: AsyncConnection, claims: Claims, user_id: UUID, now: datetime) -> bool:
    return bool(
        await connection.scalar(
            text("SELECT add_identity(:issuer, :subject, :id, :now)"),
            {"issuer": claims.issuer, "subject": claims.subject, "id": user_id, "now": now},
        )
    )


async def _connect_by_address(
    connection: AsyncConnection, claims: Claims, now: datetime, super_admins: str | None
) -> _Account:
    if claims.address is None or not claims.address.verified:
        raise NotAllowed(_UNPROVEN)
    email = claims.address.email
    account = await _by_address(connection, email)
    if account is None:
        invited = await connection.scalar(text("SELECT is_invited(:email, :now)"), {"email": email, "now": now})
        if not invited and not is_super_admin(email, True, super_admins):
            raise NotAllowed(_UNKNOWN)
        new = {"id": uuid.uuid4(), "email": email, "name": _name(claims), "now": now}
        await connection.execute(text("SELECT create_account(:id, :email, :name, NULL, :now)"), new)
        account = await _by_address(connection, email)
    # Two first sign-ins at once make one account: the second finds what the first has made.
    if account is None or not await _add(connection, claims, account.id, now):
        account = await _find(connection, claims)
    if account is None:
        raise NotAllowed(_OTHER)
    return account


async def _by_address(connection: AsyncConnection, email: str) -> _Account | None:
    found = await connection.execute(
        text("SELECT id, email, email_verified FROM find_account(:email)"), {"email": email}
    )
    row = found.one_or_none()
    return None if row is None else _Account(row.id, Address(row.email, row.email_verified))


def _name(claims: Claims) -> str:
    try:
        return check_name(claims.name or "")
    except UsageError:
        return claims.address.email[:80] if claims.address is not None else claims.subject[:80]


async def _settle(connection: AsyncConnection, claims: Claims, account: _Account, now: datetime) -> None:
    settled = settled_address(account.address, claims.address)
    if settled == account.address:
        return
    settle = text("SELECT settle_address(:issuer, :subject, :email, :verified, :now)")
    said = {"issuer": claims.issuer, "subject": claims.subject, "now": now}
    if await connection.scalar(settle, {**said, "email": settled.email, "verified": settled.verified}):
        return
    # Another account has the new address. This one keeps the old, which its owner may not have any longer.
    await connection.execute(settle, {**said, "email": account.address.email, "verified": False})


async def _accept_invitations(database: Database, claims: Claims, user_id: UUID, now: datetime) -> None:
    async with database.registry() as connection:
        found = await connection.execute(
            text("SELECT client_id, id FROM identity_invitations(:issuer, :subject, :now)"),
            {"issuer": claims.issuer, "subject": claims.subject, "now": now},
        )
        invitations = [(row.client_id, row.id) for row in found]
    for client_id, invitation_id in invitations:
        try:
            async with database.tenant(client_id) as connection:
                await accept(connection, client_id, invitation_id, user_id, now=now)
        except NotFound:
            # It was used or taken back a moment ago.
            continue
