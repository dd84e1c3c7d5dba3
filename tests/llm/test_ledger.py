"""The books of a workspace in PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from tests.conftest import WorkspaceFactory

from setpoint.llm.ledger import TenantLedger
from setpoint.llm.overrides import Signature, record_override, record_snippet
from setpoint.llm.prompts import Message, Prompt, Snippet, Speaker
from setpoint.llm.provider import ProviderModel, workspace_model
from setpoint.llm.queries import read_settings, write_settings
from setpoint.llm.schemas import Answer, Call, Effort, ErrorKind, Failure, ModelSettings, Status, Usage
from setpoint.llm.scripted import SCRIPTED, Asked, Fail, NoModel, Reply, ScriptedModel
from setpoint.llm.service import run_prompt
from setpoint.storage.database import Database
from setpoint.storage.tables import ai_calls, llm_cache
from setpoint.tenancy.service import Workspace

TONE = Snippet("tone", "Write plainly.")
PROMPT = Prompt.of("reports.word", 2, "You find words. {{>tone}}", "{{text}}", (TONE,))
CAPPED = replace(SCRIPTED, run_tokens=5_000, daily_tokens=12_000)
Asker = Callable[..., Awaitable[Answer["Word"] | Failure]]


class Word(BaseModel):
    word: str


@pytest.fixture
def ledger(database: Database, workspace: Workspace) -> TenantLedger:
    return TenantLedger(database, workspace.client_id)


async def rows(database: Database, workspace: Workspace) -> list[dict[str, Any]]:
    async with database.tenant(workspace.client_id) as connection:
        found = await connection.execute(select(ai_calls).order_by(ai_calls.c.created_at))
        return [dict(row) for row in found.mappings()]


def call(**changes: Any) -> Call:
    known = Call(uuid4(), "reports", "reports.word", 2, "0" * 64, "scripted:model", held_tokens=4_500)
    return replace(known, **changes)


async def test_a_call_is_on_record_with_all_that_it_took(database: Database, workspace: Workspace) -> None:
    settings = replace(SCRIPTED, effort=Effort.LOW, input_price=Decimal(2), output_price=Decimal(10))
    model = ScriptedModel(
        [Fail(ErrorKind.SERVER_FAULT), {"word": "one"}],
        settings=settings,
        ledger=TenantLedger(database, workspace.client_id),
    )
    run_id = uuid4()

    answer = await run_prompt(
        model,
        PROMPT,
        {"text": "x"},
        Word,
        run_id=run_id,
        feature="insights",
        metadata={"bookingGate": {"share": 0.5}},
    )

    assert isinstance(answer, Answer)
    (row,) = await rows(database, workspace)
    cost = row["cost_usd"]
    assert cost == (answer.usage.input_tokens * 2 + answer.usage.output_tokens * 10) / Decimal(1_000_000)
    assert {name: row[name] for name in row if name not in ("created_at", "client_id")} == {
        "id": answer.call_id,
        "feature": "insights",
        "prompt_key": "reports.word",
        "prompt_version": 2,
        "prompt_hash": answer.prompt_hash,
        "model": "scripted:model",
        "effort": "low",
        "run_id": run_id,
        "status": "ok",
        "error_kind": None,
        "attempts": 2,
        "input_tokens": answer.usage.input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "cached_tokens": 0,
        "cost_usd": cost,
        "held_usd": cost,
        "held_tokens": answer.usage.input_tokens + answer.usage.output_tokens,
        "latency_ms": 500,
        "metadata": {"bookingGate": {"share": 0.5}},
    }


async def test_a_run_that_fails_keeps_its_calls(
    database: Database, workspace: Workspace, ledger: TenantLedger
) -> None:
    model = ScriptedModel([{"word": "one"}], ledger=ledger)

    async def run() -> None:
        async with database.tenant(workspace.client_id) as connection:
            await run_prompt(model, PROMPT, {"text": "x"}, Word)
            await connection.execute(text("SELECT 1"))
            raise ValueError("The run fails.")

    with pytest.raises(ValueError, match="fails"):
        await run()
    assert [row["status"] for row in await rows(database, workspace)] == ["ok"]


async def test_a_resumed_run_pays_nothing_twice(database: Database, workspace: Workspace) -> None:
    async def ask() -> bool:
        model = ScriptedModel([{"word": "one"}], ledger=TenantLedger(database, workspace.client_id))
        answer = await run_prompt(model, PROMPT, {"text": "x"}, Word)
        assert isinstance(answer, Answer)
        return answer.cached

    assert [await ask(), await ask()] == [False, True]
    first, second = await rows(database, workspace)
    assert (first["status"], second["status"], second["cost_usd"], second["attempts"]) == ("ok", "cached", 0, 0)


async def test_another_workspace_has_its_own_answers_and_caps(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    for _ in range(2):
        other = await new_workspace()
        model = ScriptedModel(
            [{"word": "one"}],
            settings=replace(CAPPED, run_tokens=9_000),
            ledger=TenantLedger(database, other.client_id),
        )
        await run_prompt(model, PROMPT, {"text": "x"}, Word)
        assert [row["status"] for row in await rows(database, other)] == ["ok"]


async def test_an_answer_is_gone_when_its_time_is_over(database: Database, workspace: Workspace) -> None:
    brief = TenantLedger(database, workspace.client_id, retention=timedelta(0))
    await brief.keep("a" * 64, "reports.word", {"word": "one"})
    assert await brief.cached("a" * 64) is None

    await TenantLedger(database, workspace.client_id).keep("b" * 64, "reports.word", {"word": "two"})

    async with database.tenant(workspace.client_id) as connection:
        assert (await connection.scalars(select(llm_cache.c.key))).all() == ["b" * 64]


@pytest.mark.parametrize("word", ["a\x00b", "a\ud800b"])
async def test_an_answer_that_the_database_cannot_keep_is_still_an_answer(ledger: TenantLedger, word: str) -> None:
    await ledger.keep("a" * 64, "reports.word", {"word": word})
    assert await ledger.cached("a" * 64) is None


async def test_an_answer_is_kept_once(ledger: TenantLedger) -> None:
    await ledger.keep("a" * 64, "reports.word", {"word": "one"})
    await ledger.keep("a" * 64, "reports.word", {"word": "two"})
    assert await ledger.cached("a" * 64) == {"word": "one"}


async def test_what_is_reserved_counts_until_the_call_reports_back(ledger: TenantLedger) -> None:
    first, second, third = call(), call(), call()

    assert await ledger.reserve(first, CAPPED) is None
    assert await ledger.reserve(second, CAPPED) is None
    assert await ledger.reserve(third, CAPPED) is ErrorKind.DAILY_CAP
    await ledger.settle(replace(first, status=Status.OK, held_tokens=100))
    assert await ledger.reserve(third, CAPPED) is None
    # The second was never heard of again: what it may have cost stays reserved.
    assert await ledger.reserve(call(), CAPPED) is ErrorKind.DAILY_CAP


async def test_a_second_reservation_of_a_call_takes_the_place_of_its_first(ledger: TenantLedger) -> None:
    known = call(run_id=uuid4())
    assert await ledger.reserve(known, CAPPED) is None
    assert await ledger.reserve(replace(known, held_tokens=5_000), CAPPED) is None
    assert await ledger.reserve(replace(known, held_tokens=5_001), CAPPED) is ErrorKind.RUN_CAP
    assert await ledger.reserve(call(run_id=known.run_id, held_tokens=1), CAPPED) is ErrorKind.RUN_CAP


async def test_calls_at_once_never_pass_the_cap_together(ledger: TenantLedger) -> None:
    reserved = await asyncio.gather(*(ledger.reserve(call(), CAPPED) for _ in range(8)))
    assert sorted(map(str, reserved)) == ["DailyCap"] * 6 + ["None"] * 2


async def test_the_cap_of_a_day_looks_at_that_day(
    database: Database, workspace: Workspace, ledger: TenantLedger
) -> None:
    known = call(held_tokens=12_000, run_id=uuid4())
    assert await ledger.reserve(known, replace(CAPPED, run_tokens=None)) is None
    async with database.owner() as connection:
        await connection.execute(text("SET LOCAL search_path = setpoint"))
        yesterday = func.date_trunc("day", func.now()) - timedelta(seconds=1)
        await connection.execute(update(ai_calls).where(ai_calls.c.id == known.id).values(created_at=yesterday))

    assert await ledger.reserve(call(), CAPPED) is None
    # A run may last beyond midnight, and its cap with it.
    assert await ledger.reserve(call(run_id=known.run_id), CAPPED) is ErrorKind.RUN_CAP


async def test_a_call_that_has_ended_cannot_be_written_again(ledger: TenantLedger) -> None:
    known = call(status=Status.OK)
    await ledger.settle(known)
    with pytest.raises(DBAPIError, match="row-level security"):
        await ledger.settle(replace(known, usage=Usage(cost_usd=Decimal(0))))


async def test_the_words_of_a_workspace_are_asked(
    database: Database, workspace: Workspace, ledger: TenantLedger
) -> None:
    signature = Signature("ann", "bob")
    own = (Message(Speaker.SYSTEM, "Own words. {{>tone}}"), Message(Speaker.USER, "{{text}}"))
    async with database.tenant(workspace.client_id) as connection:
        await record_override(connection, workspace.client_id, PROMPT, own, base=0, signature=signature)
        await record_snippet(connection, workspace.client_id, "tone", "Be brief.", base=0, signature=signature)

    def say(asked: Asked) -> Reply:
        assert asked.system.startswith("Own words. Be brief.")
        return {"word": "one"}

    assert isinstance(await run_prompt(ScriptedModel(say, ledger=ledger), PROMPT, {"text": "x"}, Word), Answer)


async def test_the_model_of_a_workspace_is_the_newest_that_was_set(database: Database, workspace: Workspace) -> None:
    client_id = workspace.client_id
    settings = ModelSettings(
        "openai:llama", "http://localhost:1/v1", Effort.HIGH, Decimal("0.1"), None, None, 7, Decimal(1), Decimal(2)
    )
    assert isinstance(await workspace_model(database, client_id), NoModel)
    for written in (ModelSettings("openai:gpt-5-mini"), settings):
        async with database.tenant(client_id) as connection:
            await write_settings(connection, client_id, written, "ann")

    port = await workspace_model(database, client_id)

    assert isinstance(port, ProviderModel)
    assert port.settings == settings
    async with database.tenant(client_id) as connection:
        await write_settings(connection, client_id, None, "ann")
        assert await read_settings(connection, client_id) is None
    assert isinstance(await workspace_model(database, client_id), NoModel)
