"""Coming in and going out."""

import re
from collections.abc import Awaitable, Callable

import httpx
import pytest
from playwright.async_api import Page, expect
from tests.app.town import NOW, PASSWORD, Town, client

from setpoint.app.web.entry import local
from setpoint.domain.vocabulary import Role
from setpoint.tenancy.invitations import invite
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
