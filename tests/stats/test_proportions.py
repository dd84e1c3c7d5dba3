"""Rates and differences held against published figures, against each other, and against a known truth."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.special import xlogy
from scipy.stats import norm

from setpoint.domain.measured import Measured, Refused
from setpoint.stats.proportions import (
    further_trials,
    minimum_detectable_difference,
    newcombe_difference,
    sample_size_per_arm,
    wilson,
)


@st.composite
def counts(draw: st.DrawFn, least: int = 1) -> tuple[int, int]:
    trials = draw(st.integers(least, 5_000))
    return draw(st.integers(0, trials)), trials


def measured(result: Measured | Refused) -> Measured:
    assert isinstance(result, Measured), result
    return result


# Newcombe, Statistics in Medicine 17:857 (1998), Table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(successes: int, trials: int, low: float, high: float) -> None:
    rate = measured(wilson(successes, trials))

    assert (round(rate.low, 4), round(rate.high, 4)) == (low, high)
    assert rate.value == successes / trials


# Newcombe, Statistics in Medicine 17:873 (1998), Table II, method 10; 7 of 34 against 1 of 34 is the example
# of Fagerland, Lydersen and Laake, Statistical Methods in Medical Research 24:224 (2015).
@pytest.mark.parametrize(
    ("first", "second", "low", "high", "digits"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339, 4),
        ((9, 10), (3, 10), 0.1705, 0.8090, 4),
        ((6, 7), (2, 7), 0.0582, 0.8062, 4),
        ((5, 56), (0, 29), -0.0381, 0.1926, 4),
        ((7, 34), (1, 34), 0.019, 0.34, 3),
        ((0, 10), (0, 20), -0.1611, 0.2775, 4),
        ((10, 10), (0, 20), 0.6791, 1.0, 4),
    ],
)
def test_newcombe_gives_the_published_intervals(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float, digits: int
) -> None:
    difference = measured(newcombe_difference(*first, *second))

    assert round(difference.low, digits) == low
    assert round(difference.high, digits) == pytest.approx(high, abs=10**-digits / 2)


# The library's own score interval has the first arm's size where the second's belongs, and raises on the second case.
@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((56, 70), (48, 80), 0.0528, 0.3382), ((9, 10), (3, 10), 0.1700, 0.8406)],
)
def test_newcombe_is_near_the_score_interval(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    score_low, score_high = miettinen_nurminen(first, second)
    newcombe = measured(newcombe_difference(*first, *second))

    assert (round(score_low, 4), round(score_high, 4)) == (low, high)
    assert newcombe.low == pytest.approx(score_low, abs=0.04)
    assert newcombe.high == pytest.approx(score_high, abs=0.04)


def miettinen_nurminen(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Invert the score test of a difference; Miettinen and Nurminen, Statistics in Medicine 4:213 (1985)."""
    (x, m), (y, n) = first, second
    estimate = x / m - y / n

    def excess(difference: float) -> float:
        """The squared score less its quantile; the variance is that of the likeliest rates this far apart."""

        def unlikely(rate: float) -> float:
            other = rate - difference
            return -float(xlogy(x, rate) + xlogy(m - x, 1 - rate) + xlogy(y, other) + xlogy(n - y, 1 - other))

        bounds = (max(0.0, difference), min(1.0, 1 + difference))
        rate = float(minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x)
        other = rate - difference
        variance = (rate * (1 - rate) / m + other * (1 - other) / n) * (m + n) / (m + n - 1)
        return (estimate - difference) ** 2 / variance - float(norm.isf(0.025)) ** 2

    return float(brentq(excess, -1 + 1e-6, estimate)), float(brentq(excess, estimate, 1 - 1e-6))


@pytest.mark.parametrize(
    ("first", "second", "per_arm"), [(0.10, 0.15, 686), (0.08, 0.10, 3_213), (0.007, 0.011, 8_750)]
)
def test_the_sizes_that_a_comparison_needs(first: float, second: float, per_arm: int) -> None:
    """80% power at the two-sided level of 5%; R's power.prop.test gives the first as 685.6."""
    assert sample_size_per_arm(first, second) == per_arm
    assert sample_size_per_arm(second, first) == per_arm


def test_nothing_is_estimated_of_nothing() -> None:
    assert isinstance(wilson(0, 0), Refused)
    assert isinstance(newcombe_difference(0, 0, 3, 10), Refused)
    assert isinstance(newcombe_difference(3, 10, 0, 0), Refused)
    assert isinstance(minimum_detectable_difference(0, 10, 0.1), Refused)


def test_counts_and_rates_that_cannot_be_raise() -> None:
    for successes, trials in ((-1, 10), (11, 10), (0, -1)):
        with pytest.raises(ValueError, match="cannot be"):
            wilson(successes, trials)
        with pytest.raises(ValueError, match="cannot be"):
            newcombe_difference(1, 2, successes, trials)
    with pytest.raises(ValueError, match="not a confidence"):
        wilson(1, 2, confidence=95)
    with pytest.raises(ValueError, match="not a rate"):
        sample_size_per_arm(1.1, 0.5)
    with pytest.raises(ValueError, match="equal rates"):
        sample_size_per_arm(0.5, 0.5)


@given(counts(), st.floats(0.5, 0.999))
def test_wilson_holds_the_rate_and_stays_a_rate(count: tuple[int, int], confidence: float) -> None:
    rate = measured(wilson(*count, confidence=confidence))

    assert 0 <= rate.low <= rate.value <= rate.high <= 1
    assert rate.confidence == confidence


@given(counts())
def test_wilson_of_failures_mirrors_that_of_successes(count: tuple[int, int]) -> None:
    successes, trials = count
    rate, mirrored = measured(wilson(successes, trials)), measured(wilson(trials - successes, trials))

    assert mirrored.low == pytest.approx(1 - rate.high, abs=1e-12)
    assert mirrored.high == pytest.approx(1 - rate.low, abs=1e-12)


@given(counts(), counts())
def test_newcombe_is_antisymmetric_and_holds_the_difference(first: tuple[int, int], second: tuple[int, int]) -> None:
    there = measured(newcombe_difference(*first, *second))
    back = measured(newcombe_difference(*second, *first))

    assert -1 <= there.low <= there.value + 1e-12
    assert there.value - 1e-12 <= there.high <= 1
    assert back.low == pytest.approx(-there.high)
    assert back.high == pytest.approx(-there.low)


@given(counts())
def test_an_interval_narrows_with_more_of_the_same(count: tuple[int, int]) -> None:
    successes, trials = count
    once, tenfold = measured(wilson(successes, trials)), measured(wilson(10 * successes, 10 * trials))

    assert tenfold.high - tenfold.low < once.high - once.low


@given(st.integers(0, 3_000), st.integers(0, 3_000), st.integers(2, 2_000))
def test_further_trials_are_enough_and_not_one_too_many(first: int, second: int, per_arm: int) -> None:
    missing_first, missing_second = further_trials(first, second, per_arm)
    reached = first + missing_first, second + missing_second
    added = missing_first + missing_second

    assert missing_first >= 0
    assert missing_second >= 0
    assert _tells_as_much(*reached, per_arm)
    assert added == 0 or not any(
        _tells_as_much(first + k, second + added - 1 - k, per_arm) for k in range(0, added, max(1, added // 50))
    )


def _tells_as_much(first: int, second: int, per_arm: int) -> bool:
    return 2 * first * second >= per_arm * (first + second) and first > 0


def test_further_trials_fill_the_smaller_arm_first() -> None:
    assert further_trials(686, 686, 686) == (0, 0)
    assert further_trials(100, 400, 686) == (586, 286)
    assert further_trials(100, 1_000, 686) == (423, 0)  # 1 / (2 / 686 - 1 / 1000) = 522.07, so 523 in all.
    assert further_trials(1_000, 100, 686) == (0, 423)


@pytest.mark.parametrize(
    ("rate", "per_arm"), [(0.01, 2_000), (0.1, 2_000), (0.5, 2_000), (0.93, 2_000), (0.01, 500), (0.5, 20)]
)
def test_the_detectable_difference_is_the_inverse_of_the_size(rate: float, per_arm: int) -> None:
    difference = minimum_detectable_difference(per_arm, per_arm, rate)

    assert isinstance(difference, float)
    assert sample_size_per_arm(rate + difference / 2, rate - difference / 2) in (per_arm, per_arm + 1)


def test_no_difference_is_detectable_with_a_handful() -> None:
    assert isinstance(minimum_detectable_difference(3, 3, 0.1), Refused)
    assert isinstance(minimum_detectable_difference(300, 300, 0.0), Refused)


@pytest.mark.parametrize(
    ("first", "second"), [((0.30, 60), (0.30, 60)), ((0.05, 400), (0.02, 150)), ((0.85, 90), (0.60, 700))]
)
def test_newcombe_covers_the_true_difference(first: tuple[float, int], second: tuple[float, int]) -> None:
    """Drawn 4,000 times from known rates, 95% intervals hold the truth in 95% of the draws, give or take."""
    draws = 4_000
    generator = np.random.default_rng(20_260_105)
    truth = first[0] - second[0]

    @cache
    def covers(successes_1: int, successes_2: int) -> bool:
        interval = measured(newcombe_difference(successes_1, first[1], successes_2, second[1]))
        return interval.low <= truth <= interval.high

    successes_1 = generator.binomial(first[1], first[0], draws)
    successes_2 = generator.binomial(second[1], second[0], draws)
    covered = sum(covers(int(a), int(b)) for a, b in zip(successes_1, successes_2, strict=True))

    assert 0.935 <= covered / draws <= 0.975
