"""The difference that a feature of messages makes, when several messages belong to one lead.

Messages to one lead succeed or fail together. Taken for independent they promise more than they can hold: with five
messages a lead and an intra-lead correlation of 0.17, message-level intervals of 95% hold the truth in 86%.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from setpoint.domain.measured import Measured, Refused

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int_]
Floats = npt.NDArray[np.float64]

CLUSTERS = 10  # Each side must have so many; fewer do not show how far clusters differ.
_HAIR = 1e-12  # What rounding leaves of no error.
_EXPECTED = 5  # Cochran's rule: successes and failures that each side must expect.


@dataclass(frozen=True, slots=True)
class ClusteredDifference:
    """Rate of the exposed minus rate of the others with the strata held equal.

    The plain counts beside it are those of all rows. `clusters` counts those that the difference rests on.
    """

    difference: Measured
    p_value: float
    exposed_successes: int
    exposed_trials: int
    other_successes: int
    other_trials: int
    clusters: int


@dataclass(frozen=True, slots=True, eq=False)
class RowCounts:
    """What many comparisons over the same rows share: trials and successes by stratum, and how many clusters."""

    trials: Ints
    successes: Ints
    clusters: int


def count_rows(y: Bools, stratum: Ints, cluster: Ints) -> RowCounts:
    """Count rows once for many calls of `clustered_difference` over them.

    Raises ValueError for columns of different lengths and for negative numbers of strata or clusters.
    """
    if not len(y) == len(stratum) == len(cluster):
        raise ValueError("outcomes, strata and clusters differ in length")
    if len(y) and min(stratum.min(), cluster.min()) < 0:
        raise ValueError("strata and clusters are numbered from 0")
    trials = np.bincount(stratum)
    return RowCounts(trials, np.bincount(stratum[y], minlength=len(trials)), int(cluster.max(initial=-1)) + 1)


def clustered_difference(
    y: Bools,
    exposed: Bools,
    stratum: Ints,
    cluster: Ints,
    confidence: float = 0.95,
    *,
    counts: RowCounts | None = None,
) -> ClusteredDifference | Refused:
    """Estimate the difference of two rates with the strata held equal, from rows that come in clusters.

    Row by row: outcome, exposure, and the numbers of its stratum and its cluster (the lead), both from 0 and without
    large gaps. `counts` are those of `count_rows` for the same rows. Strata in which all or none are exposed say
    nothing and take no part.

    Least squares with an effect for each stratum, which is the difference with Mantel-Haenszel weights. The variance
    is the cluster-robust sandwich; its small-sample factor and the degrees of freedom of the t quantile go by the
    side with fewer clusters, because a feature that few leads ever met is known from these few only.

    A side that by chance has hardly any of a rare outcome shows a variance that is too small as well, and would be
    told from the other far too often. So the p-value is the larger one of the interval's own and of the
    Cochran-Mantel-Haenszel test, whose variance is that of no difference, times the design effect of the clusters.
    Raises ValueError as `count_rows` does. Source: Liang and Zeger, Biometrika 73:13 (1986); Cameron and Miller,
    Journal of Human Resources 50:317 (2015), sections II and VI; Rao and Scott, Biometrics 48:577 (1992).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"{confidence} is not a confidence between 0 and 1")
    if len(exposed) != len(y):
        raise ValueError("outcomes and exposures differ in length")
    if counts is None:
        counts = count_rows(y, stratum, cluster)
    strata = len(counts.trials)
    met = np.bincount(stratum[exposed], minlength=strata)
    won = np.bincount(stratum[exposed & y], minlength=strata)
    telling = (met > 0) & (met < counts.trials)
    if not telling.any():
        return Refused("In no stratum are there rows with the feature and without it: there is nothing to compare.")
    size, hits = counts.trials[telling], counts.successes[telling]
    exposed_trials, trials, successes = int(met[telling].sum()), int(size.sum()), int(hits.sum())

    told = exposed if telling.all() else exposed & telling[stratum]
    other = ~exposed if telling.all() else ~exposed & telling[stratum]
    sides = [np.bincount(cluster[side], minlength=counts.clusters) > 0 for side in (told, other)]
    clusters = int(np.count_nonzero(sides[0] | sides[1]))
    fewer = min(int(np.count_nonzero(side)) for side in sides)
    refusal = _too_little(exposed_trials, trials - exposed_trials, successes, fewer)
    if refusal:
        return refusal

    weight = met[telling] * (size - met[telling]) / size
    value = float((won[telling] - met[telling] * hits / size).sum() / weight.sum())
    share = np.where(telling, met / np.maximum(counts.trials, 1), 0.0)
    level = np.where(telling, counts.successes / np.maximum(counts.trials, 1), 0.0)
    apart: Floats = exposed.astype(np.float64) - share[stratum]
    score: Floats = apart * (y - level[stratum] - value * apart)
    if not telling.all():
        score = score * telling[stratum]
    total = np.bincount(cluster, score, counts.clusters)
    factor = fewer / (fewer - 1) * (trials - 1) / max(1, trials - len(size) - 1)
    error = math.sqrt(factor * float(total @ total)) / float(weight.sum())
    if error <= _HAIR:
        return Refused("Within every stratum the outcome follows the feature alone: there is no error to estimate.")
    # The estimate and both errors are sums over the strata, divided by the same weight.
    by_chance = float((weight * hits * (size - hits) / (size * (size - 1))).sum())
    clustering = max(1.0, float(total @ total) / float(score @ score))
    error_by_chance = math.sqrt(by_chance * clustering) / float(weight.sum())
    half = float(student.isf((1 - confidence) / 2, fewer - 1)) * error
    all_met, all_won, all_hits = int(met.sum()), int(won.sum()), int(counts.successes.sum())
    return ClusteredDifference(
        difference=Measured(value, max(-1.0, value - half), min(1.0, value + half), confidence),
        p_value=min(1.0, 2 * float(student.sf(abs(value) / max(error, error_by_chance), fewer - 1))),
        exposed_successes=all_won,
        exposed_trials=all_met,
        other_successes=all_hits - all_won,
        other_trials=len(y) - all_met,
        clusters=clusters,
    )


def _too_little(exposed: int, others: int, successes: int, fewer: int) -> Refused | None:
    rate = successes / (exposed + others)
    rarer = min(rate, 1 - rate)
    if rarer == 0:
        return Refused("The outcome is the same everywhere: there is nothing to compare.")
    least = math.ceil(round(_EXPECTED / rarer, 6))
    needed = sum(max(0, least - side) for side in (exposed, others))
    if needed:
        return Refused("Too few messages with the feature or without it.", needed)
    if fewer < CLUSTERS:
        return Refused("Too few leads got messages with the feature or without it.", CLUSTERS - fewer)
    return None
