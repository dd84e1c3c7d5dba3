"""Who sends a request: from an API token or a session to a person, or to an actor in the workspace of the address.

Nothing of this is remembered between requests. A workspace that is somebody else's answers like one that there is
not.
"""

import hmac
import ipaddress
from typing import Annotated, Final

from fastapi import Depends, Path, Request
from starlette.requests import HTTPConnection
from starlette.responses import Response

from setpoint.app.http.config import HttpConfig
from setpoint.app.http.state import service_of
from setpoint.domain.errors import NotAllowed, NotFound
from setpoint.tenancy.api_tokens import find_token_actor
from setpoint.tenancy.rules import is_secret
from setpoint.tenancy.schemas import (
    Actor,
    NotSignedIn,
    Person,
    SignedIn,
    require_admin,
    require_managing_admin,
)
from setpoint.tenancy.secret import new_secret
from setpoint.tenancy.sessions import as_member, enter_workspace, find_person

CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf"
VISITOR_STATE: Final = "visitor_to_keep"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_ABSENT: Final = "There is no such workspace, or you are not a member of it: ask its admin to invite you."
_UNPROVEN: Final = "This form is no longer valid: load the page again and send it once more."

Slug = Annotated[str, Path(description="The workspace's name.", examples=["acme-sales"])]


# Cookies


def session_cookie(config: HttpConfig) -> str:
    """The name of the session's cookie. With `__Host-` no other host or path can set it."""
    return "__Host-setpoint" if config.is_secure else "setpoint"


def visitor_cookie(config: HttpConfig) -> str:
    """The name of the cookie that forms are bound to while nobody is signed in."""
    return "__Host-setpoint-visitor" if config.is_secure else "setpoint-visitor"


def set_session_cookie(response: Response, request: HTTPConnection, signed_in: SignedIn) -> None:
    """Hand a new session to the browser, for as long as it can last."""
    service = service_of(request)
    lasts = int((signed_in.expires_at - service.clock()).total_seconds())
    response.set_cookie(
        session_cookie(service.config),
        signed_in.token,
        max_age=max(lasts, 0),
        path="/",
        secure=service.config.is_secure,
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, request: HTTPConnection) -> None:
    """Take the session from the browser; `sign_out` ends it."""
    config = service_of(request).config
    response.delete_cookie(session_cookie(config), path="/", secure=config.is_secure, httponly=True, samesite="lax")


def session_token(request: HTTPConnection) -> str | None:
    """The token of the session that the browser sent, whatever it is worth."""
    return request.cookies.get(session_cookie(service_of(request).config)) or None


# Forms


def csrf_token(request: HTTPConnection) -> str:
    """What forms of this browser carry in the field `csrf`, and scripts in the header X-CSRF-Token.

    It follows from the session's token, or from a cookie of its own while there is no session, which is set with the
    answer to this request. Nobody who lacks that cookie can tell it.
    """
    bound = _bound_to(request)
    if bound is None:
        bound = new_secret()
        request.scope.setdefault("state", {})[VISITOR_STATE] = bound
    return _proof(bound)


async def require_csrf(request: Request) -> None:
    """Raise NotAllowed unless a form or script shows that it is ours. For every route of pages that is not a GET."""
    if request.method in _SAFE:
        return
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        field = (await request.form()).get(CSRF_FIELD)
        given = field if isinstance(field, str) else None
    try:
        _check_proof(request, given)
    except NotAllowed:
        # Files of the form, if it was read.
        await request.close()
        raise


def _check_proof(request: HTTPConnection, given: str | None) -> None:
    bound = _bound_to(request)
    if request.headers.get("Sec-Fetch-Site") == "cross-site" or bound is None or given is None:
        raise NotAllowed(_UNPROVEN)
    if not hmac.compare_digest(given.encode("utf-8", "replace"), _proof(bound).encode()):
        raise NotAllowed(_UNPROVEN)


def _bound_to(request: HTTPConnection) -> str | None:
    """The session's token, the visitor's, or one that is being handed out with this answer."""
    kept = session_token(request) or request.cookies.get(visitor_cookie(service_of(request).config))
    if kept is not None and is_secret(kept):
        return kept
    handed: str | None = request.scope.get("state", {}).get(VISITOR_STATE)
    return handed


def _proof(bound: str) -> str:
    return hmac.new(bound.encode(), b"setpoint form", "sha256").hexdigest()


# People at pages


async def page_person(request: Request) -> Person:
    """Whoever is signed in. Raises NotSignedIn."""
    service = service_of(request)
    token = session_token(request)
    if token is None:
        raise NotSignedIn("You are not signed in: sign in first.")
    async with service.database.registry() as connection:
        person = await find_person(connection, token, now=service.clock(), super_admins=service.config.super_admins)
    request.state.actor_kind = "super_admin" if person.is_super_admin else "person"
    return person


async def page_visitor(request: Request) -> Person | None:
    """Whoever is signed in, or nobody."""
    try:
        return await page_person(request)
    except NotSignedIn:
        return None


SignedInPerson = Annotated[Person, Depends(page_person)]


async def page_actor(request: Request, person: SignedInPerson, workspace: Slug) -> Actor:
    """Whoever is signed in, in the workspace of the address. Raises NotSignedIn and NotFound."""
    actor = as_member(person, workspace)
    if actor is None:
        async with service_of(request).database.registry() as connection:
            actor = await enter_workspace(connection, person, workspace)
    _note(request, actor)
    return actor


PageActor = Annotated[Actor, Depends(page_actor)]


async def page_admin(actor: PageActor) -> Actor:
    """The same, where they are an admin there. Raises NotAllowed besides."""
    require_admin(actor)
    return actor


PageAdmin = Annotated[Actor, Depends(page_admin)]


# Programs, and scripts of pages


async def api_actor(request: Request, workspace: Slug) -> Actor:
    """Whoever calls the API: by a bearer token, or by the session of a page, whose writes carry X-CSRF-Token.

    Raises NotSignedIn, NotAllowed where the header is missing, and NotFound.
    """
    header = request.headers.get("Authorization")
    if header is None:
        if session_token(request) is None:
            raise NotSignedIn("Send an API token: Authorization: Bearer sp_...")
        person = await page_person(request)
        if request.method not in _SAFE:
            _check_proof(request, request.headers.get(CSRF_HEADER))
        return await page_actor(request, person, workspace)
    scheme, _, token = header.partition(" ")
    service = service_of(request)
    if scheme.lower() != "bearer":
        raise NotSignedIn("Send an API token: Authorization: Bearer sp_...")
    actor = await find_token_actor(service.database, token.strip(), now=service.clock())
    request.state.actor_kind = "token"
    if actor.workspace != workspace:
        raise NotFound(_ABSENT)
    _note(request, actor)
    return actor


Member = Annotated[Actor, Depends(api_actor)]


async def api_admin(actor: Member) -> Actor:
    """The same, where they are an admin. Raises NotAllowed besides."""
    require_admin(actor)
    return actor


Admin = Annotated[Actor, Depends(api_admin)]


async def api_manager(actor: Member) -> Actor:
    """The same, where they are an admin in person. Raises NotAllowed besides."""
    require_managing_admin(actor)
    return actor


Manager = Annotated[Actor, Depends(api_manager)]


async def api_person(request: Request) -> Person:
    """Whoever is signed in, for what belongs to a person and no workspace; writes carry X-CSRF-Token.

    Raises NotSignedIn, and NotAllowed for a token, which is nobody's account, or where the header is missing.
    """
    if request.headers.get("Authorization") is not None:
        raise NotAllowed("An account is its owner's, who is signed in: no token reads or changes it.")
    person = await page_person(request)
    if request.method not in _SAFE:
        _check_proof(request, request.headers.get(CSRF_HEADER))
    return person


ApiPerson = Annotated[Person, Depends(api_person)]


def _note(request: Request, actor: Actor) -> None:
    """For the log: what kind of actor it is, and never who."""
    request.state.actor_kind = "super_admin" if actor.is_super_admin else f"{actor.kind}:{actor.role}"


# Where a request comes from


def client_address(request: HTTPConnection) -> str | None:
    """The address of whoever sent this: the connection's, or that of the stranger whom trusted proxies tell of."""
    peer = request.client.host if request.client is not None else None
    trusted = service_of(request).config.trusted_proxies
    if not trusted:
        return peer
    told = ",".join(request.headers.getlist("X-Forwarded-For")).split(",")
    chain = [*(address.strip() for address in told if address.strip()), peer]
    for address in reversed(chain):
        if address is None:
            return peer
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return peer
        if not any(ip in network for network in trusted):
            return address
        peer = address
    return peer


def is_loopback(request: HTTPConnection) -> bool:
    """Whether a request comes from this machine to this machine, by a name that no other site can have."""
    peer = request.client.host if request.client is not None else ""
    try:
        near = ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False
    return (
        near
        and request.url.hostname in ("localhost", "127.0.0.1", "::1")
        and "X-Forwarded-For" not in request.headers
    )


def may_look_around(request: HTTPConnection) -> bool:
    """Whether whoever sends this may enter the sample without an account: on this machine, where a demo runs."""
    return service_of(request).config.demo_workspace is not None and is_loopback(request)
