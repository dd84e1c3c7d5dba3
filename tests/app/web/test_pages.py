"""Failures as pages: what they say, and where one can go on from them."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.app.town import Town, by_session, client
from tests.app.web.house import words

from setpoint.domain.vocabulary import Role


def menu(answer: httpx.Response) -> list[str]:
    """Where the navigation of a page leads."""
    found = re.search(r'<nav aria-label="Workspace">(.*?)</nav>', answer.text, re.DOTALL)
    return [] if found is None else re.findall(r'href="([^"]+)"', found[1])


async def test_a_failure_in_a_workspace_keeps_the_ways_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    home = f"/w/{town.home.workspace.slug}"
    admin, setter = (by_session(town.home.sessions[role]) for role in (Role.ADMIN, Role.SETTER))
    unproven = by_session(town.home.sessions[Role.ADMIN], proof=False)

    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    async with client(town.app()) as http:
        refused = await http.get(f"{home}/settings", headers=setter)
        failures = [
            (404, await http.get(f"{home}/reports/{uuid4()}", headers=admin)),
            (404, await http.get(f"{home}/no-such-page", headers=admin)),
            (405, await http.put(f"{home}/reports", headers=admin)),
            (403, await http.post(f"{home}/reports/new", headers=unproven)),
            (422, await http.get(f"{home}/reports?cursor={'x' * 300}", headers=admin)),
            (400, await http.get(f"{home}/reports?cursor=x", headers=admin)),
        ]
        monkeypatch.setattr("setpoint.app.web.runs.list_runs", broken)
        failures.append((500, await http.get(f"{home}/reports", headers=admin)))

    assert (refused.status_code, menu(refused)) == (403, [home, f"{home}/reports", f"{home}/ask"])
    for status, answer in failures:
        assert answer.status_code == status, words(answer)
        assert menu(answer) == [home, f"{home}/reports", f"{home}/ask", f"{home}/calls", f"{home}/settings"]
        assert f'<a href="{home}">To the overview' in answer.text


async def test_it_says_in_the_heading_whether_one_may_not_see_or_not_do(town: Town) -> None:
    home = f"/w/{town.home.workspace.slug}"
    async with client(town.app()) as http:
        seen = await http.get(f"{home}/settings", headers=by_session(town.home.sessions[Role.SETTER]))
        done = await http.post(f"{home}/reports/new", headers=by_session(town.home.sessions[Role.ADMIN], proof=False))

    assert "<h1>You may not see this</h1>" in seen.text
    assert "<h1>You may not do this</h1>" in done.text
    assert "load the page again" in done.text


@pytest.mark.parametrize("part", ["", "/reports", "/reports/new", "/settings", "/no-such-page"])
async def test_a_foreign_workspace_shows_no_more_than_an_absent_one(town: Town, part: str) -> None:
    away = town.away.workspace.slug
    headers = by_session(town.home.sessions[Role.ADMIN])
    async with client(town.app()) as http:
        foreign = await http.get(f"/w/{away}{part}", headers=headers)
        absent = await http.get(f"/w/no-such{part}", headers=headers)
        nobody = await http.get(f"/w/{away}/no-such-page")

    assert (foreign.status_code, menu(foreign), menu(nobody)) == (404, [], [])
    assert foreign.text == absent.text
    # Whoever is signed in can leave by the door, and begin anew.
    assert 'action="/sign-out"' in foreign.text
    assert 'action="/sign-out"' not in nobody.text
