"""What `run_prompt` needs of the world: a model, its books and a clock."""

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

from setpoint.llm.prompts import Overrides, Prompt
from setpoint.llm.schemas import Call, ErrorKind, ModelSettings

if TYPE_CHECKING:
    # It takes seconds to load, and most commands ask no model.
    from pydantic_ai.models import Model


class Ledger(Protocol):
    """The workspace's books. Each step is a transaction of its own: a failed run keeps what it spent on record.

    All of it raises DatabaseUnavailable.
    """

    async def overrides(self, prompt: Prompt) -> Overrides:
        """What the workspace says instead of this version of a prompt, and of its snippets."""

    async def cached(self, key: str) -> Any | None:
        """The answer to the very same question, as JSON; None where there is none."""

    async def keep(self, key: str, prompt_key: str, value: Any) -> None:
        """Keep an answer, as JSON, for the next time."""

    async def reserve(self, call: Call, settings: ModelSettings) -> ErrorKind | None:
        """Put what a call holds on record before its next request, or say which cap forbids that."""

    async def settle(self, call: Call) -> None:
        """Put on record how a call ended, in place of what was reserved."""


class Clock(Protocol):
    """Seconds that only go up, and a way to let them pass."""

    def monotonic(self) -> float:
        """Seconds since some instant."""

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""


class SystemClock:
    """The clock of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ModelPort(Protocol):
    """The model of one workspace, with its books. `settings` is None where there is no model."""

    @property
    def settings(self) -> ModelSettings | None: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def clock(self) -> Clock: ...

    def open(self) -> "Model":
        """The model in pydantic-ai's terms, which stay inside this room. Raises ModelUnavailable."""
