"""One report on its page, for each role, and the files that can be had of it."""

import re
from collections.abc import Awaitable, Callable
from html import unescape

import httpx
import pytest
from playwright.async_api import Page, expect
from tests.app.town import Town, by_session, client

from setpoint.app.runs import queue_report
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.vocabulary import Role
from setpoint.domain.windows import make_window
from setpoint.reports.insights.suppression import FEWEST

At = Callable[..., Awaitable[Page]]


def address(town: Town, run: str | None = None) -> str:
    return f"/w/{town.home.workspace.slug}/reports/{run or town.home.ids['run']}"


async def get(town: Town, path: str, role: Role = Role.ADMIN) -> httpx.Response:
    async with client(town.app()) as http:
        return await http.get(path, headers=by_session(town.home.sessions[role]))


async def test_admins_read_the_whole_report_with_the_ways_to_its_evidence(town: Town) -> None:
    answer = await get(town, address(town))
    api = f"/api/v1/workspaces/{town.home.workspace.slug}/reports/{town.home.ids['run']}"
    counts = (await get(town, f"{api}/citations")).json()
    linked = re.findall(rf'href="{address(town)}/evidence\?citation=([^"]+)"[^>]*>([\d,]+) message', answer.text)

    assert answer.status_code == 200
    assert 'id="synthesis"' in answer.text
    assert re.findall(r"<style|style=|onclick=", answer.text) == []
    assert {name for name, _ in linked} <= {name.replace(":", "%3A").replace("/", "%2F") for name in counts}
    assert "segment" in {name.partition("%3A")[0] for name, _ in linked}
    assert all(int(n) > 0 for _, n in linked)


async def test_setters_read_its_tables_without_small_numbers(town: Town) -> None:
    answer = await get(town, address(town), Role.SETTER)
    rows = re.findall(r"<tr>(.*?)</tr>", answer.text, re.S)
    counts = [int(n) for row in rows for n in re.findall(r"<td>(\d+)</td>", row)]

    assert answer.status_code == 200
    assert counts
    assert [n for n in counts if 0 < n < FEWEST] == []
    assert "put away" in answer.text
    assert "/evidence" not in answer.text
    assert 'id="synthesis"' not in answer.text
    assert "<svg" in answer.text


@pytest.mark.parametrize("role", Role)
async def test_every_download_is_there_for_whom_it_is_offered(town: Town, role: Role) -> None:
    answer = await get(town, address(town), role)
    offered = re.findall(r'href="([^"]+)" download="([^"]+)"', answer.text)

    assert [name.rpartition(".")[2] for _, name in offered] == (
        ["html", "json", "csv"] if role is Role.ADMIN else ["json"]
    )
    for where, _ in offered:
        assert (await get(town, unescape(where), role)).status_code == 200


async def test_foreign_reports_and_absent_ones_are_not_there(town: Town) -> None:
    foreign = await get(town, address(town, town.away.ids["run"]))
    absent = await get(town, address(town, "00000000-0000-0000-0000-000000000000"))
    nonsense = await get(town, address(town, "x'--"))

    assert [each.status_code for each in (foreign, absent, nonsense)] == [404, 404, 404]
    assert "There is no such report run" in foreign.text
    assert len({re.sub(r"next=[^\"]+", "", each.text) for each in (foreign, absent, nonsense)}) == 1


async def test_a_run_without_a_report_says_what_it_is_at(town: Town) -> None:
    home = town.home.workspace
    window = make_window(town.home.window["from"], town.home.window["to"])
    run = await queue_report(
        town.database, home, DatasetRequest(home.slug, window), engine="postgres", author="somebody"
    )
    answer = await get(town, address(town, str(run.id)), Role.SETTER)

    assert answer.status_code == 200
    assert 'class="status queued"' in answer.text


async def test_it_can_be_read_without_script_on_a_small_screen(at: At, town: Town) -> None:
    page = await at(address(town), width=390, script=False)

    await expect(page.locator(".answer")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.locator("a.evidence").first.scroll_into_view_if_needed()
