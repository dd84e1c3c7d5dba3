"""One conversation with a model: requests, corrections and tools, metered before and after each request.

This is where pydantic-ai is spoken; `service` loads it when there is a model to ask.
"""

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter
from pydantic_ai import Agent, ModelRetry, ToolFailed, UsageLimits, exceptions
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings as RequestSettings
from pydantic_ai.usage import RequestUsage

from setpoint.domain.errors import DatabaseUnavailable, SetpointError
from setpoint.llm.port import Clock, Ledger
from setpoint.llm.prices import price
from setpoint.llm.prompts import Rendered, as_text, data_block, sha256_of
from setpoint.llm.rules import estimated_tokens, most_output, wait_seconds
from setpoint.llm.schemas import Call, Effort, ErrorKind, Limits, ModelSettings, Usage

T = TypeVar("T", bound=BaseModel)
AnyTool = Callable[..., Awaitable[Any]]

# What an earlier kind may also be comes later: the first that fits is taken.
_KINDS: tuple[tuple[type[BaseException], ErrorKind], ...] = (
    (TimeoutError, ErrorKind.TIMED_OUT),
    (exceptions.ModelTimeoutError, ErrorKind.TIMED_OUT),
    (exceptions.ModelRequestTimeout, ErrorKind.TIMED_OUT),
    (exceptions.ContentFilterError, ErrorKind.CONTENT_REFUSED),
    (exceptions.OutputTokenLimitExceeded, ErrorKind.ANSWER_CUT_OFF),
    (exceptions.UsageLimitExceeded, ErrorKind.TOOLS_WITHOUT_END),
    (exceptions.ModelRateLimitError, ErrorKind.TOO_MANY_REQUESTS),
    (exceptions.ModelQuotaExceededError, ErrorKind.QUOTA_USED_UP),
    (exceptions.ModelAuthenticationError, ErrorKind.BAD_CREDENTIALS),
    (exceptions.ModelContextWindowExceededError, ErrorKind.INPUT_TOO_LONG),
    (exceptions.ModelRequestRejectedError, ErrorKind.REQUEST_REJECTED),
    (exceptions.ModelConnectionError, ErrorKind.CONNECTION_FAILED),
    (exceptions.ModelServerError, ErrorKind.SERVER_FAULT),
    (exceptions.ModelUnavailableError, ErrorKind.SERVER_FAULT),
    (exceptions.ModelHTTPError, ErrorKind.REQUEST_REJECTED),
    (exceptions.ModelAPIError, ErrorKind.UNREADABLE_REPLY),
)
_WORTH_ANOTHER_TRY = {
    ErrorKind.TOO_MANY_REQUESTS,
    ErrorKind.SERVER_FAULT,
    ErrorKind.CONNECTION_FAILED,
    ErrorKind.UNREADABLE_REPLY,
}
# The request went out and nothing readable came back: it may have been charged.
_MAY_HAVE_COST = {ErrorKind.TIMED_OUT, ErrorKind.CONNECTION_FAILED, ErrorKind.UNREADABLE_REPLY}


_TOOLS: TypeAdapter[Any] = TypeAdapter(Any)


class _Stop(Exception):
    """Ends a conversation from within a request, for a reason of ours."""

    def __init__(self, error: ErrorKind) -> None:
        super().__init__(error)
        self.error = error


@dataclass
class Meter:
    """What a conversation has taken so far. `ours` is an exception of our own side, no model's fault."""

    call: Call
    settings: ModelSettings
    ledger: Ledger
    clock: Clock
    limits: Limits
    deadline: float
    attempts: int = 0
    usage: Usage = field(default_factory=lambda: Usage(cost_usd=Decimal(0)))
    spent_usd: Decimal | None = Decimal(0)
    spent_tokens: int = 0
    pending: tuple[Decimal | None, int] | None = None
    check_failed: bool = False
    ours: Exception | None = None

    def held(self) -> Call:
        """The call with what counts against the caps now: known, lost, and at worst still to come."""
        usd, tokens = self.pending or (Decimal(0), 0)
        return replace(
            self.call,
            attempts=self.attempts,
            usage=self.usage,
            held_usd=None if usd is None or self.spent_usd is None else self.spent_usd + usd,
            held_tokens=self.spent_tokens + tokens,
        )

    async def reserve(self, usd: Decimal | None, tokens: int) -> None:
        """Before a request. Raises _Stop where a cap forbids it or the time is up."""
        if self.clock.monotonic() >= self.deadline:
            raise _Stop(ErrorKind.TIMED_OUT)
        self.pending = (usd, tokens)
        try:
            refused = await self.ledger.reserve(self.held(), self.settings)
        except Exception as error:
            self.ours = error
            raise
        if refused is not None:
            self.pending = None
            raise _Stop(refused)
        self.attempts += 1

    def lose(self) -> None:
        """Nobody knows what the last request cost: the worst counts against the caps, and the cost is unknown."""
        if self.pending is not None:
            usd, tokens = self.pending
            self._spend(usd, tokens)
            self.usage = replace(self.usage, cost_usd=None)
            self.pending = None

    def count(self, usage: RequestUsage, usd: Decimal | None) -> None:
        """After a request that came back with the provider's count."""
        if not usage.has_values() or usage.unmeasured_requests:
            self.lose()
            return
        self.pending = None
        self._spend(usd, usage.input_tokens + usage.output_tokens)
        known = self.usage
        self.usage = Usage(
            known.input_tokens + usage.input_tokens,
            known.output_tokens + usage.output_tokens,
            known.cached_tokens + usage.cache_read_tokens,
            None if known.cost_usd is None or usd is None else known.cost_usd + usd,
        )

    def _spend(self, usd: Decimal | None, tokens: int) -> None:
        self.spent_usd = None if usd is None or self.spent_usd is None else self.spent_usd + usd
        self.spent_tokens += tokens


class _Metered(WrapperModel):
    """A model whose requests are reserved, counted and tried again where the provider was not to be had."""

    def __init__(self, wrapped: Model, meter: Meter) -> None:
        super().__init__(wrapped)
        self._meter = meter

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: RequestSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        meter = self._meter
        tools = [*model_request_parameters.function_tools, *model_request_parameters.output_tools]
        sent = ModelMessagesTypeAdapter.dump_json(messages) + _TOOLS.dump_json(tools, fallback=str)
        worst = RequestUsage(
            input_tokens=estimated_tokens(sent), output_tokens=most_output(meter.settings, meter.limits)
        )
        if worst.input_tokens > meter.limits.input_tokens:
            raise _Stop(ErrorKind.INPUT_TOO_LONG)
        worst_usd = self._price(worst)
        attempt = 0
        while True:
            attempt += 1
            await meter.reserve(worst_usd, worst.input_tokens + worst.output_tokens)
            try:
                response = await super().request(messages, model_settings, model_request_parameters)
            except Exception as error:
                await self._consider(error, attempt)
                continue
            meter.count(response.usage, self._price(response.usage, response.model_name))
            if meter.clock.monotonic() > meter.deadline:
                raise _Stop(ErrorKind.TIMED_OUT)
            if response.finish_reason == "content_filter" and not response.tool_calls:
                raise _Stop(ErrorKind.CONTENT_REFUSED)
            if response.finish_reason == "length":
                # Told to mend it, the model would run into the same limit.
                raise _Stop(ErrorKind.ANSWER_CUT_OFF)
            return response

    def _price(self, usage: RequestUsage, answered_by: str | None = None) -> Decimal | None:
        names = (answered_by, self.wrapped.model_name)
        return price(self._meter.settings, self.wrapped.system, names, usage)

    async def _consider(self, error: Exception, attempt: int) -> None:
        """Wait for another attempt, or raise _Stop."""
        meter = self._meter
        # What is no JSON, or not of the protocol, comes as one of these from deep below.
        unreadable = isinstance(
            error, exceptions.UnexpectedModelBehavior | ValueError | TypeError | LookupError | AttributeError
        )
        kind = kind_of(error, ErrorKind.UNREADABLE_REPLY if unreadable else ErrorKind.UNEXPECTED)
        if kind in _MAY_HAVE_COST and getattr(error, "phase", None) not in ("pool", "connect"):
            meter.lose()
        meter.pending = None
        wait = wait_seconds(attempt, getattr(error, "retry_after", None))
        if (
            kind not in _WORTH_ANOTHER_TRY
            or attempt >= meter.limits.attempts
            or meter.clock.monotonic() + wait >= meter.deadline
        ):
            raise _Stop(kind) from None
        await meter.clock.sleep(wait)


@dataclass(frozen=True, slots=True)
class Spoken(Generic[T]):
    """How a conversation ended: with a value, or with what went wrong."""

    value: T | None
    error: ErrorKind | None


async def converse(
    model: Model,
    meter: Meter,
    rendered: Rendered,
    output_type: type[T],
    complaints: Callable[[T], Awaitable[Sequence[str]]],
    tools: Sequence[AnyTool],
) -> Spoken[T]:
    """Ask, let the model mend its answer and use its tools, within the limits of the meter.

    Raises what `complaints`, a tool or the ledger raises, and nothing of a model's or provider's.
    """
    limits = meter.limits

    async def validated(value: T) -> T:
        try:
            found = await complaints(value)
        except Exception as error:
            meter.ours = error
            raise
        meter.check_failed = bool(found)
        if found:
            raise ModelRetry("\n".join(found))
        return value

    try:
        metered = _Metered(model, meter)
        agent: Agent[object, T] = Agent(
            metered,
            output_type=output_type,
            instructions=rendered.system,
            model_settings=request_settings(meter.settings, limits),
            tools=[_guarded(tool, meter) for tool in tools],
            retries={"tools": limits.corrections, "output": limits.corrections},
            end_strategy="early",
        )
        agent.output_validator(validated)
        requests = UsageLimits(request_limit=1 + limits.corrections + limits.tool_rounds)
        async with metered:
            result = await agent.run(rendered.user, usage_limits=requests)
        return Spoken(result.output, None)
    except Exception as error:
        # What a provider says, also in an exception, stays behind here: it may repeat what it was sent.
        if meter.ours is None:
            default = ErrorKind.CHECK_FAILED if meter.check_failed else ErrorKind.SCHEMA_MISMATCH
            unexpected = not isinstance(error, exceptions.UnexpectedModelBehavior)
            return Spoken(None, kind_of(error, ErrorKind.UNEXPECTED if unexpected else default))
    raise meter.ours


def kind_of(error: BaseException, default: ErrorKind) -> ErrorKind:
    """The kind of an exception; nothing of what it says."""
    if isinstance(error, _Stop):
        return error.error
    return next((kind for types, kind in _KINDS if isinstance(error, types)), default)


def request_settings(settings: ModelSettings, limits: Limits) -> RequestSettings:
    """As little chance as the model allows, and no retries that we do not count."""
    chosen = RequestSettings(max_tokens=most_output(settings, limits), timeout=limits.seconds, max_retries=0)
    if settings.effort is None:
        chosen["temperature"] = 0.0
    else:
        # Models that reason take an effort and no temperature.
        chosen["thinking"] = _EFFORTS[settings.effort]
    return chosen


_EFFORTS: dict[Effort, Any] = {effort: effort.value for effort in Effort}


def _guarded(tool: AnyTool, meter: Meter) -> AnyTool:
    """A tool whose results come as data, and whose expected failures are told to the model in our sentence."""

    @functools.wraps(tool)
    async def run(*arguments: Any, **named: Any) -> str:
        try:
            text = as_text(await tool(*arguments, **named))
        except DatabaseUnavailable as error:
            meter.ours = error
            raise
        except SetpointError as error:
            raise ToolFailed(error.message) from None
        except Exception as error:
            meter.ours = error
            raise
        return data_block(tool.__name__, text, sha256_of(text)[:12])

    run.__annotations__ = {**tool.__annotations__, "return": str}
    return run
