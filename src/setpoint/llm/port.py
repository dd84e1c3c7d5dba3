"""What `run_prompt` needs of the world: a model, a ledger and a clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from pydantic_ai.models import Model

from setpoint.llm.prompts import Message
from setpoint.llm.schemas import Call, ErrorKind, ModelSettings


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a workspace says instead of the code: the messages of one prompt, and snippets by name."""

    messages: tuple[Message, ...] | None = None
    snippets: Mapping[str, str] = field(default_factory=dict)


class Ledger(Protocol):
    """The workspace's books. Each step is a transaction of its own: a failed run keeps what it spent on record."""

    async def overrides(self, prompt_key: str, prompt_version: int, snippets: tuple[str, ...]) -> Overrides:
        """What the workspace says instead of this version of a prompt, and of these snippets."""

    async def cached(self, key: str) -> Any | None:
        """The answer to the very same question, as JSON; None where there is none."""

    async def keep(self, key: str, prompt_key: str, value: Any) -> None:
        """Keep an answer, as JSON, for the next time."""

    async def reserve(
        self, call: Call, settings: ModelSettings, usd: Decimal | None, tokens: int
    ) -> ErrorKind | None:
        """Set aside the worst that a call may have cost after its next request, or say which cap forbids it."""

    async def settle(self, call: Call) -> None:
        """Put on record how a call ended and what it cost, in place of what was set aside."""


class Clock(Protocol):
    """Seconds that only go up, and a way to let them pass."""

    def monotonic(self) -> float:
        """Seconds since some instant."""

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""


class ModelPort(Protocol):
    """The model of one workspace, with its books. `settings` is None where there is no model."""

    @property
    def settings(self) -> ModelSettings | None: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def clock(self) -> Clock: ...

    def open(self) -> Model:
        """The model in pydantic-ai's terms, which stay inside this room. Not called without settings."""
