"""The trend of a rate: published figures, the line through the rates by hand, and known truths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.measured import Refused
from setpoint.stats.trends import Dose, Trend, linear_trend


def doses(successes: list[int], trials: list[int]) -> list[Dose]:
    return [Dose(score, *counts) for score, counts in enumerate(zip(successes, trials, strict=True), 1)]


def trend(*strata: list[Dose]) -> Trend:
    found = linear_trend(strata)
    assert isinstance(found, Trend), found
    return found


# Smokers among patients in four studies; the example of R's prop.trend.test (Fleiss, 1981).
SMOKERS = doses([83, 90, 129, 70], [86, 93, 136, 82])


def test_the_published_statistic() -> None:
    found = trend(SMOKERS)

    assert found.chi2 == pytest.approx(8.2249, abs=5e-5)
    # prop.test over the four has a chi-squared of 12.6004: what the line leaves is spread over two degrees.
    assert found.dispersion == pytest.approx((12.6004 - 8.2249) / 2, abs=5e-5)


def test_the_slope_is_the_line_through_the_rates() -> None:
    rates, weights = [83 / 86, 90 / 93, 129 / 136, 70 / 82], [86, 93, 136, 82]
    line = np.polynomial.Polynomial.fit([1, 2, 3, 4], rates, 1, w=np.sqrt(weights)).convert()

    assert trend(SMOKERS).slope.value == pytest.approx(line.coef[1])


def test_what_strata_differ_in_is_no_trend() -> None:
    """Each stratum is flat. The second has the higher rate and comes later: thrown together, they would rise."""
    low = [Dose(week, n // 10, n) for week, n in enumerate((120, 100, 80, 60, 40, 20))]
    high = [Dose(week, n // 2, n) for week, n in enumerate((20, 40, 60, 80, 100, 120))]

    assert trend(low, high).slope.value == pytest.approx(0)
    both = [Dose(a.score, a.successes + b.successes, a.trials + b.trials) for a, b in zip(low, high, strict=True)]
    assert trend(both).slope.low > 0


def test_weeks_that_scatter_widen_the_interval() -> None:
    smooth, rough = doses([20, 25, 30, 35, 40], [100] * 5), doses([8, 46, 16, 50, 30], [100] * 5)

    assert trend(smooth).dispersion == 1
    assert trend(rough).dispersion > 5
    assert trend(smooth).slope.low > 0 > trend(rough).slope.low


@pytest.mark.parametrize(
    ("strata", "words"),
    [
        ([], "no trend to tell"),
        ([doses([0, 0, 0], [10, 10, 10])], "no trend to tell"),
        ([doses([10, 10], [10, 10])], "no trend to tell"),
        ([[Dose(1, 5, 10)]], "no trend to tell"),
        ([[Dose(1, 5, 10), Dose(2, 0, 0)]], "no trend to tell"),
        ([doses([1, 5], [10, 10])], "a third is needed"),
    ],
)
def test_what_has_no_trend_is_refused(strata: list[list[Dose]], words: str) -> None:
    found = linear_trend(strata)

    assert isinstance(found, Refused)
    assert words in found.reason


def test_counts_that_cannot_be_are_a_mistake() -> None:
    for wrong in (Dose(1, 3, 2), Dose(1, -1, 2)):
        with pytest.raises(ValueError, match="cannot be"):
            linear_trend([[wrong]])
    with pytest.raises(ValueError, match="not a confidence"):
        linear_trend([SMOKERS], confidence=1)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=3, max_size=8))
def test_any_trend_turns_around_with_time_and_agrees_with_its_test(counts: list[tuple[int, int]]) -> None:
    weeks = [Dose(week, booked, booked + others) for week, (booked, others) in enumerate(counts)]
    found, back = linear_trend([weeks]), linear_trend([[Dose(-w.score, w.successes, w.trials) for w in weeks]])

    assert isinstance(found, Trend) == isinstance(back, Trend)
    if isinstance(found, Trend) and isinstance(back, Trend):
        assert back.slope.value == pytest.approx(-found.slope.value, abs=1e-9)
        assert back.p_value == pytest.approx(found.p_value, abs=1e-9)
        assert (found.p_value < 0.05) == (not found.slope.low <= 0 <= found.slope.high)


def told(draws: int, seed: int, slope: float, between: float) -> tuple[float, float]:
    """How often a trend is told and how often its interval holds the slope, where weeks also differ by themselves."""
    rng = np.random.default_rng(seed)
    seen = held = 0
    for _ in range(draws):
        strata = []
        for base in (0.15, 0.25):
            rates = base + slope * np.arange(9) + rng.normal(0, between, 9)
            trials = rng.integers(60, 200, 9)
            booked = rng.binomial(trials, np.clip(rates, 0, 1))
            strata.append([Dose(week, int(booked[week]), int(trials[week])) for week in range(9)])
        found = trend(*strata)
        seen += found.p_value < 0.05
        held += found.slope.low <= slope <= found.slope.high
    return seen / draws, held / draws


@pytest.mark.parametrize("between", [0.0, 0.05], ids=["alike", "weeks differ"])
def test_no_trend_is_told_in_one_of_twenty_draws_at_most(between: float) -> None:
    assert told(draws=1000, seed=20260305, slope=0.0, between=between)[0] <= 0.065


def test_a_planted_trend_is_recovered() -> None:
    seen, held = told(draws=1000, seed=20260306, slope=0.015, between=0.0)

    assert seen > 0.9
    assert 0.935 <= held <= 0.98
