"""What the marks of a chart say: to the pointer, to a finger, by key, and without script."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect
from tests.app.town import Town

from setpoint.domain.vocabulary import Role

At = Callable[..., Awaitable[Page]]


def report_of(town: Town) -> str:
    """The page of the report that the town began with, whatever was asked for since."""
    return f"/w/{town.home.workspace.slug}/reports/{town.home.ids['run']}"


async def test_pointing_at_a_mark_tells_its_number_and_leaving_it_ends_that(at: At, town: Town) -> None:
    page = await at(report_of(town))
    mark = page.locator(".picture .wide svg [aria-label*=interval]").first
    told = await mark.get_attribute("aria-label")
    tip = page.locator(".chart-tip")
    await expect(tip).to_be_hidden()
    await mark.hover(force=True)

    await expect(tip).to_be_visible()
    words = (await tip.text_content() or "").replace("\n", "")
    assert told is not None
    assert words == told.replace(": ", "", 1)
    await page.mouse.move(5, 5)
    await expect(tip).to_be_hidden()


async def test_a_chart_is_one_stop_and_arrows_go_through_its_marks(at: At, town: Town) -> None:
    page = await at(report_of(town), Role.SETTER, dark=True)
    chart = page.locator(".picture .wide svg").first
    marks = chart.locator("[aria-label]")
    stops = chart.locator('[tabindex="0"]')

    await expect(stops).to_have_count(1)
    await stops.focus()
    await page.keyboard.press("End")
    last = await marks.count() - 1
    assert last > 0
    focused = await page.evaluate("document.activeElement.getAttribute('aria-label')")
    labels = await marks.evaluate_all("all => all.map(mark => mark.getAttribute('aria-label'))")
    assert focused in labels
    await expect(stops).to_have_count(1)
    await expect(page.locator(".chart-tip")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".chart-tip")).to_be_hidden()


async def test_without_script_the_browser_tells_it(at: At, town: Town) -> None:
    page = await at(report_of(town), script=False)
    titles = await page.locator(".picture .wide svg > g title").all_text_contents()

    assert all(titles)
    assert any("interval" in title for title in titles)
