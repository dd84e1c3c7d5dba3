"""The difference of two arms that were not drawn by lot, adjusted for what is known of the leads.

The estimate is right when either the model of who got which lead or the model of the outcome is (augmented inverse
probability weighting). Nothing helps against what is not known of the leads; `sensitivity` says how strong that
would have to be.

Source: Robins, Rotnitzky and Zhao, Journal of the American Statistical Association 89:846 (1994); the error that
counts in the fitting of both models: Lunceford and Davidian, Statistics in Medicine 23:2937 (2004); its correction
for few leads: MacKinnon and White, Journal of Econometrics 29:305 (1985), HC2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from setpoint.domain.measured import Measured, Refused
from setpoint.stats.glm import Fit, Floats, fit_glm

Family = Literal["gaussian", "binomial"]

BINS = 20
LEAST = 20  # Leads that an arm must have, before and after trimming.
_EXPECTED = 5  # Cochran's rule: successes and failures that each arm must expect.
_LEAST_LEFT = 1e-6  # Of an outcome's variance, where a row makes its own fitted chance.
_RIDGE = 1.0  # A prior on each level's log-odds with a standard deviation of 1: no level runs off to infinity.


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
    """One average effect by three roads: regression, weighting, and both at once with the latter's error.

    The two means are those of the doubly robust road.
    """

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
    """Estimate how much more often the outcome comes with the treatment, for leads that either arm could get.

    `names` are those of the covariates, in their order. Propensity and outcome are logistic in the covariates'
    levels, without interactions and with a light ridge. Leads whose propensity lies outside `trim`, or with a level
    of which the treated have a share outside it, are left out and counted, then both models are fitted again to the
    rest.
    Raises ValueError for groups that cannot be and for limits that leave nothing between them.
    Source of the trimming: Crump, Hotz, Imbens and Mitnik, Biometrika 96:187 (2009).
    """
    _check(groups, names, confidence, trim)
    held = [g for g in groups if g.n]
    n = np.array([g.n for g in held], dtype=np.float64)
    successes = np.array([g.successes for g in held], dtype=np.float64)
    treated = np.array([g.treated for g in held], dtype=np.bool_)
    refusal = _too_little(n, successes, treated)
    if refusal:
        return refusal

    x = _levels([g.covariates for g in held])
    propensity = fit_glm(treated.astype(np.float64), x, n, "logit", _RIDGE).mean(x)
    inside = (propensity >= trim[0]) & (propensity <= trim[1])
    inside = _with_both_arms(x, n, treated, inside, trim)
    overlap = _overlap(propensity, n, treated, inside)
    kept, dropped = inside, ~inside
    if _too_little(n[kept], successes[kept], treated[kept]):
        return Refused(
            "The two sides hardly ever got leads alike: too few remain that could have gone to either of them."
        )

    # A group is two rows, those with the outcome and those without.
    found = aipw_from_arrays(
        np.repeat([1.0, 0.0], np.count_nonzero(kept)),
        np.tile(treated[kept], 2),
        np.tile(x[kept], (2, 1)),
        weights=np.concatenate([successes[kept], (n - successes)[kept]]),
        ridge=_RIDGE,
    )
    half = float(norm.isf((1 - confidence) / 2)) * found.standard_error
    value = found.doubly_robust
    return Adjusted(
        difference=Measured(value, max(-1.0, value - half), min(1.0, value + half), confidence),
        treated_rate=min(max(found.treated_mean, 0.0), 1.0),
        control_rate=min(max(found.control_mean, 0.0), 1.0),
        overlap=overlap,
        trimmed_treated=int(n[dropped & treated].sum()),
        trimmed_control=int(n[dropped & ~treated].sum()),
        used=int(n[kept].sum()),
        covariates=tuple(names),
    )


def aipw_from_arrays(
    y: Floats,
    treated: npt.NDArray[np.bool_],
    x: Floats,
    family: Family = "binomial",
    *,
    weights: Floats | None = None,
    x_propensity: Floats | None = None,
    link: Literal["logit", "probit"] = "logit",
    ridge: float = 0.0,
) -> Effects:
    """Estimate the average effect of a treatment on rows with covariates `x` (rows, columns; no intercept column).

    The outcome `y` is modelled in each arm, linearly or, for the binomial family, on the logistic scale; the
    treatment by `link` on `x_propensity`, or on `x` again. `weights` counts how often a row was seen. The standard
    error is that of the influence function, with what the fitting of all three models adds to it. A binomial outcome
    has in it the variance that goes with its fitted chance, over 1 less the leverage, as the chance was fitted to the
    same outcomes: squared residuals are too small where a few rows of large weight make their own chance.
    Raises ValueError when an arm is empty or a model does not converge.
    """
    n = np.ones(len(y)) if weights is None else weights
    if not n[treated].sum() or not n[~treated].sum():
        raise ValueError("an arm is empty")
    z = x if x_propensity is None else x_propensity
    total = n.sum()
    t = treated.astype(np.float64)
    chance = fit_glm(t, z, n, link, ridge)
    outcome_link: Literal["identity", "logit"] = "identity" if family == "gaussian" else "logit"
    with_it = fit_glm(y, x, n * t, outcome_link, ridge)
    without = fit_glm(y, x, n * (1 - t), outcome_link, ridge)

    e, mean_1, mean_0 = chance.mean(z), with_it.mean(x), without.mean(x)
    odds_1, odds_0 = t / e, (1 - t) / (1 - e)
    gap_1, gap_0 = odds_1 * (y - mean_1), odds_0 * (y - mean_0)
    treated_mean = float(n @ (mean_1 + gap_1) / total)
    control_mean = float(n @ (mean_0 + gap_0) / total)
    of_covariates = mean_1 - mean_0 - (treated_mean - control_mean)
    of_covariates += chance.influence(z, _gradient(chance, z, n * (-gap_1 / e - gap_0 / (1 - e))))
    of_outcome = gap_1 - gap_0
    for fit, steep in ((with_it, 1 - odds_1), (without, odds_0 - 1)):
        of_outcome = of_outcome + fit.influence(x, _gradient(fit, x, n * steep))
    if family == "binomial":
        mean = np.where(treated, mean_1, mean_0)
        leverage = np.where(treated, with_it.leverage(x), without.leverage(x))
        # The residual moves the estimate as steeply with either outcome, and the cross terms are 0 on average.
        by_residual = np.divide(of_outcome, y - mean, out=np.zeros_like(mean), where=y != mean)
        squares = of_covariates**2 + by_residual**2 * mean * (1 - mean) / np.maximum(1 - leverage, _LEAST_LEFT)
    else:
        squares = (of_covariates + of_outcome) ** 2
    return Effects(
        regression=float(n @ (mean_1 - mean_0) / total),
        weighting=float(np.average(y, weights=n * odds_1) - np.average(y, weights=n * odds_0)),
        doubly_robust=treated_mean - control_mean,
        standard_error=math.sqrt(float(n @ squares)) / float(total),
        treated_mean=treated_mean,
        control_mean=control_mean,
    )


def _gradient(fit: Fit, x: Floats, rows: Floats) -> Floats:
    steep = rows * fit.slope(x)
    return np.concatenate([[steep.sum()], steep @ x])


def _levels(covariates: Sequence[tuple[str, ...]]) -> Floats:
    """Return one column of 0 and 1 for each level of each covariate; the ridge tells them from the intercept."""
    columns = []
    for values in zip(*covariates, strict=True):
        code = {level: number for number, level in enumerate(sorted(set(values)))}
        columns.append(np.eye(len(code))[[code[value] for value in values]])
    return np.hstack(columns) if columns else np.empty((len(covariates), 0))


def _with_both_arms(
    x: Floats, n: Floats, treated: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_], trim: tuple[float, float]
) -> npt.NDArray[np.bool_]:
    """Of the rows `inside`, those all of whose levels both arms have there, in shares within the limits.

    Without the ridge the mean propensity in a level is its share. In a level of few leads the ridge draws it inwards.
    """
    while True:
        held = n * inside
        of_arm, in_all = (held * treated) @ x, held @ x
        share = np.divide(of_arm, in_all, out=np.full(x.shape[1], 0.5), where=in_all > 0)
        one_sided = (share < trim[0]) | (share > trim[1]) | (share == 0) | (share == 1)
        kept = inside & ~(x[:, one_sided] > 0).any(axis=1)
        if (kept == inside).all():
            return kept
        inside = kept


def _overlap(propensity: Floats, n: Floats, treated: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_]) -> Overlap:
    edges = np.linspace(0, 1, BINS + 1)
    held = [np.histogram(propensity[arm], edges, weights=n[arm])[0] for arm in (treated, ~treated)]
    of_treated, of_control = (tuple(int(count) for count in counts) for counts in held)
    outside = float(n[~inside].sum() / n.sum())
    return Overlap(tuple(float(edge) for edge in edges), of_treated, of_control, outside)


def _too_little(n: Floats, successes: Floats, treated: npt.NDArray[np.bool_]) -> Refused | None:
    arms = [int(n[arm].sum()) for arm in (treated, ~treated)]
    if 0 in arms:
        return Refused("One of the two sides is empty: there is nothing to compare.")
    rate = float(successes.sum() / n.sum())
    rarer = min(rate, 1 - rate)
    if rarer == 0:
        return Refused("The outcome is the same everywhere: there is nothing to compare.")
    least = max(LEAST, math.ceil(round(_EXPECTED / rarer, 6)))
    needed = sum(max(0, least - arm) for arm in arms)
    if needed:
        return Refused("Too few leads on one of the sides to adjust a comparison.", needed)
    if any(successes[arm].sum() in (0, n[arm].sum()) for arm in (treated, ~treated)):
        return Refused("On one of the sides the outcome is the same everywhere: no model can be fitted to it.")
    return None


def _check(groups: Sequence[Group], names: Sequence[str], confidence: float, trim: tuple[float, float]) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"{confidence} is not a confidence between 0 and 1")
    if not 0 <= trim[0] < trim[1] <= 1:
        raise ValueError(f"{trim} are not limits of a propensity")
    for g in groups:
        if not 0 <= g.successes <= g.n:
            raise ValueError(f"{g.successes} successes in {g.n} leads cannot be")
        if len(g.covariates) != len(names):
            raise ValueError(f"{len(g.covariates)} covariates do not go with {len(names)} names")
