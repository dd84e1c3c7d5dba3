"""The members of a workspace and their roles.

Everything here runs on a tenant connection of the actor's workspace and asks for the actor's right itself.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Table, TextClause, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import Conflict, NotFound
from setpoint.domain.vocabulary import Role
from setpoint.storage.tables import api_tokens, invitations, memberships
from setpoint.tenancy.rules import normalise_email
from setpoint.tenancy.schemas import Actor, require_admin, require_managing_admin, require_operator

_ABSENT = "There is no such member in this workspace."


@dataclass(frozen=True, slots=True)
class Member:
    """One member, as the workspace's admins see them."""

    user_id: UUID
    email: str
    email_verified: bool
    name: str
    role: Role
    created_at: datetime
    added_by: str
    disabled: bool


async def list_members(connection: AsyncConnection, actor: Actor) -> list[Member]:
    """The members by address. Raises NotAllowed for everybody but admins."""
    require_admin(actor)
    found = await connection.execute(
        text("SELECT * FROM workspace_members(:client_id)"), {"client_id": actor.client_id}
    )
    return [Member(**{**row, "role": Role(row["role"])}) for row in found.mappings()]


async def find_member(connection: AsyncConnection, actor: Actor, email: str) -> Member:
    """The member with an address. Raises UsageError, NotFound, and NotAllowed as `list_members` does."""
    wanted = normalise_email(email)
    for member in await list_members(connection, actor):
        if member.email == wanted:
            return member
    raise NotFound(_ABSENT)


async def add_member(connection: AsyncConnection, actor: Actor, email: str, role: Role, *, now: datetime) -> None:
    """Make an account a member. For the operator only: an admin would learn which addresses have accounts.

    Raises NotAllowed, UsageError, NotFound where nobody has the address, Conflict where it is a member already.
    """
    require_operator(actor)
    found = await connection.execute(text("SELECT id FROM find_account(:email)"), {"email": normalise_email(email)})
    user_id = found.scalar_one_or_none()
    if user_id is None:
        raise NotFound("There is no account with this address: `setpoint invite` makes a link that creates one.")
    if not await enrol(connection, actor.client_id, user_id, role, added_by=actor.name, now=now):
        raise Conflict("This account is a member already: `setpoint member role` changes what it may do.")


async def enrol(
    connection: AsyncConnection, client_id: int, user_id: UUID, role: Role, *, added_by: str, now: datetime
) -> bool:
    """Write a membership where there is none; False where there is one, which keeps its role.

    Nobody's right is asked here: whoever calls this has a right, or an invitation, in hand.
    """
    written = await connection.scalar(
        insert(memberships)
        .values(client_id=client_id, user_id=user_id, role=role.value, added_by=added_by, created_at=now)
        .on_conflict_do_nothing()
        .returning(memberships.c.user_id)
    )
    return written is not None


async def change_role(connection: AsyncConnection, actor: Actor, user_id: UUID, role: Role, *, now: datetime) -> None:
    """Give a member another role, from their next request on.

    Who stops being an admin loses the tokens and open invitations they made. Raises NotAllowed, NotFound, and
    Conflict where no admin would be left.
    """
    require_managing_admin(actor)
    present = await _lock(connection, actor, user_id)
    if present is role:
        return
    changed = update(memberships).values(role=role.value)
    await connection.execute(
        changed.where(memberships.c.client_id == actor.client_id, memberships.c.user_id == user_id)
    )
    if present is Role.ADMIN:
        await _revoke_what_they_made(connection, actor, user_id, now)


async def remove_member(connection: AsyncConnection, actor: Actor, user_id: UUID, *, now: datetime) -> None:
    """End a membership, from the member's next request on, with the tokens and open invitations they made.

    An open invitation for their own address ends as well. Raises NotAllowed, NotFound, and Conflict where no admin
    would be left.
    """
    require_managing_admin(actor)
    await _lock(connection, actor, user_id)
    addressed = text("email = (SELECT email FROM workspace_members(:client_id) WHERE user_id = :user_id)")
    await _revoke(
        connection, invitations, actor, addressed.bindparams(client_id=actor.client_id, user_id=user_id), now
    )
    await connection.execute(
        delete(memberships).where(memberships.c.client_id == actor.client_id, memberships.c.user_id == user_id)
    )
    await _revoke_what_they_made(connection, actor, user_id, now)


async def _lock(connection: AsyncConnection, actor: Actor, user_id: UUID) -> Role:
    """The member's role, after all admins of the workspace were locked: of two who go at once, one stays."""
    query = (
        select(memberships.c.user_id, memberships.c.role)
        .where(memberships.c.client_id == actor.client_id)
        .where(or_(memberships.c.role == Role.ADMIN.value, memberships.c.user_id == user_id))
        .order_by(memberships.c.user_id)
        .with_for_update()
    )
    roles = {found: Role(role) for found, role in await connection.execute(query)}
    if user_id not in roles:
        raise NotFound(_ABSENT)
    if roles[user_id] is Role.ADMIN and list(roles.values()).count(Role.ADMIN) == 1:
        raise Conflict("This is the workspace's only admin: make somebody else an admin first.")
    return roles[user_id]


async def _revoke_what_they_made(connection: AsyncConnection, actor: Actor, user_id: UUID, now: datetime) -> None:
    """They have seen these secrets, and could come back with them."""
    for table in (api_tokens, invitations):
        await _revoke(connection, table, actor, table.c.created_by_user == user_id, now)


async def _revoke(
    connection: AsyncConnection, table: Table, actor: Actor, which: ColumnElement[bool] | TextClause, now: datetime
) -> None:
    """End what still works; an invitation that was accepted is over already, and the database leaves it alone."""
    revoked = update(table).values(revoked_at=now).where(table.c.client_id == actor.client_id, which)
    if table is invitations:
        revoked = revoked.where(invitations.c.accepted_at.is_(None))
    await connection.execute(revoked.where(table.c.revoked_at.is_(None)))
