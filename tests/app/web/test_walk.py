"""The product from the door to the rows, once as an admin and once as a setter, as somebody at a screen has it."""

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from sqlalchemy import text
from tests.app.conftest import Filled
from tests.app.town import NOW, PASSWORD, Town
from tests.app.web.conftest import served

from setpoint.app.http.config import HttpConfig
from setpoint.app.http.server import create_app
from setpoint.app.http.state import json_log
from setpoint.app.web.demo import enrol_visitors
from setpoint.app.worker import work
from setpoint.domain.vocabulary import Role
from setpoint.ingest.schemas import ImportKind
from setpoint.ingest.service import import_file
from setpoint.reports.insights.suppression import FEWEST
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

At = Callable[..., Awaitable[Page]]

QUESTION = "What is the booking rate by channel and sender?"


@pytest_asyncio.fixture
async def demo_page(
    database: Database, workspace: Workspace, filled: Filled, browser: Browser
) -> AsyncIterator[Page]:
    """A browser before a server as `setpoint demo` runs it, with the sample's data and no report yet."""
    for kind in ImportKind:
        async with database.tenant(workspace.client_id) as connection:
            await import_file(connection, workspace, kind, Path(filled.sample.paths[kind.value]))
    await enrol_visitors(database, workspace, now=NOW)
    app = create_app(
        database, HttpConfig(demo_workspace=workspace.slug), clock=lambda: NOW, log=json_log(io.StringIO())
    )
    async with served(app) as address:
        context = await browser.new_context(base_url=address, viewport={"width": 1440, "height": 900})
        yield await context.new_page()
        await context.close()


@asynccontextmanager
async def worker(database: Database, workspace: Workspace) -> AsyncIterator[None]:
    """A worker that goes on while a block lasts, for one workspace: what other tests queued would come first."""
    async with database.owner() as connection:
        # What looks after the queue finds its tables by the search path.
        await connection.execute(text("SET LOCAL search_path = setpoint_jobs, setpoint"))
        others = "DELETE FROM procrastinate_jobs WHERE (args->>'client_id')::integer <> :client_id"
        await connection.execute(text(others), {"client_id": workspace.client_id})
    working = asyncio.create_task(work(database))
    try:
        yield
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


@asynccontextmanager
async def held_up(database: Database) -> AsyncIterator[None]:
    """Nobody can read messages while a block lasts, so that a report which was begun stays under way."""
    async with database.owner() as connection:
        await connection.execute(text("LOCK TABLE setpoint.messages IN ACCESS EXCLUSIVE MODE"))
        yield


async def test_an_admin_makes_a_report_reads_it_down_to_messages_asks_it_and_takes_the_rows(
    demo_page: Page, database: Database, workspace: Workspace
) -> None:
    page = demo_page
    await page.goto(f"/w/{workspace.slug}")
    await page.get_by_role("button", name="as the sample team's admin").click()
    await expect(page).to_have_url(re.compile(f"/w/{workspace.slug}$"))
    await expect(page.locator(".who")).to_contain_text("admin")

    # A report, counted before it is asked for.
    await page.get_by_role("link", name="Reports").click()
    await page.get_by_role("link", name="New report").click()
    window = [await page.get_by_label(label).input_value() for label in ("From", "Up to")]
    await page.get_by_role("button", name="Count first").click()
    counted = page.locator("#counted")
    await expect(counted).to_contain_text(f"leads in [{window[0]}, {window[1]})")
    assert int(str(await counted.locator("tbody td").first.text_content())) > 0
    await page.get_by_role("button", name="Make the report").click()

    # Nobody touches the page from here until the report is there.
    await expect(page.get_by_role("heading", name="Waiting")).to_be_visible()
    address = page.url
    async with worker(database, workspace):
        async with held_up(database):
            await expect(page.get_by_role("heading", name="Under way")).to_be_visible()
            await expect(page.locator(".steps .now")).to_have_text("Label the leads")
        await expect(page.locator("#answer .answer")).to_be_visible()
    assert page.url == address
    await expect(page.get_by_text(f"[{window[0]}, {window[1]})").first).to_be_visible()
    await expect(page.get_by_text("put away")).to_have_count(0)

    # Behind a claim are messages, and from them one comes back to it.
    claim = page.locator("a.evidence").first
    said = re.search(r"\d+", str(await claim.text_content()))
    assert said is not None
    await claim.click()
    await expect(page.get_by_text(re.compile(rf"\b{said[0]} messages? kept"))).to_be_visible()
    await expect(page.locator(".messages blockquote").first).not_to_be_empty()
    await page.get_by_role("link", name="Back to the claim").click()
    await expect(page).to_have_url(re.compile(re.escape(address) + "#."))
    await expect(page.locator(":target")).to_be_visible()

    # An answer leads to the numbers that it rests on.
    await page.get_by_role("link", name="Ask a report").click()
    await page.get_by_label("Your question").fill(QUESTION)
    await page.get_by_role("button", name="Ask", exact=True).click()
    answer = page.locator("#answer-1")
    await expect(answer.get_by_role("heading", name=QUESTION)).to_be_visible()
    await expect(answer.locator(".finding")).not_to_be_empty()
    await answer.locator(".citations a").first.click()
    await expect(page.locator(":target")).to_be_visible()
    await expect(page.locator(":target")).to_contain_text(re.compile(r"\d"))

    # The rows that all of this is computed from, without a word of anybody's.
    await page.get_by_role("link", name="the report").click()
    async with page.expect_download() as coming:
        await page.get_by_role("link", name="Rows as CSV").click()
    download = await coming.value
    rows = list(csv.DictReader((await download.path()).read_text().splitlines()))
    assert download.suggested_filename == f"dataset-{workspace.slug}.csv"
    assert {row["outcome"] for row in rows} >= {"BOOKED", "NOT_BOOKED"}
    assert not {"subject", "body"} & set(rows[0])


async def test_a_setter_reads_the_tables_asks_them_and_is_told_what_is_for_admins(at: At, town: Town) -> None:
    home, slug = town.home, town.home.workspace.slug
    page = await at(f"/w/{slug}/reports", None)
    await page.get_by_label("Email address").fill(f"{Role.SETTER}-{slug}@example.org")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(re.compile(f"/w/{slug}/reports$"))
    menu = page.get_by_role("navigation", name="Workspace")
    await expect(menu.get_by_role("link")).to_have_text(["Overview", "Reports", "Ask"])

    # The tables of a report, without numbers of few people, and no way to a message.
    await page.locator(f"a[href$='/{home.ids['run']}']").click()
    await expect(
        page.get_by_text("A row in which a count is of one to four leads is shown without its numbers")
    ).to_be_visible()
    await expect(page.get_by_text("put away").first).to_be_attached()
    cells = await page.locator("main td:not(.left)").all_text_contents()
    assert [cell for cell in cells if cell.isdecimal() and 0 < int(cell) < FEWEST] == []
    await expect(page.locator("a[href*='/evidence']")).to_have_count(0)
    await expect(page.locator(".downloads a")).to_have_text(["JSON"])
    report = page.url

    # Whatever is for admins says so, and whom to ask.
    for place in (f"{report}/evidence", f"/w/{slug}/settings", f"/w/{slug}/calls"):
        refused = await page.goto(place)
        assert refused is not None
        assert refused.status == 403
        await expect(page.get_by_role("heading", name="You may not see this")).to_be_visible()
        await expect(page.get_by_text("for admins of the workspace: ask one of them")).to_be_visible()
    rows = await page.request.get(f"/api/v1/workspaces/{slug}/dataset", params={**home.window, "with_text": "true"})
    assert rows.status == 403
    assert (await rows.json())["code"] == "not_allowed"

    # Questions are answered from what they may see.
    await page.goto(f"/w/{slug}/ask")
    await page.get_by_label("Your question").fill(QUESTION)
    await page.get_by_role("button", name="Ask", exact=True).click()
    answer = page.locator("#answer-1")
    await expect(answer.get_by_role("heading", name=QUESTION)).to_be_visible()
    await answer.locator(".citations a").first.click()
    await expect(page.locator(":target")).to_be_visible()
    shown = await answer.locator("td:not(.left)").all_text_contents()
    assert shown
    assert [cell for cell in shown if cell.isdecimal() and 0 < int(cell) < FEWEST] == []
