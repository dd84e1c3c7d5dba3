"""Two arms with the strata held equal: a difference of rates, a common odds ratio, and whether one is enough.

Strata in which an arm is empty say nothing about a comparison and take no part. Counts that cannot be raise
ValueError.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import chi2, norm
from statsmodels.stats.contingency_tables import StratifiedTable

from setpoint.domain.measured import Measured, Refused
from setpoint.stats.proportions import Stratum


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """A test of whether the strata share one odds ratio; a small `p_value` says that they do not."""

    chi2: float
    p_value: float
    df: int


@dataclass(frozen=True, slots=True)
class CommonOdds:
    """The odds ratio that the strata share (first arm over second), its test against 1, and their homogeneity."""

    odds_ratio: Measured
    chi2: float
    p_value: float
    breslow_day: Homogeneity | Refused


def mantel_haenszel_difference(strata: Sequence[Stratum], confidence: float = 0.95) -> Measured | Refused:
    """Estimate the difference of two rates, first minus second, with the strata held equal.

    Mantel-Haenszel weights with Klingenberg's interval, which holds for a few large strata and for many sparse
    ones. Source: Klingenberg, Statistics in Medicine 33:2968 (2014); the variance is that of Sato, Biometrics
    45:1323 (1989).
    """
    _check_confidence(confidence)
    shared = _shared(strata)
    if isinstance(shared, Refused):
        return shared
    weight = gap = slope = level = 0.0
    for s in shared:
        share_1, share_2 = s.trials_1 / (s.trials_1 + s.trials_2), s.trials_2 / (s.trials_1 + s.trials_2)
        weight += s.trials_1 * share_2
        gap += s.successes_1 * share_2 - s.successes_2 * share_1
        slope += s.successes_2 * share_1**2 - s.successes_1 * share_2**2
        slope += share_1 * share_2 * (s.trials_2 - s.trials_1) / 2
        level += s.successes_1 * (s.trials_2 - s.successes_2) / (s.trials_1 + s.trials_2) / 2
        level += s.successes_2 * (s.trials_1 - s.successes_1) / (s.trials_1 + s.trials_2) / 2
    # The variance of the estimate is a line in the true difference: (difference * slope + level) / weight**2.
    # The bounds are the two differences that lie just the quantile of standard errors from the estimate.
    value = gap / weight
    scale = float(norm.isf((1 - confidence) / 2)) / weight
    middle = value + scale**2 * slope / 2
    half = math.sqrt(max(0.0, middle**2 - value**2 + scale**2 * level))
    return Measured(value, max(-1.0, middle - half), min(1.0, middle + half), confidence)


def common_odds_ratio(
    strata: Sequence[Stratum], confidence: float = 0.95, *, correction: bool = False
) -> CommonOdds | Refused:
    """Estimate the odds ratio that all strata share, with the Cochran-Mantel-Haenszel test and that of Breslow-Day.

    The ratio and its interval are those of Mantel and Haenszel and of Robins, Breslow and Greenland; `correction`
    takes half a success off the test, as R does by default. The Breslow-Day test has Tarone's adjustment, and is
    refused when fewer than two strata can show an odds ratio. All is refused when one arm never succeeds or never
    fails where the other does: the ratio would be 0 or infinite.
    Source: Agresti, Categorical Data Analysis (2013), 6.4.
    """
    _check_confidence(confidence)
    shared = _shared(strata)
    if isinstance(shared, Refused):
        return shared
    telling = [s for s in shared if 0 < s.successes_1 + s.successes_2 < s.trials_1 + s.trials_2]
    concordant = sum(s.successes_1 * (s.trials_2 - s.successes_2) for s in telling)
    discordant = sum(s.successes_2 * (s.trials_1 - s.successes_1) for s in telling)
    if not concordant or not discordant:
        return Refused("One side always fares worse: the ratio of the odds has no bound.")
    table = StratifiedTable(
        [[[s.successes_1, s.trials_1 - s.successes_1], [s.successes_2, s.trials_2 - s.successes_2]] for s in telling]
    )
    low, high = table.oddsratio_pooled_confint(alpha=1 - confidence)
    test = table.test_null_odds(correction=correction)
    homogeneity: Homogeneity | Refused = Refused(
        "Only one stratum shows an odds ratio: there is none to differ from."
    )
    if len(telling) > 1:
        homogeneity = _breslow_day(telling, table)
    odds_ratio = Measured(float(table.oddsratio_pooled), float(low), float(high), confidence)
    return CommonOdds(odds_ratio, float(test.statistic), float(test.pvalue), homogeneity)


def _breslow_day(telling: Sequence[Stratum], table: StratifiedTable) -> Homogeneity:
    df = len(telling) - 1
    if table.oddsratio_pooled != 1:
        test = table.test_equal_odds(adjust=True)
        return Homogeneity(float(test.statistic), float(test.pvalue), df)
    # At a common ratio of exactly 1 the library divides by zero; what is expected is then the product of the margins.
    gaps, variances = [], []
    for s in telling:
        hits = s.successes_1 + s.successes_2
        expected = s.trials_1 * hits / (s.trials_1 + s.trials_2)
        cells = (expected, s.trials_1 - expected, hits - expected, s.trials_2 - hits + expected)
        gaps.append(s.successes_1 - expected)
        variances.append(1 / sum(1 / cell for cell in cells))
    statistic = sum(gap**2 / variance for gap, variance in zip(gaps, variances, strict=True))
    statistic -= sum(gaps) ** 2 / sum(variances)
    return Homogeneity(statistic, float(chi2.sf(statistic, df)), df)


def _shared(strata: Sequence[Stratum]) -> list[Stratum] | Refused:
    """Return the strata with both arms, if the outcome differs within any of them."""
    for s in strata:
        for successes, trials in ((s.successes_1, s.trials_1), (s.successes_2, s.trials_2)):
            if not 0 <= successes <= trials:
                raise ValueError(f"{successes} successes in {trials} trials cannot be")
    shared = [s for s in strata if s.trials_1 and s.trials_2]
    if not shared:
        return Refused("The two sides have no stratum in common.")
    if not any(0 < s.successes_1 + s.successes_2 < s.trials_1 + s.trials_2 for s in shared):
        return Refused("Within every stratum the outcome is the same: there is nothing to compare.")
    return shared


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"{confidence} is not a confidence between 0 and 1")
