"""Generalised linear models with frequency weights and a ridge, and what each row did to the estimates.

Of the libraries at hand, those with a ridge have no probit and say nothing of errors, and the one with errors has no
ridge for weighted rows. The `adjusted` estimates need all of it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, xlog1py, xlogy
from scipy.stats import norm

Floats = npt.NDArray[np.float64]
Link = Literal["identity", "logit", "probit"]

_STEPS = 100
_SMALLEST = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted model: its coefficients, the intercept first, and what their error is made of."""

    link: Link
    coefficients: Floats
    information: Floats
    scores: Floats

    def mean(self, x: Floats) -> Floats:
        """Return the expected outcome of rows with covariates `x` (rows, columns), without an intercept column."""
        return _mean(self.link, _linear(self.coefficients, x))

    def slope(self, x: Floats) -> Floats:
        """Return how fast the expected outcome grows with the linear predictor, for each row of `x`."""
        return _slope(self.link, _linear(self.coefficients, x))

    def leverage(self, x: Floats) -> Floats:
        """Return how much of its own fitted value one row like each of `x` makes: 0 none of it, 1 all.

        Source: Pregibon, Annals of Statistics 9:705 (1981).
        """
        rows = np.column_stack([np.ones(len(x)), x])
        spread = (rows * np.linalg.solve(self.information, rows.T).T).sum(axis=1)
        return np.asarray(spread * self.slope(x) ** 2 / _variance(self.link, self.mean(x)))

    def influence(self, x: Floats, gradient: Floats) -> Floats:
        """Return how much one more row like each of `x` moves what has this gradient in the coefficients.

        `x` are the rows of the fit, in order.
        """
        direction = np.asarray(np.linalg.solve(self.information, gradient), dtype=np.float64)
        return np.asarray(self.scores * _linear(direction, x))


def fit_glm(y: Floats, x: Floats, weights: Floats, link: Link, ridge: float = 0.0) -> Fit:
    """Fit outcomes `y` (rows) to covariates `x` (rows, columns) and an intercept, by penalised maximum likelihood.

    `weights` counts how often a row was seen; a row that was not has no say and an influence of 0. `ridge`
    is the precision of a normal prior around 0 on every coefficient but the intercept. Raises ValueError when the
    fit does not converge, as without a ridge for outcomes that a covariate separates.
    Source: Fisher scoring with step halving; McCullagh and Nelder, Generalized Linear Models (1989), 2.5.
    """
    seen = weights > 0
    y, x, weights = y[seen], x[seen], weights[seen]
    penalty = np.r_[0.0, np.full(x.shape[1], ridge)]
    coefficients = np.zeros(x.shape[1] + 1)
    coefficients[0] = _start(link, float(np.average(y, weights=weights)))
    reached = _objective(link, y, x, weights, coefficients, penalty)
    for _ in range(_STEPS):
        information, scores = _information(link, y, x, weights, _linear(coefficients, x), penalty)
        gradient = _total(weights * scores, x) - penalty * coefficients
        try:
            step = np.asarray(np.linalg.solve(information, gradient), dtype=np.float64)
        except np.linalg.LinAlgError:
            break
        if np.abs(step).max() < _SMALLEST * max(1.0, np.abs(coefficients).max()):
            every_score = np.zeros(len(seen))
            every_score[seen] = scores
            return Fit(link, coefficients, information, every_score)
        tried = _objective(link, y, x, weights, coefficients + step, penalty)
        # What rounding takes off near the top is no reason for smaller steps.
        while not tried >= reached - 1e-10 * max(1.0, abs(reached)) and np.abs(step).max() > _SMALLEST:
            step = step / 2
            tried = _objective(link, y, x, weights, coefficients + step, penalty)
        coefficients, reached = coefficients + step, tried
    raise ValueError("the model does not converge: a covariate may separate the outcomes")


def _linear(coefficients: Floats, x: Floats) -> Floats:
    return np.asarray(coefficients[0] + x @ coefficients[1:])


def _total(rows: Floats, x: Floats) -> Floats:
    return np.concatenate([[rows.sum()], rows @ x])


def _information(
    link: Link, y: Floats, x: Floats, weights: Floats, linear: Floats, penalty: Floats
) -> tuple[Floats, Floats]:
    """Return Fisher's information with the ridge, and each row's score with respect to its linear predictor."""
    mean, slope = _mean(link, linear), _slope(link, linear)
    variance = _variance(link, mean)
    known = weights * slope**2 / variance
    information = np.empty((x.shape[1] + 1, x.shape[1] + 1))
    information[0] = information[:, 0] = _total(known, x)
    information[1:, 1:] = (x * known[:, None]).T @ x
    information[np.diag_indices_from(information)] += penalty
    return information, (y - mean) * slope / variance


def _objective(link: Link, y: Floats, x: Floats, weights: Floats, coefficients: Floats, penalty: Floats) -> float:
    mean = _mean(link, _linear(coefficients, x))
    likelihood = -((y - mean) ** 2) / 2 if link == "identity" else xlogy(y, mean) + xlog1py(1 - y, -mean)
    return float(weights @ likelihood - penalty @ coefficients**2 / 2)


def _start(link: Link, mean: float) -> float:
    if link == "identity":
        return mean
    inside = min(max(mean, 1e-6), 1 - 1e-6)
    return float(logit(inside) if link == "logit" else norm.ppf(inside))


def _mean(link: Link, linear: Floats) -> Floats:
    if link == "identity":
        return linear
    return np.asarray(expit(linear) if link == "logit" else norm.cdf(linear))


def _variance(link: Link, mean: Floats) -> Floats:
    return np.ones_like(mean) if link == "identity" else np.maximum(mean * (1 - mean), 1e-300)


def _slope(link: Link, linear: Floats) -> Floats:
    if link == "identity":
        return np.ones_like(linear)
    if link == "probit":
        return np.asarray(norm.pdf(linear))
    mean = expit(linear)
    return np.asarray(mean * (1 - mean))
