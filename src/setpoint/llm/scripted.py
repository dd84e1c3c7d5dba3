"""Twins of the port for tests and benchmarks: a model that follows a script, and no model at all."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pydantic import BaseModel

from setpoint.llm.port import Clock, Ledger
from setpoint.llm.prompts import Overrides, Prompt
from setpoint.llm.rules import Spent, cap_reached
from setpoint.llm.schemas import Call, ErrorKind, ModelSettings, ModelUnavailable

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model
    from pydantic_ai.models.function import AgentInfo

SCRIPTED: Final = ModelSettings("scripted:model")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model was sent: the system's message, the user's, and what came after it.

    `follow_ups` are the complaints about its earlier answers and what its tools returned, in their order.
    """

    system: str
    user: str
    follow_ups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UseTool:
    """The model calls a tool."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fail:
    """The provider fails this one request. `retry_after` is in seconds."""

    error: ErrorKind
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Slow:
    """The reply comes after so many seconds of the port's clock."""

    seconds: float
    reply: "Reply"


# A model or a mapping is the typed answer; a text is a reply without one.
Reply: TypeAlias = BaseModel | Mapping[str, Any] | str | UseTool | Fail | Slow
Script: TypeAlias = Sequence[Reply] | Callable[[Asked], Reply]


class FakeClock:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class MemoryLedger:
    """Books that are gone with the process; all of it is one day. `calls` has those that ended, oldest first."""

    def __init__(self, overrides: Overrides | None = None) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, Any] = {}
        self._open: dict[object, Call] = {}
        self._overrides = overrides or Overrides()

    async def overrides(self, prompt: Prompt) -> Overrides:
        return self._overrides

    async def cached(self, key: str) -> Any | None:
        return self.answers.get(key)

    async def keep(self, key: str, prompt_key: str, value: Any) -> None:
        self.answers[key] = value

    async def reserve(self, call: Call, settings: ModelSettings) -> ErrorKind | None:
        others = [other for other in [*self.calls, *self._open.values()] if other.id != call.id]
        run = [other for other in others if other.run_id == call.run_id]
        refused = cap_reached(
            settings, _spent(others), None if call.run_id is None else _spent(run), call.held_usd, call.held_tokens
        )
        if refused is None:
            self._open[call.id] = call
        return refused

    async def settle(self, call: Call) -> None:
        self._open.pop(call.id, None)
        self.calls.append(call)


def _spent(calls: Sequence[Call]) -> Spent:
    usd = [call.held_usd for call in calls if call.held_usd is not None]
    return Spent(sum(usd, Spent().usd), sum(call.held_tokens for call in calls))


class ScriptFailed(BaseException):
    """The script is wrong, which is no failure of a model: whatever catches those lets it pass."""


class ScriptedModel:
    """A model that answers from a list, one reply a request, or from a function. Nothing waits, nothing calls out.

    All else is real: schemas, checks, tools, limits, caps and books. `asked` has what it was sent, request by
    request; `calls` what was put on record, where the ledger is its own. Where a list has come to its end, or the
    function raises, ScriptFailed ends the test.
    """

    def __init__(
        self,
        script: Script,
        *,
        settings: ModelSettings = SCRIPTED,
        ledger: Ledger | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings: ModelSettings | None = settings
        self.ledger: Ledger = MemoryLedger() if ledger is None else ledger
        self.clock: Clock = FakeClock() if clock is None else clock
        self.asked: list[Asked] = []
        self._reply = script if callable(script) else _one_by_one(iter(script))

    @property
    def calls(self) -> list[Call]:
        if not isinstance(self.ledger, MemoryLedger):
            raise TypeError("This model's calls are kept elsewhere.")
        return self.ledger.calls

    def open(self) -> "Model":
        from pydantic_ai.models.function import FunctionModel

        return FunctionModel(self._respond, model_name="model")

    async def _respond(self, messages: "list[ModelMessage]", info: "AgentInfo") -> "ModelResponse":
        asked = _asked(messages, info)
        self.asked.append(asked)
        try:
            reply = self._reply(asked)
        except Exception as error:
            raise ScriptFailed("The script has no reply to this request.") from error
        while isinstance(reply, Slow):
            await self.clock.sleep(reply.seconds)
            reply = reply.reply
        return _response(reply, info)


def _one_by_one(replies: Iterator[Reply]) -> Callable[[Asked], Reply]:
    return lambda asked: next(replies)


def _asked(messages: "list[ModelMessage]", info: "AgentInfo") -> Asked:
    from pydantic_ai.messages import ModelRequest, RetryPromptPart, ToolReturnPart, UserPromptPart

    parts = [part for message in messages if isinstance(message, ModelRequest) for part in message.parts]
    users = [str(part.content) for part in parts if isinstance(part, UserPromptPart)]
    follow_ups = [
        part.model_response() if isinstance(part, RetryPromptPart) else part.model_response_str()
        for part in parts
        if isinstance(part, RetryPromptPart | ToolReturnPart)
    ]
    return Asked(info.instructions or "", users[0] if users else "", tuple(follow_ups))


def _response(reply: Reply, info: "AgentInfo") -> "ModelResponse":
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart

    if isinstance(reply, Fail):
        raise _failure(reply)
    if isinstance(reply, UseTool):
        return ModelResponse(parts=[ToolCallPart(reply.name, dict(reply.arguments))])
    if isinstance(reply, str):
        return ModelResponse(parts=[TextPart(reply)])
    if isinstance(reply, Slow):
        raise TypeError("A slow reply was waited for already.")
    answer = reply.model_dump(mode="json") if isinstance(reply, BaseModel) else dict(reply)
    if info.output_tools:
        return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, answer)])
    return ModelResponse(parts=[TextPart(json.dumps(answer))])


def _failure(reply: Fail) -> Exception:
    from pydantic_ai import exceptions

    errors: dict[ErrorKind, type[exceptions.ModelAPIError]] = {
        ErrorKind.TOO_MANY_REQUESTS: exceptions.ModelRateLimitError,
        ErrorKind.QUOTA_USED_UP: exceptions.ModelQuotaExceededError,
        ErrorKind.SERVER_FAULT: exceptions.ModelServerError,
        ErrorKind.CONNECTION_FAILED: exceptions.ModelConnectionError,
        ErrorKind.TIMED_OUT: exceptions.ModelTimeoutError,
        ErrorKind.BAD_CREDENTIALS: exceptions.ModelAuthenticationError,
        ErrorKind.REQUEST_REJECTED: exceptions.ModelRequestRejectedError,
        ErrorKind.INPUT_TOO_LONG: exceptions.ModelContextWindowExceededError,
    }
    if reply.error in errors:
        return errors[reply.error]("model", "scripted", retry_after=reply.retry_after)
    if reply.error is ErrorKind.CONTENT_REFUSED:
        return exceptions.ContentFilterError("scripted")
    if reply.error is ErrorKind.ANSWER_CUT_OFF:
        return exceptions.OutputTokenLimitExceeded("scripted")
    if reply.error is ErrorKind.UNREADABLE_REPLY:
        return exceptions.UnexpectedModelBehavior("scripted")
    raise ValueError(f"A provider does not fail with {reply.error}.")


class NoModel:
    """The port of a workspace that has no model: every prompt ends with `no_model`."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.settings: ModelSettings | None = None
        self.ledger: Ledger = MemoryLedger() if ledger is None else ledger
        self.clock: Clock = FakeClock()

    def open(self) -> "Model":
        raise ModelUnavailable("This workspace has no model: `setpoint model set` connects one.", ErrorKind.NO_MODEL)
