"""Every route of the API and every page × who calls × whose workspace and ids: nobody sees or changes another's.

What a route takes is read from the document, so a new route is swept without anybody thinking of it; a parameter
that names something new fails here until this file knows an id of that kind.
"""

import itertools
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text
from tests.app.conftest import Filled
from tests.app.town import Home, Town, by_session, by_token, client, contents, make_town

from setpoint.app.http.actors import api_actor, page_actor, require_csrf
from setpoint.app.web.router import PAGES
from setpoint.domain.vocabulary import Role
from setpoint.storage import database
from setpoint.storage.database import Database
from setpoint.tenancy.schemas import Actor, ActorKind

METHODS = ("get", "post", "put", "patch", "delete")
OWN, FOREIGN, ABSENT = "own", "foreign", "absent"
# Names of parameters and fields that stand for something of a workspace; all others are plain values.
KINDS = ("run", "session", "pack", "member", "invitation", "token", "result", "lead")
VALUES: dict[str, Any] = {
    "kind": "leads",
    "citation": "pattern:offers_times",
    "question": "Who books more?",
    "email": "new@example.org",
    "name": "a token",
    "role": "setter",
    "model": "openai:gpt-5-mini",
}


_UNKNOWN = ("nobody", "a token that is none")
# They are sent to sign in, or their form is none of ours.
_REFUSED_PAGE = (303, 401, 403)
NO_SPELLINGS: dict[str, Any] = {"slugs": lambda slug: [], "ids": lambda key: []}


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, filled: Filled, slugs: Iterator[str]) -> Town:
    """One of this file's own: whatever can be asked for is asked for in it, and other files do not expect that."""
    return await make_town(database, filled.sample, lambda: next(slugs))


@dataclass(frozen=True)
class Operation:
    """One route. `body` has the fields of its body that are to be sent, as far as it has one; pages send a `form`."""

    method: str
    path: str
    query: tuple[str, ...]
    body: tuple[str, ...] | None
    rows: bool
    form: bool = False

    @property
    def names(self) -> set[str]:
        return {*re.findall(r"{(\w+)}", self.path), *self.query, *(self.body or ())}

    @property
    def kinds(self) -> list[str]:
        """The kinds of things that a call names, besides the workspace."""
        return [kind for kind in KINDS if kind in self.names]

    @property
    def is_page(self) -> bool:
        return not self.path.startswith("/api/")

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
            sent["data" if self.form else "json"] = {name: values[name] for name in self.body}
        return sent


def all_operations(app: FastAPI) -> list[Operation]:
    """What the application does in a workspace, for programs and for people."""
    pages = FastAPI()
    for router in PAGES:
        pages.include_router(router)
    return operations(app.openapi()) + operations(pages.openapi())


def operations(document: dict[str, Any]) -> list[Operation]:
    """The routes of a document in a workspace, each with what it needs and every id that it can take."""
    found = []
    for path, methods in document["paths"].items():
        if "{workspace}" not in path:
            continue
        for method, described in methods.items():
            if method in METHODS:
                query = tuple(
                    each["name"]
                    for each in described.get("parameters", ())
                    if each["in"] == "query" and (each.get("required") or each["name"] in KINDS)
                )
                found += [Operation(method.upper(), path, query, *body) for body in _bodies(document, described)]
    return found


def _bodies(
    document: dict[str, Any], described: dict[str, Any]
) -> Iterator[tuple[tuple[str, ...] | None, bool, bool]]:
    """The bodies to try, as `Operation` has them: the required fields, with each one that names something."""
    content = described.get("requestBody", {}).get("content", {})
    form = "application/json" not in content
    # What takes a file takes it beside fields, and is asked without.
    schema = next((each["schema"] for each in content.values()), None)
    if schema is None:
        yield None, False, False
        return
    if schema.get("type") == "array":
        yield None, True, False
        return
    schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    needed, named = schema.get("required", []), [name for name in schema["properties"] if name in KINDS]
    files = [name for name, each in schema["properties"].items() if "contentMediaType" in each]
    for name in named or [None]:
        yield tuple(dict.fromkeys([*(set(needed) - set(files)), *([name] if name else [])])), False, form


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
    """All that an answer says: status, body and headers, with what was asked for taken out.

    A page gives whoever is not signed in a new cookie, for forms, with every answer.
    """
    headers = {
        name: value.replace(secret, "?")
        for name, value in answer.headers.items()
        if name != "content-length" and not value.startswith("setpoint-visitor=")
    }
    return answer.status_code, answer.content.replace(secret.encode(), b"?"), headers


async def sweep(town: Town, spellings: dict[str, Any], who_calls: Collection[str] = ()) -> int:
    """Make the calls and hold their answers against the promise; how many they were.

    Callers are those of `callers`, all of them unless some are named.
    """
    app = town.app()
    found = all_operations(app)
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
        calling = {who: headers for who, headers in callers(town).items() if not who_calls or who in who_calls}
        for operation, (who, headers) in itertools.product(found, calling.items()):
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
    expected = (_REFUSED_PAGE if operation.is_page else (401,)) if who in _UNKNOWN else (404,)
    if operation.is_page and who.endswith("token"):
        # Pages are for people: a token is nobody there.
        expected = _REFUSED_PAGE
    # The long form asks for the caller's own things there, too.
    for whose in (away, home) if spellings is not NO_SPELLINGS else (away,):
        ids = {kind: whose.ids[kind] for kind in KINDS}
        absent = f"none-{uuid4().hex[:8]}"
        there = await sweeping.call(headers, operation.arguments(away.workspace.slug, ids, window))
        nowhere = await sweeping.call(headers, operation.arguments(absent, ids, window))
        assert there.status_code in expected, (who, operation, there.text)
        assert told(there, away.workspace.slug) == told(nowhere, absent), (who, operation)
        for spelling in spellings["slugs"](away.workspace.slug):
            answer = await sweeping.call(headers, operation.arguments(spelling, ids, window))
            # `..` leads out of the workspace, to the beginning.
            assert answer.status_code in (*expected, 404, 405, 307, *((303,) if operation.is_page else ())), (
                who,
                operation,
                spelling,
                answer.text,
            )
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
        assert foreign.status_code in (401, 403, 404, *(_REFUSED_PAGE if operation.is_page else ())), (
            who,
            operation,
            foreign.text,
        )
        assert told(foreign, away.ids[kind]) == told(nowhere, absent), (who, operation)
        for spelling in spellings["ids"](away.ids[kind]):
            arguments = operation.arguments(home.workspace.slug, ids | {kind: spelling}, window)
            answer = await sweeping.call(headers, arguments)
            # `..` leads to what is above: something of their own.
            fine = (200, 303, 307) if spelling == ".." else (303, 307)
            assert 400 <= answer.status_code < 500 or answer.status_code in fine, (
                who,
                operation,
                spelling,
                answer.text,
            )
            assert not [mark for mark in marks(away) if mark in answer.text and mark not in spelling], operation


async def test_no_route_shows_or_changes_what_is_another_workspaces(town: Town) -> None:
    attempts = await sweep(town, NO_SPELLINGS, ("nobody", "setter's token", "admin", "super-admin"))

    assert attempts > 250


async def test_the_policies_alone_show_and_change_nothing_of_another(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application asks for another's rows with all the right in the world; the transaction is in its own."""
    home, away = town.home.workspace, town.away.workspace
    entered = Database.tenant

    def confined(self: Database, client_id: int, *, one_instant: bool = False) -> Any:
        return entered(self, home.client_id, one_instant=one_instant)

    async def misled() -> Actor:
        actor_id = str(uuid4())
        return Actor(ActorKind.USER, actor_id, "misled", away.client_id, home.slug, Role.ADMIN, is_super_admin=True)

    app = town.app()
    app.dependency_overrides[api_actor] = misled
    app.dependency_overrides[page_actor] = misled
    app.dependency_overrides[require_csrf] = lambda: None
    before = await contents(town.database, away)
    monkeypatch.setattr(Database, "tenant", confined)
    seen = set()
    async with client(app) as http:
        for operation in all_operations(app):
            ids = {kind: town.away.ids[kind] for kind in KINDS}
            answer = await http.request(**operation.arguments(home.slug, ids, dict(town.away.window)))
            seen.add(answer.status_code)
            sent = json.dumps(operation.arguments(home.slug, ids, dict(town.away.window)))
            shown = [mark for mark in marks(town.away) if mark in answer.text and mark not in sent]
            assert shown == [], (operation, answer.text)
    monkeypatch.undo()
    assert {200, 404} <= seen
    assert await contents(town.database, away) == before


@pytest.mark.proof
async def test_the_application_alone_shows_and_changes_nothing_of_another(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database lets every row through: its policies do not hold for whoever it is asked by."""
    monkeypatch.setattr(database, "RUNTIME_ROLE", "none")
    async with town.database.registry() as connection:
        assert await connection.scalar(text("SELECT count(DISTINCT client_id) FROM report_runs")) > 1

    assert await sweep(town, NO_SPELLINGS) > 500


async def test_whoever_may_not_change_a_workspace_changes_nothing_in_it(town: Town) -> None:
    app = town.app()
    found = [each for each in all_operations(app) if each.method != "GET"]
    # What setters may do leaves something behind, and is tested where it belongs.
    theirs = {"/reports", "/reports/dry-run", "/reports/new", "/insights/ask", "/ask"}
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
            refused = (
                (403,) if who == "setter" or (who != "nobody" and not operation.is_page) else (401, *_REFUSED_PAGE)
            )
            assert answer.status_code in refused, (who, operation, answer.text)
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
        "..",
        f"{slug}%09",
        f"{slug}%E2%80%8B",
        f"{slug}%C2%AD",
        f"{slug[:-1]}%{ord(slug[-1]):02x}x",
        f"{slug}%0d%0aX-Forwarded-For: x",
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
        "[object",
        key[:-1],
        f"{key}0",
        f"{key}/",
        f"%2e%2e%2f{key}",
        json.dumps([key]),
    ]


@pytest.mark.proof
async def test_no_spelling_of_what_is_anothers_opens_it(town: Town) -> None:
    attempts = await sweep(town, {"slugs": _slugs, "ids": _ids})

    assert attempts >= 10_000, attempts
