"""Rates and differences of rates: their intervals, and the size a comparison needs.

Counts go in as whole numbers, rates are fractions between 0 and 1. Counts that cannot be (more successes than
trials, negative ones) raise ValueError: they are a mistake of the caller. What cannot be estimated from
possible counts is `Refused`.
"""

import math
from dataclasses import dataclass

from scipy.optimize import brentq
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    power_proportions_2indep,
    proportion_confint,
    samplesize_proportions_2indep_onetail,
)

from setpoint.domain.measured import Measured, Refused


@dataclass(frozen=True, slots=True)
class Stratum:
    """Two arms that were seen under the same circumstances."""

    successes_1: int
    trials_1: int
    successes_2: int
    trials_2: int


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Measured | Refused:
    """Estimate a rate with Wilson's score interval; without any trial there is no rate.

    Source: Wilson (1927); recommended by Newcombe, Statistics in Medicine 17:857 (1998).
    """
    _check_counts(successes, trials)
    _check_confidence(confidence)
    if trials == 0:
        return Refused("There is nothing to take a rate of.")
    low, high = proportion_confint(successes, trials, alpha=1 - confidence, method="wilson")
    value = successes / trials
    return Measured(value, max(0.0, min(float(low), value)), min(1.0, max(float(high), value)), confidence)


def newcombe_difference(
    successes_1: int, trials_1: int, successes_2: int, trials_2: int, confidence: float = 0.95
) -> Measured | Refused:
    """Estimate the difference of two independent rates, first minus second, with Newcombe's hybrid interval.

    Source: method 10 of Newcombe, Statistics in Medicine 17:873 (1998).
    """
    _check_counts(successes_1, trials_1)
    _check_counts(successes_2, trials_2)
    _check_confidence(confidence)
    if trials_1 == 0 or trials_2 == 0:
        return Refused("One of the two sides is empty: there is nothing to compare.")
    low, high = confint_proportions_2indep(
        successes_1, trials_1, successes_2, trials_2, method="newcomb", compare="diff", alpha=1 - confidence
    )
    value = successes_1 / trials_1 - successes_2 / trials_2
    return Measured(value, max(-1.0, float(low)), min(1.0, float(high)), confidence)


def sample_size_per_arm(rate_1: float, rate_2: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Return how many trials each of two equal arms needs, for a two-sided test to see the two rates apart.

    `power` is the probability of seeing it, `alpha` the two-sided level. The normal approximation with pooled
    variance under the null and separate variances under the alternative.
    Source: Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions (2003), formula 4.14.
    """
    _check_rate(rate_1)
    _check_rate(rate_2)
    if rate_1 == rate_2:
        raise ValueError("two equal rates cannot be seen apart at any size")
    # statsmodels halves alpha itself for the default, two-sided alternative.
    size: float = samplesize_proportions_2indep_onetail(rate_1 - rate_2, rate_2, power, ratio=1, alpha=alpha)
    return math.ceil(size)


def further_trials(trials_1: int, trials_2: int, per_arm: int) -> tuple[int, int]:
    """Return how many trials each arm must still get, to tell as much as two equal arms of `per_arm` would.

    What two unequal arms tell goes with their harmonic mean, so the smaller one is filled first: the two
    numbers are the fewest with which it can be done. (0, 0) when the arms tell enough as they are.
    """
    small, large = sorted((trials_1, trials_2))
    if large < per_arm:
        missing_small, missing_large = per_arm - small, per_arm - large
    else:
        enough = math.ceil(per_arm * large / (2 * large - per_arm)) if large else 0
        missing_small, missing_large = max(0, enough - small), 0
    return (missing_small, missing_large) if trials_1 <= trials_2 else (missing_large, missing_small)


def minimum_detectable_difference(
    trials_1: int, trials_2: int, rate: float, power: float = 0.8, alpha: float = 0.05
) -> float | Refused:
    """Return the smallest difference, centred on `rate`, that arms of these sizes see with `power`.

    Refused when not even the widest difference that can lie around `rate` would be seen.
    """
    _check_rate(rate)
    if trials_1 <= 0 or trials_2 <= 0:
        return Refused("One of the two sides is empty: no difference could be seen.")

    def shortfall(difference: float) -> float:
        reached = power_proportions_2indep(
            difference,
            rate - difference / 2,
            trials_1,
            ratio=trials_2 / trials_1,
            alpha=alpha,
            return_results=False,
        )
        return float(reached) - power

    # The very ends are left out: at rates of 0 and 1 the variance vanishes and the approximation with it.
    smallest, widest = 1e-9, 2 * min(rate, 1 - rate) * (1 - 1e-9)
    if widest <= smallest or shortfall(widest) < 0:
        return Refused("With so few trials no difference could be seen.")
    return float(brentq(shortfall, smallest, widest, xtol=1e-7))


def _check_counts(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials cannot be")


def _check_rate(rate: float) -> None:
    if not 0 <= rate <= 1:
        raise ValueError(f"{rate} is not a rate between 0 and 1")


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"{confidence} is not a confidence between 0 and 1")
