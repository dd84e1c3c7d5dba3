"""The difference that a feature of messages makes, when several messages belong to one lead."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from setpoint.domain.measured import Measured, Refused


@dataclass(frozen=True, slots=True)
class ClusteredDifference:
    """Rate of the exposed minus rate of the others with the strata held equal; plain counts beside it."""

    difference: Measured
    p_value: float
    exposed_successes: int
    exposed_trials: int
    other_successes: int
    other_trials: int
    clusters: int


@dataclass(frozen=True, slots=True, eq=False)
class RowCounts:
    """What many comparisons over the same rows share: trials and successes of each stratum, number of clusters."""

    trials: npt.NDArray[np.int_]
    successes: npt.NDArray[np.int_]
    clusters: int


def count_rows(y: npt.NDArray[np.bool_], stratum: npt.NDArray[np.int_], cluster: npt.NDArray[np.int_]) -> RowCounts:
    """Count rows once for many calls of `clustered_difference` over them."""
    raise NotImplementedError


def clustered_difference(
    y: npt.NDArray[np.bool_],
    exposed: npt.NDArray[np.bool_],
    stratum: npt.NDArray[np.int_],
    cluster: npt.NDArray[np.int_],
    confidence: float = 0.95,
    *,
    counts: RowCounts | None = None,
) -> ClusteredDifference | Refused:
    """Estimate the difference of two rates with the strata held equal; stratum and cluster are numbered from 0."""
    raise NotImplementedError
