"""Every route of the OpenAPI document × who calls × whose workspace and ids: nobody sees or changes another's.

What a route takes is read from the document, so a new route is swept without anybody thinking of it; a parameter
that names something new fails here until this file knows an id of that kind.
"""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from tests.app.town import Home, Town, by_session, by_token, client, contents

from setpoint.domain.vocabulary import Role

METHODS = ("get", "post", "put", "patch", "delete")
OWN, FOREIGN, ABSENT = "own", "foreign", "absent"
# Names of parameters and fields that stand for something of a workspace; all others are plain values.
KINDS = ("run", "session", "pack", "member", "invitation", "token", "lead")
VALUES: dict[str, Any] = {
    "kind": "leads",
    "citation": "pattern:offers_times",
    "question": "Who books more?",
    "email": "new@example.org",
    "name": "a token",
    "role": "setter",
    "model": "openai:gpt-5-mini",
}


@dataclass(frozen=True)
class Operation:
    """One route. `body` has the fields of its body that are to be sent, as far as it has one."""

    method: str
    path: str
    query: tuple[str, ...]
    body: tuple[str, ...] | None
    rows: bool

    @property
    def names(self) -> set[str]:
        return {*re.findall(r"{(\w+)}", self.path), *self.query, *(self.body or ())}

    @property
    def kinds(self) -> list[str]:
        """The kinds of things that a call names, besides the workspace."""
        return [kind for kind in KINDS if kind in self.names]

    def arguments(self, slug: str, ids: dict[str, str], window: dict[str, str]) -> dict[str, Any]:
        """What to send, with the workspace and ids in their places."""
        values = {**VALUES, **window, **ids, "workspace": slug}
        path = re.sub(r"{(\w+)}", lambda found: quote(values[found[1]], safe="%/;'?"), self.path)
        sent: dict[str, Any] = {"method": self.method, "url": path}
        if self.query:
            sent["params"] = {name: values[name] for name in self.query}
        if self.rows:
            sent["json"] = [{"external_id": f"row-{uuid4()}"}]
        elif self.body is not None:
            sent["json"] = {name: values[name] for name in self.body}
        return sent


def operations(document: dict[str, Any]) -> list[Operation]:
    """The routes of a document, each with what it needs and every id that it can take."""
    found = []
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            if method in METHODS:
                query = tuple(
                    each["name"]
                    for each in described.get("parameters", ())
                    if each["in"] == "query" and (each.get("required") or each["name"] in KINDS)
                )
                bodies = _bodies(document, described)
                found += [Operation(method.upper(), path, query, body, rows) for body, rows in bodies]
    return found


def _bodies(document: dict[str, Any], described: dict[str, Any]) -> Iterator[tuple[tuple[str, ...] | None, bool]]:
    """The bodies to try: the required fields, with each one that names something."""
    if "requestBody" not in described:
        yield None, False
        return
    form = described["requestBody"]["content"]["application/json"]["schema"]
    if form.get("type") == "array":
        yield None, True
        return
    form = document["components"]["schemas"][form["$ref"].rpartition("/")[2]]
    needed, named = form.get("required", []), [name for name in form["properties"] if name in KINDS]
    for name in named or [None]:
        yield tuple(dict.fromkeys([*needed, *([name] if name else [])])), False


def callers(town: Town) -> dict[str, dict[str, str]]:
    home = town.home
    return {
        "nobody": {},
        "a token that is none": by_token("sp_" + "A" * 43),
        "setter's token": by_token(home.tokens[Role.SETTER]),
        "admin's token": by_token(home.tokens[Role.ADMIN]),
        "setter": by_session(home.sessions[Role.SETTER]),
        "admin": by_session(home.sessions[Role.ADMIN]),
        "super-admin": by_session(town.super_admin),
    }


def marks(home: Home) -> list[str]:
    """What an answer about one workspace has and no other answer may have, unless it was asked for by that name."""
    return [home.workspace.slug, *(home.ids[kind] for kind in KINDS if kind != "lead")]


@dataclass
class Sweep:
    """Calls routes and takes note of what must not be."""

    http: httpx.AsyncClient
    attempts: int = 0

    async def call(self, headers: dict[str, str], arguments: dict[str, Any]) -> httpx.Response:
        self.attempts += 1
        return await self.http.request(**arguments, headers=headers)


def told(answer: httpx.Response, secret: str) -> tuple[int, bytes, dict[str, str]]:
    """All that an answer says: status, body and headers, with what was asked for taken out."""
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status_code, answer.content.replace(secret.encode(), b"?"), headers


async def sweep(town: Town, spellings: dict[str, Any]) -> int:
    """Make the calls and hold their answers against the promise; how many they were."""
    app = town.app()
    found = operations(app.openapi())
    unknown = {
        name for each in found for name in each.names if name not in {*KINDS, *VALUES, "workspace", "from", "to"}
    }
    assert not unknown, f"say in this file what {unknown} may be"
    assert len(found) > 25
    home, away = town.home, town.away
    window = dict(home.window)
    before = await contents(town.database, away.workspace)
    async with client(app) as http:
        sweeping = Sweep(http)
        for operation, (who, headers) in itertools.product(found, callers(town).items()):
            await _other_workspaces(sweeping, operation, who, headers, home, away, window, spellings)
            await _other_ids(sweeping, operation, who, headers, home, away, window, spellings)
    assert await contents(town.database, away.workspace) == before
    return sweeping.attempts


async def _other_workspaces(
    sweeping: Sweep,
    operation: Operation,
    who: str,
    headers: dict[str, str],
    home: Home,
    away: Home,
    window: dict[str, str],
    spellings: dict[str, Any],
) -> None:
    """A workspace that is none of theirs answers as one that is not there, whatever is asked for in it."""
    if who == "super-admin":
        return
    expected = 401 if who in ("nobody", "a token that is none") else 404
    for whose in (home, away):
        ids = {kind: whose.ids[kind] for kind in KINDS}
        absent = f"none-{uuid4().hex[:8]}"
        there = await sweeping.call(headers, operation.arguments(away.workspace.slug, ids, window))
        nowhere = await sweeping.call(headers, operation.arguments(absent, ids, window))
        assert there.status_code == expected, (who, operation, there.text)
        assert told(there, away.workspace.slug) == told(nowhere, absent), (who, operation)
        for spelling in spellings["slugs"](away.workspace.slug):
            answer = await sweeping.call(headers, operation.arguments(spelling, ids, window))
            assert answer.status_code in (expected, 404, 405, 307), (who, operation, spelling, answer.text)
            assert not [mark for mark in marks(away) if mark in answer.text and mark not in spelling], operation


async def _other_ids(
    sweeping: Sweep,
    operation: Operation,
    who: str,
    headers: dict[str, str],
    home: Home,
    away: Home,
    window: dict[str, str],
    spellings: dict[str, Any],
) -> None:
    """In their own workspace another's id answers as one that there is not."""
    for kind in operation.kinds:
        if kind == "lead":
            # Both workspaces have leads of the same names: an id of the away one alone is not to be had.
            continue
        ids = {name: home.ids[name] for name in KINDS}
        absent = str(uuid4())
        foreign = await sweeping.call(
            headers, operation.arguments(home.workspace.slug, ids | {kind: away.ids[kind]}, window)
        )
        nowhere = await sweeping.call(headers, operation.arguments(home.workspace.slug, ids | {kind: absent}, window))
        assert foreign.status_code in (401, 403, 404), (who, operation, foreign.text)
        assert told(foreign, away.ids[kind]) == told(nowhere, absent), (who, operation)
        for spelling in spellings["ids"](away.ids[kind]):
            arguments = operation.arguments(home.workspace.slug, ids | {kind: spelling}, window)
            answer = await sweeping.call(headers, arguments)
            assert 400 <= answer.status_code < 500 or answer.status_code == 307, (
                who,
                operation,
                spelling,
                answer.text,
            )
            assert not [mark for mark in marks(away) if mark in answer.text and mark not in spelling], operation


async def test_no_route_shows_or_changes_what_is_another_workspaces(town: Town) -> None:
    attempts = await sweep(town, {"slugs": lambda slug: [], "ids": lambda key: []})

    assert attempts > 500


async def test_whoever_may_not_change_a_workspace_changes_nothing_in_it(town: Town) -> None:
    app = town.app()
    found = [each for each in operations(app.openapi()) if each.method != "GET"]
    # What setters may do leaves something behind, and is tested where it belongs.
    theirs = {"/reports", "/reports/dry-run", "/insights/ask"}
    found = [each for each in found if each.path.partition("{workspace}")[2] not in theirs]
    home = town.home
    before = await contents(town.database, home.workspace)
    async with client(app) as http:
        for operation, who in itertools.product(found, ("nobody", "setter's token", "setter")):
            headers = callers(town)[who]
            arguments = operation.arguments(
                home.workspace.slug, {kind: home.ids[kind] for kind in KINDS}, dict(home.window)
            )
            answer = await http.request(**arguments, headers=headers)
            assert answer.status_code == (401 if who == "nobody" else 403), (who, operation, answer.text)
    assert await contents(town.database, home.workspace) == before


async def test_a_token_manages_no_people(town: Town) -> None:
    app = town.app()
    found = [
        each
        for each in operations(app.openapi())
        if each.method != "GET" and re.search(r"/(members|invitations|tokens)", each.path)
    ]
    home = town.home
    before = await contents(town.database, home.workspace)
    async with client(app) as http:
        for operation in found:
            ids = {kind: home.ids[kind] for kind in KINDS}
            arguments = operation.arguments(home.workspace.slug, ids, dict(home.window))
            answer = await http.request(**arguments, headers=by_token(home.tokens[Role.ADMIN]))
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), operation
    assert len(found) == 6
    assert await contents(town.database, home.workspace) == before


def _slugs(slug: str) -> list[str]:
    return [
        slug.upper(),
        f"%20{slug}",
        f"{slug}%00",
        f"{slug}%0a",
        f"{slug}/",
        f"./{slug}",
        f"x%2F..%2F{slug}",
        f"{slug}'--",
        f"{slug};",
        f"{slug}%2f",
        "%2e%2e",
        f"{slug}?",
        "0",
        "-1",
        "NULL",
        "x" * 3000,
    ]


def _ids(key: str) -> list[str]:
    return [
        key.upper(),
        f"{{{key}}}",
        f"urn:uuid:{key}",
        key.replace("-", ""),
        f"{key} ",
        f"{key}\x00",
        f"{key}%00",
        f"{key}' OR '1'='1",
        "' OR 1=1 --",
        "0",
        "-1",
        "null",
        "..",
        "x" * 3000,
        "\u212a",
        "[object]",
        json.dumps([key]),
    ]


@pytest.mark.proof
async def test_no_spelling_of_what_is_anothers_opens_it(town: Town) -> None:
    attempts = await sweep(town, {"slugs": _slugs, "ids": _ids})

    assert attempts >= 10_000, attempts
