"""What every page shares: how a template becomes an answer, and what stands around it."""

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from setpoint.app.http.actors import csrf_token, is_loopback, may_look_around, page_actor, page_person
from setpoint.app.http.errors import Problem
from setpoint.app.http.state import service_of
from setpoint.app.web.static import address_of
from setpoint.domain.errors import SetpointError
from setpoint.domain.vocabulary import Role
from setpoint.domain.windows import format_instant
from setpoint.reports.presentation import count_text, instant_text, listed
from setpoint.tenancy.schemas import Actor, Person

TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Place:
    """A section of a workspace, as the navigation shows it."""

    key: str
    label: str
    path: str
    for_admins: bool = False

    def address(self, workspace: str) -> str:
        """Where it is in a workspace."""
        return f"/w/{workspace}{self.path}"


PLACES: Final = (
    Place("overview", "Overview", ""),
    Place("reports", "Reports", "/reports"),
    Place("ask", "Ask", "/ask"),
    Place("calls", "AI calls", "/calls", for_admins=True),
    Place("settings", "Settings", "/settings", for_admins=True),
)


_TITLES: Final = {
    400: "Something is not right",
    401: "You are not signed in",
    404: "Not found",
    405: "Not found",
    409: "This was not done",
    413: "Too large",
    422: "Something is not right",
    429: "Too many attempts",
}


@cache
def environment() -> Environment:
    """The templates of the pages. Everything that is put into one is escaped."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(count=count_text, instant=instant_text, listed=listed, exact=format_instant)
    made.globals.update(static=address_of, Role=Role)
    return made


def page(
    request: Request,
    template: str,
    *,
    actor: Actor | None = None,
    person: Person | None = None,
    here: str = "",
    status: int = 200,
    **context: Any,
) -> HTMLResponse:
    """Draw a page. With an actor the navigation of their workspace stands above it, `here` being the section."""
    places = [] if actor is None else [each for each in PLACES if actor.role is Role.ADMIN or not each.for_admins]
    drawn = (
        environment()
        .get_template(template)
        .render(
            actor=actor,
            person=person,
            here=here,
            places=places,
            csrf=csrf_token(request),
            on_loopback=is_loopback(request),
            look_around=may_look_around(request),
            path=request.url.path,
            oidc=service_of(request).config.oidc is not None,
            **context,
        )
    )
    return HTMLResponse(drawn, status)


def go_to(address: str) -> Response:
    """After a form: the browser asks for a page anew, so that to load it again does nothing twice."""
    return RedirectResponse(address, status_code=303)


async def error_page(request: Request, problem: Problem) -> Response:
    """A failure as a page. Whoever is not signed in is sent to do so, and comes back; a member can go on."""
    if problem.status == 401 and problem.code == "not_signed_in" and request.method == "GET":
        return go_to(f"/sign-in?next={request.url.path}")
    person, actor = await _reader(request, problem)
    return page(
        request,
        "error.html.j2",
        status=problem.status,
        actor=actor,
        person=person,
        title=_title(problem, request.method),
        problem=problem,
    )


async def _reader(request: Request, problem: Problem) -> tuple[Person | None, Actor | None]:
    """Who reads of a failure, and as whom in the workspace of the address, as far as they may enter it."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is not None or problem.status >= 500:
        # What has just failed is not asked again.
        return None, actor
    person = None
    with suppress(SetpointError):
        person = await page_person(request)
        if inside := re.match("/w/([^/]+)", request.scope["path"]):
            actor = await page_actor(request, person, inside[1])
    return person, actor


def _title(problem: Problem, method: str) -> str:
    if problem.status == 403:
        return "You may not see this" if method in ("GET", "HEAD") else "You may not do this"
    return _TITLES.get(problem.status, "This did not work")
