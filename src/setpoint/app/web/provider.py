"""The identity provider: signing in with it, and connecting it with an account or disconnecting it."""

import base64
import hmac
import json
import re
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, Request
from starlette.responses import Response

from setpoint.app.http.actors import page_person, session_token, set_session_cookie
from setpoint.app.http.state import service_of
from setpoint.app.web.account import Owner, Text, account_page, own_token, own_ways_in, password_field
from setpoint.app.web.pages import go_to
from setpoint.domain.errors import Conflict, NotFound, SetpointError
from setpoint.tenancy.identities import connect_provider, disconnect_provider, sign_in_with_provider
from setpoint.tenancy.oidc import Claims, Client, Pending, discover
from setpoint.tenancy.schemas import SignInRefused, TooManyAttempts
from setpoint.tenancy.sessions import confirm_password

router = APIRouter()

_SECONDS: Final = 600
_BEGIN_AGAIN: Final = "This sign-in was begun elsewhere or long ago: begin again."
_CONFIRM_AGAIN: Final = "Your password was asked for too long ago, or in another session: begin again."


def _client(request: Request) -> Client:
    client = service_of(request).config.oidc
    if client is None:
        raise NotFound("No identity provider is connected: sign in by password.")
    return client


# Signing in


@router.get("/sign-in/provider")
async def begin(request: Request) -> Response:
    """Send the browser to the provider, and keep with it what the answer must match."""
    return await _send_away(request)


@router.get("/sign-in/return")
async def come_back(request: Request) -> Response:
    """The provider's answer: a session, or a connected account, or why not."""
    service, client = service_of(request), _client(request)
    pending, connecting = _kept(request)
    async with httpx.AsyncClient() as http:
        provider = await discover(http, client)
        claims = await provider.finish(
            http, pending, dict(request.query_params), _return_address(request), now=service.clock()
        )
    if connecting is not None:
        response = await _connect(request, claims, pending, connecting)
    else:
        signed_in = await sign_in_with_provider(
            service.database, claims, now=service.clock(), super_admins=service.config.super_admins
        )
        response = go_to("/")
        set_session_cookie(response, request, signed_in)
    _forget(response, request, "provider")
    return response


async def _send_away(request: Request, *, connecting: bool = False) -> Response:
    async with httpx.AsyncClient() as http:
        provider = await discover(http, _client(request))
    address, pending = provider.begin(_return_address(request))
    kept: dict[str, str] = asdict(pending)
    if connecting:
        kept["connecting"] = _bound(request, f"connect {pending.state}")
    response = go_to(address)
    _keep(response, request, "provider", base64.urlsafe_b64encode(json.dumps(kept).encode()).decode())
    return response


def _kept(request: Request) -> tuple[Pending, str | None]:
    """What the answer must match, and the proof of the session that is connecting, if one is."""
    try:
        found: Any = json.loads(base64.urlsafe_b64decode(request.cookies[_cookie(request, "provider")]))
        pending = Pending(str(found["state"]), str(found["nonce"]), str(found["verifier"]))
        return pending, None if found.get("connecting") is None else str(found["connecting"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise SignInRefused(_BEGIN_AGAIN) from None


def _return_address(request: Request) -> str:
    origin = service_of(request).config.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return f"{origin}/sign-in/return"


# Connecting


@router.get("/account/connect")
async def connect_form(request: Request, person: Owner) -> Response:
    """What connecting does; once the password was right, the way to the provider."""
    host = urlsplit(_client(request).issuer).hostname
    ways, confirmed = await own_ways_in(request), _is_confirmed(request)
    return account_page(request, "account_connect.html.j2", person, ways=ways, host=host, confirmed=confirmed)


@router.post("/account/connect")
async def confirm(request: Request, person: Owner, present: Text = "") -> Response:
    """Ask for the password; what is confirmed holds for this session and ten minutes.

    The way to the provider is a link on the page that follows: a form of ours may not lead to another site.
    """
    service, client, ways = service_of(request), _client(request), await own_ways_in(request)
    try:
        await confirm_password(service.database, own_token(request), present or None, now=service.clock())
    except (SignInRefused, TooManyAttempts) as error:
        fault = password_field(error, ways), error
        host = urlsplit(client.issuer).hostname
        return account_page(request, "account_connect.html.j2", person, fault, ways=ways, host=host, confirmed=False)
    until = int(service.clock().timestamp()) + _SECONDS
    response = go_to("/account/connect")
    _keep(response, request, "confirmed", f"{until}.{_bound(request, f'confirmed until {until}')}")
    return response


@router.get("/account/connect/provider")
async def go_and_connect(request: Request, person: Owner) -> Response:
    """Send the browser to the provider, on behalf of whoever has just confirmed their password."""
    _client(request)
    if not _is_confirmed(request):
        raise SignInRefused(_CONFIRM_AGAIN)
    response = await _send_away(request, connecting=True)
    _forget(response, request, "confirmed")
    return response


async def _connect(request: Request, claims: Claims, pending: Pending, connecting: str) -> Response:
    """Connect the identity with the account of the session that went away, and with no other."""
    if not _matches(connecting, _bound(request, f"connect {pending.state}")):
        raise SignInRefused(_BEGIN_AGAIN)
    service, person = service_of(request), await page_person(request)
    try:
        await connect_provider(service.database, claims, person, now=service.clock())
    except (Conflict, SignInRefused) as error:
        host = urlsplit(_client(request).issuer).hostname
        ways = await own_ways_in(request)
        return account_page(
            request, "account_connect.html.j2", person, ("form", error), ways=ways, host=host, confirmed=False
        )
    return go_to("/account?told=connected")


@router.get("/account/disconnect")
async def disconnect_form(request: Request, person: Owner) -> Response:
    """What disconnecting does."""
    return await _disconnect_page(request, person)


@router.post("/account/disconnect")
async def disconnect(request: Request, person: Owner, present: Text = "") -> Response:
    """Let the account be signed in to by its password only."""
    service, client = service_of(request), _client(request)
    try:
        await confirm_password(service.database, own_token(request), present or None, now=service.clock())
        async with service.database.registry() as connection:
            await disconnect_provider(connection, own_token(request), client.issuer, now=service.clock())
    except (SignInRefused, TooManyAttempts) as error:
        return await _disconnect_page(request, person, ("present", error))
    except Conflict as error:
        return await _disconnect_page(request, person, ("form", error))
    return go_to("/account?told=disconnected")


async def _disconnect_page(
    request: Request, person: Owner, fault: tuple[str, SetpointError] | None = None
) -> Response:
    host = urlsplit(_client(request).issuer).hostname
    return account_page(
        request, "account_disconnect.html.j2", person, fault, ways=await own_ways_in(request), host=host
    )


# Cookies


def _is_confirmed(request: Request) -> bool:
    until, _, proof = request.cookies.get(_cookie(request, "confirmed"), "").partition(".")
    if not re.fullmatch(r"[0-9]{1,12}", until) or int(until) <= service_of(request).clock().timestamp():
        return False
    return _matches(proof, _bound(request, f"confirmed until {until}"))


def _bound(request: Request, words: str) -> str:
    """A proof that only the session of this request can have: its token is the key."""
    return hmac.new((session_token(request) or "").encode(), words.encode(), "sha256").hexdigest()


def _matches(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _cookie(request: Request, name: str) -> str:
    return f"__Host-setpoint-{name}" if service_of(request).config.is_secure else f"setpoint-{name}"


def _keep(response: Response, request: Request, name: str, value: str) -> None:
    response.set_cookie(
        _cookie(request, name),
        value,
        max_age=_SECONDS,
        path="/",
        secure=service_of(request).config.is_secure,
        httponly=True,
        samesite="lax",
    )


def _forget(response: Response, request: Request, name: str) -> None:
    secure = service_of(request).config.is_secure
    response.delete_cookie(_cookie(request, name), path="/", secure=secure, httponly=True, samesite="lax")
