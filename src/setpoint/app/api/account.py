"""The account of whoever is signed in, by the session of a page: a token is nobody's account."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from setpoint.app.api.forms import Form
from setpoint.app.api.problems import PROBLEMS, absent, id_of
from setpoint.app.http.actors import ApiPerson, page_person, session_token
from setpoint.app.http.state import service_of
from setpoint.domain.vocabulary import Role
from setpoint.tenancy.identities import ways_in
from setpoint.tenancy.schemas import Person
from setpoint.tenancy.sessions import (
    change_address,
    change_password,
    confirm_password,
    end_session,
    list_sessions,
    sign_out_everywhere,
)

router = APIRouter(prefix="/account", tags=["account"], responses=PROBLEMS)

NO_SESSION: Final = "You have no such session, or it is over."
_BY_SESSION: Final[dict[str, Any]] = {"security": [{"session": []}]}
_PRESENT: Final = "Their password until now; null for an account that has none, within 15 minutes of signing in."


class Workplace(BaseModel):
    """A workspace that a person is a member of."""

    workspace: str
    role: Role


class AccountForm(BaseModel):
    """Whoever is signed in, and how they can sign in."""

    id: UUID
    email: str
    email_verified: bool
    name: str
    is_super_admin: bool
    has_password: bool
    provider_connected_at: datetime | None
    workspaces: list[Workplace]


class SessionForm(BaseModel):
    """A live session. `last_seen_at` is noted once a minute; `expires_at` is its latest end."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_this: bool


class NewPassword(Form):
    """Another password."""

    present: str | None = Field(None, max_length=1000, description=_PRESENT)
    new: str = Field(max_length=1000)


class NewAddress(Form):
    """Another address."""

    present: str | None = Field(None, max_length=1000, description=_PRESENT)
    email: str = Field(max_length=300, examples=["jo@example.org"])


@router.get("", openapi_extra=_BY_SESSION)
async def read_account(request: Request, person: ApiPerson) -> AccountForm:
    """Who somebody is, how they can sign in, and which workspaces they are a member of."""
    return await _account(request, person)


@router.put("/password", status_code=204, openapi_extra=_BY_SESSION)
async def change_own_password(request: Request, person: ApiPerson, asked: NewPassword) -> None:
    """Change the password. All other sessions end."""
    service = service_of(request)
    await change_password(service.database, _token(request), asked.present, asked.new, now=service.clock())


@router.put("/address", openapi_extra=_BY_SESSION)
async def change_own_address(request: Request, person: ApiPerson, asked: NewAddress) -> AccountForm:
    """Change the address. The new one is not verified: who was a super-admin by the old one is none."""
    service = service_of(request)
    await confirm_password(service.database, _token(request), asked.present, now=service.clock())
    async with service.database.registry() as connection:
        await change_address(connection, _token(request), asked.email, now=service.clock())
    return await _account(request, await page_person(request))


@router.get("/sessions", openapi_extra=_BY_SESSION)
async def list_own_sessions(request: Request, person: ApiPerson) -> list[SessionForm]:
    """The live sessions, this one first, then the last used."""
    service = service_of(request)
    async with service.database.registry() as connection:
        found = await list_sessions(connection, _token(request), now=service.clock())
    return [SessionForm(**{name: getattr(each, name) for name in SessionForm.model_fields}) for each in found]


@router.delete("/sessions", status_code=204, openapi_extra=_BY_SESSION)
async def end_own_sessions(request: Request, person: ApiPerson) -> None:
    """Sign out everywhere, here too."""
    service = service_of(request)
    async with service.database.registry() as connection:
        await sign_out_everywhere(connection, _token(request), now=service.clock())


@router.delete("/sessions/{session}", status_code=204, openapi_extra=_BY_SESSION)
async def end_own_session(
    request: Request, person: ApiPerson, session: Annotated[str, Path(description="The session's id.")]
) -> None:
    """End one session."""
    service = service_of(request)
    with absent(NO_SESSION):
        async with service.database.registry() as connection:
            await end_session(connection, _token(request), id_of(session), now=service.clock())


def _token(request: Request) -> str:
    return session_token(request) or ""


async def _account(request: Request, person: Person) -> AccountForm:
    service, oidc = service_of(request), service_of(request).config.oidc
    async with service.database.registry() as connection:
        ways = await ways_in(connection, _token(request), None if oidc is None else oidc.issuer, now=service.clock())
    return AccountForm(
        id=person.id,
        email=person.email,
        email_verified=person.email_verified,
        name=person.name,
        is_super_admin=person.is_super_admin,
        has_password=ways.has_password,
        provider_connected_at=ways.connected_at,
        workspaces=[Workplace(workspace=each.workspace, role=each.role) for each in person.memberships],
    )
