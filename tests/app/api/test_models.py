"""The model of a workspace and what it took, by the API."""

import pytest
from tests.app.town import Town, by_session, by_token, client

from setpoint.domain.vocabulary import Role

LOCAL = {"model": "openai:local", "base_url": "http://localhost:11434/v1"}


def address(town: Town, part: str = "model") -> str:
    return f"/api/v1/workspaces/{town.away.workspace.slug}/{part}"


async def test_an_admin_connects_a_model_with_its_caps_and_disconnects_it(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("SETPOINT_LLM_API_KEY", raising=False)
    headers = by_token(town.away.tokens[Role.ADMIN])
    asked = {"model": "openai:gpt-5-mini", "daily_usd": None, "run_usd": "0.50"}
    async with client(town.app()) as http:
        made = await http.put(address(town), headers=headers, json=asked)
        kept = (await http.get(address(town), headers=headers)).json()
        cleared = await http.delete(address(town), headers=headers)
        none = (await http.get(address(town), headers=headers)).json()

    assert made.json() == kept
    assert (kept["model"]["daily_usd"], kept["model"]["run_usd"]) == (None, "0.50")
    assert (kept["model"]["daily_tokens"], kept["ready"]) == (5_000_000, False)
    assert "SETPOINT_LLM_API_KEY" in kept["problem"]
    assert cleared.status_code == 204
    assert none == {"model": None, "price": None, "ready": False, "problem": None}


async def test_only_a_super_admin_says_where_the_servers_key_is_sent(town: Town) -> None:
    async with client(town.app()) as http:
        by_admin = await http.put(address(town), headers=by_session(town.away.sessions[Role.ADMIN]), json=LOCAL)
        by_super = await http.put(address(town), headers=by_session(town.super_admin), json=LOCAL)
        kept = await http.put(
            address(town), headers=by_token(town.away.tokens[Role.ADMIN]), json={**LOCAL, "run_tokens": 5}
        )
        cleared = await http.delete(address(town), headers=by_session(town.super_admin))

    assert [each.status_code for each in (by_admin, by_super, kept, cleared)] == [403, 200, 200, 204]


async def test_what_is_no_model_is_told_apart(town: Town) -> None:
    headers = by_token(town.away.tokens[Role.ADMIN])
    async with client(town.app()) as http:
        unnamed = await http.put(address(town), headers=headers, json={"model": "gpt"})
        negative = await http.put(address(town), headers=headers, json={"model": "openai:x", "run_usd": -1})
        unknown = await http.put(address(town), headers=headers, json={"model": "openai:x", "key": "s"})

    assert [each.status_code for each in (unnamed, negative, unknown)] == [400, 422, 422]


async def test_calls_are_figures_for_admins(town: Town) -> None:
    async with client(town.app()) as http:
        figures = await http.get(address(town, "calls"), headers=by_token(town.away.tokens[Role.ADMIN]))
        refused = await http.get(address(town, "calls"), headers=by_token(town.away.tokens[Role.SETTER]))

    assert (figures.status_code, refused.status_code) == (200, 403)
    assert {call["model"] for call in figures.json()} <= {"none", ""} or figures.json()
