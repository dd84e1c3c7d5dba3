"""What calls to models took, as a page."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from sqlalchemy import text, update
from tests.app.town import NOW, Town, by_session, client
from tests.app.web.house import House, make_house, words

from setpoint.app.web import calls
from setpoint.app.web.calls import STATUS_WORDS, cost_text, scope_of
from setpoint.domain.errors import UsageError
from setpoint.domain.vocabulary import Role
from setpoint.llm.figures import FAILED, Figures
from setpoint.llm.ledger import TenantLedger
from setpoint.llm.queries import write_settings
from setpoint.llm.schemas import Call, ErrorKind, ModelSettings, Status, Usage
from setpoint.storage.database import Database
from setpoint.storage.tables import ai_calls
from setpoint.tenancy.service import Workspace

At = Callable[..., Awaitable[Page]]
KNOWN = Call(uuid4(), "reports", "reports.synthesis", 3, "0" * 64, "openai:gpt-5-mini", status=Status.OK, attempts=1)
DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def house(database: Database, workspace: Workspace) -> House:
    return await make_house(database, workspace)


async def write(house: House, at: datetime, **changes: Any) -> None:
    """A call that was made at an instant."""
    call = replace(KNOWN, id=uuid4(), **changes)
    await TenantLedger(house.database, house.workspace.client_id).settle(call)
    async with house.database.owner() as connection:
        await connection.execute(text("SET LOCAL search_path = setpoint"))
        await connection.execute(update(ai_calls).where(ai_calls.c.id == call.id).values(created_at=at))


async def connect(house: House) -> None:
    async with house.database.tenant(house.workspace.client_id) as connection:
        await write_settings(connection, house.workspace.client_id, ModelSettings("openai:gpt-5-mini"), "op")


def rows(page: str) -> list[str]:
    """The rows of the first table, as words."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in body.split("</tr>")][:-1]


async def test_setters_and_strangers_see_none_of_it(town: Town) -> None:
    address = f"/w/{town.home.workspace.slug}/calls"
    async with client(town.app()) as http:
        setter = await http.get(address, headers=by_session(town.home.sessions[Role.SETTER]))
        stranger = await http.get(address, headers=by_session(town.away.sessions[Role.ADMIN]))

    assert [setter.status_code, stranger.status_code] == [403, 404]
    assert "This is for admins of the workspace" in words(setter)


async def test_without_a_model_the_page_says_how_to_connect_one(house: House) -> None:
    async with house.visit() as http:
        without = await http.get(f"{house.address}/calls")
        await connect(house)
        silent = words(await http.get(f"{house.address}/calls"))

    assert "No model is connected, so none is asked." in words(without)
    assert f'href="{house.address}/settings/model"' in without.text
    assert "Never kept are what was asked, what was answered" in words(without)
    assert "No model was asked in this time." in silent


async def test_figures_of_each_day_and_feature(house: House) -> None:
    await connect(house)
    await write(house, NOW, usage=Usage(1200, 300, 0, Decimal("0.0125")), latency_ms=2100)
    await write(house, NOW, status=Status.TIMEOUT, error_kind=ErrorKind.TIMED_OUT, latency_ms=120_000)
    await write(house, NOW, status=Status.CACHED, attempts=0, usage=Usage(cost_usd=Decimal(0)))
    await write(
        house, NOW - DAY, feature="insights", prompt_key="insights.answer", usage=Usage(10, 5, 0, Decimal("2"))
    )
    await write(house, NOW - 40 * DAY)
    async with house.visit() as http:
        page = await http.get(f"{house.address}/calls")
        longer = await http.get(f"{house.address}/calls", params={"days": "90"})

    told = words(page)
    assert "4 calls, of which 1 failed. 1,515 tokens; cost in US dollars: at least 2.01." in told
    assert "[2026-06-02, 2026-07-02), UTC" in told
    assert rows(page.text) == [
        "2026-07-01 reports 3 1 1 1,200 300 at least 0.0125 2.10 120.00 1 no answer in time",
        "2026-06-30 insights 1 0 0 10 5 2.00 0.00 0.00",
    ]
    assert "reports.synthesis v3 openai:gpt-5-mini" in told
    assert len(rows(longer.text)) == 3


async def test_filters_stand_in_the_address(house: House) -> None:
    await connect(house)
    await write(house, NOW)
    await write(house, NOW, status=Status.REFUSED, error_kind=ErrorKind.CONTENT_REFUSED)
    await write(house, NOW, feature="insights")
    async with house.visit() as http:
        by_feature = await http.get(f"{house.address}/calls", params={"feature": "insights"})
        failed = await http.get(f"{house.address}/calls", params={"status": "failed", "days": "7"})
        refused = await http.get(f"{house.address}/calls", params={"status": "refused"})
        nothing = words(await http.get(f"{house.address}/calls", params={"status": "timeout"}))
        wrong = [
            await http.get(f"{house.address}/calls", params=params)
            for params in ({"days": "2"}, {"status": "x"}, {"older": "x"}, {"feature": "a\0b"})
        ]

    assert [row.split()[1] for row in rows(by_feature.text)] == ["insights"]
    assert '<option value="insights" selected>' in by_feature.text
    assert len(rows(failed.text)) == len(rows(refused.text)) == 1
    assert "1 call, of which 1 failed." in words(failed)
    assert '<option value="7" selected>' in failed.text
    assert "No model was asked in this time, of this kind." in nothing
    assert [each.status_code for each in wrong] == [400, 400, 400, 400]


async def test_older_days_follow_one_after_the_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "ROWS", 2)
    await connect(house)
    for feature in ("a", "b", "c", "d", "e"):
        await write(house, NOW, feature=feature)
    await write(house, NOW - DAY, feature="a")
    seen, address = [], f"{house.address}/calls?days=7"
    async with house.visit() as http:
        for _ in range(4):
            page = (await http.get(address)).text
            seen.append([row.split()[:2] for row in rows(page)])
            found = re.search(r'href="([^"]+)" rel="next"', page)
            if found is None:
                break
            address = found[1].replace("&amp;", "&")

    today, yesterday = "2026-07-01", "2026-06-30"
    assert seen == [
        [[today, "a"], [today, "b"]],
        [[today, "c"], [today, "d"]],
        [[today, "e"], [yesterday, "a"]],
    ]


async def test_no_call_of_another_workspace_counts(
    house: House, new_workspace: Callable[[], Awaitable[Workspace]]
) -> None:
    other = await make_house(house.database, await new_workspace())
    await write(other, NOW, feature="secret")
    await connect(house)
    async with house.visit() as http:
        page = await http.get(f"{house.address}/calls", params={"feature": "secret"})

    assert "No model was asked" in words(page)
    assert '"secret"' not in page.text


def test_days_are_those_of_utc() -> None:
    late = datetime(2026, 7, 1, 23, 59, tzinfo=UTC)

    scope = scope_of("", "", "1", late)

    assert (scope.since, scope.until) == (datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC))
    assert scope_of("", "failed", "7", late).statuses == FAILED
    with pytest.raises(UsageError):
        scope_of("", "", "0", late)


@pytest.mark.parametrize(
    ("cost", "unpriced", "shown"),
    [
        (None, 0, "nothing"),
        (None, 2, "not known"),
        (Decimal("0.00123"), 0, "0.0012"),
        (Decimal("1234.5"), 0, "1,234.50"),
        (Decimal("1.5"), 1, "at least 1.50"),
    ],
)
def test_a_cost_that_is_not_known_is_not_zero(cost: Decimal | None, unpriced: int, shown: str) -> None:
    figures = Figures(
        calls=3,
        cached=0,
        failures={},
        input_tokens=0,
        output_tokens=0,
        cached_tokens=0,
        cost_usd=cost,
        unpriced=unpriced,
        latency_p50=None,
        latency_p95=None,
    )

    assert cost_text(figures) == shown


def test_every_way_to_end_has_words() -> None:
    assert set(STATUS_WORDS) == set(Status)


async def test_it_works_without_script_and_on_a_small_screen(at: At, town: Town) -> None:
    page = await at(f"/w/{town.home.workspace.slug}/calls", width=390, script=False)
    await expect(page.get_by_role("heading", name="AI calls")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
