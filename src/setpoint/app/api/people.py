"""Members, invitations and API tokens, for admins. Only an admin in person changes them."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from setpoint.app.api.forms import Form
from setpoint.app.api.problems import PROBLEMS, absent, id_of
from setpoint.app.http.actors import Admin, Manager
from setpoint.app.http.state import service_of
from setpoint.domain.errors import NotFound
from setpoint.domain.vocabulary import Role
from setpoint.tenancy.api_tokens import create_token, list_tokens, revoke_token
from setpoint.tenancy.invitations import invite, list_invitations, revoke_invitation
from setpoint.tenancy.members import change_role, list_members, remove_member

router = APIRouter(tags=["people"], responses=PROBLEMS)

NO_MEMBER: Final = "There is no such member in this workspace."
NO_INVITATION: Final = "There is no such open invitation in this workspace."
NO_TOKEN: Final = "There is no such token in this workspace, or it was revoked before."  # noqa: S105

MemberId = Annotated[str, Path(description="The member's id.")]


class MemberForm(BaseModel):
    """A member."""

    user_id: UUID
    email: str
    email_verified: bool
    name: str
    role: Role
    created_at: datetime
    added_by: str
    disabled: bool


class NewRole(Form):
    """What a member may do from now on."""

    role: Role


class NewInvitation(Form):
    """Who is invited, and as what."""

    email: str = Field(max_length=300, examples=["jo@example.org"])
    role: Role = Role.SETTER


class InvitationForm(BaseModel):
    """An invitation, open while neither accepted nor revoked nor expired."""

    id: UUID
    email: str
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None


class MadeInvitation(InvitationForm):
    """A new invitation. `link` is shown once: send it to whoever is invited."""

    link: str


class NewToken(Form):
    """What a token is for, and what it may do."""

    name: str = Field(max_length=200, examples=["nightly import"])
    role: Role = Role.SETTER


class TokenForm(BaseModel):
    """A token, by what it begins with."""

    id: UUID
    name: str
    role: Role
    prefix: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class MadeToken(TokenForm):
    """A new token. `token` is shown once."""

    token: str


@router.get("/members")
async def list_workspace_members(request: Request, actor: Admin) -> list[MemberForm]:
    """The members by address."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        return [MemberForm(**_fields(each, MemberForm)) for each in await list_members(connection, actor)]


@router.patch("/members/{member}")
async def change_member_role(request: Request, actor: Manager, member: MemberId, asked: NewRole) -> MemberForm:
    """Give a member another role. Who stops being an admin loses the tokens and invitations they made."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        with absent(NO_MEMBER):
            await change_role(connection, actor, id_of(member), asked.role, now=service.clock())
        for each in await list_members(connection, actor):
            if each.user_id == id_of(member):
                return MemberForm(**_fields(each, MemberForm))
    raise NotFound(NO_MEMBER)


@router.delete("/members/{member}", status_code=204)
async def remove_workspace_member(request: Request, actor: Manager, member: MemberId) -> None:
    """End a membership, with the tokens and open invitations that the member made."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        with absent(NO_MEMBER):
            await remove_member(connection, actor, id_of(member), now=service.clock())


@router.get("/invitations")
async def list_workspace_invitations(request: Request, actor: Admin) -> list[InvitationForm]:
    """The invitations, also those that are over, the newest first."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await list_invitations(connection, actor)
    return [InvitationForm(**_fields(each, InvitationForm)) for each in found]


@router.post("/invitations", status_code=201)
async def invite_member(request: Request, actor: Manager, asked: NewInvitation) -> MadeInvitation:
    """Make a link by which somebody joins. It works once, for a week."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        token, made = await invite(connection, actor, asked.email, asked.role, now=service.clock())
    link = f"{service.config.public_url or ''}/join/{token}"
    return MadeInvitation(**_fields(made, InvitationForm), link=link)


@router.delete("/invitations/{invitation}", status_code=204)
async def revoke_workspace_invitation(
    request: Request, actor: Manager, invitation: Annotated[str, Path(description="The invitation's id.")]
) -> None:
    """Take an open invitation back."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        with absent(NO_INVITATION):
            await revoke_invitation(connection, actor, id_of(invitation), now=service.clock())


@router.get("/tokens")
async def list_api_tokens(request: Request, actor: Admin) -> list[TokenForm]:
    """The API tokens, revoked ones too, the newest first."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        return [TokenForm(**_fields(each, TokenForm)) for each in await list_tokens(connection, actor)]


@router.post("/tokens", status_code=201)
async def create_api_token(request: Request, actor: Manager, asked: NewToken) -> MadeToken:
    """Make an API token. It is shown in this answer and never again."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        token, made = await create_token(connection, actor, asked.name, asked.role, now=service.clock())
    return MadeToken(**_fields(made, TokenForm), token=token)


@router.delete("/tokens/{token}", status_code=204)
async def revoke_api_token(
    request: Request, actor: Manager, token: Annotated[str, Path(description="The token's id, not the token.")]
) -> None:
    """End a token, from its next use on."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        with absent(NO_TOKEN):
            await revoke_token(connection, actor, id_of(token), now=service.clock())


def _fields(held: object, form: type[BaseModel]) -> dict[str, Any]:
    return {name: getattr(held, name) for name in form.model_fields}
