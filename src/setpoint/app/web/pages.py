"""What every page shares: how a template becomes an answer, and what stands around it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from setpoint.app.http.actors import csrf_token, is_loopback, may_look_around
from setpoint.app.http.errors import Problem
from setpoint.app.http.state import service_of
from setpoint.app.web.static import address_of
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


def error_page(request: Request, problem: Problem) -> Response:
    """A failure as a page. Whoever is not signed in is sent to do so, and comes back."""
    if problem.status == 401 and problem.code == "not_signed_in" and request.method == "GET":
        return go_to(f"/sign-in?next={request.url.path}")
    return page(request, "error.html.j2", status=problem.status, problem=problem)
