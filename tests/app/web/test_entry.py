"""Coming in and going out."""

import io
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.async_api import Page, expect
from tests.app.town import NOW, PASSWORD, Town, client
from tests.tenancy.provider import CLIENT_ID, CLIENT_SECRET, Provider, running

from setpoint.app.http.config import HttpConfig
from setpoint.app.http.server import create_app
from setpoint.app.http.state import json_log
from setpoint.app.web.entry import local
from setpoint.domain.vocabulary import Role
from setpoint.tenancy.invitations import invite
from setpoint.tenancy.oidc import Client as OidcClient
from setpoint.tenancy.schemas import cli_actor

At = Callable[..., Awaitable[Page]]


def csrf(answer: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', answer.text)
    assert found is not None
    return found[1]


async def test_signing_in_leads_to_where_one_wanted_to_go_and_out_ends_it(at: At, town: Town) -> None:
    slug = town.home.workspace.slug
    page = await at(f"/w/{slug}", None)
    await expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    await page.get_by_label("Email address").fill(f"admin-{slug}@example.org")
    await page.get_by_label("Password").fill("something else here")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("address or the password is wrong")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(re.compile(f"/w/{slug}$"))
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(re.compile("/sign-in$"))
    await page.goto(f"/w/{slug}")
    await expect(page).to_have_url(re.compile(r"/sign-in\?next="))


async def test_a_link_makes_an_account_and_a_member_once(at: At, town: Town) -> None:
    workspace = town.home.workspace
    async with town.database.tenant(workspace.client_id) as connection:
        link, _ = await invite(connection, cli_actor(workspace, "op"), "new@example.org", Role.SETTER, now=NOW)
    page = await at(f"/join/{link}", None)
    await expect(page.get_by_role("heading", name=f"Join {workspace.slug}")).to_be_visible()
    await page.get_by_label("Your name").fill("New <b>Person</b>")
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_role("button", name="Make an account and join").click()
    await expect(page).to_have_url(re.compile(f"/w/{workspace.slug}$"))
    await expect(page.locator(".who")).to_contain_text("new@example.org, setter")
    again = await at(f"/join/{link}", None)
    await expect(again.get_by_role("heading", name="Not found")).to_be_visible()


async def test_a_form_that_is_not_ours_changes_nothing(town: Town) -> None:
    async with client(town.app()) as http:
        form = await http.get("/sign-in")
        asked = {"email": f"admin-{town.home.workspace.slug}@example.org", "password": PASSWORD}
        without = await http.post("/sign-in", data=asked)
        forged = await http.post("/sign-in", data={**asked, "csrf": "0" * 64})
        ours = await http.post("/sign-in", data={**asked, "csrf": csrf(form)})

    assert [without.status_code, forged.status_code, ours.status_code] == [403, 403, 303]
    assert "setpoint=" in ours.headers["Set-Cookie"]
    assert "setpoint=" not in without.headers.get("Set-Cookie", "") + forged.headers.get("Set-Cookie", "")


@pytest.mark.parametrize(
    "far", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_nobody_is_sent_elsewhere(far: str) -> None:
    assert local(far) == "/"


def test_our_own_pages_are_near() -> None:
    assert local("/w/acme/reports?page=2") == "/w/acme/reports?page=2"


async def test_pages_have_a_strict_policy_and_nothing_within_that_breaks_it(town: Town) -> None:
    async with client(town.app()) as http:
        form = await http.get("/sign-in")
        script = await http.get(re.findall(r'src="([^"]+)"', form.text)[0])
        style = await http.get(re.findall(r'rel="stylesheet" href="([^"]+)"', form.text)[0])

    assert "default-src 'self'" in form.headers["Content-Security-Policy"]
    assert re.findall(r"<script[^>]*>[^<]|<style|style=|onclick=", form.text) == []
    assert "immutable" in script.headers["Cache-Control"]
    assert ".answer" in style.text


# With a provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as found:
        found.user = {"sub": "7", "email": "nobody-invited-me@example.org", "email_verified": True}
        yield found


def by_provider(town: Town, provider: Provider) -> httpx.AsyncClient:
    """A browser before a server that a provider is connected to."""
    config = HttpConfig(oidc=OidcClient(provider.issuer, CLIENT_ID, CLIENT_SECRET))
    return client(create_app(town.database, config, clock=lambda: datetime.now(UTC), log=json_log(io.StringIO())))


async def there_and_back(http: httpx.AsyncClient) -> str:
    """Where the browser comes back to when the provider has signed somebody in."""
    gone = await http.get("/sign-in/provider")
    async with httpx.AsyncClient(trust_env=False) as outside:
        return (await outside.get(gone.headers["Location"])).headers["Location"]


async def test_a_provider_lets_in_whom_an_admin_invited(town: Town, provider: Provider) -> None:
    provider.user |= {"email": "oidc@example.org"}
    workspace = town.home.workspace
    async with town.database.tenant(workspace.client_id) as connection:
        operator = cli_actor(workspace, "op")
        await invite(connection, operator, "oidc@example.org", Role.SETTER, now=datetime.now(UTC))
    async with by_provider(town, provider) as http:
        came = await http.get(await there_and_back(http))
        inside = await http.get(f"/w/{workspace.slug}")

    assert (came.status_code, came.headers["Location"]) == (303, "/")
    assert inside.status_code == 200


async def test_whom_the_provider_does_not_let_in_is_told_above_the_form(town: Town, provider: Provider) -> None:
    async with by_provider(town, provider) as http:
        uninvited = await http.get(await there_and_back(http))
        denied = await http.get("/sign-in/provider")
        state = parse_qs(urlsplit(denied.headers["Location"]).query)["state"][0]
        denied = await http.get("/sign-in/return", params={"state": state, "error": "access_denied"})
        unbegun = await http.get("/sign-in/return", params={"state": state, "code": "x"})
        provider.lies = {"aud": "somebody else"}
        lied = await http.get(await there_and_back(http))
        provider.metadata = {"issuer": "https://other.example"}
        unavailable = await http.get("/sign-in/provider")

    for answer, status, told in (
        (uninvited, 403, "Nobody has invited this address: ask an admin of the workspace for an invitation."),
        (denied, 401, "did not let you in: try again, or ask whoever runs it."),
        (unbegun, 401, "This sign-in was begun elsewhere or long ago: begin again."),
        (lied, 401, "answer was not accepted"),
        (unavailable, 502, "names another issuer"),
    ):
        alert = re.search(r'role="alert">([^<]+)</p>', answer.text)
        assert alert is not None, answer.text
        assert (answer.status_code, told in unescape(alert[1])) == (status, True), alert[1]
        assert 'name="password"' in answer.text
        assert 'href="/sign-in/provider"' in answer.text
        assert "setpoint=" not in answer.headers.get("Set-Cookie", "")
