"""The account of whoever is signed in: its password, its address, its sessions; and links to a new password."""

from collections import defaultdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Path, Request
from starlette.responses import Response

from setpoint.app.api.account import NO_SESSION
from setpoint.app.api.problems import absent, id_of
from setpoint.app.http.actors import (
    SignedInPerson,
    clear_session_cookie,
    session_token,
    set_session_cookie,
)
from setpoint.app.http.state import service_of
from setpoint.app.web.demo import ADDRESSES
from setpoint.app.web.pages import go_to, page
from setpoint.domain.errors import Conflict, NotAllowed, SetpointError, UsageError
from setpoint.tenancy.identities import WaysIn, ways_in
from setpoint.tenancy.password_links import find_password_link, use_password_link
from setpoint.tenancy.rules import normalise_email
from setpoint.tenancy.schemas import Person, SignInRefused, TooManyAttempts
from setpoint.tenancy.sessions import (
    change_address,
    change_password,
    confirm_password,
    end_session,
    list_sessions,
    sign_out_everywhere,
)

router = APIRouter()

Text = Annotated[str, Form(max_length=1000)]

MOST_SESSIONS: Final = 50
_DIFFER: Final = "The two differ: type the new password twice."
_SHARED: Final = (
    "This is the demo's account. Whoever looks around on this machine shares it, so its password, address and"
    " provider stay as they are."
)
_TOLD: Final = {
    "password": "Your password is changed. Your other sessions are over.",
    "address": "Your address is changed. Sign in with the new one from now on.",
    "session": "The session is over.",
    "connected": "Connected: you can sign in with your organisation's account from now on.",
    "disconnected": "Disconnected: you sign in with your password from now on.",
}


def is_shared(person: Person) -> bool:
    """Whether an account is the demo's, whose password nobody knows."""
    return person.email in ADDRESSES.values()


async def account_owner(person: SignedInPerson) -> Person:
    """Whoever is signed in to an account of their own. Raises NotSignedIn, and NotAllowed for the demo's."""
    if is_shared(person):
        raise NotAllowed(_SHARED)
    return person


Owner = Annotated[Person, Depends(account_owner)]


def account_page(
    request: Request,
    template: str,
    person: Person | None,
    fault: tuple[str, SetpointError] | None = None,
    **context: Any,
) -> Response:
    """A page of the account; with the field that is wrong, or `form` for all of it, and why, where one is."""
    status = 200 if fault is None else 429 if isinstance(fault[1], TooManyAttempts) else 400
    faults = defaultdict(str, {} if fault is None else {fault[0]: fault[1].message})
    here = "account"
    return page(request, template, person=person, here=here, status=status, faults=faults, **context)


def own_token(request: Request) -> str:
    """The session's token of whoever is signed in."""
    return session_token(request) or ""


async def own_ways_in(request: Request) -> WaysIn:
    """How whoever is signed in can sign in."""
    service, oidc = service_of(request), service_of(request).config.oidc
    async with service.database.registry() as connection:
        return await ways_in(
            connection, own_token(request), None if oidc is None else oidc.issuer, now=service.clock()
        )


def password_field(error: SetpointError, ways: WaysIn) -> str:
    """Beside which field it stands that somebody did not prove who they are: one without a password has none."""
    return "present" if ways.has_password or isinstance(error, TooManyAttempts) else "form"


@router.get("/account")
async def account(request: Request, person: SignedInPerson, told: str = "") -> Response:
    """Who somebody is here, how they sign in, and where they are signed in."""
    service = service_of(request)
    async with service.database.registry() as connection:
        sessions = await list_sessions(connection, own_token(request), now=service.clock())
    return account_page(
        request,
        "account.html.j2",
        person,
        ways=await own_ways_in(request),
        sessions=sessions[:MOST_SESSIONS],
        sessions_in_all=len(sessions),
        shared=_SHARED if is_shared(person) else None,
        told=_TOLD.get(told),
    )


# Sessions


@router.post("/account/sessions/{session}/end")
async def end(request: Request, person: SignedInPerson, session: Annotated[str, Path()]) -> Response:
    """End one session."""
    service = service_of(request)
    with absent(NO_SESSION):
        async with service.database.registry() as connection:
            await end_session(connection, own_token(request), id_of(session), now=service.clock())
    return go_to("/account?told=session")


@router.post("/account/sign-out-everywhere")
async def end_all(request: Request, person: SignedInPerson) -> Response:
    """End all sessions, this one too."""
    service = service_of(request)
    async with service.database.registry() as connection:
        await sign_out_everywhere(connection, own_token(request), now=service.clock())
    response = go_to("/sign-in")
    clear_session_cookie(response, request)
    return response


# Password and address


@router.get("/account/password")
async def password_form(request: Request, person: Owner) -> Response:
    """What another password changes."""
    return account_page(request, "account_password.html.j2", person, ways=await own_ways_in(request))


@router.post("/account/password")
async def save_password(
    request: Request, person: Owner, present: Text = "", new: Text = "", again: Text = ""
) -> Response:
    """Change the password."""
    service, ways = service_of(request), await own_ways_in(request)
    try:
        if new != again:
            fault: tuple[str, SetpointError] = "again", UsageError(_DIFFER)
        else:
            await change_password(service.database, own_token(request), present or None, new, now=service.clock())
            return go_to("/account?told=password")
    except (SignInRefused, TooManyAttempts) as error:
        fault = password_field(error, ways), error
    except UsageError as error:
        fault = "new", error
    except Conflict as error:
        fault = "form", error
    return account_page(request, "account_password.html.j2", person, fault, ways=ways)


@router.get("/account/address")
async def address_form(request: Request, person: Owner) -> Response:
    """What another address changes."""
    return account_page(request, "account_address.html.j2", person, ways=await own_ways_in(request), email="")


@router.post("/account/address")
async def save_address(request: Request, person: Owner, email: Text = "", present: Text = "") -> Response:
    """Change the address."""
    service, ways, token = service_of(request), await own_ways_in(request), own_token(request)
    try:
        if normalise_email(email) == person.email:
            raise UsageError("That is your address already.")
        await confirm_password(service.database, token, present or None, now=service.clock())
        async with service.database.registry() as connection:
            await change_address(connection, token, email, now=service.clock())
    except (SignInRefused, TooManyAttempts) as error:
        fault: tuple[str, SetpointError] = password_field(error, ways), error
    except (UsageError, Conflict) as error:
        fault = "email", error
    else:
        return go_to("/account?told=address")
    return account_page(request, "account_address.html.j2", person, fault, ways=ways, email=email)


# A link to a new password


@router.get("/password/{token}")
async def link_form(request: Request, token: str) -> Response:
    """Whose password the link replaces."""
    return await _link_page(request, token)


@router.post("/password/{token}")
async def use_link(request: Request, token: str, new: Text = "", again: Text = "") -> Response:
    """Give the account its new password, and sign in."""
    service = service_of(request)
    try:
        if new != again:
            return await _link_page(request, token, ("again", UsageError(_DIFFER)))
        signed_in = await use_password_link(service.database, token, new, now=service.clock())
    except UsageError as error:
        return await _link_page(request, token, ("new", error))
    response = go_to("/")
    set_session_cookie(response, request, signed_in)
    return response


async def _link_page(request: Request, token: str, fault: tuple[str, SetpointError] | None = None) -> Response:
    service = service_of(request)
    async with service.database.registry() as connection:
        found = await find_password_link(connection, token, now=service.clock())
    return account_page(request, "account_link.html.j2", None, fault, found=found)
