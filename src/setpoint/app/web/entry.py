"""The way in and out: signing in by password, joining by a link, and choosing a workspace."""

from contextlib import suppress
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from setpoint.app.http.actors import (
    SignedInPerson,
    clear_session_cookie,
    client_address,
    page_visitor,
    session_token,
    set_session_cookie,
)
from setpoint.app.http.state import service_of
from setpoint.app.web.pages import go_to, page
from setpoint.domain.errors import DatabaseUnavailable, NotAllowed, NotFound, SetpointError, UsageError
from setpoint.tenancy.invitations import accept_signed_in, accept_with_password, find_invitation
from setpoint.tenancy.schemas import Person, SignInRefused, TooManyAttempts
from setpoint.tenancy.service import list_workspaces
from setpoint.tenancy.sessions import sign_out
from setpoint.tenancy.sign_in import sign_in

router = APIRouter()

Visitor = Annotated[Person | None, Depends(page_visitor)]
Text = Annotated[str, Form(max_length=1000)]


def local(address: str) -> str:
    """Where to go afterwards, if it is one of our pages; else the beginning."""
    parts = urlsplit(address)
    inside = not parts.scheme and not parts.netloc and address.startswith("/") and "\\" not in address
    return address if inside and not address.startswith("//") else "/"


@router.get("/")
async def home(request: Request, person: SignedInPerson) -> Response:
    """The workspaces of whoever is signed in, or the only one."""
    names = [each.workspace for each in person.memberships]
    if person.is_super_admin:
        # Only the owner of the schema sees all names; elsewhere a super-admin has to know one.
        with suppress(DatabaseUnavailable):
            async with service_of(request).database.owner() as connection:
                names = [slug for slug, _ in await list_workspaces(connection)]
    if len(names) == 1:
        return go_to(f"/w/{names[0]}")
    return page(request, "workspaces.html.j2", person=person, names=names)


@router.get("/sign-in")
async def sign_in_form(request: Request, visitor: Visitor, next: str = "/") -> Response:
    """The form, or onwards for whoever is signed in already."""
    if visitor is not None:
        return go_to(local(next))
    return page(request, "sign_in.html.j2", next=local(next), email="", failure=None)


@router.post("/sign-in")
async def sign_in_by_password(request: Request, email: Text = "", password: Text = "", next: Text = "/") -> Response:
    """Open a session, or say why not above the form."""
    service = service_of(request)
    try:
        signed_in = await sign_in(
            service.database, email, password, client_address=client_address(request), now=service.clock()
        )
    except (SignInRefused, TooManyAttempts, UsageError) as error:
        status = 429 if isinstance(error, TooManyAttempts) else 401
        return page(request, "sign_in.html.j2", status=status, next=local(next), email=email, failure=error.message)
    response = go_to(local(next))
    set_session_cookie(response, request, signed_in)
    return response


@router.post("/sign-out")
async def sign_out_here(request: Request) -> Response:
    """End the session, in the database too."""
    service, token = service_of(request), session_token(request)
    if token is not None:
        async with service.database.registry() as connection:
            await sign_out(connection, token, now=service.clock())
    response = go_to("/sign-in")
    clear_session_cookie(response, request)
    return response


# Joining


@router.get("/join/{token}")
async def join_form(request: Request, token: str, visitor: Visitor) -> Response:
    """What the link invites to."""
    return await _join_page(request, token, visitor, None)


@router.post("/join/{token}")
async def join(request: Request, token: str, visitor: Visitor, name: Text = "", password: Text = "") -> Response:
    """Become a member: with a new account, or with the one that is signed in."""
    service = service_of(request)
    try:
        if visitor is not None:
            found = await accept_signed_in(service.database, token, visitor, now=service.clock())
            return go_to(f"/w/{found.workspace}")
        signed_in = await accept_with_password(service.database, token, name, password, now=service.clock())
    except (NotFound, NotAllowed):
        raise
    except SetpointError as error:
        return await _join_page(request, token, visitor, error.message)
    response = go_to("/")
    set_session_cookie(response, request, signed_in)
    return response


async def _join_page(request: Request, token: str, visitor: Person | None, failure: str | None) -> Response:
    service = service_of(request)
    async with service.database.registry() as connection:
        found = await find_invitation(connection, token, now=service.clock())
    return page(
        request,
        "join.html.j2",
        status=200 if failure is None else 400,
        person=visitor,
        found=found,
        failure=failure,
    )
