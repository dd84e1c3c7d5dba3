"""Two arms with the strata held equal: a difference of rates, a common odds ratio, and whether one is enough."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """Estimate the difference of two rates, first minus second, with the strata held equal."""
    raise NotImplementedError


def common_odds_ratio(
    strata: Sequence[Stratum], confidence: float = 0.95, *, correction: bool = False
) -> CommonOdds | Refused:
    """Estimate the odds ratio that all strata share."""
    raise NotImplementedError
