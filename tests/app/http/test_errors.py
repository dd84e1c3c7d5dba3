"""How failures are told: to programs as problem details, to people as a page, and to nobody what broke."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response
from tests.app.town import NOW, client

from setpoint.app.http.config import HttpConfig
from setpoint.app.http.errors import Problem
from setpoint.app.http.server import create_app
from setpoint.app.http.state import json_log
from setpoint.domain.errors import (
    Conflict,
    DatabaseUnavailable,
    FileUnreadable,
    NotAllowed,
    NotFound,
    SetpointError,
    UsageError,
)
from setpoint.storage.database import connect
from setpoint.tenancy.schemas import NotSignedIn, SignInRefused, TooManyAttempts

SECRET = "canary-7f3a"


def failing(error: Exception, log: io.StringIO | None = None) -> FastAPI:
    """An application over a database that is not there, whose routes fail."""
    nowhere = connect("postgresql://nobody@127.0.0.1:1/none")
    app = create_app(nowhere, HttpConfig(), clock=lambda: NOW, log=json_log(log or io.StringIO()))

    async def fail(number: int = 0, name: str = "") -> None:
        raise error

    app.add_api_route("/api/v1/fail/{name}", fail)
    app.add_api_route("/fail", fail)
    return app


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UsageError("a"), 400, "usage"),
        (FileUnreadable("a"), 400, "file_unreadable"),
        (NotSignedIn("a"), 401, "not_signed_in"),
        (SignInRefused("a"), 401, "sign_in_refused"),
        (NotAllowed("a"), 403, "not_allowed"),
        (NotFound("a"), 404, "not_found"),
        (Conflict("a"), 409, "conflict"),
        (DatabaseUnavailable("a"), 503, "database_unavailable"),
        (SetpointError("a"), 500, "error"),
    ],
)
async def test_a_named_error_is_told_as_problem_details(error: SetpointError, status: int, code: str) -> None:
    async with client(failing(error)) as http:
        answer = await http.get("/api/v1/fail/x")

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"], told["detail"]) == (status, code, "a")
    assert told["type"] == f"urn:setpoint:problem:{code}"


async def test_when_to_try_again_is_said_in_seconds() -> None:
    error = TooManyAttempts(NOW + timedelta(seconds=90))
    async with client(failing(error)) as http, client(failing(DatabaseUnavailable("a"))) as broken:
        attempts, database = await http.get("/fail"), await broken.get("/api/v1/fail/x")

    assert (attempts.status_code, attempts.headers["Retry-After"]) == (429, "91")
    assert database.headers["Retry-After"] == "5"


async def test_who_is_not_signed_in_learns_how_programs_do() -> None:
    async with client(failing(NotSignedIn("a"))) as http:
        program, person = await http.get("/api/v1/fail/x"), await http.get("/fail")

    assert program.headers["WWW-Authenticate"].startswith("Bearer")
    assert "WWW-Authenticate" not in person.headers


async def test_options_of_the_command_line_are_told_as_fields() -> None:
    async with client(failing(UsageError("--max-leads must be at least 1, and --from a date."))) as http:
        answer = await http.get("/api/v1/fail/x")

    assert answer.json()["detail"] == "max_leads must be at least 1, and from a date."


@pytest.mark.parametrize("address", ["/api/v1/fail/x", "/fail"])
async def test_a_defect_is_told_by_a_reference_that_the_log_has_and_by_nothing_else(address: str) -> None:
    log = io.StringIO()
    async with client(failing(RuntimeError(SECRET), log)) as http:
        answer = await http.get(address)

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (defect,) = [line for line in lines if line["event"] == "defect"]
    assert answer.status_code == 500
    assert defect["reference"] in answer.text
    assert (defect["error"], defect["at"][-1].rpartition(":")[2]) == ("RuntimeError", "fail")
    assert SECRET not in answer.text + log.getvalue()
    assert "Traceback" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_is_not_there_or_not_taken_is_told_in_the_same_form() -> None:
    async with client(failing(UsageError("a"))) as http:
        nothing = await http.get("/api/v1/nothing")
        method = await http.delete("/api/v1/fail/x")
        page = await http.get("/nothing")

    assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")
    assert (method.status_code, method.json()["code"], method.headers["Allow"]) == (405, "method_not_allowed", "GET")
    assert page.headers["Content-Type"].startswith("text/html")


async def test_a_wrong_field_is_named_without_what_was_sent() -> None:
    async with client(failing(UsageError("a"))) as http:
        answer = await http.get("/api/v1/fail/x", params={"number": SECRET})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "query.number"
    assert SECRET not in answer.text


async def test_pages_draw_their_own_errors() -> None:
    app = failing(NotFound("gone"))

    async def page(request: Request, problem: Problem) -> Response:
        return PlainTextResponse(f"drawn: {problem.detail}", problem.status)

    app.state.error_page = page
    async with client(app) as http:
        drawn, api = await http.get("/fail"), await http.get("/api/v1/fail/x")

    assert (drawn.status_code, drawn.text) == (404, "drawn: gone")
    assert api.json()["detail"] == "gone"


async def test_words_of_an_error_are_text_and_no_markup() -> None:
    async with client(failing(NotFound("<script>alert(1)</script>"))) as http:
        answer = await http.get("/fail")

    assert "<script>" not in answer.text


async def test_an_answer_that_breaks_off_is_not_made_to_look_whole() -> None:
    log = io.StringIO()
    app = failing(UsageError("a"), log)

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(SECRET)

    app.mount("/half", half)
    async with client(app) as http:
        with pytest.raises(RuntimeError, match=SECRET):
            await http.get("/half/x")

    assert "defect" in log.getvalue()
    assert SECRET not in log.getvalue()
