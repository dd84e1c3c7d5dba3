"""The breaker, by a clock that only moves when told to, against a plain account of what it must do."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from setpoint.app.breaker import Breaker, Call, Resting
from setpoint.domain.errors import DatabaseUnavailable

MOST, COOL_DOWN = 3, 30.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def fail(breaker: Breaker) -> None:
    with breaker.call() as call:
        call.failed()


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock, MOST, COOL_DOWN)
    for _ in range(MOST - 1):
        fail(breaker)
    with pytest.raises(Resting):
        fail(breaker)
    return breaker


def test_so_many_failures_in_a_row_open_it_and_it_says_for_how_long() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 12
    with pytest.raises(Resting) as told, breaker.call():
        pytest.fail("A call went through.")

    assert told.value.seconds == 18
    assert isinstance(told.value, DatabaseUnavailable)


def test_a_success_between_failures_begins_the_count_anew() -> None:
    breaker = Breaker(Clock(), MOST, COOL_DOWN)
    for _ in range(2 * MOST):
        fail(breaker)
        with breaker.call() as call:
            call.succeeded()

    assert breaker.state.failures == 0


def test_after_the_cool_down_one_call_finds_out_while_all_others_wait() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += COOL_DOWN
    with breaker.call() as trying:
        with pytest.raises(Resting), breaker.call():
            pytest.fail("A second call went through.")
        trying.succeeded()
        with breaker.call():
            pass

    assert breaker.state.until is None


def test_a_try_that_fails_opens_it_for_another_cool_down() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += COOL_DOWN
    with pytest.raises(Resting):
        fail(breaker)
    clock.now += COOL_DOWN - 1
    with pytest.raises(Resting), breaker.call():
        pytest.fail("It went through.")


def test_a_try_that_is_broken_off_leaves_it_to_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += COOL_DOWN
    with pytest.raises(KeyError), breaker.call():
        raise KeyError
    with breaker.call() as call:
        call.succeeded()

    assert breaker.state.until is None


class Calls(RuleBasedStateMachine):
    """Calls that begin, tell and end in any order, while time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(self.clock, MOST, COOL_DOWN)
        self.under_way: list[tuple[object, Call, bool]] = []
        self.row = 0
        self.opened_at: float | None = None
        self.eras = 0

    @property
    def trying(self) -> bool:
        return any(call._era == self.eras for _, call, tries in self.under_way if tries)

    @rule()
    def begin(self) -> None:
        context = self.breaker.call()
        waits = self.opened_at is not None and (self.clock.now < self.opened_at + COOL_DOWN or self.trying)
        if waits:
            with pytest.raises(Resting) as told:
                context.__enter__()
            assert 0 < told.value.seconds <= COOL_DOWN + 1e-9
        else:
            self.under_way.append((context, context.__enter__(), self.opened_at is not None))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def tell_of_a_failure(self, data: st.DataObject) -> None:
        _, call, _ = data.draw(st.sampled_from(self.under_way))
        counts = call._era == self.eras
        self.row += counts
        if counts and (self.opened_at is not None or self.row >= MOST):
            self.opened_at, self.row = self.clock.now, 0
            self.eras += 1
        if self.opened_at is None:
            call.failed()
        else:
            with pytest.raises(Resting):
                call.failed()

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def tell_of_a_success(self, data: st.DataObject) -> None:
        _, call, _ = data.draw(st.sampled_from(self.under_way))
        call.succeeded()
        if call._era == self.eras:
            self.row, self.opened_at = 0, None

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.under_way))
        self.under_way.remove(entry)
        entry[0].__exit__(None, None, None)  # type: ignore[attr-defined]

    @rule(seconds=st.floats(0.1, 2 * COOL_DOWN))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def it_is_open_when_it_must_be(self) -> None:
        assert (self.breaker.state.until is not None) == (self.opened_at is not None)


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
