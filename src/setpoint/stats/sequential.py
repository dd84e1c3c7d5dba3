"""Did a change help? Intervals that may be read at any time, as often as one likes.

The first arm is without the change and the second with it, so a positive number speaks for the change.
"""

from setpoint.domain.measured import Measured, Refused


def sequential_lift(
    successes_1: int,
    trials_1: int,
    successes_2: int,
    trials_2: int,
    confidence: float = 0.95,
    tuning: float = 5_000,
) -> Measured | Refused:
    """Estimate the relative lift of the second rate over the first, 0.1 for 10% more."""
    raise NotImplementedError


def sequential_difference(
    successes_1: int,
    trials_1: int,
    successes_2: int,
    trials_2: int,
    confidence: float = 0.95,
    tuning: float = 5_000,
) -> Measured | Refused:
    """Estimate the difference of two rates, second minus first."""
    raise NotImplementedError


def sample_ratio_mismatch(observed_1: int, observed_2: int, share_1: float) -> float | Refused:
    """Return the p-value of the observed split, when a lead falls into the first arm with probability `share_1`."""
    raise NotImplementedError
