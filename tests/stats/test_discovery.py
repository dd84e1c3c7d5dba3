"""False discoveries among many tests: the example of SciPy's documentation, hand arithmetic, a known truth."""

import numpy as np
import pytest
from scipy.stats import norm

from setpoint.stats.discovery import benjamini_hochberg

# The 15 p-values of Benjamini and Hochberg's own example, as the documentation of SciPy has them.
SCIPY = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
]


def test_four_of_the_published_tests_are_named() -> None:
    q_values = benjamini_hochberg(SCIPY)

    assert [q <= 0.05 for q in q_values] == [True] * 4 + [False] * 11
    assert q_values[:4] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625])


def test_q_values_by_hand() -> None:
    """Of 0.01, 0.04 and 0.03: 3 * 0.01 = 0.03; 0.03 would be 0.045 and 0.04 is 0.04, which both then have."""
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert benjamini_hochberg([0.2]) == [0.2]
    assert benjamini_hochberg([]) == []


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_raises(wrong: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        benjamini_hochberg([0.5, wrong])


@pytest.mark.parametrize("runs", [1_500, pytest.param(20_000, marks=pytest.mark.proof)])
def test_the_share_of_false_discoveries_is_held(runs: int) -> None:
    """Of 30 tests 10 have something to find: 20 / 30 of 5% of what is named is false, against 20% without it."""
    generator = np.random.default_rng(20_260_109)
    effects = np.repeat([0.0, 2.5], [20, 10])
    false_share, naive_share = 0.0, 0.0
    for scores in generator.normal(effects, 1, (runs, 30)):
        p_values = 2 * norm.sf(np.abs(scores))
        named = np.array(benjamini_hochberg(p_values.tolist())) <= 0.05
        false_share += named[:20].sum() / max(1, named.sum())
        naive_share += (p_values[:20] <= 0.05).sum() / max(1, (p_values <= 0.05).sum())

    assert false_share / runs == pytest.approx(0.05 * 20 / 30, abs=0.012 if runs < 10_000 else 0.003)
    assert naive_share / runs > 0.1
