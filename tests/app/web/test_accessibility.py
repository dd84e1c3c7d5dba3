"""What everybody needs of every page, whoever reads it and however: names, landmarks, headings, contrast."""

import re
from collections.abc import Awaitable, Callable
from itertools import product

import pytest
from fastapi import FastAPI
from playwright.async_api import Page
from tests.app.api.test_sweep import operations
from tests.app.town import NOW, Town

from setpoint.app.web.router import PAGES
from setpoint.app.web.static import asset
from setpoint.domain.vocabulary import Role
from setpoint.tenancy.invitations import invite
from setpoint.tenancy.schemas import cli_actor

At = Callable[..., Awaitable[Page]]

FAULTS = """() => {
  const faults = [];
  const all = (which) => [...document.querySelectorAll(which)];
  const told = (what, one) => faults.push(`${what}: ${one.outerHTML.slice(0, 120)}`);
  const found = (id) => document.getElementById(id)?.textContent.trim();
  const named = (one) =>
    one.getAttribute("aria-label")?.trim() || one.textContent.trim() || one.querySelector("title")?.textContent ||
    (one.getAttribute("aria-labelledby") ?? "").split(" ").some(found);

  if (document.documentElement.lang !== "en") faults.push("no language");
  if (!/\\S.* · Setpoint|^Setpoint/.test(document.title)) faults.push(`title: ${document.title}`);
  for (const which of ["h1", "main", "body > header"]) if (all(which).length !== 1) faults.push(`not one ${which}`);
  const first = document.querySelector("a, button, input");
  if (first?.getAttribute("href") !== "#content" || !document.querySelector("main#content"))
    faults.push("no way past the menu");

  let level = 0;
  for (const heading of all("main :is(h1, h2, h3, h4)")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) told("a level of headings is left out", heading);
    level = next;
  }
  for (const field of all("input:not([type=hidden], [hidden]), select, textarea"))
    if (![...field.labels].some((label) => label.textContent.trim()) && !field.ariaLabel) told("no label", field);
  for (const one of all("a, button, summary, th, nav, svg, [role=region], [role=img], progress"))
    if (!named(one)) told("no name", one);
  for (const image of all("img")) if (!image.hasAttribute("alt")) told("no words for it", image);
  for (const table of all("table")) if (!table.querySelector("thead th")) told("no head", table);
  const ids = all("[id]").map((one) => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`twice the id ${id}`);
  for (const name of ["aria-labelledby", "aria-describedby", "for"])
    for (const one of all(`[${name}]`))
      for (const id of one.getAttribute(name).split(" "))
        if (!document.getElementById(id)) told(`${name} leads nowhere`, one);
  for (const one of all('a[href^="#"]'))
    if (!document.getElementById(decodeURIComponent(one.hash.slice(1)))) told("leads nowhere", one);
  const {scrollWidth, clientWidth} = document.documentElement;
  if (scrollWidth > clientWidth) faults.push(`wider than its window by ${scrollWidth - clientWidth}`);
  return [...new Set(faults)];
}"""


def addresses(town: Town) -> list[str]:
    """Every address of a page in `home`, and those that are in no workspace, read from the routes."""
    pages = FastAPI()
    for router in PAGES:
        pages.include_router(router)
    document = pages.openapi()
    inside = [
        str(each.arguments(town.home.workspace.slug, dict(town.home.ids), dict(town.home.window))["url"])
        for each in operations(document)
        if each.method == "GET" and not each.path.endswith(("/state", ".csv"))
    ]
    outside = [path for path, methods in document["paths"].items() if "{" not in path and "get" in methods]
    counted = f"/w/{town.home.workspace.slug}/reports/new?from={town.home.window['from']}&to=x&count=1"
    return [*inside, *outside, counted, f"/w/{town.home.workspace.slug}/no-such-page"]


@pytest.mark.parametrize("role", Role)
async def test_every_page_has_names_landmarks_and_headings_and_fits_a_phone(at: At, town: Town, role: Role) -> None:
    found = addresses(town)
    assert len(found) > 20
    page = await at("/", role, width=390)
    faults = {}
    for address in found:
        await page.goto(address)
        if told := await page.evaluate(FAULTS):
            faults[address] = told
    assert faults == {}


async def test_the_pages_of_who_comes_in_have_them_too(at: At, town: Town) -> None:
    workspace = town.home.workspace
    async with town.database.tenant(workspace.client_id) as connection:
        link, _ = await invite(connection, cli_actor(workspace, "op"), "a11y@example.org", Role.SETTER, now=NOW)
    for address in ("/sign-in", f"/join/{link}", "/join/nothing"):
        page = await at(address, None, width=390)
        assert await page.evaluate(FAULTS) == []


async def test_who_goes_by_keys_sees_where_they_are(at: At, town: Town) -> None:
    page = await at(f"/w/{town.home.workspace.slug}/reports/new")
    outline = (
        "(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))"
    )
    seen = set()
    await page.keyboard.press("Tab")
    while (tag := await page.evaluate("document.activeElement.tagName")) != "BODY":
        style, width = await page.evaluate(outline)
        assert (style, width) == ("solid", "2px"), await page.evaluate("document.activeElement.outerHTML")
        seen.add(tag)
        await page.keyboard.press("Tab")
    assert {"A", "INPUT", "BUTTON", "SUMMARY"} <= seen


# Contrast: WCAG 2.2, 1.4.3 for words and 1.4.11 for marks and edges.

WORDS = ("ink", "muted", "accent", "bad")
MARKS = (
    *("ai", "setter", "booked", "not-booked", "pending", "booked-no-timestamp", "unattributed"),
    *("accent", "good", "bad"),
)


def colours(scheme: str) -> dict[str, str]:
    """The colours of the style sheet by their names, in light or dark."""
    style = asset("app.css").content.decode()
    dark = re.findall(r"@media screen and \(prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}\s*\}", style, re.DOTALL)
    light = re.findall(r"^:root \{(.*?)\}", style, re.DOTALL | re.MULTILINE)
    assert light
    assert dark
    blocks = light if scheme == "light" else [*light, *dark]
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", "".join(blocks)))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_the_guideline_has_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_marks_stand_out_from_what_is_behind_them(scheme: str) -> None:
    named = colours(scheme)
    pairs = [
        *((word, ground, 4.5) for word, ground in product(WORDS, ("surface", "raised"))),
        ("accent-ink", "accent", 4.5),
        *((mark, "surface", 3.0) for mark in MARKS),
    ]
    found = {(one, other): round(contrast(named[one], named[other]), 2) for one, other, _ in pairs}
    assert {pair: found[pair[:2]] for pair in pairs if found[pair[:2]] < pair[2]} == {}
