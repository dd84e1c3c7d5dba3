"""The one place where a failure becomes an answer: problem details (RFC 9457) for programs, a page for people."""

import html
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TypeAlias

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from setpoint.app.http.state import service_of
from setpoint.domain.errors import (
    Conflict,
    DatabaseUnavailable,
    EngineUnavailable,
    FileUnreadable,
    NotAllowed,
    NotFound,
    SetpointError,
    UsageError,
)
from setpoint.llm.schemas import ModelUnavailable
from setpoint.tenancy.oidc import ProviderUnavailable
from setpoint.tenancy.schemas import NotSignedIn, SignInRefused, TooManyAttempts

# The first that an error is an instance of.
_STATUS: tuple[tuple[type[SetpointError], HTTPStatus], ...] = (
    (UsageError, HTTPStatus.BAD_REQUEST),
    (FileUnreadable, HTTPStatus.BAD_REQUEST),
    (NotSignedIn, HTTPStatus.UNAUTHORIZED),
    (SignInRefused, HTTPStatus.UNAUTHORIZED),
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (TooManyAttempts, HTTPStatus.TOO_MANY_REQUESTS),
    (ProviderUnavailable, HTTPStatus.BAD_GATEWAY),
    (ModelUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (EngineUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (DatabaseUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (SetpointError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
_OF_HTTP = {
    HTTPStatus.NOT_FOUND: ("not_found", "There is nothing at this address: look at how it is written."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method_not_allowed", "This address does not take this method."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too_large", "The request is too large: send less at once."),
}
_RETRY_SECONDS = 5
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure as it is told. `detail` is a sentence for people; `faults` name single fields that are wrong.

    `reference` is there where the failure is a defect: the log has it under that name.
    """

    status: int
    code: str
    detail: str
    faults: tuple[Mapping[str, str], ...] = ()
    reference: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name of the status."""
        return HTTPStatus(self.status).phrase

    def document(self) -> dict[str, object]:
        """The problem details."""
        told: dict[str, object] = {
            "type": f"urn:setpoint:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.faults:
            told["errors"] = list(self.faults)
        if self.reference is not None:
            told["reference"] = self.reference
        return told


ErrorPage: TypeAlias = Callable[[Request, Problem], Response | Awaitable[Response]]
"""Draws a problem for a person. The pages put theirs into `app.state.error_page`."""


def problem_of(error: SetpointError, now: datetime) -> Problem:
    """How a named error is told. Options of the command line are told as the fields of the same name."""
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    headers: dict[str, str] = {}
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(max(1, int((error.retry_at - now).total_seconds()) + 1))
    elif isinstance(error, DatabaseUnavailable):
        headers["Retry-After"] = str(_RETRY_SECONDS)
    elif isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = 'Bearer realm="setpoint"'
    detail = re.sub(r"--([a-z][a-z-]*)", lambda found: found[1].replace("-", "_"), error.message)
    return Problem(status, error.code, detail, headers=headers)


def defect(reference: str) -> Problem:
    """What is told of a defect: nothing but where the log has it."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "defect",
        f"A defect in Setpoint: nothing unfinished was saved. Tell whoever runs it the reference {reference}.",
        reference=reference,
    )


def of_status(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Problem:
    """What is told where the web server itself refuses; `detail` only where we have no words for the status."""
    code, ours = _OF_HTTP.get(HTTPStatus(status), ("http", detail))
    return Problem(status, code, ours, headers=headers or {})


async def render(request: Request, problem: Problem) -> Response:
    """The problem as its reader takes it: programs under /api, people elsewhere."""
    if is_api(request.url.path):
        return JSONResponse(problem.document(), problem.status, headers=dict(problem.headers), media_type=MEDIA_TYPE)
    page: ErrorPage = getattr(request.app.state, "error_page", None) or _plain_page
    drawn = page(request, problem)
    response = drawn if isinstance(drawn, Response) else await drawn
    for name, value in problem.headers.items():
        if name != "WWW-Authenticate":
            response.headers.setdefault(name, value)
    return response


def is_api(path: str) -> bool:
    """Whether an address is for programs."""
    return path == "/api" or path.startswith("/api/")


def _plain_page(request: Request, problem: Problem) -> Response:
    title, detail = html.escape(problem.title), html.escape(problem.detail)
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1><p>{detail}</p></html>', problem.status
    )


def install(app: FastAPI) -> None:
    """Let the application tell its failures."""

    async def named(request: Request, error: Exception) -> Response:
        if not isinstance(error, SetpointError):
            raise error
        return await render(request, problem_of(error, service_of(request).clock()))

    async def invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return await render(request, _invalid(error))

    async def of_http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        return await render(request, of_status(error.status_code, error.detail, error.headers or {}))

    app.add_exception_handler(SetpointError, named)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, of_http)


def _invalid(error: RequestValidationError) -> Problem:
    """Which fields are wrong and why; what was sent is not repeated, for it may be anything."""
    faults = tuple(
        {
            "where": ".".join(str(part) for part in each["loc"]),
            "message": str(each["msg"]).removeprefix("Value error, "),
        }
        for each in error.errors()
    )
    first = faults[0] if faults else {"where": "the request", "message": "It cannot be read"}
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"{first['where']}: {first['message']}.", faults=faults
    )
