"""What it takes to explain an estimate away: the worked examples of both papers, and their meaning simulated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.measured import Refused
from setpoint.stats.sensitivity import EValue, e_value, e_value_of_ratio, robustness_value


def test_darfur_gives_the_published_robustness_values() -> None:
    """Cinelli and Hazlett (2020), table 1: being harmed and the attitude to peace, t = 4.18445, 783 df."""
    assert round(robustness_value(4.18445, 783), 5) == 0.13878
    assert round(robustness_value(4.18445, 783, alpha=0.05), 5) == 0.07626
    assert robustness_value(-4.18445, 783) == robustness_value(4.18445, 783)


def test_the_robustness_value_by_hand() -> None:
    """t = 2 with 16 df: f = 0.5, so (sqrt(0.0625 + 1) - 0.25) / 2 = 0.390388; half of it away: f = 0.25."""
    assert robustness_value(2, 16) == pytest.approx(0.390388, abs=1e-6)
    assert robustness_value(2, 16, q=0.5) == pytest.approx((np.sqrt(0.0625**2 + 0.25) - 0.0625) / 2)
    assert robustness_value(2, 16, alpha=0.05) == 0
    assert robustness_value(0, 16) == 0


def test_a_cause_as_strong_as_the_robustness_value_takes_the_estimate_away() -> None:
    """Where an unseen cause explains RV of the treatment, and RV of what the treatment leaves of the outcome."""
    generator = np.random.default_rng(20_260_113)
    rows, rv = 2_000, 0.2
    cause, d, y = np.linalg.qr(generator.normal(size=(rows, 3)))[0].T
    treatment = np.sqrt(rv) * cause + np.sqrt(1 - rv) * d
    # The outcome comes from the cause alone. Given the treatment, 1 - rv of the cause is left.
    outcome = cause + (1 - rv) / np.sqrt(rv) * y
    slope = float(treatment @ outcome)
    left = outcome - slope * treatment
    t = slope / np.sqrt(left @ left / rows)

    assert robustness_value(float(t), rows) == pytest.approx(rv)


def test_breastfeeding_gives_the_published_e_values() -> None:
    """VanderWeele and Ding (2017): a risk ratio of 3.9 (1.8 to 8.7) has the E-values 7.26 and 3.0."""
    assert round(e_value_of_ratio(3.9), 2) == 7.26
    assert round(e_value_of_ratio(1.8), 1) == 3.0
    assert e_value_of_ratio(1 / 3.9) == pytest.approx(e_value_of_ratio(3.9))


def test_the_e_values_of_a_difference() -> None:
    """39% against 10%, the difference at least 8 points: ratios of 3.9 and of (10 + 8) / 10 = 1.8."""
    found = e_value(0.39, 0.10, 0.08, 0.50)
    turned = e_value(0.10, 0.39, -0.50, -0.08)

    assert isinstance(found, EValue)
    assert (round(found.estimate, 2), round(found.bound, 1)) == (7.26, 3.0)
    assert turned == found
    assert e_value(0.12, 0.10, -0.01, 0.05) == EValue(e_value_of_ratio(0.12 / 0.10), 1.0)


def test_what_cannot_be_is_refused_or_raises() -> None:
    assert isinstance(e_value(0.1, 0.0, 0.02, 0.2), Refused)
    with pytest.raises(ValueError, match="does not lie between"):
        e_value(0.39, 0.10, 0.3, 0.5)
    with pytest.raises(ValueError, match="not a ratio"):
        e_value_of_ratio(0)
    with pytest.raises(ValueError, match="not a t value"):
        robustness_value(float("nan"), 10)
    with pytest.raises(ValueError, match="degrees of freedom"):
        robustness_value(2, 1)
    with pytest.raises(ValueError, match="not a share"):
        robustness_value(2, 10, q=0)
    with pytest.raises(ValueError, match="not a level"):
        robustness_value(2, 10, alpha=0)


@given(st.floats(0, 1_000), st.floats(2, 100_000), st.floats(0.001, 0.5))
def test_robustness_is_a_share_and_less_is_left_of_it_under_a_test(t: float, dof: float, alpha: float) -> None:
    whole, tested = robustness_value(t, dof), robustness_value(t, dof, alpha=alpha)

    assert 0 <= tested <= whole + 1e-12
    assert whole <= 1
