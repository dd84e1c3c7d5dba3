"""Members, invitations and API tokens of a workspace, for its admins."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import Response

from setpoint.app.api.people import NO_INVITATION, NO_MEMBER, NO_TOKEN
from setpoint.app.api.problems import absent, id_of
from setpoint.app.http.actors import PageAdmin
from setpoint.app.http.state import service_of
from setpoint.app.web.pages import go_to
from setpoint.app.web.settings import Text, saved, settings_page
from setpoint.app.web.sorting import Sorting, in_order
from setpoint.domain.errors import Conflict, NotFound, SetpointError, UsageError
from setpoint.domain.vocabulary import Role
from setpoint.tenancy.api_tokens import ApiToken, create_token, list_tokens, revoke_token
from setpoint.tenancy.invitations import invite, list_invitations, revoke_invitation
from setpoint.tenancy.members import Member, change_role, list_members, remove_member
from setpoint.tenancy.schemas import Actor

router = APIRouter(prefix="/w/{workspace}/settings")

_SHOWN_OVER = 50

MemberId = Annotated[str, Path()]
_MEMBER_COLUMNS: Final[dict[str, Callable[[Member], Any]]] = {
    "email": lambda member: member.email,
    "name": lambda member: member.name.casefold(),
    "role": lambda member: member.role.value,
    "verified": lambda member: member.email_verified,
    "since": lambda member: member.created_at,
}
_TOKEN_COLUMNS: Final[dict[str, Callable[[ApiToken], Any]]] = {
    "name": lambda token: token.name.casefold(),
    "role": lambda token: token.role.value,
    "by": lambda token: token.created_by,
    "made": lambda token: token.created_at,
    "used": lambda token: token.last_used_at,
}
ROLES = ((Role.SETTER.value, "Setter: sees aggregates"), (Role.ADMIN.value, "Admin: sees evidence, changes settings"))


# Members


@router.get("/members")
async def members(request: Request, actor: PageAdmin) -> Response:
    """The members, and who is invited."""
    return await _members_page(request, actor)


@router.get("/members/{member}")
async def member(request: Request, actor: PageAdmin, member: MemberId) -> Response:
    """One member: what another role, or removing them, will do."""
    return await _member_page(request, actor, member)


@router.post("/members/{member}/role")
async def save_role(request: Request, actor: PageAdmin, member: MemberId, role: Annotated[Role, Form()]) -> Response:
    """Give a member another role."""
    service = service_of(request)
    try:
        async with service.database.tenant(actor.client_id) as connection:
            with absent(NO_MEMBER):
                await change_role(connection, actor, id_of(member), role, now=service.clock())
    except Conflict as error:
        return await _member_page(request, actor, member, error)
    if id_of(member) == actor.user_id and role is not Role.ADMIN and not actor.is_super_admin:
        return go_to(f"/w/{actor.workspace}")
    return saved(actor, "/members", "role")


@router.post("/members/{member}/remove")
async def remove(request: Request, actor: PageAdmin, member: MemberId) -> Response:
    """End a membership."""
    service = service_of(request)
    try:
        async with service.database.tenant(actor.client_id) as connection:
            with absent(NO_MEMBER):
                await remove_member(connection, actor, id_of(member), now=service.clock())
    except Conflict as error:
        return await _member_page(request, actor, member, error)
    if id_of(member) == actor.user_id and not actor.is_super_admin:
        return go_to("/")
    return saved(actor, "/members", "removed")


async def _members_page(
    request: Request, actor: Actor, failure: SetpointError | None = None, **typed: Any
) -> Response:
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        found = await list_members(connection, actor)
        invited = await list_invitations(connection, actor)
    now = service.clock()
    sorting = _sorting(request, actor, "members")
    over = [each for each in invited if not each.is_open(now)]
    return settings_page(
        request,
        "settings_members.html.j2",
        actor,
        "members",
        failure,
        members=in_order(found, _MEMBER_COLUMNS, sorting),
        sorting=sorting,
        is_last=lambda member: _is_last_admin(found, member),
        invitations=[each for each in invited if each.is_open(now)],
        over=over[:_SHOWN_OVER],
        over_in_all=len(over),
        roles=ROLES,
        form={"email": "", "role": Role.SETTER.value} | typed,
    )


async def _member_page(request: Request, actor: Actor, member: str, failure: SetpointError | None = None) -> Response:
    wanted = id_of(member)
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await list_members(connection, actor)
    for each in found:
        if each.user_id == wanted:
            return settings_page(
                request,
                "settings_member.html.j2",
                actor,
                "members",
                failure,
                member=each,
                is_last=_is_last_admin(found, each),
                is_oneself=each.user_id == actor.user_id,
            )
    raise NotFound(NO_MEMBER)


def _is_last_admin(members: list[Member], member: Member) -> bool:
    return member.role is Role.ADMIN and [each.role for each in members].count(Role.ADMIN) == 1


# Invitations


@router.post("/members/invitations")
async def make_invitation(request: Request, actor: PageAdmin, email: Text = "", role: Text = "") -> Response:
    """Make a link, and show it this once."""
    service = service_of(request)
    try:
        if role not in list(Role):
            raise UsageError("A role is admin or setter.")
        async with service.database.tenant(actor.client_id) as connection:
            token, made = await invite(connection, actor, email, Role(role), now=service.clock())
    except (UsageError, Conflict) as error:
        return await _members_page(request, actor, error, email=email, role=role)
    origin = service.config.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return settings_page(
        request, "settings_invited.html.j2", actor, "members", made=made, link=f"{origin}/join/{token}"
    )


@router.post("/members/invitations/{invitation}/revoke")
async def take_back(request: Request, actor: PageAdmin, invitation: Annotated[str, Path()]) -> Response:
    """Take an open invitation back."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        with absent(NO_INVITATION):
            await revoke_invitation(connection, actor, id_of(invitation), now=service.clock())
    return saved(actor, "/members", "invitation-revoked")


# Tokens


@router.get("/tokens")
async def tokens(request: Request, actor: PageAdmin) -> Response:
    """The API tokens."""
    return await _tokens_page(request, actor)


@router.post("/tokens")
async def make_token(request: Request, actor: PageAdmin, name: Text = "", role: Text = "") -> Response:
    """Make an API token, and show it this once."""
    service = service_of(request)
    try:
        if role not in list(Role):
            raise UsageError("A role is admin or setter.")
        async with service.database.tenant(actor.client_id) as connection:
            token, made = await create_token(connection, actor, name, Role(role), now=service.clock())
    except UsageError as error:
        return await _tokens_page(request, actor, error, name=name, role=role)
    return settings_page(request, "settings_token_made.html.j2", actor, "tokens", made=made, token=token)


@router.get("/tokens/{token}/revoke")
async def confirm_revoke(request: Request, actor: PageAdmin, token: Annotated[str, Path()]) -> Response:
    """What revoking a token will do."""
    wanted = id_of(token)
    async with service_of(request).database.tenant(actor.client_id) as connection:
        for each in await list_tokens(connection, actor):
            if each.id == wanted and each.revoked_at is None:
                return settings_page(request, "settings_token_revoke.html.j2", actor, "tokens", token=each)
    raise NotFound(NO_TOKEN)


@router.post("/tokens/{token}/revoke")
async def revoke(request: Request, actor: PageAdmin, token: Annotated[str, Path()]) -> Response:
    """End a token."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        with absent(NO_TOKEN):
            await revoke_token(connection, actor, id_of(token), now=service.clock())
    return saved(actor, "/tokens", "token-revoked")


async def _tokens_page(
    request: Request, actor: Actor, failure: SetpointError | None = None, **typed: Any
) -> Response:
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await list_tokens(connection, actor)
    sorting = _sorting(request, actor, "tokens")
    over = [each for each in found if each.revoked_at is not None]
    return settings_page(
        request,
        "settings_tokens.html.j2",
        actor,
        "tokens",
        failure,
        tokens=in_order([each for each in found if each.revoked_at is None], _TOKEN_COLUMNS, sorting),
        sorting=sorting,
        over=over[:_SHOWN_OVER],
        over_in_all=len(over),
        roles=ROLES,
        form={"name": "", "role": Role.SETTER.value} | typed,
    )


def _sorting(request: Request, actor: Actor, tab: str) -> Sorting:
    return Sorting(request.query_params.get("sort", ""), f"/w/{actor.workspace}/settings/{tab}", {})
