"""Did a change help? Intervals that may be read at any time, as often as one likes.

The first arm is without the change and the second with it, so a positive number speaks for the change. The
intervals of all looks together hold the truth with the confidence asked for, so stopping at a good moment is no
error. The price is width. Methods here are for large numbers: with few outcomes expected they are refused.

Source: asymptotic confidence sequences, Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, arXiv:2103.06476, theorem
2.2, with the variance of both arms put per observation.
"""

import math

from scipy.stats import chisquare

from setpoint.domain.measured import Measured, Refused

_EXPECTED = 5  # Cochran's rule: successes and failures that each arm must expect.


def sequential_lift(
    successes_1: int,
    trials_1: int,
    successes_2: int,
    trials_2: int,
    confidence: float = 0.95,
    tuning: float = 5_000,
) -> Measured | Refused:
    """Estimate the relative lift of the second rate over the first: 0.1 when it is a tenth higher.

    `tuning` is the number of trials, of both arms together, at which the interval is as narrow as it can be; it is
    chosen before the first look. The variance of the ratio is that of the delta method. Counts that cannot be
    raise ValueError.
    """
    refusal = _refusal(successes_1, trials_1, successes_2, trials_2, confidence, tuning)
    if refusal:
        return refusal
    if successes_1 == 0:
        return Refused("Nothing succeeded without the change: there is no rate that a lift could start from.")
    rate_1, rate_2 = successes_1 / trials_1, successes_2 / trials_2
    ratio = rate_2 / rate_1
    variance = (_variance(rate_2, trials_2) + ratio**2 * _variance(rate_1, trials_1)) / rate_1**2
    half = _half_width(variance, trials_1 + trials_2, confidence, tuning)
    return Measured(ratio - 1, max(-1.0, ratio - 1 - half), ratio - 1 + half, confidence)


def sequential_difference(
    successes_1: int,
    trials_1: int,
    successes_2: int,
    trials_2: int,
    confidence: float = 0.95,
    tuning: float = 5_000,
) -> Measured | Refused:
    """Estimate the difference of two rates, second minus first; `tuning` as in `sequential_lift`.

    Counts that cannot be raise ValueError.
    """
    refusal = _refusal(successes_1, trials_1, successes_2, trials_2, confidence, tuning)
    if refusal:
        return refusal
    rate_1, rate_2 = successes_1 / trials_1, successes_2 / trials_2
    variance = _variance(rate_1, trials_1) + _variance(rate_2, trials_2)
    half = _half_width(variance, trials_1 + trials_2, confidence, tuning)
    value = rate_2 - rate_1
    return Measured(value, max(-1.0, value - half), min(1.0, value + half), confidence)


def sample_ratio_mismatch(observed_1: int, observed_2: int, share_1: float) -> float | Refused:
    """Return the p-value of the observed split, when a lead falls into the first arm with probability `share_1`.

    A tiny value (below 0.001 by custom) says that the assignment is broken and the comparison worth nothing.
    Pearson's chi-squared test with one degree of freedom. Raises ValueError for negative counts and for a share
    that is not between 0 and 1.
    Source: Fabijan et al., Diagnosing Sample Ratio Mismatch in Online Controlled Experiments, KDD (2019).
    """
    if observed_1 < 0 or observed_2 < 0:
        raise ValueError(f"{observed_1} and {observed_2} leads cannot be")
    if not 0 < share_1 < 1:
        raise ValueError(f"{share_1} is not a share between 0 and 1")
    total = observed_1 + observed_2
    smaller = min(share_1, 1 - share_1)
    # Rounded, because 1 - 0.9 is a little less than 0.1.
    needed = math.ceil(round(_EXPECTED / smaller, 6)) - total
    if needed > 0:
        return Refused("Too few leads were assigned to check how they were split.", needed)
    expected = (total * share_1, total * (1 - share_1))
    return float(chisquare((observed_1, observed_2), expected).pvalue)


def _refusal(
    successes_1: int, trials_1: int, successes_2: int, trials_2: int, confidence: float, tuning: float
) -> Refused | None:
    for successes, trials in ((successes_1, trials_1), (successes_2, trials_2)):
        if not 0 <= successes <= trials:
            raise ValueError(f"{successes} successes in {trials} trials cannot be")
    if not 0 < confidence < 1:
        raise ValueError(f"{confidence} is not a confidence between 0 and 1")
    if not tuning > 0:
        raise ValueError(f"{tuning} is not a number of trials to tune for")
    if trials_1 == 0 or trials_2 == 0:
        return Refused("One of the two sides is empty: there is nothing to compare.")
    rate = (successes_1 + successes_2) / (trials_1 + trials_2)
    rarer = min(rate, 1 - rate)
    if rarer == 0:
        return Refused("The outcome is the same everywhere: there is nothing to compare.")
    needed = sum(max(0, math.ceil(round(_EXPECTED / rarer, 6)) - trials) for trials in (trials_1, trials_2))
    if needed:
        return Refused("Too few outcomes yet to read an interval from.", needed)
    if all(successes in (0, trials) for successes, trials in ((successes_1, trials_1), (successes_2, trials_2))):
        return Refused("Within each arm the outcome is the same everywhere: there is no error to estimate.")
    return None


def _variance(rate: float, trials: int) -> float:
    return rate * (1 - rate) / trials


def _half_width(variance: float, trials: int, confidence: float, tuning: float) -> float:
    """Widen the standard error to hold at all times; rho is the closed form that is narrowest at `tuning` trials."""
    alpha = 1 - confidence
    spent = -2 * math.log(alpha)
    grown = trials * (spent + math.log(spent + 1)) / tuning + 1
    return math.sqrt(variance * 2 * grown / (grown - 1) * math.log(math.sqrt(grown) / alpha))
