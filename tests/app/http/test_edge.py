"""What every answer has, and what the log has of every request."""

import json
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from tests.app.town import Town, by_session, by_token, client

from setpoint.app.http.config import HttpConfig
from setpoint.domain.vocabulary import Role


def logged(town: Town) -> list[dict[str, object]]:
    return [json.loads(line) for line in town.log.getvalue().splitlines()]


async def test_every_answer_tells_browsers_what_not_to_do(town: Town) -> None:
    async with client(town.app()) as http:
        answers = [
            await http.get("/healthz"),
            await http.get("/nothing"),
            await http.get("/api/v1/workspaces/x/reports"),
            await http.get("/api/v1/openapi.json"),
        ]

    for answer in answers:
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in answer.headers


async def test_behind_tls_browsers_stay_with_it(town: Town) -> None:
    config = HttpConfig(public_url="https://setpoint.example.org")
    secure = Town(town.database, town.home, town.away, town.super_admin, config)
    async with client(secure.app()) as http:
        answer = await http.get("/healthz")

    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


async def test_the_log_has_the_route_and_who_called_as_a_kind_and_no_id_or_secret(town: Town) -> None:
    start = len(logged(town))
    slug, run = town.home.workspace.slug, town.home.ids["run"]
    token, session = town.home.tokens[Role.ADMIN], town.home.sessions[Role.SETTER]
    address = f"/api/v1/workspaces/{slug}/reports/{run}"
    async with client(town.app()) as http:
        await http.get(address, headers=by_token(token), params={"secret": "canary-91"})
        await http.get(address, headers=by_session(session))
        await http.get(address, headers=by_session(town.super_admin))
        await http.get(address)
        await http.get("/join/canary-91")

    lines = logged(town)[start:]
    route = "/api/v1/workspaces/{workspace}/reports/{run}"
    assert [(line["route"], line["status"], line["actor"]) for line in lines] == [
        (route, 200, "token:admin"),
        (route, 200, "user:setter"),
        (route, 200, "super_admin"),
        (route, 401, "nobody"),
        ("/join/{token}", 404, "nobody"),
    ]
    words = json.dumps(lines)
    for secret in (slug, run, token, session, "canary-91", "@example.org"):
        assert secret not in words


@pytest.mark.parametrize("path", ["api/v1/workspaces/{}/imports/leads", "w/{}/settings/imports"])
async def test_who_breaks_off_while_sending_is_no_defect(town: Town, path: str) -> None:
    start, said = len(logged(town)), []
    parts: Iterator[MutableMapping[str, Any]] = iter(
        [{"type": "http.request", "body": b"--x\r\n", "more_body": True}, {"type": "http.disconnect"}]
    )
    session = by_session(town.home.sessions[Role.ADMIN]) | {"Content-Type": "multipart/form-data; boundary=x"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/{path.format(town.home.workspace.slug)}",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in session.items()],
        "client": ("192.0.2.1", 1),
        "server": ("testserver", 80),
        "scheme": "http",
        "http_version": "1.1",
    }

    async def receive() -> MutableMapping[str, Any]:
        return next(parts)

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(message)

    await town.app()(scope, receive, send)

    assert said == []
    assert [(line["event"], line["status"]) for line in logged(town)[start:]] == [("request", 0)]


async def test_ready_means_that_the_database_answers(town: Town) -> None:
    async with client(town.app()) as http:
        ready, well = await http.get("/readyz"), await http.get("/healthz")

    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert well.status_code == 200


async def test_the_api_describes_itself(town: Town) -> None:
    async with client(town.app()) as http:
        document = (await http.get("/api/v1/openapi.json")).json()

    operations = [each for methods in document["paths"].values() for each in methods.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names) > 25
    assert all(each["tags"] and each["description"] for each in operations)
    told = {tag["name"] for tag in document["tags"]}
    assert {tag for each in operations for tag in each["tags"]} == told
    assert "ProblemDetails" in document["components"]["schemas"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_nothing_is_loaded_from_elsewhere(town: Town, path: str) -> None:
    async with client(town.app()) as http:
        assert (await http.get(path)).status_code == 404


async def test_what_people_are_called_stays_out_of_the_log_wherever_an_address_has_it(town: Town) -> None:
    start = len(town.log.getvalue())
    slug, email = town.home.workspace.slug, "ann.canary@example.test"
    headers = by_token(town.home.tokens[Role.ADMIN])
    async with client(town.app()) as http:
        for path in (f"reports/{email}", f"insights/conversation?lead={email}", f"dataset?from={email}&to={email}"):
            answer = await http.get(f"/api/v1/workspaces/{slug}/{path}", headers=headers)
            assert answer.status_code in (400, 404, 422)
        await http.get(f"/{email}")
        await http.post(f"/api/v1/workspaces/{slug}/invitations", headers=headers, json={"email": email})

    logged = town.log.getvalue()[start:]
    assert len(logged.splitlines()) == 5
    assert "canary" not in logged
    assert "%40" not in logged
