"""Connect a model to a workspace, look at it, and see what its calls took."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from tests.app.console import Answer, Console

from setpoint.llm.ledger import TenantLedger
from setpoint.llm.schemas import Call, ErrorKind, Status, Usage
from setpoint.storage.database import connect
from setpoint.tenancy.service import find_workspace

LOCAL = ("openai:llama", "--base-url", "http://localhost:11434/v1")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SETPOINT_LLM_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def connected(setpoint: Console, slug: str, *arguments: str) -> Answer:
    answer = setpoint("model", "set", *arguments, "--workspace", slug)
    assert (answer.status, answer.err) == (0, "")
    return answer


def test_a_workspace_has_no_model_until_one_is_set(setpoint: Console, empty: str) -> None:
    assert "`setpoint model set` connects one" in setpoint("model", "show", "--workspace", empty).words
    assert setpoint("model", "show", "--workspace", empty, "--json").json["model"] is None


def test_a_model_of_a_provider_has_caps_and_a_price_and_wants_a_key(setpoint: Console, empty: str) -> None:
    told = connected(setpoint, empty, "openai:gpt-5-mini", "--effort", "low", "--daily-usd", "2.50")

    assert f"The workspace {empty} asks openai:gpt-5-mini from now on." in told.words
    assert "set SETPOINT_LLM_API_KEY" in told.words
    shown = setpoint("model", "show", "--workspace", empty, "--json").json
    price = shown.pop("price")
    assert 0 < price["input"] < price["output"]
    assert shown == {
        "workspace": empty,
        "model": {
            "model": "openai:gpt-5-mini",
            "base_url": None,
            "effort": "low",
            "daily_usd": 2.5,
            "run_usd": 1.0,
            "daily_tokens": 5_000_000,
            "run_tokens": 1_000_000,
        },
        "ready": False,
        "problem": shown["problem"],
    }
    keyed = setpoint("model", "show", "--workspace", empty, "--json", SETPOINT_LLM_API_KEY="secret-key")
    assert keyed.json["ready"] is True
    assert "secret-key" not in keyed.out


def test_a_server_of_ones_own_needs_no_key_and_has_the_price_that_it_is_given(setpoint: Console, empty: str) -> None:
    told = connected(setpoint, empty, *LOCAL, "--daily-tokens", "none", "--run-usd", "none")
    assert "caps in dollars cannot hold" in told.words

    connected(setpoint, empty, *LOCAL, "--input-price", "0.1", "--output-price", "0.4")

    shown = setpoint("model", "show", "--workspace", empty).words
    assert "Server http://localhost:11434/v1" in shown
    assert "Price 0.1 US dollars for a million tokens in, 0.4 for a million out" in shown
    assert "Cap a day 5.00 US dollars, 5,000,000 tokens" in shown
    assert shown.endswith("Ready yes")


def test_a_model_can_be_disconnected(setpoint: Console, empty: str) -> None:
    connected(setpoint, empty, *LOCAL)
    assert (
        setpoint("model", "clear", "--workspace", empty).words == f"The workspace {empty} asks no model from now on."
    )
    assert setpoint("model", "show", "--workspace", empty, "--json").json["model"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("gpt-5-mini",), "provider:name"),
        (("nobody:model",), "no provider 'nobody'"),
        (("openai:x", "--base-url", "http://u:secret@host/v1"), "a key never is"),
        (("openai:x", "--run-usd", "a lot"), "--run-usd 'a lot' is no amount"),
        (("openai:x", "--run-tokens", "1.5"), "--run-tokens '1.5' is no count"),
        (("openai:x", "--input-price", "1"), "both"),
        (("openai:x", "--daily-usd", "-1"), "0 to 1,000,000"),
        (("openai:x", "--effort", "huge"), "huge"),
    ],
)
def test_settings_that_make_no_sense_are_told_in_a_sentence(
    setpoint: Console, empty: str, arguments: tuple[str, ...], told: str
) -> None:
    sentence = setpoint("model", "set", *arguments, "--workspace", empty).complains(2)
    assert told in sentence
    assert "secret" not in sentence


def test_an_unknown_workspace_has_neither_a_model_nor_calls(setpoint: Console) -> None:
    for command in (("model", "show"), ("model", "set", "openai:x"), ("model", "clear"), ("calls",)):
        assert "no workspace 'nowhere'" in setpoint(*command, "--workspace", "nowhere").complains(1)


def test_what_calls_took_is_shown_by_prompt_and_model(setpoint: Console, empty: str, database_url: str) -> None:
    assert setpoint("calls", "--workspace", empty).out == "No model was asked here in this time.\n"
    call = Call(uuid4(), "reports", "reports.word", 1, "0" * 64, "openai:gpt-5-mini", attempts=1, status=Status.OK)
    calls = [
        replace(call, usage=Usage(1200, 30, 0, Decimal("0.0125")), latency_ms=1500),
        replace(call, id=uuid4(), status=Status.TIMEOUT, error_kind=ErrorKind.TIMED_OUT, latency_ms=2000),
    ]
    asyncio.run(write(database_url, empty, calls))

    (figures,) = setpoint("calls", "--workspace", empty, "--from", "2026-01-01", "--json").json["calls"]

    assert figures == {
        "feature": "reports",
        "prompt": "reports.word",
        "prompt_version": 1,
        "model": "openai:gpt-5-mini",
        "calls": 2,
        "cached": 0,
        "failures": {"timeout": 1},
        "input_tokens": 1200,
        "output_tokens": 30,
        "cached_tokens": 0,
        "cost_usd": 0.0125,
        "unpriced": 1,
        "latency_ms": {"p50": 1500, "p95": 2000},
    }
    table = setpoint("calls", "--workspace", empty, COLUMNS="160").words
    assert "reports.word v1 openai:gpt-5-mini 2 0 1,200 30 at least 0.0125 1,500 2,000 1 timeout" in table
    assert setpoint("calls", "--workspace", empty, "--to", "2026-01-01", "--json").json["calls"] == []


def test_the_time_of_calls_must_make_sense(setpoint: Console, empty: str) -> None:
    asked = ("calls", "--workspace", empty, "--from", "2026-02-01")
    assert setpoint(*asked, "--to", "2026-01-01").complains(2) == "--from must lie before --to."
    assert "--to 'soon' is not a date" in setpoint(*asked, "--to", "soon").complains(2)


async def write(database_url: str, slug: str, calls: list[Call]) -> None:
    database = connect(database_url)
    try:
        async with database.registry() as connection:
            workspace = await find_workspace(connection, slug)
        ledger = TenantLedger(database, workspace.client_id)
        for call in calls:
            await ledger.settle(call)
    finally:
        await database.close()
