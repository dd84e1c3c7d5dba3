"""The difference of two arms that were not drawn by lot, adjusted for what is known of the leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from setpoint.domain.measured import Measured, Refused

Family = Literal["gaussian", "binomial"]
Link = Literal["logit", "probit"]


@dataclass(frozen=True, slots=True)
class Group:
    """`n` leads of one arm that are alike in all covariates, `successes` of them with the outcome."""

    treated: bool
    covariates: tuple[str, ...]
    n: int
    successes: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """The propensities of both arms before trimming: leads per bin of `edges`, and the share outside the limits."""

    edges: tuple[float, ...]
    treated: tuple[int, ...]
    control: tuple[int, ...]
    outside: float


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Both rates as if all leads used had gone to either arm, and their difference (treated minus control)."""

    difference: Measured
    treated_rate: float
    control_rate: float
    overlap: Overlap
    trimmed_treated: int
    trimmed_control: int
    used: int
    covariates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Effects:
    """One average effect by three roads: regression, weighting, and both at once with the latter's error."""

    regression: float
    weighting: float
    doubly_robust: float
    standard_error: float
    treated_mean: float
    control_mean: float


def adjusted_difference(
    groups: Sequence[Group],
    names: Sequence[str],
    confidence: float = 0.95,
    trim: tuple[float, float] = (0.05, 0.95),
) -> Adjusted | Refused:
    """Estimate how much more often the outcome comes with the treatment, for the leads that both arms could get."""
    raise NotImplementedError


def aipw_from_arrays(
    y: npt.NDArray[np.float64],
    treated: npt.NDArray[np.bool_],
    x: npt.NDArray[np.float64],
    family: Family = "binomial",
    *,
    weights: npt.NDArray[np.float64] | None = None,
    x_propensity: npt.NDArray[np.float64] | None = None,
    link: Link = "logit",
    ridge: float = 0.0,
) -> Effects:
    """Estimate the average effect of a treatment on rows with covariates `x`."""
    raise NotImplementedError
