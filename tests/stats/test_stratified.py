"""Comparisons with the strata held equal, against published figures, hand arithmetic and a known truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.measured import Measured, Refused
from setpoint.stats.proportions import Stratum, newcombe_difference
from setpoint.stats.stratified import CommonOdds, Homogeneity, common_odds_ratio, mantel_haenszel_difference

# The data of R's own example of mantelhaen.test: rabbits with penicillin at once and after 1.5 hours, cured or not,
# at five doses. At the first nobody was cured, at the last everybody.
PENICILLIN = [Stratum(0, 6, 0, 5), Stratum(3, 6, 0, 6), Stratum(6, 6, 2, 6), Stratum(5, 6, 6, 6), Stratum(2, 2, 5, 5)]
# R's UCBAdmissions: men and women admitted, by department.
BERKELEY = [
    Stratum(512, 825, 89, 108),
    Stratum(353, 560, 17, 25),
    Stratum(120, 325, 202, 593),
    Stratum(138, 417, 131, 375),
    Stratum(53, 191, 94, 393),
    Stratum(22, 373, 24, 341),
]


def measured(result: Measured | Refused) -> Measured:
    assert isinstance(result, Measured), result
    return result


def odds(strata: list[Stratum], *, correction: bool = False) -> CommonOdds:
    result = common_odds_ratio(strata, correction=correction)
    assert isinstance(result, CommonOdds), result
    return result


def test_penicillin_gives_the_figures_of_r() -> None:
    """R's mantelhaen.test, which corrects for continuity; the interval is that of Robins, Breslow and Greenland."""
    found = odds(PENICILLIN, correction=True)

    assert found.odds_ratio.value == pytest.approx(7)
    assert (round(found.odds_ratio.low, 4), round(found.odds_ratio.high, 3)) == (1.0267, 47.725)
    assert (round(found.chi2, 4), round(found.p_value, 5)) == (3.9286, 0.04747)
    assert round(odds(PENICILLIN).chi2, 4) == 5.6571


def test_berkeley_gives_the_figures_of_r() -> None:
    """Men and women rejected, as statsmodels' own tests take them from R: one man more is admitted than in 1973."""
    rejected = [
        Stratum(313, 825, 19, 108),
        Stratum(207, 560, 8, 25),
        Stratum(205, 325, 391, 593),
        Stratum(278, 417, 244, 375),
        Stratum(138, 191, 299, 393),
        Stratum(351, 373, 317, 341),
    ]
    found = odds(rejected, correction=True)
    collapsed = odds([_collapsed(rejected)])

    assert round(found.odds_ratio.value, 5) == 1.10188
    assert (round(found.chi2, 4), round(found.p_value, 4)) == (1.3368, 0.2476)
    assert isinstance(found.breslow_day, Homogeneity)
    assert (round(found.breslow_day.chi2, 3), round(found.breslow_day.p_value, 5)) == (18.833, 0.00206)
    assert found.breslow_day.df == 5
    assert round(collapsed.odds_ratio.value, 3) == 0.542
    assert isinstance(collapsed.breslow_day, Refused)


def test_berkeley_with_all_of_its_men_gives_the_figures_of_todays_r() -> None:
    found = odds(BERKELEY, correction=True)

    assert (round(found.chi2, 4), round(found.p_value, 4)) == (1.4269, 0.2323)


def test_strata_turn_the_collapsed_difference_around() -> None:
    """Berkeley: men are admitted more often in total, women within the departments."""
    whole = _collapsed(BERKELEY)
    collapsed = measured(newcombe_difference(whole.successes_1, whole.trials_1, whole.successes_2, whole.trials_2))

    assert collapsed.low > 0
    assert measured(mantel_haenszel_difference(BERKELEY)).value < 0


def test_the_difference_by_hand() -> None:
    """Weights 6 * 4 / 10 = 2.4 and 10 * 10 / 20 = 5; gaps 3/6 - 1/4 = 0.25 and 0.6 - 0.3 = 0.3.

    Sato's slope: 1 * 0.36 - 3 * 0.16 + 0.24 * (4 - 6) / 2 = -0.36, and 3 * 0.25 - 6 * 0.25 = -0.75: -1.11.
    His level: (3 * 3 + 1 * 3) / 20 = 0.6, and (6 * 7 + 3 * 4) / 40 = 1.35: 1.95.
    So the variance at the estimate is (2.1 / 7.4 * -1.11 + 1.95) / 7.4**2 = 0.0298576.
    """
    found = measured(mantel_haenszel_difference([Stratum(3, 6, 1, 4), Stratum(6, 10, 3, 10)]))
    value = (2.4 * 0.25 + 5 * 0.3) / 7.4

    assert found.value == pytest.approx(value)
    assert (value * -1.11 + 1.95) / 7.4**2 == pytest.approx(0.0298576, abs=5e-8)
    for bound in (found.low, found.high):
        error = np.sqrt((bound * -1.11 + 1.95) / 7.4**2)
        assert abs(bound - value) / error == pytest.approx(1.959964, abs=1e-6)


def test_one_stratum_is_the_plain_difference() -> None:
    assert measured(mantel_haenszel_difference([Stratum(30, 100, 20, 100)])).value == pytest.approx(0.1)


def test_a_stratum_with_one_arm_takes_no_part() -> None:
    with_it = [*PENICILLIN, Stratum(40, 50, 0, 0)]

    assert mantel_haenszel_difference(with_it) == mantel_haenszel_difference(PENICILLIN)
    assert common_odds_ratio(with_it) == common_odds_ratio(PENICILLIN)


@pytest.mark.parametrize(
    "strata",
    [
        [],
        [Stratum(3, 10, 0, 0), Stratum(0, 0, 2, 10)],
        [Stratum(0, 10, 0, 10)],
        [Stratum(10, 10, 5, 5)],
        [Stratum(0, 10, 0, 10), Stratum(7, 7, 5, 5)],
    ],
)
def test_strata_that_tell_nothing_are_refused(strata: list[Stratum]) -> None:
    assert isinstance(mantel_haenszel_difference(strata), Refused)
    assert isinstance(common_odds_ratio(strata), Refused)


def test_odds_without_a_bound_are_refused_though_the_difference_is_not() -> None:
    strata = [Stratum(0, 40, 9, 40), Stratum(0, 30, 5, 60)]

    assert isinstance(common_odds_ratio(strata), Refused)
    assert measured(mantel_haenszel_difference(strata)).high < 0


def test_counts_and_confidences_that_cannot_be_raise() -> None:
    for stratum in (Stratum(-1, 10, 1, 2), Stratum(1, 2, 11, 10), Stratum(0, -1, 1, 2)):
        with pytest.raises(ValueError, match="cannot be"):
            mantel_haenszel_difference([stratum])
        with pytest.raises(ValueError, match="cannot be"):
            common_odds_ratio([stratum])
    with pytest.raises(ValueError, match="not a confidence"):
        mantel_haenszel_difference(BERKELEY, confidence=95)
    with pytest.raises(ValueError, match="not a confidence"):
        common_odds_ratio(BERKELEY, confidence=0)


@st.composite
def several_strata(draw: st.DrawFn) -> list[Stratum]:
    found = []
    for _ in range(draw(st.integers(1, 5))):
        trials_1, trials_2 = draw(st.integers(0, 400)), draw(st.integers(0, 400))
        found.append(Stratum(draw(st.integers(0, trials_1)), trials_1, draw(st.integers(0, trials_2)), trials_2))
    return found


@given(several_strata())
def test_the_interval_holds_the_difference_and_mirrors_with_the_arms(strata: list[Stratum]) -> None:
    there = mantel_haenszel_difference(strata)
    back = mantel_haenszel_difference([Stratum(s.successes_2, s.trials_2, s.successes_1, s.trials_1) for s in strata])

    if isinstance(there, Refused):
        assert back == there
        return
    assert isinstance(back, Measured)
    assert -1 <= there.low <= there.value + 1e-12
    assert there.value - 1e-12 <= there.high <= 1
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))


def test_the_interval_covers_a_truth_that_the_collapsed_one_misses() -> None:
    """The first arm works where it is easy; the true difference is 3 points everywhere. 2,000 draws."""
    sizes = np.array([[300, 60], [120, 90], [40, 400]])
    rates = np.array([[0.38, 0.35], [0.18, 0.15], [0.08, 0.05]])
    stratified, collapsed = coverage(sizes, rates, 0.03, 2_000)

    assert 0.935 <= stratified <= 0.965
    assert collapsed < 0.01


@pytest.mark.proof
def test_the_interval_covers_with_few_large_and_many_sparse_strata() -> None:
    large = np.array([[2_000, 900], [700, 1_500]])
    sparse = np.tile([[8, 5]], (60, 1))
    base = np.linspace(0.03, 0.3, 60)

    for sizes, rates in (
        (large, np.array([[0.03, 0.02], [0.11, 0.10]])),
        (sparse, np.stack([base + 0.04, base], axis=1)),
        (sparse, np.stack([base, base], axis=1)),
    ):
        covered, _ = coverage(sizes, rates, rates[0, 0] - rates[0, 1], 12_000)
        assert 0.94 <= covered <= 0.96


def coverage(
    sizes: np.ndarray[tuple[int, int], np.dtype[np.int_]],
    rates: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    truth: float,
    draws: int,
) -> tuple[float, float]:
    generator = np.random.default_rng(20_260_106)
    covered = collapsed = 0
    for successes in generator.binomial(sizes, rates, (draws, *sizes.shape)):
        strata = [
            Stratum(int(a), int(n_a), int(b), int(n_b)) for (a, b), (n_a, n_b) in zip(successes, sizes, strict=True)
        ]
        interval = measured(mantel_haenszel_difference(strata))
        covered += interval.low <= truth <= interval.high
        whole = _collapsed(strata)
        # Wald's interval is enough to show it.
        p, q = whole.successes_1 / whole.trials_1, whole.successes_2 / whole.trials_2
        half = 1.96 * np.sqrt(p * (1 - p) / whole.trials_1 + q * (1 - q) / whole.trials_2)
        collapsed += abs(p - q - truth) <= half
    return covered / draws, collapsed / draws


def _collapsed(strata: list[Stratum]) -> Stratum:
    return Stratum(
        sum(s.successes_1 for s in strata),
        sum(s.trials_1 for s in strata),
        sum(s.successes_2 for s in strata),
        sum(s.trials_2 for s in strata),
    )


def test_strata_whose_common_odds_ratio_is_exactly_one_are_tested_for_agreement() -> None:
    agreeing = common_odds_ratio([Stratum(1000, 10_000, 1010, 10_000), Stratum(900, 6000, 890, 6000)])
    assert isinstance(agreeing, CommonOdds)
    assert isinstance(agreeing.breslow_day, Homogeneity)
    nearly = common_odds_ratio([Stratum(1000, 10_000, 1010, 10_000), Stratum(901, 6000, 890, 6000)])
    assert isinstance(nearly, CommonOdds)
    assert isinstance(nearly.breslow_day, Homogeneity)
    assert agreeing.odds_ratio.value == 1
    # By hand: 1005 and 895 are expected; 25/452.25 + 25/380.69 less 0.
    assert agreeing.breslow_day.chi2 == pytest.approx(0.12095, abs=1e-4)
    assert agreeing.breslow_day.p_value == pytest.approx(0.728, abs=1e-3)
    assert agreeing.breslow_day.chi2 == pytest.approx(nearly.breslow_day.chi2, rel=0.2)
