"""Whether a rate rises or falls with time, or any other score, alike in several strata."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import t as student

from setpoint.domain.measured import Measured, Refused


@dataclass(frozen=True, slots=True)
class Dose:
    """What was seen at one score, such as in one week."""

    score: float
    successes: int
    trials: int


@dataclass(frozen=True, slots=True)
class Trend:
    """How much the rate changes when the score rises by one, and whether that can be chance.

    `chi2` is the statistic of Cochran and Armitage. `p_value` and the interval also count how much more than by
    chance the rates scatter around the line (`dispersion`, 1 where they do not).
    """

    slope: Measured
    chi2: float
    dispersion: float
    p_value: float


def linear_trend(strata: Sequence[Sequence[Dose]], confidence: float = 0.95) -> Trend | Refused:
    """Estimate the linear trend of a rate within strata; how the strata differ among each other is no part of it.

    The test is that of Cochran and Armitage, its parts added up over the strata as Mantel did. Weeks differ by more
    than the chance of single leads, so the variance is multiplied by what is left of the chi-squared statistic over
    its degrees of freedom, where that is above 1, and Student's distribution takes the place of the normal one.
    Refused where all have one outcome or one score, and where nothing is left to tell the scatter from. Raises
    ValueError for counts that cannot be.
    Source: Armitage, Biometrics 11:375 (1955); Mantel, JASA 58:690 (1963); the dispersion: McCullagh and Nelder,
    Generalized Linear Models (1989), 4.5.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"{confidence} is not a confidence between 0 and 1")
    sloped = spread = variance = scatter = 0.0
    freedom = -1
    for stratum in strata:
        for dose in stratum:
            if not 0 <= dose.successes <= dose.trials:
                raise ValueError(f"{dose.successes} successes in {dose.trials} trials cannot be")
        seen = [dose for dose in stratum if dose.trials]
        trials, successes = sum(dose.trials for dose in seen), sum(dose.successes for dose in seen)
        if not 0 < successes < trials:
            continue
        rate, mean = successes / trials, sum(dose.score * dose.trials for dose in seen) / trials
        apart = sum(dose.trials * (dose.score - mean) ** 2 for dose in seen)
        sloped += sum((dose.successes - dose.trials * rate) * (dose.score - mean) for dose in seen)
        spread += apart
        variance += rate * (1 - rate) * apart
        scatter += sum((dose.successes - dose.trials * rate) ** 2 / dose.trials for dose in seen) / (
            rate * (1 - rate)
        )
        freedom += len(seen) - 1
    if not variance:
        return Refused("All have the same outcome, or were seen at the same time: there is no trend to tell.")
    if freedom < 1:
        return Refused("Two points make a line whatever they are: a third is needed to tell a trend from chance.")
    chi2 = sloped**2 / variance
    dispersion = max(1.0, (scatter - chi2) / freedom)
    error = math.sqrt(dispersion * variance)
    reach = float(student.isf((1 - confidence) / 2, freedom)) * error
    return Trend(
        Measured(sloped / spread, (sloped - reach) / spread, (sloped + reach) / spread, confidence),
        chi2,
        dispersion,
        float(2 * student.sf(abs(sloped) / error, freedom)),
    )
