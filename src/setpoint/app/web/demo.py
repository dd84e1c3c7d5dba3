"""A look around the sample without an account: only from this machine, and only where `setpoint demo` serves."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from setpoint.app.http.actors import may_look_around, set_session_cookie
from setpoint.app.http.state import service_of
from setpoint.app.web.pages import go_to
from setpoint.app.wiring import workspace_of
from setpoint.domain.errors import Conflict, NotFound, UsageError
from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.tenancy.invitations import accept_with_password, invite
from setpoint.tenancy.members import add_member, change_role, find_member
from setpoint.tenancy.schemas import cli_actor
from setpoint.tenancy.secret import new_secret
from setpoint.tenancy.service import Workspace
from setpoint.tenancy.sessions import open_session

router = APIRouter()

ADDRESSES: Final = {Role.ADMIN: "admin@sample.invalid", Role.SETTER: "setter@sample.invalid"}
"""Who visitors are. Nobody can have such an address (RFC 2606), and nobody knows the passwords."""

_AUTHOR: Final = "setpoint demo"


@router.post("/sign-in/demo")
async def look_around(request: Request, role: Annotated[str, Form(max_length=20)] = "") -> Response:
    """Sign the visitor in as one of the sample team's two."""
    service = service_of(request)
    slug = service.config.demo_workspace
    if slug is None or not may_look_around(request):
        raise NotFound("There is nothing at this address: look at how it is written.")
    if role not in list(Role):
        raise UsageError("Look around as admin or as setter.")
    workspace = await workspace_of(service.database, slug)
    async with service.database.tenant(workspace.client_id) as connection:
        member = await find_member(connection, cli_actor(workspace, _AUTHOR), ADDRESSES[Role(role)])
        signed_in = await open_session(connection, member.user_id, now=service.clock())
    response = go_to(f"/w/{slug}")
    set_session_cookie(response, request, signed_in)
    return response


async def enrol_visitors(database: Database, workspace: Workspace, *, now: datetime) -> None:
    """Make both of them members of the sample, with the role that their address tells; again, it changes nothing."""
    operator = cli_actor(workspace, _AUTHOR)
    for role, email in ADDRESSES.items():
        try:
            async with database.tenant(workspace.client_id) as connection:
                await add_member(connection, operator, email, role, now=now)
        except NotFound:
            async with database.tenant(workspace.client_id) as connection:
                link, _ = await invite(connection, operator, email, role, now=now)
            await accept_with_password(database, link, f"The sample team's {role}", new_secret(), now=now)
        except Conflict:
            async with database.tenant(workspace.client_id) as connection:
                member = await find_member(connection, operator, email)
                if member.role is not role:
                    await change_role(connection, operator, member.user_id, role, now=now)
