"""When to leave a database alone that is in trouble. Pure: a state, and what each call and its outcome make of it.

Closed, calls go through; so many failures one after the other open it. Open, none goes through until the cool-down is
over. Then one goes through to see: its success closes, its failure opens for another cool-down.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from setpoint.domain.errors import DatabaseUnavailable

FAILURES: Final = 3
COOL_DOWN_SECONDS: Final = 30.0


class Resting(DatabaseUnavailable):
    """Too many attempts failed one after the other: nothing is tried before `seconds` are over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "The database was in trouble again and again and is left alone for a while: try again later."
        )
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class State:
    """`failures` in a row; `until`, in the seconds of some clock, is there once it is open.

    `era` counts how often it opened: how a call of an earlier era ends says nothing any more.
    `trying` is true while one call finds out whether it is over.
    """

    failures: int = 0
    until: float | None = None
    era: int = 0
    trying: bool = False


def entered(state: State, now: float) -> tuple[State, float]:
    """What a call that comes now makes of it, and how many seconds it must wait: 0 where it may go through."""
    if state.until is None:
        return state, 0.0
    if now < state.until:
        return state, state.until - now
    if state.trying:
        return state, 1.0
    return replace(state, trying=True), 0.0


def succeeded(state: State, era: int) -> State:
    """After a success of a call of that era."""
    if era != state.era:
        return state
    return State(era=state.era)


def failed(state: State, era: int, now: float, most: int, cool_down: float) -> State:
    """After a failure of a call of that era: `most` in a row open it, and one that only tried opens it again."""
    if era != state.era:
        return state
    failures = state.failures + 1
    if state.until is None and failures < most:
        return replace(state, failures=failures)
    return State(failures, now + cool_down, state.era + 1)


def left(state: State, era: int) -> State:
    """After a call of that era ended: where it was to find out and did not, the next may."""
    return replace(state, trying=False) if era == state.era else state


class Breaker:
    """The state of one process, by a clock in seconds that never goes back."""

    def __init__(
        self, clock: Callable[[], float], most: int = FAILURES, cool_down: float = COOL_DOWN_SECONDS
    ) -> None:
        self._clock, self._most, self._cool_down = clock, most, cool_down
        self.state = State()

    @contextmanager
    def call(self) -> Iterator["Call"]:
        """Let a call through while a block lasts. Raises Resting where it must wait."""
        self.state, wait = entered(self.state, self._clock())
        if wait:
            raise Resting(wait)
        era = self.state.era
        try:
            yield Call(self, era)
        finally:
            self.state = left(self.state, era)

    def note(self, era: int, *, well: bool) -> None:
        """Put on record how something of a call of that era ended. Raises Resting where that opened it."""
        if well:
            self.state = succeeded(self.state, era)
            return
        self.state = failed(self.state, era, self._clock(), self._most, self._cool_down)
        if self.state.until is not None:
            raise Resting(max(self.state.until - self._clock(), 1.0))


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was let through, and may tell of several things that it did."""

    _breaker: Breaker
    _era: int

    def succeeded(self) -> None:
        """The database did what it was asked for."""
        self._breaker.note(self._era, well=True)

    def failed(self) -> None:
        """It could not be reached. Raises Resting where that was once too often."""
        self._breaker.note(self._era, well=False)
