"""Signing in with an identity provider, which is a real server here, and connecting it with an account."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from tests.app.town import NOW, PASSWORD, by_session, client
from tests.app.web.house import House, follow, make_house, words
from tests.app.web.test_account import NEW, address, at_home, beside, elsewhere, is_in, signs_in
from tests.tenancy import provider as there
from tests.tenancy.provider import CLIENT_ID, CLIENT_SECRET, Provider

from setpoint.app.http.config import HttpConfig
from setpoint.app.http.server import create_app
from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.tenancy.oidc import Client
from setpoint.tenancy.service import Workspace


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with there.running() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider, workspace: Workspace) -> Provider:
    """It signs in somebody of the test's own, whose address it says nothing about, at the test's time."""
    running.user = {"sub": f"jane of {workspace.slug}"}
    running.lies = {"iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 300}
    return running


@pytest.fixture
def config(provider: Provider) -> HttpConfig:
    return HttpConfig(oidc=Client(provider.issuer, CLIENT_ID, CLIENT_SECRET))


@pytest_asyncio.fixture
async def house(database: Database, workspace: Workspace) -> House:
    return await make_house(database, workspace)


async def through(http: httpx.AsyncClient, path: str) -> httpx.Response:
    """Follow a link of ours to the provider, and come back with what it sends."""
    away = await http.get(path)
    assert away.status_code == 303, words(away)
    async with httpx.AsyncClient() as stranger:
        back = await stranger.get(away.headers["Location"])
    # The path and query: where we are is another name within the test.
    return await http.get(back.headers["Location"].removeprefix("http://testserver"))


async def confirm(http: httpx.AsyncClient) -> httpx.Response:
    return await http.post("/account/connect", data={"present": PASSWORD})


def jar(http: httpx.AsyncClient, token: str) -> httpx.AsyncClient:
    """A browser that keeps its session where others keep it: with the other cookies."""
    http.cookies.set("setpoint", token)
    http.headers.pop("Cookie", None)
    http.headers.update({"X-CSRF-Token": by_session(token)["X-CSRF-Token"]})
    return http


def browse(house: House, config: HttpConfig, role: Role = Role.ADMIN) -> httpx.AsyncClient:
    return jar(house.visit(role, config), house.sessions[role])


async def signed_in_by_provider(house: House, config: HttpConfig) -> str:
    """Whom the provider's sign-in leads to."""
    async with client(create_app(house.database, config, clock=lambda: NOW)) as http:
        came = await through(http, "/sign-in/provider")
        if came.status_code != 303:
            return words(came)
        http.cookies.set("setpoint", re.findall(r"setpoint=([^;]+)", came.headers["Set-Cookie"])[0])
        return words(await http.get("/account"))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SETTER])
async def test_an_account_is_connected_after_the_password_and_signed_in_to_by_the_provider(
    house: House, config: HttpConfig, role: Role
) -> None:
    assert "sign in with your password, then connect the provider" in await signed_in_by_provider(house, config)
    async with browse(house, config, role) as http:
        assert "not connected. Connect it" in words(await http.get("/account"))
        asked = await confirm(http)
        assert "Confirmed. Now sign in at 127.0.0.1" in await follow(http, asked)
        came = await through(http, "/account/connect/provider")
        told = await follow(http, came)
        assert "Connected: you can sign in with your organisation's account" in told
        assert "Disconnect it" in told
        assert "connected with 127.0.0.1 already" in words(await http.get("/account/connect"))
    assert address(house, role) in await signed_in_by_provider(house, config)


async def test_no_provider_is_no_way_there(house: House) -> None:
    async with house.visit() as http:
        page = await http.get("/account")
        answers = [await http.get(path) for path in ("/account/connect", "/account/connect/provider")]
        answers.append(await http.post("/account/connect", data={"present": PASSWORD}))

    assert "Organisation" not in words(page)
    assert {each.status_code for each in answers} == {404}


async def test_without_the_password_nothing_is_connected(house: House, config: HttpConfig) -> None:
    async with browse(house, config) as http:
        wrong = await http.post("/account/connect", data={"present": "something else here"})
        assert (wrong.status_code, beside(wrong, "present")) == (
            400,
            "That is not your present password: nothing was changed.",
        )
        for cookie in (None, "9999999999.", f"9999999999.{'0' * 64}", "x", "\u00b2.\u00b2"):
            if cookie is not None:
                http.cookies.set("setpoint-confirmed", cookie.encode("ascii", "replace").decode())
            unasked = await http.get("/account/connect/provider")
            assert unasked.status_code == 401
            assert "begin again" in words(unasked)


async def test_what_one_session_confirmed_is_worth_nothing_in_another(house: House, config: HttpConfig) -> None:
    async with browse(house, config) as http:
        await confirm(http)
        kept = http.cookies["setpoint-confirmed"]
    async with browse(house, config, Role.SETTER) as http:
        http.cookies.set("setpoint-confirmed", kept)
        assert (await http.get("/account/connect/provider")).status_code == 401


async def test_what_the_password_opened_is_over_after_ten_minutes(house: House, config: HttpConfig) -> None:
    async with browse(house, config) as http:
        await confirm(http)
        kept = http.cookies["setpoint-confirmed"]
    until, _, proof = kept.partition(".")
    assert int(until) == NOW.timestamp() + 600
    for late in (f"{int(NOW.timestamp())}.{proof}", f"{int(until) + 600}.{proof}"):
        async with browse(house, config) as http:
            http.cookies.set("setpoint-confirmed", late)
            assert (await http.get("/account/connect/provider")).status_code == 401


async def test_an_answer_connects_the_account_that_asked_and_no_other(
    house: House, config: HttpConfig, provider: Provider
) -> None:
    """Somebody who slips their own answer under another's session gets nothing, and the other no new key."""
    async with browse(house, config) as http:
        await confirm(http)
        away = await http.get("/account/connect/provider")
        kept = http.cookies["setpoint-provider"]
        async with httpx.AsyncClient() as stranger:
            back = await stranger.get(away.headers["Location"])
    async with browse(house, config, Role.SETTER) as http:
        http.cookies.set("setpoint-provider", kept)
        came = await http.get(back.headers["Location"].removeprefix("http://testserver"))
        assert came.status_code == 401
        assert "not connected" in words(await http.get("/account"))
    async with browse(house, config) as http:
        assert "not connected" in words(await http.get("/account"))


async def test_one_identity_is_connected_once(house: House, config: HttpConfig) -> None:
    async with browse(house, config) as http:
        await confirm(http)
        await through(http, "/account/connect/provider")
    async with browse(house, config, Role.SETTER) as http:
        await confirm(http)
        came = await through(http, "/account/connect/provider")
        assert came.status_code == 400
        assert "This identity is connected with another account" in words(came)


async def test_disconnecting_takes_the_password_and_leaves_it_the_only_way_in(
    house: House, config: HttpConfig
) -> None:
    async with browse(house, config) as http:
        assert "is not connected with 127.0.0.1" in words(await http.get("/account/disconnect"))
        await confirm(http)
        await through(http, "/account/connect/provider")
        wrong = await http.post("/account/disconnect", data={"present": "something else here"})
        assert "not your present password" in beside(wrong, "present")
        gone = await http.post("/account/disconnect", data={"present": PASSWORD})
        assert "Disconnected: you sign in with your password" in await follow(http, gone)
        again = await http.post("/account/disconnect", data={"present": PASSWORD})
        assert "not connected with the provider" in words(again)
    assert address(house) not in await signed_in_by_provider(house, config)
    assert await signs_in(house.database, address(house), PASSWORD)


async def test_whoever_has_no_password_sets_one_soon_after_signing_in(
    house: House, config: HttpConfig, provider: Provider
) -> None:
    """A provider that verifies the address ends the password, which somebody else may have set."""
    provider.user |= {"email": address(house), "email_verified": True}
    async with client(create_app(house.database, config, clock=lambda: NOW)) as http:
        came = await through(http, "/sign-in/provider")
        token = re.findall(r"setpoint=([^;]+)", came.headers["Set-Cookie"])[0]
    typed = {"present": "", "new": NEW, "again": NEW}
    async with jar(at_home(house.database, token, config), token) as http:
        assert "none. Set a password" in words(await http.get("/account"))
        assert "this works for 15 minutes" in words(await http.get("/account/password"))
        assert "your only way in" in words(await http.get("/account/disconnect"))
        assert "your only way in" in words(await http.post("/account/disconnect", data={}))
        async with house.database.owner() as connection:
            older = text("UPDATE user_sessions SET created_at = :at WHERE user_id = :id")
            await connection.execute(older, {"at": NOW - timedelta(minutes=15), "id": house.members[Role.ADMIN]})
        stale = await http.post("/account/password", data=typed)
        assert stale.status_code == 400
        assert "sign out, sign in again" in words(stale)
        assert not await signs_in(house.database, address(house), NEW)
        async with house.database.owner() as connection:
            await connection.execute(older, {"at": NOW - timedelta(minutes=14), "id": house.members[Role.ADMIN]})
        assert "Your password is changed." in await follow(http, await http.post("/account/password", data=typed))
    assert await signs_in(house.database, address(house), NEW)


async def test_a_super_admin_of_the_provider_s_is_none_under_an_address_of_their_own_choice(
    house: House, config: HttpConfig, provider: Provider
) -> None:
    provider.user |= {"email": address(house), "email_verified": True}
    listed = f"listed-{address(house)}"
    config = replace(config, super_admins=f"{address(house)},{listed}")
    assert "super-admin, in all workspaces" in await signed_in_by_provider(house, config)
    async with client(create_app(house.database, config, clock=lambda: NOW)) as http:
        came = await through(http, "/sign-in/provider")
        token = re.findall(r"setpoint=([^;]+)", came.headers["Set-Cookie"])[0]
    async with jar(at_home(house.database, token, config), token) as http:
        assert (await http.post("/account/address", data={"email": listed, "present": ""})).status_code == 303
        said = words(await http.get("/account"))
        assert f"{listed}, not verified" in said
        assert "super-admin" not in said


async def test_connecting_leaves_sessions_as_they_are(house: House, config: HttpConfig) -> None:
    other = await elsewhere(house)
    async with browse(house, config) as http, other:
        await confirm(http)
        await through(http, "/account/connect/provider")
        assert [await is_in(http), await is_in(other)] == [True, True]
