"""Models held against the libraries that have a part of what they need."""

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression

from setpoint.stats.glm import Link, fit_glm

GENERATOR = np.random.default_rng(20_260_115)
X = GENERATOR.normal(size=(300, 3))
Y = (GENERATOR.random(300) < 1 / (1 + np.exp(-X[:, 0] + 1))).astype(np.float64)
TIMES = GENERATOR.integers(0, 5, 300).astype(np.float64)


@pytest.mark.parametrize("link", ["logit", "probit", "identity"])
def test_without_a_ridge_it_is_the_model_of_statsmodels(link: Link) -> None:
    families = {
        "logit": sm.families.Binomial(),
        "probit": sm.families.Binomial(sm.families.links.Probit()),
        "identity": sm.families.Gaussian(),
    }
    fit = fit_glm(Y, X, TIMES, link)
    oracle = sm.GLM(Y, sm.add_constant(X), families[link], freq_weights=TIMES).fit(tol=1e-12)

    assert fit.coefficients == pytest.approx(oracle.params, abs=1e-7)
    assert fit.mean(X) == pytest.approx(oracle.predict(sm.add_constant(X)), abs=1e-7)


def test_with_a_ridge_it_is_the_model_of_scikit_learn() -> None:
    fit = fit_glm(Y, X, TIMES, "logit", ridge=2.5)
    oracle = LogisticRegression(C=1 / 2.5, tol=1e-10, max_iter=1_000).fit(X, Y, sample_weight=TIMES)

    assert fit.coefficients == pytest.approx([oracle.intercept_[0], *oracle.coef_[0]], abs=1e-5)


def test_the_influence_of_a_row_is_what_one_more_of_it_does() -> None:
    """Seeing a row a thousandth more often moves the second coefficient by a thousandth of its influence."""
    fit = fit_glm(Y, X, TIMES, "logit")
    influence = fit.influence(X, np.array([0.0, 1.0, 0.0, 0.0]))
    row = int(np.argmax(TIMES))
    more = TIMES.copy()
    more[row] += 0.001

    moved = fit_glm(Y, X, more, "logit").coefficients[1] - fit.coefficients[1]
    assert moved == pytest.approx(0.001 * influence[row], rel=1e-2)
    assert (influence[TIMES == 0] == 0).all()


@pytest.mark.parametrize("link", ["logit", "probit", "identity"])
def test_the_leverage_of_rows_is_that_of_statsmodels(link: Link) -> None:
    families = {
        "logit": sm.families.Binomial(),
        "probit": sm.families.Binomial(sm.families.links.Probit()),
        "identity": sm.families.Gaussian(),
    }
    fit = fit_glm(Y, X, np.ones(len(Y)), link)
    oracle = sm.GLM(Y, sm.add_constant(X), families[link]).fit(tol=1e-12).get_influence(observed=False)

    assert fit.leverage(X) == pytest.approx(oracle.hat_matrix_diag, abs=1e-6)
    assert fit.leverage(X).sum() == pytest.approx(4)


def test_a_ridge_holds_what_a_covariate_separates() -> None:
    x = np.repeat([[0.0], [1.0]], 50, axis=0)
    y = x[:, 0]

    with pytest.raises(ValueError, match="does not converge"):
        fit_glm(y, x, np.ones(100), "logit")
    assert 0.9 < fit_glm(y, x, np.ones(100), "logit", ridge=0.1).mean(x)[-1] < 1
