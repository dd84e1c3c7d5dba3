"""The port against a real HTTP server that speaks the providers' protocols."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field
from tests.llm.server import Hold, Provider, Reply, anthropic_message, completion, fault

from setpoint.domain.errors import NotFound, UsageError
from setpoint.llm.prices import price_per_million
from setpoint.llm.prompts import Prompt
from setpoint.llm.provider import ProviderModel, check_settings, open_model
from setpoint.llm.schemas import (
    Answer,
    Effort,
    ErrorKind,
    Failure,
    Limits,
    ModelSettings,
    ModelUnavailable,
    Status,
    Usage,
)
from setpoint.llm.scripted import FakeClock, MemoryLedger
from setpoint.llm.service import run_prompt


class Verdict(BaseModel):
    """What the model is asked for."""

    winner: str
    share: float = Field(ge=0, le=1)


GOOD = {"winner": "setter", "share": 0.25}
PROMPT = Prompt.of("reports.verdict", 1, "You compare senders.", "Who books more?\n{{figures}}")
INPUTS = {"figures": {"setter": 3, "ai": 1}}


class Asked:
    """A port to the server, and one question through it."""

    def __init__(self, provider: Provider, **settings: Any) -> None:
        self.clock = FakeClock()
        self.ledger = MemoryLedger()
        known = {"model": "openai:served-model", "base_url": provider.url, **settings}
        self.port = ProviderModel(ModelSettings(**known), self.ledger, self.clock)

    async def run(self, **options: Any) -> Answer[Verdict] | Failure:
        return await run_prompt(self.port, PROMPT, INPUTS, Verdict, **options)

    async def fails(self, **options: Any) -> tuple[Status, ErrorKind]:
        result = await self.run(**options)
        assert isinstance(result, Failure)
        (call,) = self.ledger.calls
        assert (call.status, call.error_kind, call.attempts) == (result.status, result.error, result.attempts)
        return result.status, result.error


@pytest.fixture
def asked(provider: Provider) -> Asked:
    return Asked(provider)


async def test_an_answer_comes_typed_with_its_cost_and_its_origin(provider: Provider) -> None:
    asked = Asked(provider, input_price=Decimal(2), output_price=Decimal(10))
    provider.say(completion(arguments=GOOD))

    answer = await asked.run()

    assert isinstance(answer, Answer)
    assert answer.value == Verdict(winner="setter", share=0.25)
    # 1,000 tokens in at 2 dollars a million, and 100 out at 10.
    assert answer.usage == Usage(1000, 100, 200, Decimal("0.003"))
    assert (answer.model, answer.prompt_key, answer.attempts) == ("openai:served-model", "reports.verdict", 1)
    (received,) = provider.received
    assert received.path == "/v1/chat/completions"
    assert (received.body["model"], received.body["temperature"]) == ("served-model", 0.0)
    assert (
        received.body["max_completion_tokens" if "max_completion_tokens" in received.body else "max_tokens"] == 8000
    )
    assert [message["role"] for message in received.body["messages"]] == ["system", "user"]
    assert '{"ai":1,"setter":3}' in received.body["messages"][1]["content"]


async def test_a_text_that_is_no_answer_is_mended_once_the_model_is_told(asked: Asked, provider: Provider) -> None:
    provider.say(completion(content="I think the setter."), completion(arguments=GOOD))

    answer = await asked.run()

    assert isinstance(answer, Answer)
    assert (answer.attempts, answer.usage.input_tokens) == (2, 2000)


@pytest.mark.parametrize(
    "wrong",
    [
        completion(arguments={"winner": "setter", "share": 7}),
        completion(arguments='{"winner": "set'),
        completion(content="{}"),
    ],
    ids=["not the schema", "not JSON", "a text"],
)
async def test_an_answer_without_the_schema_is_invalid_after_bounded_corrections(
    asked: Asked, provider: Provider, wrong: Reply
) -> None:
    provider.say(*[wrong] * 3)

    assert await asked.fails() == (Status.INVALID_OUTPUT, ErrorKind.SCHEMA_MISMATCH)
    assert len(provider.received) == 3


async def test_complaints_of_a_check_reach_the_model_and_bound_it(asked: Asked, provider: Provider) -> None:
    provider.say(*[completion(arguments=GOOD)] * 2)

    async def check(verdict: Verdict) -> list[str]:
        return [f"There is no segment {verdict.winner}."]

    assert await asked.fails(check=check, limits=Limits(corrections=1)) == (
        Status.INVALID_OUTPUT,
        ErrorKind.CHECK_FAILED,
    )
    assert "There is no segment setter." in json.dumps(provider.received[1].body["messages"])


async def test_a_tool_is_called_and_its_result_comes_as_data(asked: Asked, provider: Provider) -> None:
    async def segment(name: str) -> dict[str, int]:
        """The figures of a segment."""
        if name != "sms":
            raise NotFound("There is no such segment.")
        return {"booked": 3}

    provider.say(
        completion(tool="segment", arguments={"name": "fax"}),
        completion(tool="segment", arguments={"name": "sms"}),
        completion(arguments=GOOD),
    )

    assert isinstance(await asked.run(tools=[segment]), Answer)
    first, second, third = (request.body for request in provider.received)
    described = next(tool["function"] for tool in first["tools"] if tool["function"]["name"] == "segment")
    assert described["description"] == "The figures of a segment."
    assert list(described["parameters"]["properties"]) == ["name"]
    assert "There is no such segment." in json.dumps(second["messages"])
    assert "<data-" in third["messages"][-1]["content"]
    assert '{"booked":3}' in third["messages"][-1]["content"]


async def test_a_model_that_calls_tools_without_end_is_stopped(asked: Asked, provider: Provider) -> None:
    async def look() -> int:
        """Look again."""
        return 1

    provider.say(*[completion(tool="look", arguments={})] * 3)

    assert await asked.fails(tools=[look], limits=Limits(corrections=0, tool_rounds=2)) == (
        Status.INVALID_OUTPUT,
        ErrorKind.TOOLS_WITHOUT_END,
    )


async def test_a_server_that_holds_the_connection_runs_out_of_time(provider: Provider) -> None:
    asked = Asked(provider, input_price=Decimal(2), output_price=Decimal(10))
    provider.say(Hold())

    assert await asked.fails(limits=Limits(seconds=0.2)) == (Status.TIMEOUT, ErrorKind.TIMED_OUT)
    (call,) = asked.ledger.calls
    # Nobody knows what the provider charged: the cost is unknown, and the worst counts against the caps.
    assert call.usage.cost_usd is None
    assert call.held_usd is not None
    assert call.held_usd > Decimal("0.04")


async def test_too_many_requests_wait_as_long_as_the_provider_says(asked: Asked, provider: Provider) -> None:
    provider.say(fault(429, retry_after="7"), completion(arguments=GOOD))

    answer = await asked.run()

    assert isinstance(answer, Answer)
    assert (answer.attempts, answer.latency_ms, asked.clock.slept) == (2, 7000, [7.0])


async def test_a_wait_beyond_the_time_is_not_begun(asked: Asked, provider: Provider) -> None:
    provider.say(fault(429, retry_after="3600"))

    assert await asked.fails() == (Status.RATE_LIMITED, ErrorKind.TOO_MANY_REQUESTS)
    assert asked.clock.slept == []


@pytest.mark.parametrize(
    ("replies", "status", "kind"),
    [
        ([fault(500)] * 3, Status.PROVIDER_ERROR, ErrorKind.SERVER_FAULT),
        ([fault(503)] * 3, Status.PROVIDER_ERROR, ErrorKind.SERVER_FAULT),
        ([fault(429)] * 3, Status.RATE_LIMITED, ErrorKind.TOO_MANY_REQUESTS),
        ([fault(401)], Status.PROVIDER_ERROR, ErrorKind.BAD_CREDENTIALS),
        ([fault(404)], Status.PROVIDER_ERROR, ErrorKind.REQUEST_REJECTED),
        ([fault(400)], Status.PROVIDER_ERROR, ErrorKind.REQUEST_REJECTED),
        ([Reply(b"{nonsense")] * 3, Status.PROVIDER_ERROR, ErrorKind.UNREADABLE_REPLY),
        ([Reply(b'{"choices": 7}')] * 3, Status.PROVIDER_ERROR, ErrorKind.UNREADABLE_REPLY),
        (
            [Reply(b"<html>busy</html>", headers={"content-type": "text/html"})] * 3,
            Status.PROVIDER_ERROR,
            ErrorKind.UNREADABLE_REPLY,
        ),
        ([replace(completion(arguments=GOOD), cut=40)] * 3, Status.PROVIDER_ERROR, ErrorKind.CONNECTION_FAILED),
        ([completion(refusal="I will not.")], Status.REFUSED, ErrorKind.CONTENT_REFUSED),
        ([completion(content="No.", finish="content_filter")], Status.REFUSED, ErrorKind.CONTENT_REFUSED),
        ([completion(arguments='{"winner": "se', finish="length")], Status.INVALID_OUTPUT, ErrorKind.ANSWER_CUT_OFF),
    ],
    ids=lambda value: None if isinstance(value, Status | list) else value.value,
)
async def test_what_a_provider_does_wrong_is_a_result(
    asked: Asked, provider: Provider, replies: list[Reply], status: Status, kind: ErrorKind
) -> None:
    provider.say(*replies)

    assert await asked.fails() == (status, kind)
    assert len(provider.received) == len(replies)


async def test_a_server_that_is_not_there_is_a_result(provider: Provider) -> None:
    async with Provider.running() as gone:
        asked = Asked(gone)

    assert await asked.fails() == (Status.PROVIDER_ERROR, ErrorKind.CONNECTION_FAILED)
    assert asked.clock.slept == [0.5, 1.0]
    # Nothing was sent, so nothing was spent.
    assert asked.ledger.calls[0].usage == Usage(cost_usd=Decimal(0))


async def test_a_huge_answer_is_only_a_wrong_one(asked: Asked, provider: Provider) -> None:
    provider.say(*[completion(content="x" * 5_000_000)] * 3)

    # What the model said goes back to it when it is told to mend it, which is too much.
    assert await asked.fails() == (Status.BUDGET_EXCEEDED, ErrorKind.INPUT_TOO_LONG)
    assert len(provider.received) == 1


async def test_a_call_that_is_called_off_is_on_record(asked: Asked, provider: Provider) -> None:
    provider.say(Hold())
    running = asyncio.ensure_future(asked.run())
    await provider.asked.wait()
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    (call,) = asked.ledger.calls
    assert (call.status, call.error_kind, call.usage.cost_usd) == (Status.CANCELLED, ErrorKind.CANCELLED, None)


async def test_the_key_of_the_environment_is_sent_and_no_other(
    asked: Asked, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-account-of-openai")
    provider.say(*[completion(arguments=GOOD)] * 2)

    await asked.run(cache=False)
    monkeypatch.setenv("SETPOINT_LLM_API_KEY", "for-this-server")
    await asked.run(cache=False)

    assert [request.headers["authorization"] for request in provider.received] == [
        "Bearer none",
        "Bearer for-this-server",
    ]


async def test_anthropic_is_spoken_too(provider: Provider) -> None:
    base_url = provider.url.removesuffix("/v1")
    asked = Asked(provider, model="anthropic:claude-sonnet-5", base_url=base_url, effort=Effort.LOW)
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    provider.say(Reply(json.dumps(overloaded).encode(), 529), anthropic_message(GOOD))

    answer = await asked.run(limits=Limits(output_tokens=8000))

    assert isinstance(answer, Answer)
    assert answer.value.winner == "setter"
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.effort) == (1000, 100, Effort.LOW)
    assert [request.path for request in provider.received] == ["/v1/messages"] * 2
    assert "temperature" not in provider.received[1].body
    assert "thinking" in json.dumps(provider.received[1].body)


@pytest.mark.parametrize("effort", list(Effort))
async def test_thoughts_have_room_beside_the_answer(provider: Provider, effort: Effort) -> None:
    base_url = provider.url.removesuffix("/v1")
    asked = Asked(provider, model="anthropic:claude-haiku-4-5", base_url=base_url, effort=effort)
    provider.say(anthropic_message(GOOD))

    assert isinstance(await asked.run(), Answer)
    (received,) = provider.received
    assert received.body["thinking"]["budget_tokens"] + 1500 <= received.body["max_tokens"]


async def test_without_a_key_nothing_is_sent() -> None:
    ledger = MemoryLedger()
    port = ProviderModel(ModelSettings("openai:gpt-5-mini"), ledger)

    failure = await run_prompt(port, PROMPT, INPUTS, Verdict)

    assert isinstance(failure, Failure)
    assert (failure.status, failure.error) == (Status.PROVIDER_ERROR, ErrorKind.BAD_CREDENTIALS)
    assert ledger.calls[0].attempts == 0


async def test_tests_reach_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    port = ProviderModel(ModelSettings("openai:gpt-5-mini"), MemoryLedger())

    failure = await run_prompt(port, PROMPT, INPUTS, Verdict)

    assert isinstance(failure, Failure)
    assert failure.error is ErrorKind.UNEXPECTED


@pytest.mark.parametrize("model", ["openai:gpt-5-mini", "anthropic:claude-sonnet-5", "google:gemini-2.5-flash"])
def test_the_providers_that_are_built_in_open_with_a_key_and_have_a_price(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = check_settings(ModelSettings(model))
    with pytest.raises(ModelUnavailable, match="SETPOINT_LLM_API_KEY"):
        open_model(settings)
    monkeypatch.setenv("SETPOINT_LLM_API_KEY", "a-key")
    assert open_model(settings).model_name == model.partition(":")[2]
    price = price_per_million(settings)
    assert price is not None
    assert 0 < price[0] < price[1]


def test_a_server_of_ones_own_has_no_list_price() -> None:
    settings = ModelSettings("openai:gpt-5-mini", base_url="http://localhost:11434/v1")
    assert price_per_million(settings) is None
    priced = replace(settings, input_price=Decimal("0.5"), output_price=Decimal(2))
    assert price_per_million(priced) == (Decimal("0.5"), Decimal(2))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model": "gpt-5-mini"}, "provider:name"),
        ({"model": "openai:"}, "provider:name"),
        ({"model": "nobody:model"}, "no provider 'nobody'"),
        ({"base_url": "localhost:11434"}, "http://"),
        ({"base_url": "http://user:secret@localhost/v1"}, "SETPOINT_LLM_API_KEY"),
        ({"base_url": "http://localhost/v1?key=secret"}, "SETPOINT_LLM_API_KEY"),
        ({"daily_usd": Decimal("-1")}, "dollars"),
        ({"run_usd": Decimal("NaN")}, "dollars"),
        ({"daily_tokens": -1}, "tokens"),
        ({"input_price": Decimal(1)}, "both"),
    ],
)
def test_settings_that_mean_no_model_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        check_settings(replace(ModelSettings("openai:gpt-5-mini"), **changes))
    assert "secret" not in caught.value.message
