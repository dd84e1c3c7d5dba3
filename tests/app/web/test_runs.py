"""Report runs on pages: the history, asking for a new one, and watching it."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from sqlalchemy import text
from tests.app.town import Town, by_session, client

from setpoint.app.worker import work
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.vocabulary import Role
from setpoint.domain.windows import make_window
from setpoint.reports import service
from setpoint.reports.insights.suppression import FEWEST
from setpoint.tenancy.defaults import WorkspaceDefaults, set_workspace_defaults
from setpoint.tenancy.service import Workspace, create_workspace

At = Callable[..., Awaitable[Page]]


def reports(town: Town, part: str = "") -> str:
    return f"/w/{town.home.workspace.slug}/reports{part}"


def as_(town: Town, role: Role = Role.ADMIN) -> dict[str, str]:
    return by_session(town.home.sessions[role])


async def runs_of(town: Town) -> list[service.Run]:
    async with town.database.tenant(town.home.workspace.client_id) as connection:
        return await service.list_runs(connection, town.home.workspace.client_id, 100)


async def queued(town: Town, workspace: Workspace | None = None) -> service.Run:
    """A run without a job: it waits for ever."""
    where = workspace or town.home.workspace
    wanted = DatasetRequest(where.slug, make_window(town.home.window["from"], town.home.window["to"]))
    async with town.database.tenant(where.client_id) as connection:
        return await service.queue_run(connection, where.client_id, wanted, "postgres", "ana", with_model=False)


@pytest_asyncio.fixture(autouse=True)
async def tidy(town: Town) -> AsyncIterator[None]:
    """No test leaves runs behind that another would have to carry out."""
    yield
    for home in (town.home, town.away):
        async with town.database.owner(home.workspace.client_id) as connection:
            # What looks after the queue finds its tables by the search path.
            await connection.execute(text("SET LOCAL search_path = setpoint_jobs, setpoint"))
            for rows in (
                "procrastinate_jobs WHERE (args->>'client_id')::integer = :client_id",
                "report_runs WHERE client_id = :client_id AND status <> 'complete'",
            ):
                await connection.execute(text(f"DELETE FROM {rows}"), {"client_id": home.workspace.client_id})


# The history


async def test_every_member_sees_the_runs_with_window_leads_and_who(town: Town) -> None:
    async with client(town.app()) as http:
        for role in (Role.ADMIN, Role.SETTER):
            answer = await http.get(reports(town), headers=as_(town, role))
            assert answer.status_code == 200
            words = re.sub("<[^>]+>", " ", answer.text)
            window = f"[{town.home.window['from']}, {town.home.window['to']})"
            assert window in words
            assert f"author in {town.home.workspace.slug}" in words
            assert reports(town, f"/{town.home.ids['run']}") in answer.text
            assert "without a model" in words


async def test_runs_come_in_pages_that_miss_none(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("setpoint.app.web.runs.ON_A_PAGE", 2)
    for _ in range(4):
        await queued(town)
    seen: list[str] = []
    address: str | None = reports(town)
    async with client(town.app()) as http:
        while address:
            drawn = (await http.get(address, headers=as_(town))).text
            seen += re.findall(rf'href="{reports(town)}/([0-9a-f-]{{36}})"', drawn)
            older = re.search(r'href="([^"]+)" rel="next"', drawn)
            address = older and older[1]
        wrong = await http.get(reports(town, "?cursor=x"), headers=as_(town))

    assert seen == [str(run.id) for run in await runs_of(town)]
    assert wrong.status_code == 400


async def test_other_peoples_workspaces_and_runs_are_like_none(town: Town) -> None:
    away = town.away
    async with client(town.app()) as http:
        hidden = [
            await http.get(f"/w/{slug}/reports{part}", headers=as_(town))
            for slug in (away.workspace.slug, "no-such")
            for part in ("", "/new")
        ]
        foreign, absent, odd = [
            await http.get(reports(town, f"/{run}/state"), headers=as_(town))
            for run in (away.ids["run"], uuid4(), "x")
        ]

    assert {answer.status_code for answer in (*hidden, foreign, absent, odd)} == {404}
    bodies = [re.sub("csrf.*?>", "", answer.text) for answer in (foreign, absent, odd)]
    assert bodies[0] == bodies[1] == bodies[2]


# A new one


async def test_the_form_begins_with_the_last_weeks_that_have_messages(town: Town) -> None:
    async with client(town.app()) as http:
        drawn = (await http.get(reports(town, "/new"), headers=as_(town, Role.SETTER))).text
    start, end = (_value(drawn, name) for name in ("from", "to"))
    assert "2026-01-01" <= start < end <= "2026-07-02"
    assert _value(drawn, "attribution_days") == "14"
    assert "No model is connected" in drawn


def _value(drawn: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', drawn)
    assert found is not None
    return found[1]


async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_queued(town: Town) -> None:
    before = await runs_of(town)
    asked = {"from": "2026-06-01", "to": "2026-05-01", "maturity_days": '7"><script>', "attribution_days": "14"}
    async with client(town.app()) as http:
        answer = await http.post(reports(town, "/new"), headers=as_(town), data=asked)

    assert answer.status_code == 400
    assert 'id="maturity_days-fault">Write a whole number' in answer.text
    assert _value(answer.text, "from") == "2026-06-01"
    assert "<details open>" in answer.text
    assert "&#34;&gt;&lt;script&gt;" in answer.text
    assert await runs_of(town) == before


async def test_counting_first_shows_counts_at_an_address_and_keeps_nothing(town: Town) -> None:
    before = await runs_of(town)
    asked = {**town.home.window, "then": "count", "attribution_days": "14", "maturity_days": "7", "max_leads": "50"}
    async with client(town.app()) as http:
        for role in (Role.ADMIN, Role.SETTER):
            answer = await http.post(reports(town, "/new"), headers=as_(town, role), data=asked)
            assert answer.status_code == 303
            assert set(parse_qs(urlsplit(answer.headers["Location"]).query)) == {
                "attribution_days",
                "maturity_days",
                *("from", "to", "max_leads", "model", "count"),
            }
            counted = await http.get(answer.headers["Location"], headers=as_(town, role))
            words = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", counted.text))
            assert "of which a sample of 50 is looked at" in words
            assert _value(counted.text, "max_leads") == "50"
            found = [int(n) for n in re.findall(r"</th><td>(\d+)</td>", counted.text)]
            if role is Role.SETTER:
                assert all(n == 0 or n >= FEWEST for n in found)

    assert await runs_of(town) == before


async def test_a_setter_queues_a_report_and_so_many_may_wait(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("setpoint.app.asking.MOST_WAITING", 1)
    asked = {**town.home.window, "attribution_days": "14", "maturity_days": "7", "channels": ["sms"]}
    async with client(town.app()) as http:
        made = await http.post(reports(town, "/new"), headers=as_(town, Role.SETTER), data=asked)
        shown = await http.get(made.headers["Location"], headers=as_(town, Role.SETTER))
        refused = await http.post(reports(town, "/new"), headers=as_(town), data=asked)

    run = (await runs_of(town))[0]
    assert (made.status_code, made.headers["Location"]) == (303, reports(town, f"/{run.id}"))
    assert (run.status, run.parameters["channels"], run.with_model) == ("queued", ["sms"], False)
    assert "asked for by" in shown.text
    assert (refused.status_code, _value(refused.text, "from")) == (409, asked["from"])
    assert "are waiting already" in refused.text
    assert re.search(r'value="sms" checked', refused.text)


async def test_a_form_that_is_not_ours_queues_nothing(town: Town) -> None:
    async with client(town.app()) as http:
        headers = by_session(town.home.sessions[Role.ADMIN], proof=False)
        answer = await http.post(reports(town, "/new"), headers=headers, data=dict(town.home.window))
    assert answer.status_code == 403
    assert [run.status for run in await runs_of(town) if run.status == "queued"] == []


# Watching it


async def test_what_a_run_is_at_is_told_as_page_fragment_and_json(town: Town) -> None:
    run = await queued(town)
    client_id = town.home.workspace.client_id
    state = reports(town, f"/{run.id}/state")
    async with client(town.app()) as http:

        async def told() -> tuple[str, dict[str, Any]]:
            part = await http.get(state, headers=as_(town, Role.SETTER) | {"Accept": "text/html"})
            document = await http.get(state, headers=as_(town) | {"Accept": "application/json"})
            return part.text, document.json()

        part, document = await told()
        assert (document["status"], "<html" in part) == ("queued", False)
        assert "It waits for" in document["told"]
        page = (await http.get(reports(town, f"/{run.id}"), headers=as_(town, Role.SETTER))).text
        assert f'data-poll="{state}"' in page
        assert '<noscript><meta http-equiv="refresh"' in page

        async with town.database.tenant(client_id) as connection:
            lease = await service.start_run(connection, client_id, run.id)
        assert lease is not None
        async with town.database.tenant(client_id) as connection:
            await service.beat(connection, client_id, lease, {"step": "hashing the dataset", "rows": 1234, "at": ""})
        part, document = await told()
        assert (document["status"], document["rows"]) == ("running", 1234)
        assert [step["state"] for step in document["steps"]] == ["done", "now", "next", "next", "next"]
        assert "1,234 rows" in part

        async with town.database.tenant(client_id) as connection:
            await service.fail_run(connection, client_id, lease, "The <b>disk</b> is full.")
        page = (await http.get(reports(town, f"/{run.id}"), headers=as_(town, Role.SETTER))).text
        assert "The &lt;b&gt;disk&lt;/b&gt; is full." in page
        assert [word for word in ("data-poll", "http-equiv") if word in page] == []

        hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)
        again = await http.post(reports(town, "/new"), headers=as_(town, Role.SETTER), data=dict(hidden))

    newest = (await runs_of(town))[0]
    assert again.headers["Location"] == reports(town, f"/{newest.id}")
    assert (newest.status, newest.parameters, newest.with_model) == ("queued", run.parameters, False)


async def test_a_run_waits_for_those_before_it(town: Town) -> None:
    await queued(town)
    later = await queued(town)
    await queued(town)
    await queued(town, town.away.workspace)
    async with client(town.app()) as http:
        answer = await http.get(
            reports(town, f"/{later.id}/state"), headers=as_(town) | {"Accept": "application/json"}
        )
    assert answer.json()["told"].startswith("It waits for 1 run of this workspace")


async def test_a_report_is_asked_for_watched_and_there(at: At, town: Town) -> None:
    page = await at(reports(town, "/new"))
    await page.get_by_label("SMS").check()
    await page.get_by_role("button", name="Make the report").click()
    await expect(page).to_have_url(re.compile(r"/reports/[0-9a-f-]{36}$"))
    address = page.url
    await expect(page.get_by_role("heading", name="Waiting")).to_be_visible()
    # Somebody leaves the page and comes back.
    await page.goto(reports(town))
    await page.get_by_role("link", name="[").first.click()
    await expect(page).to_have_url(address)
    await expect(page.get_by_role("status")).to_contain_text("It waits for")

    await page.wait_for_load_state("load")
    await page.evaluate("window.before = true")
    async with page.expect_event("load", timeout=60_000):
        await work(town.database, once=True)

    assert page.url == address
    assert await page.evaluate("window.before") is None
    run = (await runs_of(town))[0]
    assert (run.status, str(run.id) in address) == ("complete", True)


async def test_without_a_script_the_page_asks_again_by_itself(at: At, town: Town) -> None:
    run = await queued(town)
    page = await at(reports(town, f"/{run.id}"), Role.SETTER, script=False, width=390)
    assert await page.locator("noscript meta, meta[http-equiv=refresh]").count() == 1
    await expect(page.get_by_role("heading", name="Waiting")).to_be_visible()


@pytest.mark.parametrize("part", ["", "/new"])
async def test_nothing_is_wider_than_a_phone(at: At, town: Town, part: str) -> None:
    page = await at(reports(town, part), width=390)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_an_empty_workspace_says_what_to_do(town: Town) -> None:
    async with client(town.app()) as http:
        headers = by_session(town.super_admin)
        async with town.database.registry() as connection:
            empty = await create_workspace(connection, f"empty-of-{town.home.workspace.slug}")
        history = await http.get(f"/w/{empty.slug}/reports", headers=headers)
        form = await http.get(f"/w/{empty.slug}/reports/new", headers=headers)
        box = await http.get(f"/w/{empty.slug}/ask", headers=headers)
        booked = await http.get(f"/w/{empty.slug}/ask/booked", headers=headers)

    assert "No report was run here yet" in history.text
    assert "import messages first" in form.text
    assert "There is no complete report to ask yet" in box.text
    assert "No conversation was summed up yet" in booked.text


async def test_a_form_begins_as_the_workspace_wants_its_reports_to(town: Town) -> None:
    client_id = town.home.workspace.client_id
    async with town.database.tenant(client_id) as connection:
        await set_workspace_defaults(connection, client_id, WorkspaceDefaults(21, 5))
    try:
        async with client(town.app()) as http:
            form = (await http.get(reports(town, "/new"), headers=as_(town))).text
            asked = (await http.get(reports(town, "/new?attribution_days=9"), headers=as_(town))).text
    finally:
        async with town.database.tenant(client_id) as connection:
            await set_workspace_defaults(connection, client_id, WorkspaceDefaults())

    days = re.compile(r'name="(attribution_days|maturity_days)"[^>]*value="(\d+)"')
    assert days.findall(form) == [("attribution_days", "21"), ("maturity_days", "5")]
    assert days.findall(asked) == [("attribution_days", "9"), ("maturity_days", "5")]
