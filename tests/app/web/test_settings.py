"""The settings of a workspace, for its admins."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from tests.app.town import NOW, Town, by_session, client
from tests.app.web.house import House, follow, make_house, words

from setpoint.app.http.config import HttpConfig
from setpoint.app.runs import queue_due_reports
from setpoint.domain.vocabulary import Role
from setpoint.jobs.schedule import want_weekly, weekly_settings
from setpoint.llm.provider import API_KEY
from setpoint.llm.queries import read_settings
from setpoint.reports.service import request_of
from setpoint.storage.database import Database
from setpoint.tenancy.api_tokens import create_token, list_tokens
from setpoint.tenancy.defaults import BookingProvider, WorkspaceDefaults, workspace_defaults
from setpoint.tenancy.members import list_members
from setpoint.tenancy.schemas import cli_actor
from setpoint.tenancy.service import Workspace

At = Callable[..., Awaitable[Page]]
PATHS = ("", "/model", "/model/disconnect", "/members", "/members/{member}", "/tokens", "/tokens/{token}/revoke")
FORMS = (
    *("/weekly", "/defaults", "/model", "/model/disconnect", "/tokens", "/tokens/{token}/revoke"),
    *("/members/{member}/role", "/members/{member}/remove", "/members/invitations"),
    "/members/invitations/{invitation}/revoke",
)

DEFAULTS = {"attribution_days": "14", "maturity_days": "7", "booking_provider": "none"}


@pytest_asyncio.fixture
async def house(database: Database, workspace: Workspace) -> House:
    return await make_house(database, workspace)


# Who may


@pytest.mark.parametrize("path", PATHS)
async def test_setters_are_told_that_the_page_is_not_for_them(town: Town, path: str) -> None:
    async with client(town.app()) as http:
        answer = await http.get(
            f"/w/{town.home.workspace.slug}/settings{path.format(**town.home.ids)}",
            headers=by_session(town.home.sessions[Role.SETTER]),
        )

    assert answer.status_code == 403
    assert "You may not see this" in answer.text
    assert "This is for admins of the workspace" in answer.text


@pytest.mark.parametrize("path", FORMS)
async def test_nobody_else_changes_anything(town: Town, path: str) -> None:
    """A setter, an admin of another workspace, and an admin of this one with an id of another."""
    home, away = town.home, town.away
    setter, stranger, admin = (
        by_session(home.sessions[Role.SETTER]),
        by_session(away.sessions[Role.ADMIN]),
        by_session(home.sessions[Role.ADMIN]),
    )
    wrong = {"role": "admin", "wanted": "on", "weeks": "3"}
    async with client(town.app()) as http:
        own = f"/w/{home.workspace.slug}/settings{path.format(**home.ids)}"
        assert (await http.post(own, headers=setter, data=wrong)).status_code == 403
        assert (await http.post(own, headers=stranger, data=wrong)).status_code == 404
        if "{" in path:
            foreign = f"/w/{home.workspace.slug}/settings{path.format(**away.ids)}"
            absent = f"/w/{home.workspace.slug}/settings{re.sub(r'{.*?}', str(uuid4()), path)}"
            answers = [await http.post(each, headers=admin, data=wrong) for each in (foreign, absent)]
            assert [each.status_code for each in answers] == [404, 404]
            assert words(answers[0]) == words(answers[1])


@pytest.mark.parametrize("path", [path for path in PATHS if "{" in path])
async def test_what_is_another_workspaces_is_not_there(town: Town, path: str) -> None:
    async with client(town.app()) as http:
        base = f"/w/{town.home.workspace.slug}/settings"
        admin = by_session(town.home.sessions[Role.ADMIN])
        foreign = await http.get(base + path.format(**town.away.ids), headers=admin)
        absent = await http.get(base + re.sub(r"{.*?}", str(uuid4()), path), headers=admin)
        wrong = await http.get(base + re.sub(r"{.*?}", "nonsense", path), headers=admin)

    assert [foreign.status_code, absent.status_code, wrong.status_code] == [404, 404, 404]
    assert words(foreign) == words(absent)


# General


async def test_the_weekly_report_is_asked_for_and_called_off(house: House) -> None:
    async with house.visit() as http:
        base = f"{house.address}/settings"
        before = words(await http.get(base))
        on = await follow(http, await http.post(f"{base}/weekly", data={"wanted": "on", "weeks": "4"}))
        off = await follow(http, await http.post(f"{base}/weekly", data={"weeks": "4"}))

    assert "Off: reports are made only when somebody asks for one." in before
    assert "over the last 4 full weeks is made every Monday at 05:00 UTC. The next: 2026-07-06 05:00 UTC" in on
    assert "Saved: the weekly report is on." in on
    assert "Saved: there is no weekly report." in off
    async with house.database.tenant(house.workspace.client_id) as connection:
        weekly = await weekly_settings(connection, house.workspace.client_id)
    assert (weekly.wanted, weekly.window_days) == (False, 28)


async def test_defaults_are_kept(house: House) -> None:
    wanted = {"attribution_days": "21", "maturity_days": "10", "booking_provider": "calendly"}
    async with house.visit() as http:
        told = await follow(http, await http.post(f"{house.address}/settings/defaults", data=wanted))

    assert "Saved: new reports begin with these." in told
    async with house.database.tenant(house.workspace.client_id) as connection:
        kept = await workspace_defaults(connection, house.workspace.client_id)
    assert kept == WorkspaceDefaults(21, 10, BookingProvider.CALENDLY)


async def test_the_weekly_report_goes_by_the_defaults(house: House) -> None:
    monday = datetime(2025, 6, 2, 5, tzinfo=UTC)
    client_id = house.workspace.client_id
    async with house.visit() as http:
        wanted = DEFAULTS | {"attribution_days": "21", "maturity_days": "10"}
        await http.post(f"{house.address}/settings/defaults", data=wanted)
    async with house.database.tenant(client_id) as connection:
        await want_weekly(connection, client_id, True, 4, at=monday)
    queued = await queue_due_reports(house.database, monday)
    async with house.database.tenant(client_id) as connection:
        await want_weekly(connection, client_id, False)

    (window,) = [request_of(run, house.workspace.slug).window for run in queued]
    assert (window.attribution, window.maturity) == (timedelta(days=21), timedelta(days=10))


@pytest.mark.parametrize(
    ("form", "typed", "why"),
    [
        ("weekly", {"wanted": "on", "weeks": "0"}, "Weeks must lie between 1 and 522."),
        ("weekly", {"wanted": "on", "weeks": "many"}, "Weeks: write a whole number"),
        (
            "defaults",
            {"attribution_days": "-3", "maturity_days": "7", "booking_provider": "none"},
            "Attribution days",
        ),
        ("defaults", {"attribution_days": "14", "maturity_days": "", "booking_provider": "none"}, "Maturity days"),
        ("defaults", {"attribution_days": "14", "maturity_days": "7", "booking_provider": "acme"}, "booking tools"),
    ],
)
async def test_what_makes_no_sense_is_told_above_the_form_and_changes_nothing(
    house: House, form: str, typed: dict[str, str], why: str
) -> None:
    async with house.visit() as http:
        answer = await http.post(f"{house.address}/settings/{form}", data=typed)

    assert answer.status_code == 400
    assert why in words(answer)
    # What was typed is there to be mended.
    assert all(f'value="{text}"' in answer.text for text in typed.values() if text.lstrip("-").isdigit())
    async with house.database.tenant(house.workspace.client_id) as connection:
        assert await workspace_defaults(connection, house.workspace.client_id) == WorkspaceDefaults()
        assert not (await weekly_settings(connection, house.workspace.client_id)).wanted


async def test_it_works_without_script_and_on_a_small_screen(at: At, town: Town) -> None:
    page = await at(f"/w/{town.home.workspace.slug}/settings", width=390, script=False)
    await page.get_by_label("Maturity days").fill("9")
    await page.get_by_role("button", name="Save").nth(1).click()
    await expect(page.get_by_role("status")).to_contain_text("Saved: new reports begin with these.")
    await expect(page.get_by_label("Maturity days")).to_have_value("9")
    await page.get_by_role("link", name="API tokens").click()
    await page.get_by_label("What it is for").fill("a <b>script</b>")
    await page.get_by_role("button", name="Make a token").click()
    await expect(page.get_by_role("heading", name="The token a <b>script</b>")).to_be_visible()
    assert (await page.locator(".once").inner_text()).startswith("sp_")
    for tab in ("", "/model", "/members", "/tokens", f"/members/{town.home.ids['member']}"):
        await page.goto(f"/w/{town.home.workspace.slug}/settings{tab}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.goto(f"/w/{town.home.workspace.slug}/settings")
    await page.get_by_label("Maturity days").fill("7")
    await page.get_by_role("button", name="Save").nth(1).click()


# The model

TYPED = {"model": "openai:gpt-5-mini", "effort": "low", "daily_usd": "2.50", "daily_tokens": "1,000,000"}


async def test_a_model_is_connected_and_its_key_never_shown(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEY, "sk-canary-8361")
    async with house.visit() as http:
        base = f"{house.address}/settings/model"
        before = words(await http.get(base))
        answer = await http.post(base, data=TYPED)
        after = await http.get(answer.headers["Location"])

    assert "No model is connected" in before
    assert f"{API_KEY} is set where Setpoint runs" in before
    assert "The model is openai:gpt-5-mini . It can be asked." in words(after)
    assert "canary" not in after.text + before
    async with house.database.tenant(house.workspace.client_id) as connection:
        kept = await read_settings(connection, house.workspace.client_id)
    assert kept is not None
    assert (kept.daily_usd, kept.run_usd, kept.daily_tokens, kept.effort) == (Decimal("2.50"), None, 1_000_000, "low")


async def test_a_model_without_a_key_is_told_and_can_be_disconnected(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (API_KEY, "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    async with house.visit() as http:
        base = f"{house.address}/settings/model"
        connected = await follow(http, await http.post(base, data=TYPED))
        asked = words(await http.get(f"{base}/disconnect"))
        gone = await follow(http, await http.post(f"{base}/disconnect"))

    assert "The model is openai:gpt-5-mini . It cannot be asked at present. The model has no API key" in connected
    assert "Reports that were made stay as they are." in asked
    assert "The model is disconnected" in gone
    assert "No model is connected" in gone


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": "gpt"}, "A model is named provider:name"),
        ({"model": "acme:1"}, "There is no provider"),
        ({"daily_usd": "much"}, "US dollars a day: write an amount"),
        ({"daily_usd": "-1"}, "from 0 to 1,000,000"),
        ({"daily_usd": "NaN"}, "from 0 to 1,000,000"),
        ({"run_tokens": "1.5"}, "Tokens a run: write a whole number"),
        ({"input_price": "1"}, "A price needs both"),
        ({"effort": "heroic"}, "one of the efforts"),
        ({"base_url": "http://10.0.0.1/v1"}, "set by super-admins"),
        ({"base_url": "ftp://x"}, "must begin with http"),
    ],
)
async def test_a_model_that_cannot_be_meant_is_not_kept(house: House, changes: dict[str, str], why: str) -> None:
    async with house.visit() as http:
        answer = await http.post(f"{house.address}/settings/model", data=TYPED | changes)

    assert answer.status_code == 400
    assert why in words(answer)
    async with house.database.tenant(house.workspace.client_id) as connection:
        assert await read_settings(connection, house.workspace.client_id) is None


async def test_a_super_admin_names_a_server_and_the_admin_may_only_leave_it(house: House) -> None:
    local = TYPED | {"model": "openai:qwen", "base_url": "http://127.0.0.1:9/v1"}
    boss = f"admin@{house.workspace.slug}.example.org"
    async with house.database.owner() as connection:
        await connection.exec_driver_sql("UPDATE users SET email_verified = true WHERE email = %(e)s", {"e": boss})
    base = f"{house.address}/settings/model"
    async with house.visit(config=HttpConfig(super_admins=boss)) as http:
        form = await http.get(base)
        assert (await http.post(base, data=local)).status_code == 303
    async with house.visit() as http:
        kept = await http.get(base)
        again = await http.post(base, data=local | {"daily_usd": "3"})
        other = await http.post(base, data=local | {"base_url": "http://127.0.0.1:10/v1"})
        own = await http.post(base, data=TYPED)

    assert 'name="base_url"' in form.text
    assert "http://127.0.0.1:9/v1" in kept.text
    assert [again.status_code, other.status_code, own.status_code] == [303, 400, 303]


# Members


async def test_a_member_gets_another_role_and_is_removed(house: House) -> None:
    setter = house.members[Role.SETTER]
    base = f"{house.address}/settings/members"
    async with house.visit() as http:
        asked = words(await http.get(f"{base}/{setter}"))
        promoted = await follow(http, await http.post(f"{base}/{setter}/role", data={"role": "admin"}))
        warned = words(await http.get(f"{base}/{setter}"))
        removed = await follow(http, await http.post(f"{base}/{setter}/remove"))

    assert "From the next request on they see evidence" in asked
    assert "The role is changed." in promoted
    assert "The API tokens and open invitations that they made stop working at once." in warned
    assert "The member is removed" in removed
    async with house.database.tenant(house.workspace.client_id) as connection:
        (left,) = await list_members(connection, cli_actor(house.workspace, "op"))
    assert str(left.user_id) == house.members[Role.ADMIN]


async def test_the_last_admin_cannot_go_and_is_told_why(house: House) -> None:
    admin = house.members[Role.ADMIN]
    base = f"{house.address}/settings/members"
    async with house.visit() as http:
        listed = await http.get(base)
        one = await http.get(f"{base}/{admin}")
        answers = [
            await http.post(f"{base}/{admin}/role", data={"role": "setter"}),
            await http.post(f"{base}/{admin}/remove"),
        ]

    assert len(re.findall(r"<button[^>]* disabled", listed.text)) == 1
    assert "is the only admin" in words(listed)
    assert len(re.findall(r"<button[^>]* disabled", one.text)) == 2
    assert "make somebody else an admin first" in words(one)
    for answer in answers:
        assert answer.status_code == 400
        assert "This is the workspace's only admin" in words(answer)


async def test_who_gives_their_own_role_up_is_led_to_where_they_may_be(house: House) -> None:
    setter, admin = house.members[Role.SETTER], house.members[Role.ADMIN]
    base = f"{house.address}/settings/members"
    async with house.visit() as http:
        await http.post(f"{base}/{setter}/role", data={"role": "admin"})
        down = await http.post(f"{base}/{admin}/role", data={"role": "setter"})
        after = await http.get(base)

    assert down.headers["Location"] == house.address
    assert after.status_code == 403


async def test_an_invitation_is_a_link_that_is_shown_once(house: House) -> None:
    base = f"{house.address}/settings/members"
    async with house.visit(config=HttpConfig(public_url="http://sp.example.org")) as http:
        made = await http.post(f"{base}/invitations", data={"email": "New@Example.org", "role": "setter"})
        found = re.search(r"http://sp\.example\.org(/join/[\w-]{43})", made.text)
        assert found is not None
        join = await http.get(found[1])
        listed = await http.get(base)
        revoking = re.search(r'action="([^"]+/revoke)"', listed.text)
        assert revoking is not None
        revoked = await follow(http, await http.post(revoking[1]))
        again = await http.get(found[1])

    assert "Join" in words(join)
    assert "new@example.org" in listed.text
    assert found[1] not in listed.text
    assert "Its link does not work" in revoked or "does not work any longer" in revoked
    assert "taken back" in revoked
    assert again.status_code == 404


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"email": "nobody", "role": "setter"}, "That is no email address"),
        ({"email": "a@example.org", "role": "owner"}, "A role is admin or setter."),
        ({"email": "{admin}", "role": "setter"}, "is a member's already"),
    ],
)
async def test_an_invitation_that_cannot_be_is_told_above_the_form(
    house: House, typed: dict[str, str], why: str
) -> None:
    email = typed["email"].format(admin=f"admin@{house.workspace.slug}.example.org")
    async with house.visit() as http:
        answer = await http.post(f"{house.address}/settings/members/invitations", data=typed | {"email": email})

    assert answer.status_code == 400
    assert why in words(answer)
    assert f'value="{email}"' in answer.text


# Tokens


async def test_a_token_is_shown_once_and_revoked_after_a_question(house: House) -> None:
    base = f"{house.address}/settings/tokens"
    async with house.visit() as http:
        empty = words(await http.get(base))
        made = await http.post(base, data={"name": "nightly", "role": "admin"})
        found = re.search(r"sp_[\w-]{43}", made.text)
        assert found is not None
        calls = f"/api/v1/workspaces/{house.workspace.slug}/calls"
        bearer = {"Authorization": f"Bearer {found[0]}"}
        assert (await http.get(calls, headers=bearer)).status_code == 200
        listed = await http.get(base)
        link = re.search(r'href="([^"]+/revoke)"', listed.text)
        assert link is not None
        asked = words(await http.get(link[1]))
        revoked = await follow(http, await http.post(link[1]))
        assert (await http.get(calls, headers=bearer)).status_code == 401
        twice = await http.post(link[1])

    assert "There is no API token." in empty
    assert found[0] not in listed.text
    assert found[0][:11] in listed.text
    assert "It cannot be brought back" in asked
    assert "The token is revoked" in revoked
    assert "Revoked tokens (1)" in revoked
    assert twice.status_code == 404


async def test_a_token_needs_a_name(house: House) -> None:
    async with house.visit() as http:
        answer = await http.post(f"{house.address}/settings/tokens", data={"name": " ", "role": "setter"})

    assert answer.status_code == 400
    assert "A token's name has 1 to 80 printable characters." in words(answer)
    async with house.database.tenant(house.workspace.client_id) as connection:
        assert await list_tokens(connection, cli_actor(house.workspace, "op")) == []


async def test_names_of_others_are_text_and_nothing_else(house: House) -> None:
    async with house.database.tenant(house.workspace.client_id) as connection:
        await create_token(
            connection, cli_actor(house.workspace, "op"), "<img src=x onerror=1>", Role.SETTER, now=NOW
        )
    async with house.visit() as http:
        listed = await http.get(f"{house.address}/settings/tokens")

    assert "<img" not in listed.text
    assert "&lt;img src=x onerror=1&gt;" in listed.text


async def test_what_is_told_is_ours(house: House) -> None:
    async with house.visit() as http:
        answer = await http.get(f"{house.address}/settings", params={"told": "Call +49 30 1234 at once"})

    assert answer.status_code == 200
    assert "1234" not in answer.text
