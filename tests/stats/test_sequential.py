"""Intervals that may be read at any time: a published figure, and looking 39 times at nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.measured import Measured, Refused
from setpoint.stats.proportions import newcombe_difference
from setpoint.stats.sequential import sample_ratio_mismatch, sequential_difference, sequential_lift


def measured(result: Measured | Refused) -> Measured:
    assert isinstance(result, Measured), result
    return result


def test_the_lift_gives_the_published_interval() -> None:
    """The sequential two-sided interval of growthbook's statistics package, tuned for 5,000 trials."""
    lift = measured(sequential_lift(1396, 3000, 2422, 3461))

    assert (round(lift.value, 5), round(lift.low, 5), round(lift.high, 5)) == (0.50386, 0.40098, 0.60675)


def test_the_difference_by_hand() -> None:
    """40 of 200 against 60 of 200: 0.1, with variance 0.2 * 0.8 / 200 + 0.3 * 0.7 / 200 = 0.00185.

    2 ln 20 = 5.99146 and ln 6.99146 = 1.94469, so 400 * rho**2 = 400 * 7.93616 / 400 = 7.93616 when tuned for 400.
    Then 2 * 8.93616 / 7.93616 * (ln 20 + ln(8.93616) / 2) = 2.25201 * 4.09077 = 9.21244: 3.0352 standard errors.
    """
    difference = measured(sequential_difference(40, 200, 60, 200, tuning=400))

    assert difference.value == pytest.approx(0.1)
    assert (difference.high - difference.value) / math.sqrt(0.00185) == pytest.approx(3.0352, abs=5e-5)
    assert difference.value - difference.low == pytest.approx(difference.high - difference.value)


def test_the_interval_is_narrowest_near_the_size_that_it_was_tuned_for() -> None:
    tunings = (500, 1_000, 2_000, 4_000, 8_000)
    widths = [measured(sequential_difference(100, 1_000, 130, 1_000, tuning=t)).high for t in tunings]

    assert min(widths) == widths[2]


# The first two are in the tests of growthbook's statistics package; 55 against 45 is chi2 = 1 by hand.
@pytest.mark.parametrize(
    ("observed", "share", "p_value"),
    [((1000, 1200), 0.5, 0.0000201), ((505, 500), 0.5, 0.8746774), ((55, 45), 0.5, 0.3173105)],
)
def test_the_split_gives_the_published_p_values(observed: tuple[int, int], share: float, p_value: float) -> None:
    found = sample_ratio_mismatch(*observed, share)

    assert isinstance(found, float)
    assert round(found, 7) == p_value


def test_what_is_too_little_is_refused_with_what_is_missing() -> None:
    assert isinstance(sequential_lift(0, 0, 5, 10), Refused)
    assert isinstance(sequential_difference(0, 1_000, 0, 1_000), Refused)
    assert isinstance(sequential_difference(50, 50, 70, 70), Refused)
    assert isinstance(sequential_lift(0, 1_000, 30, 1_000), Refused)
    # All of one arm and none of the other: no interval of no width.
    assert isinstance(sequential_difference(0, 100, 100, 100), Refused)
    assert isinstance(sequential_lift(100, 100, 0, 100), Refused)
    assert measured(sequential_difference(0, 1_000, 30, 1_000)).value == pytest.approx(0.03)

    # At a rate of 10% each arm needs 50 trials to expect 5 successes.
    few = sequential_difference(2, 20, 3, 30)
    assert isinstance(few, Refused)
    assert few.needed == 30 + 20
    split = sample_ratio_mismatch(20, 2, 0.9)
    assert isinstance(split, Refused)
    assert split.needed == 50 - 22


def test_what_cannot_be_raises() -> None:
    for read in (sequential_lift, sequential_difference):
        with pytest.raises(ValueError, match="cannot be"):
            read(11, 10, 1, 2)
        with pytest.raises(ValueError, match="not a confidence"):
            read(5, 10, 1, 2, confidence=1.0)
        with pytest.raises(ValueError, match="to tune for"):
            read(5, 10, 1, 2, tuning=0)
    with pytest.raises(ValueError, match="cannot be"):
        sample_ratio_mismatch(-1, 5, 0.5)
    with pytest.raises(ValueError, match="not a share"):
        sample_ratio_mismatch(5, 5, 1.0)


@given(st.integers(50, 3_000), st.integers(50, 3_000), st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_a_sequential_interval_holds_the_estimate_and_the_one_that_is_read_once(
    trials_1: int, trials_2: int, rate_1: float, rate_2: float
) -> None:
    successes_1, successes_2 = round(trials_1 * rate_1), round(trials_2 * rate_2)
    always = sequential_difference(successes_1, trials_1, successes_2, trials_2)
    once = measured(newcombe_difference(successes_2, trials_2, successes_1, trials_1))

    assert isinstance(always, Refused) or (always.low < once.low and once.high < always.high)


def test_peeking_39_times_at_nothing() -> None:
    """Both arms book 10%; 39 looks, one for every 250 leads an arm, and what counts is any false alarm."""
    naive, sequential = false_alarms(runs=300)

    assert 0.23 <= naive <= 0.35
    assert sequential <= 0.05


@pytest.mark.proof
def test_peeking_39_times_at_nothing_in_many_runs() -> None:
    """The documentation's figures are 28.7% and 1.7%."""
    naive, sequential = false_alarms(runs=6_000)

    assert naive == pytest.approx(0.29, abs=0.02)
    assert sequential == pytest.approx(0.017, abs=0.006)


@pytest.mark.proof
def test_all_looks_together_cover_a_lift_that_is_there() -> None:
    """8% against 10%, looked at from the first leads on: the lift of 25% is in every interval of a run."""
    generator = np.random.default_rng(20_260_108)
    missed = 0
    for _ in range(2_000):
        without = np.cumsum(generator.binomial(50, 0.08, 39))
        with_it = np.cumsum(generator.binomial(50, 0.10, 39))
        looks = (
            sequential_lift(int(a), 50 * n, int(b), 50 * n)
            for n, (a, b) in enumerate(zip(without, with_it, strict=True), start=1)
        )
        missed += not all(look.low <= 0.25 <= look.high for look in looks if isinstance(look, Measured))

    assert missed / 2_000 <= 0.05


def false_alarms(runs: int) -> tuple[float, float]:
    generator = np.random.default_rng(20_260_107)
    naive = sequential = 0
    for _ in range(runs):
        first, second = np.cumsum(generator.binomial(250, 0.1, (2, 39)), axis=1)
        trials = 250 * np.arange(1, 40)
        rates_1, rates_2 = first / trials, second / trials
        errors = np.sqrt((rates_1 * (1 - rates_1) + rates_2 * (1 - rates_2)) / trials)
        naive += bool((np.abs(rates_1 - rates_2) > 1.959964 * errors).any())
        looks = (
            measured(sequential_difference(int(a), int(n), int(b), int(n)))
            for a, b, n in zip(first, second, trials, strict=True)
        )
        sequential += any(not look.low <= 0 <= look.high for look in looks)
    return naive / runs, sequential / runs
