"""Cookies, forms, addresses: how pages learn who is there."""

import ipaddress
from typing import Annotated
from uuid import uuid4

import pytest
from fastapi import Depends, FastAPI, Form, Request, Response
from tests.app.town import NOW, Town, by_session, by_token, client

from setpoint.app.http import actors
from setpoint.app.http.config import HttpConfig
from setpoint.domain.vocabulary import Role
from setpoint.tenancy.schemas import Person, SignedIn


def pages(town: Town, config: HttpConfig | None = None) -> FastAPI:
    """An application with pages that show what they are told."""
    changed = Town(town.database, town.home, town.away, town.super_admin, config or town.config)
    app = changed.app()

    @app.get("/form")
    async def form(request: Request) -> dict[str, str]:
        return {"csrf": actors.csrf_token(request)}

    @app.post("/form", dependencies=[Depends(actors.require_csrf)])
    async def sent(word: Annotated[str, Form()]) -> dict[str, str]:
        return {"word": word}

    @app.get("/me")
    async def me(person: actors.SignedInPerson) -> dict[str, str]:
        return {"email": person.email}

    @app.get("/maybe")
    async def maybe(person: Annotated[Person | None, Depends(actors.page_visitor)]) -> dict[str, bool]:
        return {"known": person is not None}

    @app.get("/w/{workspace}")
    async def workspace(actor: actors.PageActor) -> dict[str, str]:
        return {"role": actor.role}

    @app.get("/w/{workspace}/settings")
    async def settings(actor: actors.PageAdmin) -> dict[str, str]:
        return {"role": actor.role}

    @app.get("/in")
    async def come_in(request: Request, response: Response) -> None:
        signed_in = SignedIn(uuid4(), "t" * 43, NOW.replace(hour=10))
        actors.set_session_cookie(response, request, signed_in)

    @app.get("/out")
    async def go_out(request: Request, response: Response) -> None:
        actors.clear_session_cookie(response, request)

    @app.get("/from")
    async def where(request: Request) -> dict[str, object]:
        return {"address": actors.client_address(request), "loopback": actors.is_loopback(request)}

    return app


async def test_pages_know_who_is_signed_in_and_what_they_may(town: Town) -> None:
    slug = town.home.workspace.slug
    setter, admin = (by_session(town.home.sessions[role]) for role in (Role.SETTER, Role.ADMIN))
    async with client(pages(town)) as http:
        assert (await http.get("/me", headers=setter)).json() == {"email": f"setter-{slug}@example.org"}
        assert (await http.get("/me")).headers["Location"] == "/sign-in?next=/me"
        assert (await http.get("/maybe", headers=setter)).json() == {"known": True}
        assert (await http.get("/maybe", headers=by_session("x" * 43))).json() == {"known": False}
        assert (await http.get(f"/w/{slug}", headers=setter)).json() == {"role": "setter"}
        assert (await http.get(f"/w/{slug}/settings", headers=setter)).status_code == 403
        assert (await http.get(f"/w/{slug}/settings", headers=admin)).json() == {"role": "admin"}
        assert (await http.get(f"/w/{town.away.workspace.slug}", headers=admin)).status_code == 404
        # A program's token opens no page.
        refused = await http.get(f"/w/{slug}", headers=by_token(town.home.tokens[Role.ADMIN]))
        assert (refused.status_code, refused.headers["Location"]) == (303, f"/sign-in?next=/w/{slug}")


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [
        (None, "setpoint={}; HttpOnly; Max-Age=3600; Path=/; SameSite=lax"),
        ("https://s.example.org", "__Host-setpoint={}; HttpOnly; Max-Age=3600; Path=/; SameSite=lax; Secure"),
    ],
)
async def test_a_session_is_kept_where_no_script_and_no_other_site_reaches_it(
    town: Town, public_url: str | None, expected: str
) -> None:
    async with client(pages(town, HttpConfig(public_url=public_url))) as http:
        kept = (await http.get("/in")).headers["Set-Cookie"]
        taken = (await http.get("/out")).headers["Set-Cookie"]

    assert kept == expected.format("t" * 43)
    assert taken.startswith(f"{expected.partition('=')[0]}=")
    assert "Max-Age=0" in taken


async def test_a_form_is_taken_with_the_proof_of_its_visitor_or_session_only(town: Town) -> None:
    mine, other = (by_session(town.home.sessions[role], proof=False) for role in (Role.SETTER, Role.ADMIN))
    async with client(pages(town)) as http:
        visitor = (await http.get("/form")).json()["csrf"]
        assert (await http.post("/form", data={"word": "hi", "csrf": visitor})).json() == {"word": "hi"}
        assert (await http.get("/form")).json()["csrf"] == visitor
        http.cookies.clear()
        assert (await http.post("/form", data={"word": "hi", "csrf": visitor})).status_code == 403
        assert (await http.post("/form", data={"word": "hi"})).status_code == 403
    async with client(pages(town)) as http:
        bound = (await http.get("/form", headers=mine)).json()["csrf"]
        assert (await http.post("/form", headers=mine, data={"word": "hi", "csrf": bound})).status_code == 200
        assert (
            await http.post("/form", headers=mine | {"X-CSRF-Token": bound}, data={"word": "hi"})
        ).status_code == 200
        assert (await http.post("/form", headers=other, data={"word": "hi", "csrf": bound})).status_code == 403
        assert (await http.post("/form", headers=mine, data={"word": "hi", "csrf": visitor})).status_code == 403
        assert (await http.post("/form", headers=mine, data={"word": "hi", "csrf": "é"})).status_code == 403
        crossing = mine | {"Sec-Fetch-Site": "cross-site"}
        assert (await http.post("/form", headers=crossing, data={"word": "hi", "csrf": bound})).status_code == 403


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        ("", "203.0.113.9", "127.0.0.1"),
        ("127.0.0.0/8", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.0/8", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.0/8,10.0.0.0/8", "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.0/8", "203.0.113.9, nonsense", "127.0.0.1"),
        ("127.0.0.0/8", "", "127.0.0.1"),
        ("10.0.0.0/8", "203.0.113.9", "127.0.0.1"),
    ],
)
async def test_only_trusted_proxies_say_who_a_request_comes_from(
    town: Town, trusted: str, forwarded: str, address: str
) -> None:
    networks = tuple(ipaddress.ip_network(each) for each in trusted.split(",") if each)
    async with client(pages(town, HttpConfig(trusted_proxies=networks))) as http:
        told = (await http.get("/from", headers={"X-Forwarded-For": forwarded})).json()

    assert told["address"] == address


@pytest.mark.parametrize(
    ("headers", "near"),
    [
        ({"Host": "127.0.0.1:8000"}, True),
        ({"Host": "localhost"}, True),
        ({"Host": "evil.example.org"}, False),
        ({"Host": "127.0.0.1", "X-Forwarded-For": "203.0.113.9"}, False),
    ],
)
async def test_loopback_is_this_machine_by_its_own_name(town: Town, headers: dict[str, str], near: bool) -> None:
    async with client(pages(town)) as http:
        assert (await http.get("/from", headers=headers)).json()["loopback"] is near
