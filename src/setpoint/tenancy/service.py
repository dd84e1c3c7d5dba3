"""Create and find workspaces."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import Conflict, DatabaseUnavailable, NotFound, UsageError

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A tenant. `client_id` is internal; people and files know the `slug`."""

    client_id: int
    slug: str


def check_slug(slug: str) -> str:
    """Return the slug, or raise UsageError where it cannot be one."""
    if not _SLUG.fullmatch(slug):
        raise UsageError(
            "A workspace is named with 1 to 63 lower-case letters, digits and inner hyphens, such as acme-sales."
        )
    return slug


async def create_workspace(connection: AsyncConnection, slug: str) -> Workspace:
    """Create a workspace, on a registry connection. Raises UsageError and Conflict."""
    created = await connection.scalar(text("SELECT create_workspace(:slug)"), {"slug": check_slug(slug)})
    if created is None:
        raise Conflict(f"The workspace {slug!r} exists already.")
    return Workspace(created, slug)


async def find_workspace(connection: AsyncConnection, slug: str) -> Workspace:
    """Find a workspace by its slug, on a registry connection. Raises NotFound."""
    client_id = None
    if _SLUG.fullmatch(slug):
        client_id = await connection.scalar(text("SELECT workspace_client_id(:slug)"), {"slug": slug})
    if client_id is None:
        raise NotFound(
            f"There is no workspace {slug!r}: `setpoint workspace list` shows those there are, `setpoint workspace"
            " create` makes one."
        )
    return Workspace(client_id, slug)


async def entered_workspace(connection: AsyncConnection, client_id: int) -> Workspace:
    """The workspace that a connection has entered. Raises NotFound where it was removed."""
    slug = await connection.scalar(text("SELECT slug FROM workspaces WHERE client_id = :id"), {"id": client_id})
    if slug is None:
        raise NotFound("This workspace was removed: `setpoint workspace list` shows those there are.")
    return Workspace(client_id, slug)


async def list_workspaces(connection: AsyncConnection) -> list[tuple[str, datetime]]:
    """Every workspace's slug and the instant it was created, by slug, on an owner connection.

    Raises DatabaseUnavailable for anybody else, from whom the registry is hidden.
    """
    owned = text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'workspaces'::regclass")
    if not await connection.scalar(owned):
        raise DatabaseUnavailable(
            "Only the owner of the `setpoint` schema may list workspaces: connect as that role."
        )
    found = await connection.execute(text("SELECT slug, created_at FROM workspaces ORDER BY slug"))
    return [(slug, created_at) for slug, created_at in found]
