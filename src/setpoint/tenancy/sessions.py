"""Sessions of people: opened by a sign-in, read with every request, ended at once.

Nothing of a session is trusted but its token. Account, address, memberships and roles are read anew each time, so
whoever lost a role has lost it with the next request.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import Conflict, NotFound
from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.tenancy.attempts import count_account, key_of
from setpoint.tenancy.passwords import hash_password, verify_password
from setpoint.tenancy.rules import (
    SESSION_IDLES,
    SESSION_LASTS,
    SIGN_IN_PROVES,
    check_password,
    is_secret,
    is_super_admin,
    normalise_email,
)
from setpoint.tenancy.schemas import (
    Actor,
    ActorKind,
    Membership,
    NotSignedIn,
    Person,
    SignedIn,
    SignInRefused,
    TooManyAttempts,
)
from setpoint.tenancy.secret import new_secret, sha256
from setpoint.tenancy.service import find_workspace

# One question, because it is asked with every request.
_PERSON = text(
    "SELECT person.*, workspace.* FROM use_session(:sha256, :now, :idle) AS person"
    " LEFT JOIN session_workspaces(:sha256, :now, :idle) AS workspace ON true ORDER BY workspace.slug"
)
OVER = "You are not signed in, or your session is over: sign in."
_STALE = "This account has no password: sign out, sign in again, and do this within 15 minutes."


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its owner sees it. `last_seen_at` is noted once a minute; `expires_at` is its latest end."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_this: bool


async def open_session(
    connection: AsyncConnection, user_id: UUID, *, now: datetime, seen_hash: str | None = None
) -> SignedIn:
    """Open a session for an account, on any connection of the runtime role.

    `seen_hash` is the hash that a password was checked against: if it was changed meanwhile, no session is opened.
    Raises SignInRefused, also where the account is disabled or absent.
    """
    signed_in = SignedIn(user_id, new_secret(), now + SESSION_LASTS)
    opened = await connection.scalar(
        text("SELECT open_session(:sha256, :user_id, :seen_hash, :now, :until)"),
        {
            "sha256": sha256(signed_in.token),
            "user_id": user_id,
            "seen_hash": seen_hash,
            "now": now,
            "until": signed_in.expires_at,
        },
    )
    if not opened:
        raise SignInRefused("This account cannot be signed in to: ask whoever runs Setpoint.")
    return signed_in


def named_session(token: str, now: datetime) -> dict[str, object]:
    """What the functions of the database take to find the session of a token. Raises NotSignedIn."""
    if not is_secret(token):
        raise NotSignedIn(OVER)
    return {"sha256": sha256(token), "now": now, "idle": SESSION_IDLES}


async def find_person(connection: AsyncConnection, token: str, *, now: datetime, super_admins: str | None) -> Person:
    """Whoever a session's token belongs to, with the workspaces they may enter, on a registry connection.

    `super_admins` is SETPOINT_SUPER_ADMIN_EMAILS as it stands. Raises NotSignedIn.
    """
    asked = named_session(token, now)
    found = await connection.execute(_PERSON, asked)
    rows = found.all()
    if not rows:
        raise NotSignedIn(OVER)
    row = rows[0]
    return Person(
        id=row.id,
        email=row.email,
        email_verified=row.email_verified,
        name=row.name,
        is_super_admin=is_super_admin(row.email, row.email_verified, super_admins),
        memberships=tuple(
            Membership(each.client_id, each.slug, Role(each.role)) for each in rows if each.client_id is not None
        ),
    )


async def enter_workspace(connection: AsyncConnection, person: Person, slug: str) -> Actor:
    """The person as an actor in a workspace, on a registry connection.

    Raises NotFound where there is no such workspace, and with the same words where it is none of theirs.
    """
    member = as_member(person, slug)
    if member is not None:
        return member
    return _actor(person, await _as_super_admin(connection, person, slug), slug, Role.ADMIN)


def as_member(person: Person, slug: str) -> Actor | None:
    """The person as an actor in a workspace that they are a member of; None in others. The database is not asked."""
    for membership in person.memberships:
        if membership.workspace == slug:
            return _actor(person, membership.client_id, slug, membership.role)
    return None


def _actor(person: Person, client_id: int, slug: str, role: Role) -> Actor:
    return Actor(
        kind=ActorKind.USER,
        id=str(person.id),
        name=person.email,
        client_id=client_id,
        workspace=slug,
        role=Role.ADMIN if person.is_super_admin else role,
        is_super_admin=person.is_super_admin,
    )


async def _as_super_admin(connection: AsyncConnection, person: Person, slug: str) -> int:
    if person.is_super_admin:
        try:
            return (await find_workspace(connection, slug)).client_id
        except NotFound:
            pass
    raise NotFound("There is no such workspace, or you are not a member of it: ask its admin to invite you.")


async def sign_out(connection: AsyncConnection, token: str, *, now: datetime) -> None:
    """End one session, on a registry connection. A token that is none, or over, is no failure."""
    if is_secret(token):
        await connection.execute(text("SELECT revoke_session(:sha256, :now)"), {"sha256": sha256(token), "now": now})


async def sign_out_everywhere(connection: AsyncConnection, token: str, *, now: datetime) -> None:
    """End every session of the person whose live session this is, this one included, on a registry connection."""
    await connection.execute(text("SELECT revoke_all_sessions(:sha256, :now, :idle)"), named_session(token, now))


async def list_sessions(connection: AsyncConnection, token: str, *, now: datetime) -> list[Session]:
    """The live sessions of whoever is signed in, this one first, then the last used, on a registry connection."""
    found = await connection.execute(
        text("SELECT * FROM account_sessions(:sha256, :now, :idle)"), named_session(token, now)
    )
    return [Session(**row) for row in found.mappings()]


async def end_session(connection: AsyncConnection, token: str, session_id: UUID, *, now: datetime) -> None:
    """End one session of whoever is signed in, on a registry connection. Raises NotFound, also for another's."""
    ended = await connection.scalar(
        text("SELECT revoke_account_session(:sha256, :id, :now, :idle)"),
        {**named_session(token, now), "id": session_id},
    )
    if not ended:
        raise NotFound("You have no such session, or it is over.")


async def confirm_password(database: Database, token: str, password: str | None, *, now: datetime) -> None:
    """Ask whoever is signed in for their password again, before what a stolen session must not be enough for.

    `password` is None for an account that has none, because it signs in with a provider: to have done so a moment
    ago is its proof. Tries are counted as those to sign in are, but apart from them, so that nobody outside can use
    them up. Raises NotSignedIn, TooManyAttempts, and SignInRefused where it is another.
    """
    await _confirmed(database, token, password, now)


async def _confirmed(database: Database, token: str, password: str | None, now: datetime) -> tuple[str, str | None]:
    """The address of the account, and the hash of its password."""
    asked = named_session(token, now)
    async with database.registry() as connection:
        found = await connection.execute(text("SELECT * FROM session_password(:sha256, :now, :idle)"), asked)
        row = found.one_or_none()
        retry_at = (
            None if row is None else await count_account(connection, key_of(f"in a session of {row.email}"), now=now)
        )
    if row is None:
        raise NotSignedIn(OVER)
    if retry_at is not None:
        raise TooManyAttempts(retry_at)
    if row.password_hash is None and password is None:
        if row.began_at + SIGN_IN_PROVES <= now:
            raise SignInRefused(_STALE)
    else:
        right, _ = await verify_password(password or "", row.password_hash)
        if not right:
            raise SignInRefused("That is not your present password: nothing was changed.")
    return row.email, row.password_hash


async def change_password(database: Database, token: str, present: str | None, new: str, *, now: datetime) -> None:
    """Change the password of whoever is signed in and end their other sessions.

    `present` is their password until now, as in `confirm_password`, which raises what this raises; and UsageError
    where `new` is too weak, Conflict where it was changed meanwhile. No connection is held while hashes are made.
    """
    email, kept = await _confirmed(database, token, present, now)
    hashed = await hash_password(check_password(new, email))
    async with database.registry() as connection:
        changed = await connection.scalar(
            text("SELECT change_password(:sha256, :old, :new, :now, :idle)"),
            {**named_session(token, now), "old": kept, "new": hashed},
        )
    if not changed:
        raise Conflict("The password was changed elsewhere meanwhile: sign in with the new one.")


async def change_address(connection: AsyncConnection, token: str, email: str, *, now: datetime) -> str:
    """Give the account that is signed in another address, which nobody has verified; return it as it is kept.

    On a registry connection. Raises NotSignedIn, UsageError, and Conflict where the address is taken.
    """
    asked = named_session(token, now)
    address = normalise_email(email)
    if await connection.scalar(text("SELECT count(*) FROM session_password(:sha256, :now, :idle)"), asked) == 0:
        raise NotSignedIn(OVER)
    changed = await connection.scalar(
        text("SELECT change_address(:sha256, :email, :now, :idle)"), {**asked, "email": address}
    )
    if not changed:
        raise Conflict("This address cannot be taken: use another, or sign in with the account that has it.")
    return address
