"""Adjusted differences: Cattaneo's birth weights, hand arithmetic, and truths that a plain comparison misses."""

import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels

from setpoint.domain.measured import Refused
from setpoint.stats.adjusted import Adjusted, Effects, Group, adjusted_difference, aipw_from_arrays

NAMES = ("channel", "stage")


@pytest.fixture(scope="module")
def births() -> npt.NDArray[np.void]:
    """The 4,642 births of Cattaneo (2010) as Stata and statsmodels' own tests have them."""
    path = Path(statsmodels.__file__).parent / "treatment" / "tests" / "results" / "cataneo2.csv"
    table: npt.NDArray[np.void] = np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")
    return table


def columns(table: npt.NDArray[np.void], *names: str) -> npt.NDArray[np.float64]:
    return np.column_stack([table[name].astype(np.float64) for name in names])


def adjusted(groups: list[Group], names: tuple[str, ...] = NAMES) -> Adjusted:
    result = adjusted_difference(groups, names)
    assert isinstance(result, Adjusted), result
    return result


def test_the_effect_of_smoking_on_birth_weight(births: npt.NDArray[np.void]) -> None:
    """Stata's teffects ra, ipw and aipw, with a probit for smoking, as statsmodels' own tests have them."""
    weight, smokes = columns(births, "bweight")[:, 0], births["mbsmoke_"] == 1
    found = aipw_from_arrays(
        weight,
        smokes,
        columns(births, "prenatal1_", "mmarried_", "mage", "fbaby_"),
        "gaussian",
        x_propensity=columns(births, "mmarried_", "mage", "mage2", "fbaby_", "medu"),
        link="probit",
    )

    assert round(weight[smokes].mean() - weight[~smokes].mean(), 2) == -275.25
    assert round(found.regression, 3) == -239.639
    assert round(found.weighting, 3) == -230.689
    # Stata says -230.9892; the design rounds its -230.98920 up.
    assert found.doubly_robust == pytest.approx(-230.9892, abs=5e-4)
    assert round(found.standard_error, 2) == 26.21
    assert (round(found.treated_mean, 3), round(found.control_mean, 3)) == (3172.366, 3403.355)


def test_without_covariates_it_is_the_plain_difference() -> None:
    """60 of 200 against 50 of 250: 0.1, with variance 0.3 * 0.7 / 199 + 0.2 * 0.8 / 249.

    A lead fewer on each side, because its rate was taken from the same leads.
    """
    found = adjusted([Group(True, (), 200, 60), Group(False, (), 250, 50)], ())

    assert found.difference.value == pytest.approx(0.1)
    assert (found.treated_rate, found.control_rate) == pytest.approx((0.3, 0.2))
    assert found.difference.high - found.difference.value == pytest.approx(
        1.959964 * (0.21 / 199 + 0.16 / 249) ** 0.5, rel=1e-5
    )


def test_one_covariate_is_the_difference_standardised_to_all_leads() -> None:
    """With two levels the models hold every cell, but for the ridge: email 0.3 - 0.2, SMS 0.5 - 0.45.

    40,000 of 50,000 leads are in email, so the answer is 0.8 * 0.1 + 0.2 * 0.05 = 0.09.
    """
    groups = [
        Group(True, ("email",), 10_000, 3_000),
        Group(False, ("email",), 30_000, 6_000),
        Group(True, ("sms",), 8_000, 4_000),
        Group(False, ("sms",), 2_000, 900),
    ]
    found = adjusted(groups, ("channel",))

    assert found.difference.value == pytest.approx(0.09, abs=1e-6)
    assert found.used == 50_000
    assert found.covariates == ("channel",)
    # Cell by cell: (share of leads)**2 times the variance of the cell's rate.
    error = (0.8**2 * (0.21 / 10_000 + 0.16 / 30_000) + 0.2**2 * (0.25 / 8_000 + 0.2475 / 2_000)) ** 0.5
    between = (0.8 * 0.2 * 0.05**2 / 50_000) ** 0.5
    half = 1.959964 * (error**2 + between**2) ** 0.5
    assert found.difference.high - found.difference.value == pytest.approx(half, rel=1e-3)


def test_rows_seen_several_times_are_as_many_rows() -> None:
    generator = np.random.default_rng(7)
    x = generator.normal(size=(80, 2))
    treated = generator.random(80) < 0.5
    y = (generator.random(80) < 0.4).astype(np.float64)
    times = generator.integers(0, 4, 80)

    weighted = aipw_from_arrays(y, treated, x, weights=times.astype(np.float64))
    repeated = aipw_from_arrays(np.repeat(y, times), np.repeat(treated, times), np.repeat(x, times, axis=0))

    for name in Effects.__slots__:
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name)), name


def test_how_leads_are_grouped_and_ordered_does_not_matter() -> None:
    groups = drawn(np.random.default_rng(11), 40)
    split = [
        Group(g.treated, g.covariates, n, successes)
        for g in reversed(groups)
        for n, successes in ((g.successes, g.successes), (g.n - g.successes, 0), (0, 0))
    ]

    assert adjusted(split).difference.value == pytest.approx(adjusted(groups).difference.value)
    assert adjusted(split).difference.low == pytest.approx(adjusted(groups).difference.low)


def test_leads_that_only_one_arm_gets_are_trimmed_and_counted() -> None:
    shared = [
        Group(treated, (channel,), 500, 100 if treated else 60)
        for treated, channel in itertools.product((True, False), ("email", "sms"))
    ]
    only_treated = [Group(True, ("linkedin",), 400, 399), Group(False, ("linkedin",), 4, 0)]
    found, without = adjusted([*shared, *only_treated], ("channel",)), adjusted(shared, ("channel",))

    assert (found.trimmed_treated, found.trimmed_control, found.used) == (400, 4, 2_000)
    assert found.difference == without.difference
    assert found.overlap.outside == pytest.approx(404 / 2_404)
    assert without.overlap.outside == 0


def test_a_level_of_few_leads_that_only_one_arm_has_is_left_out() -> None:
    """With 50 leads in it the ridge alone would put its propensity at 0.94, within the limits."""
    alone = [Group(i % 2 == 0, (f"{i}",), 50, 15 if i % 2 == 0 else 5) for i in range(10)]
    shared = [Group(True, ("shared",), 500, 50), Group(False, ("shared",), 500, 50)]
    found = adjusted([*alone, *shared], ("campaign",))
    # One lead the other way makes no overlap either.
    nearly = [*alone, *(Group(i % 2 != 0, (f"{i}",), 1, 0) for i in range(10))]

    assert isinstance(adjusted_difference(nearly, ("campaign",)), Refused)
    assert isinstance(adjusted_difference(alone, ("campaign",)), Refused)
    assert (found.trimmed_treated, found.trimmed_control, found.used) == (250, 250, 1_000)
    assert found.difference.value == pytest.approx(0, abs=1e-6)


def test_the_overlap_shows_all_leads_by_their_propensity() -> None:
    groups = [
        Group(True, ("a",), 300, 60),
        Group(False, ("a",), 700, 70),
        Group(True, ("b",), 1_600, 160),
        Group(False, ("b",), 400, 80),
    ]
    overlap = adjusted(groups, ("stage",)).overlap

    assert len(overlap.edges) == 21
    assert (sum(overlap.treated), sum(overlap.control)) == (1_900, 1_100)
    # Propensities of 0.3 and 0.8, which the ridge draws together by a hair.
    assert {i: count for i, count in enumerate(overlap.treated) if count} == {6: 300, 15: 1_600}
    assert {i: count for i, count in enumerate(overlap.control) if count} == {6: 700, 15: 400}


@pytest.mark.parametrize(
    ("groups", "needed"),
    [
        ([], None),
        ([Group(True, ("a",), 100, 50)], None),
        ([Group(True, ("a",), 100, 0), Group(False, ("a",), 100, 0)], None),
        ([Group(True, ("a",), 100, 100), Group(False, ("a",), 100, 100)], None),
        ([Group(True, ("a",), 12, 6), Group(False, ("a",), 100, 50)], 8),
        # At 4% each arm needs 125 leads to expect 5 bookings.
        ([Group(True, ("a",), 100, 4), Group(False, ("a",), 200, 8)], 25),
        # Each arm has its own channel.
        ([Group(True, ("a",), 400, 90), Group(False, ("b",), 400, 50)], None),
    ],
)
def test_what_cannot_be_adjusted_is_refused(groups: list[Group], needed: int | None) -> None:
    refused = adjusted_difference(groups, ("channel",))

    assert isinstance(refused, Refused)
    assert refused.needed == needed


def test_what_cannot_be_raises() -> None:
    two = [Group(True, ("a",), 100, 50), Group(False, ("a",), 100, 50)]
    with pytest.raises(ValueError, match="cannot be"):
        adjusted_difference([Group(True, ("a",), 10, 11)], ("channel",))
    with pytest.raises(ValueError, match="do not go with"):
        adjusted_difference(two, NAMES)
    with pytest.raises(ValueError, match="not a confidence"):
        adjusted_difference(two, ("channel",), confidence=95)
    with pytest.raises(ValueError, match="limits"):
        adjusted_difference(two, ("channel",), trim=(0.5, 0.5))
    with pytest.raises(ValueError, match="an arm is empty"):
        aipw_from_arrays(np.zeros(3), np.array([True] * 3), np.empty((3, 0)))
    with pytest.raises(ValueError, match="does not converge"):
        aipw_from_arrays(np.tile([0.0, 1.0], 4), np.tile([True, False], 4), np.tile([[0.0], [1.0]], (4, 1)))


@pytest.mark.parametrize("runs", [250, pytest.param(4_000, marks=pytest.mark.proof)])
def test_the_interval_covers_a_truth_that_the_plain_difference_misses(runs: int) -> None:
    """AI gets the easier leads. It books 4 points more than setters on the same ones, and 10 in plain numbers."""
    generator = np.random.default_rng(20_260_110)
    covered, plain = 0, 0
    for _ in range(runs):
        groups = drawn(generator, 200)
        interval = adjusted(groups).difference
        covered += interval.low <= 0.04 <= interval.high
        plain += abs(_plain(groups) - 0.04) <= 0.04
    spread = 0.04 if runs < 1_000 else 0.01

    assert covered / runs == pytest.approx(0.95, abs=spread)
    assert plain / runs < 0.2


@pytest.mark.proof
@pytest.mark.parametrize("wrong", ["outcome", "propensity"])
def test_one_of_the_two_models_may_be_wrong(wrong: str) -> None:
    """1,500 leads with one covariate; the wrong model sees only noise. 1,500 draws."""
    generator = np.random.default_rng(20_260_111)
    covered = 0
    for _ in range(1_500):
        x, noise = generator.normal(size=(2, 1_500, 1))
        treated = generator.random(1_500) < 1 / (1 + np.exp(-x[:, 0]))
        y = 2 * x[:, 0] + 0.5 * treated + generator.normal(size=1_500)
        seen, seen_by_propensity = (noise, x) if wrong == "outcome" else (x, noise)
        found = aipw_from_arrays(y, treated, seen, "gaussian", x_propensity=seen_by_propensity)
        covered += abs(found.doubly_robust - 0.5) <= 1.96 * found.standard_error

    assert covered / 1_500 == pytest.approx(0.95, abs=0.02)


def drawn(generator: np.random.Generator, size: int) -> list[Group]:
    """Draw `size` leads of each of six kinds; AI books 4 points more of each, and gets more of the easy ones."""
    groups = []
    for channel, stage in itertools.product(range(3), range(2)):
        ai = int(generator.binomial(size, 0.2 + 0.2 * channel + 0.15 * stage))
        rate = 0.1 + 0.12 * channel + 0.08 * stage
        covariates = (("email", "sms", "linkedin")[channel], ("first", "reply")[stage])
        groups += [
            Group(True, covariates, ai, int(generator.binomial(ai, rate + 0.04))),
            Group(False, covariates, size - ai, int(generator.binomial(size - ai, rate))),
        ]
    return groups


def _plain(groups: list[Group]) -> float:
    ai, setter = ([g for g in groups if g.treated is side] for side in (True, False))
    return sum(g.successes for g in ai) / sum(g.n for g in ai) - sum(g.successes for g in setter) / sum(
        g.n for g in setter
    )


def test_a_side_on_which_nobody_or_everybody_books_is_refused() -> None:
    for nobody in (0, 100):
        groups = [Group(True, ("a",), 100, nobody), Group(False, ("a",), 100, 30)]
        refused = adjusted_difference(groups, ("campaign",))
        assert isinstance(refused, Refused)
        assert refused.reason.startswith("On one of the sides the outcome is the same everywhere")
