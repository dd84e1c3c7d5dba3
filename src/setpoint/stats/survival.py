"""Time to a booking when some leads are still pending (censored) and others were lost (a competing event)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from setpoint.domain.measured import Measured, Refused

CENSORED, BOOKED, LOST = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Durations:
    """How long each lead was followed, in days, and what ended it: CENSORED, BOOKED or LOST.

    `weights` counts leads that share a row; without it each row is one lead.
    """

    days: npt.NDArray[np.float64]
    event: npt.NDArray[np.int_]
    weights: npt.NDArray[np.int_] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Incidence:
    """The share of leads booked by each of `times` (days, increasing), with its pointwise band.

    The curve is a step function: 0 before the first of `times`, and constant between them. `at_risk` counts the
    leads still followed just before each of them. `until` is the last day of which anything is known: infinite
    when the last lead followed had an event.
    """

    times: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    at_risk: npt.NDArray[np.int_]
    leads: int
    until: float
    confidence: float

    def at(self, day: float) -> Measured | Refused:
        """Return the share booked by the end of `day`; refused when no lead was followed for so long."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class LogRank:
    """A test of whether two groups book at the same pace, on one degree of freedom."""

    chi2: float
    p_value: float


def cumulative_incidence(durations: Durations, confidence: float = 0.95, cause: int = BOOKED) -> Incidence | Refused:
    """Estimate the share of leads with the event `cause` by each day."""
    raise NotImplementedError


def log_rank(a: Durations, b: Durations) -> LogRank | Refused:
    """Test whether two groups book at the same pace."""
    raise NotImplementedError


def restricted_mean(durations: Durations, tau: float, confidence: float = 0.95) -> Measured | Refused:
    """Estimate the mean number of days without a booking among the first `tau`."""
    raise NotImplementedError


def restricted_mean_difference(
    a: Durations, b: Durations, tau: float, confidence: float = 0.95
) -> Measured | Refused:
    """Estimate how many more of the first `tau` days the first group goes without a booking."""
    raise NotImplementedError
