"""The beginning of a workspace, for each role, with and without something to show."""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Page, expect
from tests.app.town import NOW, Town, by_session, client
from tests.reports import documents, sections_fixture

from setpoint.app.runs import queue_report, run_report
from setpoint.app.web.aggregates import said
from setpoint.app.web.overview import Reading, ago, changes, report_before
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.vocabulary import Role, RunStatus
from setpoint.domain.windows import Window, make_window
from setpoint.reports.insights.pack_tables import pack_document
from setpoint.reports.service import Run, begin_run, fail_run
from setpoint.tenancy.service import Workspace, create_workspace

At = Callable[..., Awaitable[Page]]


def text_of(answer: httpx.Response) -> str:
    """What a reader sees of a page, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


async def get(town: Town, path: str, role: Role = Role.ADMIN) -> httpx.Response:
    async with client(town.app()) as http:
        return await http.get(path, headers=by_session(town.home.sessions[role]))


@pytest.mark.parametrize("role", Role)
async def test_the_verdict_comes_first_and_leads_on(town: Town, role: Role) -> None:
    home = f"/w/{town.home.workspace.slug}"
    answer = await get(town, home, role)
    async with client(town.app()) as http:
        api = f"/api/v1/workspaces/{town.home.workspace.slug}/reports"
        runs = (await http.get(api, headers=by_session(town.home.sessions[role]))).json()["items"]
    latest = next(run["id"] for run in runs if run["status"] == "complete")

    assert answer.status_code == 200
    assert re.search(r'<p class="answer">[^<]{10,}', answer.text)
    assert f'href="{home}/reports/{latest}"' in answer.text
    assert f'href="{home}/ask"' in answer.text
    assert (f"{latest}/evidence" in answer.text) == (role is Role.ADMIN)
    assert "as of" in text_of(answer)
    assert re.findall(r"<style|style=|onclick=", answer.text) == []


async def test_a_small_week_is_put_away_for_setters(town: Town) -> None:
    whole, aggregates = [
        await get(town, f"/w/{town.home.workspace.slug}", role) for role in (Role.ADMIN, Role.SETTER)
    ]
    small = re.compile(r'class="under">[1-4] of \d+ ·')

    assert small.search(whole.text), "the sample has no small week: nothing is shown here"
    assert not small.search(aggregates.text)
    assert "put away" in aggregates.text


async def test_another_workspace_is_not_there(town: Town) -> None:
    foreign = await get(town, f"/w/{town.away.workspace.slug}")
    absent = await get(town, "/w/no-such-workspace")

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert text_of(foreign) == text_of(absent)


async def test_it_can_be_read_without_script_on_a_small_screen(at: At, town: Town) -> None:
    page = await at(f"/w/{town.home.workspace.slug}", Role.SETTER, width=390, script=False)

    await expect(page.locator(".answer")).to_be_visible()
    await expect(page.locator("svg:visible").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# What is under way, and what is not there


@pytest.fixture
async def fresh(town: Town, slugs: Iterator[str]) -> Workspace:
    """An empty workspace, which the super-admin may enter."""
    async with town.database.registry() as connection:
        return await create_workspace(connection, next(slugs))


async def as_boss(town: Town, workspace: Workspace) -> httpx.Response:
    async with client(town.app()) as http:
        return await http.get(f"/w/{workspace.slug}", headers=by_session(town.super_admin))


def window_of(town: Town) -> Window:
    return make_window(town.home.window["from"], town.home.window["to"])


async def test_an_empty_workspace_says_what_to_do(town: Town, fresh: Workspace) -> None:
    answer = await as_boss(town, fresh)

    assert "There is no data yet" in text_of(answer)
    assert f'href="/w/{fresh.slug}/settings/imports"' in answer.text


async def test_runs_under_way_and_failed_are_told(town: Town, fresh: Workspace) -> None:
    request = DatasetRequest(fresh.slug, window_of(town))
    async with town.database.tenant(fresh.client_id) as connection:
        lease = await begin_run(connection, fresh.client_id, request, "postgres", "somebody")
    async with town.database.tenant(fresh.client_id) as connection:
        await fail_run(connection, fresh.client_id, lease, "The disk was <full>.")
    failed = await as_boss(town, fresh)
    run = await queue_report(town.database, fresh, request, engine="postgres", author="somebody")
    waiting = await as_boss(town, fresh)

    assert "failed: The disk was &lt;full&gt;." in failed.text
    assert f"/reports/{lease.run.id}" in failed.text
    assert "There is no report yet" in text_of(failed)
    assert "A report is waiting" in text_of(waiting)
    assert f"/reports/{run.id}" in waiting.text
    assert "The first report is on its way" in text_of(waiting)


# The report before


def run_at(
    day: int, *, begins: str = "2026-01-01", ends: str = "2026-03-01", sha: str | None = None, **asked: object
) -> Run:
    parameters = {"attribution_days": 14, "maturity_days": 7, "channels": [], "max_leads": None, "seed": "s"}
    return Run(
        uuid4(),
        RunStatus.COMPLETE,
        "a",
        NOW + timedelta(days=day),
        {**parameters, "from": begins, "to": ends, "as_of": ends, **asked},
        sha or f"rows of {day}",
    )


def test_the_report_before_was_asked_for_alike() -> None:
    latest = run_at(9, begins="2026-01-08", ends="2026-03-08")
    failed = replace(run_at(8), status=RunStatus.FAILED)
    other_settings, longer = run_at(7, maturity_days=3), run_at(6, begins="2025-12-01")
    same_rows, alike, older = run_at(5, sha=latest.dataset_sha256), run_at(4), run_at(3)

    assert report_before([latest, failed, other_settings, longer, same_rows, alike, older], latest) == alike
    assert report_before([latest, failed, other_settings, longer, same_rows], latest) is None


async def test_what_changed_is_told_against_the_report_before(town: Town, slugs: Iterator[str]) -> None:
    home = town.home.workspace
    window = window_of(town)
    shorter = Window(window.start, window.end - timedelta(days=7), window.end - timedelta(days=7))
    later = Window(window.start + timedelta(days=7), window.end, window.end)
    for each in (shorter, later):
        await run_report(
            town.database,
            home,
            DatasetRequest(home.slug, each),
            engine="postgres",
            snapshot=None,
            author="author",
            with_model=False,
        )
    answer = await get(town, f"/w/{home.slug}")
    shared = (shorter.end - later.start).days

    assert f"The two windows share {shared} days" in text_of(answer)
    assert "Change in points" in text_of(answer)


def told(run: Run, document: dict[str, Any]) -> Reading:
    tables = {table["key"]: table for table in pack_document(document)["tables"]}
    return Reading(run, tables, said(document, tables, Role.ADMIN))


def test_changes_name_patterns_that_came_and_went() -> None:
    now, before = (documents.realistic() | sections_fixture.rich() for _ in range(2))
    findings = [each for each in now["patterns"]["findings"] if each["kind"] != "none"]
    lost, gained = findings[0]["key"], findings[1]["key"]
    for document, key in ((now, lost), (before, gained)):
        for each in document["patterns"]["findings"]:
            if each["key"] == key:
                each["kind"] = "none"
    before["adjustment"]["verdict"] = "It was otherwise."
    found = changes(told(run_at(9, begins="2026-03-01", ends="2026-05-01"), now), told(run_at(1), before))

    assert [each.citation for each in found.came] == [f"pattern:{gained}"]
    assert [each.citation for each in found.went] == [f"pattern:{lost}"]
    assert found.verdict_before == "It was otherwise."
    assert found.shared_days == 0


def test_a_change_has_an_interval_only_where_no_lead_is_in_both_windows() -> None:
    document = documents.realistic()
    apart = changes(told(run_at(9, begins="2026-03-01", ends="2026-04-29"), document), told(run_at(1), document))
    shared = changes(told(run_at(9, begins="2026-02-01", ends="2026-04-01"), document), told(run_at(1), document))

    assert [bool(line.interval) for line in apart.rates] == [True, True]
    assert [bool(line.interval) for line in shared.rates] == [False, False]
    assert shared.shared_days == 28


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (59, "just now"), (60, "1 minute ago"), (7200, "2 hours ago"), (86400 * 12, "12 days ago")],
)
def test_how_long_ago(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words
