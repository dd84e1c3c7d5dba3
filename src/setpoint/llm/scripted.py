"""Twins of the port for tests and benchmarks: a model that follows a script, and no model at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic_ai.models import Model

from setpoint.llm.port import Clock, Ledger
from setpoint.llm.schemas import Call, ErrorKind, ModelSettings

SCRIPTED: ModelSettings = ModelSettings("scripted:model")


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
    """The reply comes after so many seconds of the port's fake clock."""

    seconds: float
    reply: "Reply"


# A model or a mapping is the typed answer; a text is a reply without one.
Reply: TypeAlias = BaseModel | Mapping[str, Any] | str | UseTool | Fail | Slow
Script: TypeAlias = Sequence[Reply] | Callable[[Asked], Reply]


class ScriptedModel:
    """A model that answers from a list, one reply a request, or from a function. Nothing waits, nothing calls out.

    `asked` has what it was sent, request by request; `calls` what was put on record where the ledger is its own.
    """

    def __init__(
        self,
        script: Script,
        *,
        settings: ModelSettings = SCRIPTED,
        ledger: Ledger | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self.calls: list[Call] = []
        raise NotImplementedError

    def open(self) -> Model:
        raise NotImplementedError


class NoModel:
    """The port of a workspace that has no model: every prompt ends with `no_model`."""

    def open(self) -> Model:
        raise NotImplementedError
