"""Run a typed prompt: resolve it, look into the cache, keep the books, ask."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from inspect import isawaitable
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel, ValidationError

from setpoint.llm.port import ModelPort
from setpoint.llm.prompts import Effective, Prompt, Rendered, render, resolve, sha256_of
from setpoint.llm.rules import estimated_tokens, sanitised
from setpoint.llm.schemas import (
    DEFAULT_LIMITS,
    Answer,
    Call,
    ErrorKind,
    Failure,
    Limits,
    ModelSettings,
    ModelUnavailable,
    Status,
    Usage,
)

T = TypeVar("T", bound=BaseModel)
Check: TypeAlias = Callable[[T], Sequence[str] | Awaitable[Sequence[str]]]
Tool: TypeAlias = Callable[..., Awaitable[Any]]

_STATUS: Final = {
    ErrorKind.TIMED_OUT: Status.TIMEOUT,
    ErrorKind.TOO_MANY_REQUESTS: Status.RATE_LIMITED,
    ErrorKind.CONTENT_REFUSED: Status.REFUSED,
    ErrorKind.SCHEMA_MISMATCH: Status.INVALID_OUTPUT,
    ErrorKind.CHECK_FAILED: Status.INVALID_OUTPUT,
    ErrorKind.ANSWER_CUT_OFF: Status.INVALID_OUTPUT,
    ErrorKind.TOOLS_WITHOUT_END: Status.INVALID_OUTPUT,
    ErrorKind.INPUT_TOO_LONG: Status.BUDGET_EXCEEDED,
    ErrorKind.RUN_CAP: Status.BUDGET_EXCEEDED,
    ErrorKind.DAILY_CAP: Status.BUDGET_EXCEEDED,
    ErrorKind.NO_MODEL: Status.NO_MODEL,
    ErrorKind.CANCELLED: Status.CANCELLED,
}

# Until a model is asked the cost is known, and zero.
_NOTHING: Final = Usage(cost_usd=Decimal(0))


async def run_prompt(
    port: ModelPort,
    prompt: Prompt,
    inputs: Mapping[str, object],
    output_type: type[T],
    *,
    feature: str | None = None,
    run_id: UUID | None = None,
    check: Check[T] | None = None,
    tools: Sequence[Tool] = (),
    tools_version: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    cache: bool = True,
    metadata: Mapping[str, object] | None = None,
) -> Answer[T] | Failure:
    """Ask the workspace's model, and return its answer in the shape asked for, or why there is none.

    `inputs` has a value for every place of the prompt: a text, or anything that JSON can say. `check` returns
    complaints about an answer, as sentences for the model, which may then mend it; it may be async. `tools` are async
    functions with docstrings and typed arguments that the model may call; what they return it gets as data, and a
    SetpointError's sentence as the reason why a call failed. The same question is answered from the cache, with tools
    only where `tools_version` names the state of what they look into. `feature` is the first part of the prompt's
    key unless given; calls of one `run_id` share the cap of a run. Hold no connection meanwhile: the ledger opens
    transactions of its own.

    Raises UsageError where the inputs are not those of the prompt, DatabaseUnavailable where the books cannot be
    kept, and what `check` and `tools` raise; nothing that a model or its provider does.
    """
    settings = port.settings
    if settings is None:
        return Failure(Status.NO_MODEL, ErrorKind.NO_MODEL)
    started = port.clock.monotonic()
    effective = resolve(prompt, await port.ledger.overrides(prompt))
    rendered = render(effective, inputs)
    call = Call(
        id=uuid4(),
        feature=feature or prompt.key.partition(".")[0],
        prompt_key=prompt.key,
        prompt_version=prompt.version,
        prompt_hash=effective.hash,
        model=settings.model,
        effort=settings.effort,
        run_id=run_id,
        usage=_NOTHING,
        held_usd=_NOTHING.cost_usd,
        metadata=sanitised(metadata or {}),
    )

    async def complaints(value: T) -> Sequence[str]:
        found = check(value) if check is not None else ()
        return await found if isawaitable(found) else found

    key = None
    if cache and (not tools or tools_version is not None):
        key = cache_key(
            effective, rendered, settings, limits, output_type, [tool.__name__ for tool in tools], tools_version
        )
        known = await _known(port, key, output_type)
        if known is not None and not await complaints(known):
            call = replace(call, status=Status.CACHED, latency_ms=_since(port, started))
            await port.ledger.settle(call)
            return _answer(call, known)

    value, call = await _ask(port, settings, call, rendered, output_type, complaints, tools, limits, started)
    if value is None:
        await port.ledger.settle(call)
        return Failure(
            call.status, call.error_kind or ErrorKind.UNEXPECTED, call.usage, call.id, call.attempts, call.latency_ms
        )
    await port.ledger.settle(call)
    if key is not None:
        await port.ledger.keep(key, prompt.key, value.model_dump(mode="json"))
    return _answer(call, value)


async def _ask(
    port: ModelPort,
    settings: ModelSettings,
    call: Call,
    rendered: Rendered,
    output_type: type[T],
    complaints: Callable[[T], Awaitable[Sequence[str]]],
    tools: Sequence[Tool],
    limits: Limits,
    started: float,
) -> tuple[T | None, Call]:
    """The model's answer, or None, and the call as it ended."""
    if estimated_tokens(rendered.system + rendered.user) > limits.input_tokens:
        return None, _ended(port, call, ErrorKind.INPUT_TOO_LONG, started)
    # Loaded here, because it takes seconds and most of what Setpoint does asks no model.
    from setpoint.llm.agent import Meter, Spoken, converse

    try:
        model = port.open()
    except ModelUnavailable as error:
        return None, _ended(port, call, error.kind, started)
    meter = Meter(call, settings, port.ledger, port.clock, limits, started + limits.seconds)
    spoken: Spoken[T] = Spoken(None, ErrorKind.TIMED_OUT)
    try:
        async with asyncio.timeout(limits.seconds):
            spoken = await converse(model, meter, rendered, output_type, complaints, tools)
    except BaseException as error:
        meter.lose()
        if not isinstance(error, TimeoutError) or meter.ours is not None:
            kind = ErrorKind.CANCELLED if isinstance(error, asyncio.CancelledError) else ErrorKind.UNEXPECTED
            await port.ledger.settle(_ended(port, meter.held(), kind, started))
            raise
    return spoken.value, _ended(port, meter.held(), spoken.error, started)


def cache_key(
    effective: Effective,
    rendered: Rendered,
    settings: ModelSettings,
    limits: Limits,
    output_type: type[BaseModel],
    tools: Sequence[str] = (),
    tools_version: str | None = None,
) -> str:
    """The SHA-256 of everything that an answer depends on."""
    return sha256_of(
        [
            [effective.hash, rendered.system, rendered.user],
            [settings.model, settings.base_url, settings.effort, limits.output_tokens],
            output_type.model_json_schema(),
            [list(tools), tools_version],
        ]
    )


async def _known(port: ModelPort, key: str, output_type: type[T]) -> T | None:
    kept = await port.ledger.cached(key)
    try:
        return None if kept is None else output_type.model_validate(kept)
    except ValidationError:
        # It was kept by code that is no more.
        return None


def _ended(port: ModelPort, call: Call, error: ErrorKind | None, started: float) -> Call:
    status = Status.OK if error is None else _STATUS.get(error, Status.PROVIDER_ERROR)
    return replace(call, status=status, error_kind=error, latency_ms=_since(port, started))


def _since(port: ModelPort, started: float) -> int:
    return round((port.clock.monotonic() - started) * 1000)


def _answer(call: Call, value: T) -> Answer[T]:
    return Answer(
        value=value,
        model=call.model,
        effort=call.effort,
        prompt_key=call.prompt_key,
        prompt_version=call.prompt_version,
        prompt_hash=call.prompt_hash,
        usage=call.usage,
        call_id=call.id,
        attempts=call.attempts,
        latency_ms=call.latency_ms,
        cached=call.status is Status.CACHED,
    )
