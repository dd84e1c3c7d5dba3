"""API tokens: for programs, of one workspace and one role, shown once."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import NotFound
from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.storage.tables import api_tokens
from setpoint.tenancy.rules import API_TOKEN_MARK, check_name, is_secret
from setpoint.tenancy.schemas import Actor, ActorKind, NotSignedIn, require_admin, require_managing_admin
from setpoint.tenancy.secret import new_secret, sha256

_SHOWN = len(API_TOKEN_MARK) + 8
# How old the note of the last use may be: a busy program does not write with every call.
_NOTED_EVERY = timedelta(minutes=5)
_REFUSED = "This API token does not work, or no longer: ask an admin of the workspace for another."


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is known of a token: never the token itself, but `prefix`, which it begins with."""

    id: UUID
    name: str
    role: Role
    prefix: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


async def create_token(
    connection: AsyncConnection, actor: Actor, name: str, role: Role, *, now: datetime
) -> tuple[str, ApiToken]:
    """Make a token on a tenant connection; the first of the two is the token, which nobody can show again.

    Raises NotAllowed for everybody but admins in person, and UsageError.
    """
    require_managing_admin(actor)
    token = new_secret(API_TOKEN_MARK)
    made = ApiToken(
        uuid.uuid4(), check_name(name, "A token's name"), role, token[:_SHOWN], actor.name, now, None, None
    )
    await connection.execute(
        api_tokens.insert().values(
            client_id=actor.client_id,
            id=made.id,
            name=made.name,
            role=role.value,
            token_sha256=sha256(token),
            prefix=made.prefix,
            created_by=made.created_by,
            created_by_user=actor.user_id,
            created_at=now,
        )
    )
    return token, made


async def list_tokens(connection: AsyncConnection, actor: Actor) -> list[ApiToken]:
    """The workspace's tokens, revoked ones too, newest first, on a tenant connection. Raises NotAllowed."""
    require_admin(actor)
    columns = [api_tokens.c[name] for name in ApiToken.__dataclass_fields__]
    found = await connection.execute(
        select(*columns)
        .where(api_tokens.c.client_id == actor.client_id)
        .order_by(api_tokens.c.created_at.desc(), api_tokens.c.id)
    )
    return [ApiToken(**{**row, "role": Role(row["role"])}) for row in found.mappings()]


async def revoke_token(connection: AsyncConnection, actor: Actor, token_id: UUID, *, now: datetime) -> None:
    """End a token, from its next use on, on a tenant connection. Raises NotAllowed and NotFound."""
    require_managing_admin(actor)
    revoked = await connection.execute(
        update(api_tokens)
        .values(revoked_at=now)
        .where(
            api_tokens.c.client_id == actor.client_id, api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None)
        )
    )
    if not revoked.rowcount:
        raise NotFound("There is no such token in this workspace, or it was revoked before.")


async def find_token_actor(database: Database, token: str, *, now: datetime) -> Actor:
    """Whoever calls with an API token, in the token's workspace; notes now and then that it was used.

    Raises NotSignedIn. The caller must hold the workspace that a request names against the actor's.
    """
    if not is_secret(token, API_TOKEN_MARK):
        raise NotSignedIn(_REFUSED)
    async with database.registry() as connection:
        found = await connection.execute(text("SELECT * FROM find_api_token(:sha256)"), {"sha256": sha256(token)})
        row = found.one_or_none()
    if row is None:
        raise NotSignedIn(_REFUSED)
    if row.last_used_at is None or row.last_used_at + _NOTED_EVERY <= now:
        async with database.tenant(row.client_id) as connection:
            noted = update(api_tokens).values(last_used_at=now)
            await connection.execute(
                noted.where(
                    api_tokens.c.client_id == row.client_id,
                    api_tokens.c.id == row.id,
                    api_tokens.c.revoked_at.is_(None),
                )
            )
    return Actor(
        kind=ActorKind.TOKEN,
        id=str(row.id),
        name=f"token {row.name}",
        client_id=row.client_id,
        workspace=row.slug,
        role=Role(row.role),
    )
