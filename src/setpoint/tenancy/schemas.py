"""Who acts, in which workspace, and with what right."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from setpoint.domain.errors import NotAllowed, SetpointError
from setpoint.domain.vocabulary import Role
from setpoint.domain.windows import format_instant
from setpoint.tenancy.service import Workspace


class NotSignedIn(SetpointError):
    """Nobody, or somebody whose session or token is over."""

    code = "not_signed_in"


class SignInRefused(SetpointError):
    """Wrong address or password: which of the two, and why, is not told."""

    code = "sign_in_refused"


class TooManyAttempts(SetpointError):
    """Somebody tried too often; `retry_at` is when they may again."""

    code = "too_many_attempts"

    def __init__(self, retry_at: datetime) -> None:
        super().__init__(f"There were too many attempts: try again after {format_instant(retry_at)}.")
        self.retry_at = retry_at


class ActorKind(StrEnum):
    USER = "user"
    TOKEN = "token"  # noqa: S105 - the kind, not a secret.
    SYSTEM = "system"
    CLI = "cli"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts in one workspace, for the length of one request, command or job.

    `name` is written as the author. Compare `kind` and `id`, not names, to tell whether two are the same: an address
    can change. `role` counts: a super-admin's is always admin.
    """

    kind: ActorKind
    id: str
    name: str
    client_id: int
    workspace: str
    role: Role
    is_super_admin: bool = False

    def __post_init__(self) -> None:
        if self.is_super_admin and (self.kind is not ActorKind.USER or self.role is not Role.ADMIN):
            raise ValueError("A super-admin is a person, and admin of every workspace.")

    @property
    def user_id(self) -> UUID | None:
        """The account of a person who is signed in."""
        return UUID(self.id) if self.kind is ActorKind.USER else None


def system_actor(workspace: Workspace) -> Actor:
    """The schedule, and jobs that nobody in particular started."""
    return Actor(ActorKind.SYSTEM, "system", "system", workspace.client_id, workspace.slug, Role.ADMIN)


def cli_actor(workspace: Workspace, author: str) -> Actor:
    """Whoever runs a command on the server: the operator, who may do what an admin may."""
    return Actor(ActorKind.CLI, author, author, workspace.client_id, workspace.slug, Role.ADMIN)


def require_admin(actor: Actor) -> None:
    """Raise NotAllowed for everybody but the workspace's admins."""
    if actor.role is not Role.ADMIN:
        raise NotAllowed("This is for admins of the workspace: ask one of them.")


def require_managing_admin(actor: Actor) -> None:
    """Raise NotAllowed for everybody but admins in person.

    An API token invites nobody and makes no other token: whoever found one could not be shut out again.
    """
    require_admin(actor)
    if actor.kind not in (ActorKind.USER, ActorKind.CLI):
        raise NotAllowed("Members, invitations and tokens are managed by an admin who is signed in, not by a token.")


def require_operator(actor: Actor) -> None:
    """Raise NotAllowed for everybody but the operator at the server's command line."""
    if actor.kind is not ActorKind.CLI:
        raise NotAllowed("This is done on the server's command line only: ask whoever runs Setpoint.")


def require_super_admin(actor: Actor) -> None:
    """Raise NotAllowed for everybody but super-admins."""
    if not actor.is_super_admin:
        raise NotAllowed("This is for super-admins: their verified addresses stand in SETPOINT_SUPER_ADMIN_EMAILS.")


@dataclass(frozen=True, slots=True)
class Membership:
    """A workspace that a person is a member of, and as what."""

    client_id: int
    workspace: str
    role: Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in, as the database has them at this request."""

    id: UUID
    email: str
    email_verified: bool
    name: str
    is_super_admin: bool
    memberships: tuple[Membership, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. `token` goes into the cookie and is kept nowhere else; it ends at `expires_at` at the latest."""

    user_id: UUID
    token: str
    expires_at: datetime
