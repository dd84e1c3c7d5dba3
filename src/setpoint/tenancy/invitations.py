"""Invitations into a workspace: a link that works once, within a week.

A link proves that somebody was invited, and not who they are: whoever made it has seen it too. So an account that a
link creates has an unproven address, until an identity provider or the operator vouches for it.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import Conflict, NotAllowed, NotFound
from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.storage.tables import invitations
from setpoint.tenancy.members import enrol, list_members
from setpoint.tenancy.passwords import hash_password
from setpoint.tenancy.rules import INVITATION_LASTS, check_name, check_password, is_secret, normalise_email
from setpoint.tenancy.schemas import Actor, Person, SignedIn, require_admin, require_managing_admin
from setpoint.tenancy.secret import new_secret, sha256
from setpoint.tenancy.sessions import open_session

_OVER = "This invitation does not work, or no longer: ask an admin of the workspace for another."


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation as the workspace's admins see it. Open while neither accepted nor revoked nor expired."""

    id: UUID
    email: str
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        """Whether it can be accepted."""
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > now


@dataclass(frozen=True, slots=True)
class FoundInvitation:
    """What an open invitation says to whoever has its link."""

    client_id: int
    workspace: str
    id: UUID
    email: str
    role: Role
    expires_at: datetime


async def invite(
    connection: AsyncConnection, actor: Actor, email: str, role: Role, *, now: datetime
) -> tuple[str, Invitation]:
    """Invite an address on a tenant connection; the first of the two is the token of the link, shown once.

    An open invitation for the same address is replaced. Raises NotAllowed for everybody but admins in person,
    UsageError, and Conflict where the address is a member's.
    """
    require_managing_admin(actor)
    address = normalise_email(email)
    if any(member.email == address for member in await list_members(connection, actor)):
        raise Conflict("This address is a member's already: change their role instead.")
    await connection.execute(
        update(invitations).values(revoked_at=now).where(_open(actor.client_id), invitations.c.email == address)
    )
    token = new_secret()
    made = Invitation(uuid.uuid4(), address, role, actor.name, now, now + INVITATION_LASTS, None, None)
    await connection.execute(
        invitations.insert().values(
            client_id=actor.client_id,
            id=made.id,
            email=address,
            role=role.value,
            token_sha256=sha256(token),
            created_by=made.created_by,
            created_by_user=actor.user_id,
            created_at=now,
            expires_at=made.expires_at,
        )
    )
    return token, made


def _open(client_id: int) -> ColumnElement[bool]:
    return and_(
        invitations.c.client_id == client_id, invitations.c.accepted_at.is_(None), invitations.c.revoked_at.is_(None)
    )


async def list_invitations(connection: AsyncConnection, actor: Actor) -> list[Invitation]:
    """The workspace's invitations, also those that are over, newest first, on a tenant connection."""
    require_admin(actor)
    columns = [invitations.c[name] for name in Invitation.__dataclass_fields__]
    found = await connection.execute(
        select(*columns)
        .where(invitations.c.client_id == actor.client_id)
        .order_by(invitations.c.created_at.desc(), invitations.c.id)
    )
    return [Invitation(**{**row, "role": Role(row["role"])}) for row in found.mappings()]


async def revoke_invitation(connection: AsyncConnection, actor: Actor, invitation_id: UUID, *, now: datetime) -> None:
    """Take an invitation back, on a tenant connection. Raises NotAllowed and NotFound."""
    require_managing_admin(actor)
    revoked = await connection.execute(
        update(invitations).values(revoked_at=now).where(_open(actor.client_id), invitations.c.id == invitation_id)
    )
    if not revoked.rowcount:
        raise NotFound("There is no such open invitation in this workspace.")


async def find_invitation(connection: AsyncConnection, token: str, *, now: datetime) -> FoundInvitation:
    """What a link invites to, on a registry connection. Raises NotFound, whatever is wrong with it."""
    row = None
    if is_secret(token):
        found = await connection.execute(
            text("SELECT * FROM find_invitation(:sha256, :now)"), {"sha256": sha256(token), "now": now}
        )
        row = found.mappings().one_or_none()
    if row is None:
        raise NotFound(_OVER)
    return FoundInvitation(
        row["client_id"], row["slug"], row["id"], row["email"], Role(row["role"]), row["expires_at"]
    )


async def accept_with_password(
    database: Database, token: str, name: str, password: str, *, now: datetime
) -> SignedIn:
    """Create the account that an invitation is for, make it a member, and sign it in. All of it or nothing.

    No connection is held while the password is hashed. Raises NotFound, UsageError, and Conflict where there is an
    account with the address: whoever has it must sign in and accept with `accept_signed_in`.
    """
    async with database.registry() as connection:
        found = await find_invitation(connection, token, now=now)
    user_id = uuid.uuid4()
    account = {
        "id": user_id,
        "email": found.email,
        "name": check_name(name),
        "hash": await hash_password(check_password(password, found.email)),
        "now": now,
    }
    async with database.tenant(found.client_id) as connection:
        if not await connection.scalar(text("SELECT create_account(:id, :email, :name, :hash, :now)"), account):
            raise Conflict("There is an account with this address: sign in, then open the link again.")
        await accept(connection, found.client_id, found.id, user_id, now=now)
        return await open_session(connection, user_id, now=now)


async def accept_signed_in(database: Database, token: str, person: Person, *, now: datetime) -> FoundInvitation:
    """Make whoever is signed in a member, where the invitation is for their address.

    Raises NotFound, and NotAllowed where it is for another address.
    """
    async with database.registry() as connection:
        found = await find_invitation(connection, token, now=now)
    if found.email != person.email:
        raise NotAllowed("This invitation is for another address: sign in with the account that has it.")
    async with database.tenant(found.client_id) as connection:
        await accept(connection, found.client_id, found.id, person.id, now=now)
    return found


async def accept(
    connection: AsyncConnection, client_id: int, invitation_id: UUID, user_id: UUID, *, now: datetime
) -> None:
    """Use an invitation up for an account, on a tenant connection. Raises NotFound where it is over.

    Nobody's address is compared here: whoever calls this has seen that the account is the one invited.
    """
    used = await connection.execute(
        update(invitations)
        .values(accepted_at=now, accepted_by_user=user_id)
        .where(_open(client_id), invitations.c.id == invitation_id, invitations.c.expires_at > now)
        .returning(invitations.c.role, invitations.c.created_by)
    )
    row = used.one_or_none()
    if row is None:
        raise NotFound(_OVER)
    await enrol(connection, client_id, user_id, Role(row.role), added_by=row.created_by, now=now)
