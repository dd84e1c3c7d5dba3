"""Run a typed prompt."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel

from setpoint.llm.port import ModelPort
from setpoint.llm.prompts import Prompt
from setpoint.llm.schemas import DEFAULT_LIMITS, Answer, Failure, Limits

T = TypeVar("T", bound=BaseModel)
Check: TypeAlias = Callable[[T], Sequence[str] | Awaitable[Sequence[str]]]
Tool: TypeAlias = Callable[..., Awaitable[Any]]


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
    complaints about an answer, as sentences for the model, which then may mend it; it may be async. `tools` are async
    functions with docstrings and typed arguments that the model may call. The same question is answered from the cache,
    with tools only where `tools_version` says what they look into. `feature` is the first part of the prompt's key
    unless given. Hold no connection meanwhile: the ledger opens transactions of its own.

    Raises UsageError where the inputs are not those of the prompt, DatabaseUnavailable where the books cannot be kept,
    and nothing that a model or its provider does.
    """
    raise NotImplementedError
