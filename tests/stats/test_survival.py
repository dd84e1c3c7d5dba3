"""Time to an event with censoring and competition: published figures, the libraries, and known truths."""

import math
import warnings

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight, survdiff

from setpoint.domain.measured import Measured, Refused
from setpoint.stats.survival import (
    BOOKED,
    CENSORED,
    LOST,
    Durations,
    Incidence,
    LogRank,
    cumulative_incidence,
    log_rank,
    restricted_mean,
    restricted_mean_difference,
)


def durations(text: str) -> Durations:
    """Read "13:2 1:1": 13 days until the event 2, one day until the event 1."""
    pairs = [item.split(":") for item in text.split()]
    return Durations(np.array([float(days) for days, _ in pairs]), np.array([int(event) for _, event in pairs]))


# Acute myelogenous leukaemia with and without maintenance; `aml` of R's package survival (Miller, 1981).
MAINTAINED = durations("9:1 13:1 13:0 18:1 23:1 28:0 31:1 34:1 45:0 48:1 161:0")
NOT_MAINTAINED = durations("5:1 5:1 8:1 8:1 12:1 16:0 23:1 27:1 30:1 33:1 43:1 45:1")
# Relapse (1) and death by transplantation (2) after a bone marrow transplant; table 1 of Scrucca, Santucci and
# Aversa, Bone Marrow Transplantation 40:381 (2007).
BMT = durations(
    "13:2 1:1 72:0 7:2 8:2 67:0 9:2 5:2 70:0 4:0 7:0 68:0 1:2 10:2 7:2 3:1 4:1 4:1 3:1 3:1 22:2 8:1 2:2 0:2 0:1 "
    "35:0 35:0 4:2 14:2 26:2 3:2 2:0 8:0 32:0 12:1"
)


def measured(result: Measured | Refused) -> Measured:
    assert isinstance(result, Measured), result
    return result


def incidence(given_durations: Durations, cause: int = BOOKED, confidence: float = 0.95) -> Incidence:
    result = cumulative_incidence(given_durations, confidence, cause)
    assert isinstance(result, Incidence), result
    return result


def test_competing_risks_give_the_published_incidences() -> None:
    relapse, death = incidence(BMT), incidence(BMT, LOST)

    assert round(float(relapse.value[-1]), 8) == 0.27283899
    assert round(float(death.value[-1]), 8) == 0.48126955
    assert round(measured(relapse.at(4)).value, 8) == 0.20492611
    assert round(measured(death.at(4)).value, 8) == 0.14482759


def test_taking_competition_for_censoring_overstates() -> None:
    """1 minus Kaplan-Meier with the deaths censored says 0.330 where 0.273 will relapse."""
    naive = incidence(Durations(BMT.days, np.where(BMT.event == LOST, CENSORED, BMT.event)))

    assert round(float(naive.value[-1]), 3) == 0.330
    assert round(float(incidence(BMT).value[-1]), 3) == 0.273


def test_the_incidences_and_what_is_left_are_everybody() -> None:
    nobody_competes = incidence(Durations(BMT.days, np.minimum(BMT.event, 1)))

    assert incidence(BMT).value + incidence(BMT, LOST).value == pytest.approx(nobody_competes.value)


@pytest.mark.parametrize("cause", [BOOKED, LOST])
def test_value_and_error_are_those_of_statsmodels(cause: int) -> None:
    """Its errors are those of Stata's stcompet; the band is turned back into the error that it was made of."""
    found = incidence(BMT, cause)
    with warnings.catch_warnings():
        # It divides by those left when nobody is.
        warnings.simplefilter("ignore")
        oracle = CumIncidenceRight(BMT.days, BMT.event)
    share = found.value
    reach = np.log(found.low) / np.log(share)

    assert share == pytest.approx(oracle.cinc[cause - 1])
    assert np.log(reach) * share * -np.log(share) / 1.959964 == pytest.approx(oracle.cinc_se[cause - 1], rel=1e-6)
    assert np.log(found.high) == pytest.approx(np.log(share) / reach)


def test_the_incidence_by_hand() -> None:
    """Six leads: booked on day 1, lost on day 2, pending on day 2, booked on day 3, two pending on day 5.

    1/6; then 5/6 are open, 4/6 after the loss; of the three followed on day 3 one books: 1/6 + 4/6 / 3 = 7/18.
    """
    found = incidence(durations("1:1 2:2 2:0 3:1 5:0 5:0"))

    assert found.times.tolist() == [0, 1, 2, 3, 5]
    assert found.value == pytest.approx([0, 1 / 6, 1 / 6, 7 / 18, 7 / 18])
    assert found.at_risk.tolist() == [6, 6, 5, 3, 2]
    assert (found.leads, found.until) == (6, 5)
    assert measured(found.at(4.9)).value == pytest.approx(7 / 18)
    assert measured(found.at(0.5)).value == 0


def test_beyond_what_anybody_was_followed_there_is_no_share() -> None:
    pending, settled = incidence(durations("1:1 2:2 4:0")), incidence(durations("1:1 2:2 4:1"))

    assert measured(pending.at(4)).value == pytest.approx(1 / 3)
    assert isinstance(pending.at(4.1), Refused)
    # When the last lead followed had an event, nothing more can come.
    assert measured(settled.at(400)).value == pytest.approx(2 / 3)
    assert settled.until == math.inf


def test_nobody_and_everybody_leave_the_binomial_bound_open() -> None:
    """Nobody of 20 in 7 days: up to 1 - 0.025**(1/20) = 0.1684 may, as Clopper and Pearson have it."""
    nobody = measured(incidence(durations("9:0 " * 20)).at(7))
    everybody = measured(incidence(durations("2:1 " * 20)).at(7))

    assert (nobody.value, nobody.low, round(nobody.high, 4)) == (0, 0, 0.1684)
    assert (everybody.value, round(everybody.low, 4), everybody.high) == (1, 0.8316, 1)


def test_shares_that_add_up_to_a_hair_below_everybody_are_everybody() -> None:
    """13, 12 and 6 of 31 add up to 0.9999999999999999: the lower end is 0.025**(1/31) = 0.8878."""
    days = Durations(np.array([0.0, 1 / 24, 1 / 12]), np.array([1, 1, 1]), np.array([13, 12, 6]))
    everybody = measured(incidence(days).at(1 / 12))

    assert (everybody.value, round(everybody.low, 4), everybody.high) == (1, 0.8878, 1)


def test_leukaemia_gives_the_log_rank_test_of_r() -> None:
    found = log_rank(MAINTAINED, NOT_MAINTAINED)

    assert isinstance(found, LogRank)
    assert (round(found.chi2, 9), round(found.p_value, 7)) == (3.396388699, 0.0653393)
    turned = log_rank(NOT_MAINTAINED, MAINTAINED)
    assert isinstance(turned, LogRank)
    assert turned.chi2 == pytest.approx(found.chi2)


def test_leukaemia_gives_the_restricted_means_of_r() -> None:
    maintained, not_maintained = restricted_mean(MAINTAINED, 48), restricted_mean(NOT_MAINTAINED, 48)
    difference = measured(restricted_mean_difference(MAINTAINED, NOT_MAINTAINED, 48))

    assert round(measured(maintained).value, 5) == 31.84318
    assert round(measured(not_maintained).value, 5) == 22.70833
    assert difference.value == pytest.approx(31.84318 - 22.70833, abs=1e-5)


def error_of(mean: Measured, tau: float) -> float:
    """Turn an interval on the scale log(-log) back into the error that it was made of."""
    lost = 1 - mean.value / tau
    reach = math.log(1 - mean.high / tau) / math.log(lost)
    return math.log(reach) * lost * -math.log(lost) / 1.959964 * tau


def test_the_error_of_the_restricted_mean_by_hand() -> None:
    """Four leads, booked on days 2 and 6, pending on 4 and 10; tau is 8.

    What is open: 1 until day 2, 3/4 until 6, 3/8 until 8: the mean is 2 + 3 + 0.75 = 5.75. Greenwood: the area
    after day 2 is 3.75, with 1 / (4 * 3); after day 6 it is 0.75, with 1 / (2 * 1).
    """
    found = measured(restricted_mean(durations("2:1 4:0 6:1 10:0"), 8))

    assert found.value == pytest.approx(5.75)
    assert error_of(found, 8) == pytest.approx(math.sqrt(3.75**2 / 12 + 0.75**2 / 2), rel=1e-6)
    assert (1 - found.low / 8) == pytest.approx((2.25 / 8) ** (math.log(2.25 / 8) / math.log(1 - found.high / 8)))


def test_a_lost_lead_has_no_booking_until_the_end() -> None:
    """Booked on day 2, lost on day 3, followed until 12: the means of 2, 10 and 10, with the error of a mean."""
    found = measured(restricted_mean(durations("2:1 3:2 12:0"), 10))

    assert found.value == pytest.approx(22 / 3)
    assert error_of(found, 10) == pytest.approx(float(np.std([2, 10, 10])) / math.sqrt(3))


def test_the_difference_of_means_takes_the_nearer_ends_together() -> None:
    first, second = (measured(restricted_mean(group, 48)) for group in (MAINTAINED, NOT_MAINTAINED))
    difference = measured(restricted_mean_difference(MAINTAINED, NOT_MAINTAINED, 48))

    assert difference.value - difference.low == pytest.approx(
        math.sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    )
    assert difference.high - difference.value == pytest.approx(
        math.sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    )


def test_leads_counted_by_weights_are_as_many_leads() -> None:
    generator = np.random.default_rng(5)
    days = generator.integers(0, 15, 60).astype(np.float64)
    event = generator.integers(0, 3, 60)
    times = generator.integers(0, 4, 60)
    weighted = Durations(days, event, times)
    repeated = Durations(np.repeat(days, times), np.repeat(event, times))

    for cause in (BOOKED, LOST):
        assert incidence(weighted, cause).value == pytest.approx(incidence(repeated, cause).value)
        assert incidence(weighted, cause).high == pytest.approx(incidence(repeated, cause).high)
    assert log_rank(weighted, MAINTAINED) == log_rank(repeated, MAINTAINED)
    assert restricted_mean(weighted, 10) == restricted_mean(repeated, 10)


def test_what_cannot_be_told_is_refused() -> None:
    nobody = durations("")
    never = durations("20:0 30:2")
    for result in (
        cumulative_incidence(nobody),
        cumulative_incidence(Durations(np.array([3.0]), np.array([1]), np.array([0]))),
        restricted_mean(nobody, 5),
        restricted_mean(never, 5),
        restricted_mean(durations("2:1 2:1 2:1"), 5),
        restricted_mean(durations("0:1 0:1 0:1"), 5),
        restricted_mean(MAINTAINED, 162),
        restricted_mean_difference(MAINTAINED, never, 5),
        restricted_mean_difference(nobody, MAINTAINED, 5),
        log_rank(nobody, MAINTAINED),
        log_rank(never, never),
        log_rank(durations("2:1"), durations("1:0")),
    ):
        assert isinstance(result, Refused)


def test_what_cannot_be_raises() -> None:
    for days, event, weights, words in (
        ([1.0, 2.0], [1], None, "differ in length"),
        ([-1.0], [1], None, "not negative"),
        ([math.nan], [1], None, "finite"),
        ([1.0], [3], None, "an event is"),
        ([1.0], [1], [-1], "a weight counts"),
    ):
        with pytest.raises(ValueError, match=words):
            Durations(np.array(days), np.array(event), None if weights is None else np.array(weights))
    with pytest.raises(ValueError, match="not a confidence"):
        cumulative_incidence(BMT, confidence=95)
    with pytest.raises(ValueError, match="the cause is"):
        cumulative_incidence(BMT, cause=CENSORED)
    with pytest.raises(ValueError, match="not a day"):
        incidence(BMT).at(-1)
    with pytest.raises(ValueError, match="number of days"):
        restricted_mean(BMT, 0)


@st.composite
def some_durations(draw: st.DrawFn) -> Durations:
    rows = draw(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=40))
    return Durations(np.array([float(days) for days, _ in rows]), np.array([event for _, event in rows]))


@given(some_durations(), st.sampled_from([BOOKED, LOST]), st.floats(0.5, 0.999))
def test_the_band_holds_the_curve_and_stays_a_share(found: Durations, cause: int, confidence: float) -> None:
    curve = incidence(found, cause, confidence)

    assert (np.diff(curve.times) > 0).all()
    assert (np.diff(curve.value) >= 0).all()
    assert (curve.low >= 0).all()
    assert (curve.low <= curve.value).all()
    assert (curve.value <= curve.high).all()
    assert (curve.high <= 1).all()


@given(some_durations(), st.integers(1, 12))
def test_the_interval_of_a_mean_holds_it_and_stays_within_the_days(found: Durations, tau: int) -> None:
    mean = restricted_mean(found, tau)

    assert isinstance(mean, Refused) or 0 <= mean.low < mean.value < mean.high <= tau


@given(some_durations(), some_durations())
def test_the_log_rank_test_is_that_of_statsmodels(a: Durations, b: Durations) -> None:
    found = log_rank(a, b)
    if isinstance(found, Refused):
        return
    days, event = np.concatenate([a.days, b.days]), np.concatenate([a.event, b.event])
    group = np.repeat([0, 1], [len(a.days), len(b.days)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        statistic, p_value = survdiff(days, (event == BOOKED).astype(np.int_), group)

    assert found.chi2 == pytest.approx(statistic)
    assert found.p_value == pytest.approx(p_value)


def test_band_means_and_test_hold_what_they_promise() -> None:
    """300 leads, 12% of which book by day 14 and 30% are lost; up to half are still pending. 400 draws."""
    band, mean, difference, alarms = promises(leads=300, draws=400)

    assert 0.92 <= band <= 0.98
    assert 0.92 <= mean <= 0.98
    assert 0.92 <= difference <= 0.98
    assert 0.01 <= alarms <= 0.08


@pytest.mark.proof
def test_band_means_and_test_hold_what_they_promise_in_many_draws() -> None:
    band, mean, difference, alarms = promises(leads=300, draws=10_000)

    assert band == pytest.approx(0.95, abs=0.01)
    assert mean == pytest.approx(0.95, abs=0.01)
    assert difference == pytest.approx(0.95, abs=0.01)
    assert alarms == pytest.approx(0.05, abs=0.01)


def promises(leads: int, draws: int) -> tuple[float, float, float, float]:
    """Return the coverage at day 14, of a mean and of a difference of means, and the false alarms of the test.

    Bookings and losses come at constant rates, so the truth is known: with h = 0.011 + 0.030 a day, the share
    booked by day t is 0.011 / h * (1 - exp(-h * t)).
    """
    generator = np.random.default_rng(20_260_117)
    book, lose = 0.011, 0.030
    hazard = book + lose
    share = book / hazard * (1 - math.exp(-hazard * 14))
    mean = 14 - book / hazard * (14 - (1 - math.exp(-hazard * 14)) / hazard)
    hits = np.zeros(4)
    for _ in range(draws):
        a, b = (drawn(generator, leads, book, lose) for _ in range(2))
        at_14 = measured(incidence(a).at(14))
        own = measured(restricted_mean(a, 14))
        gap = measured(restricted_mean_difference(a, b, 14))
        test = log_rank(a, b)
        assert isinstance(test, LogRank)
        hits += [
            at_14.low <= share <= at_14.high,
            own.low <= mean <= own.high,
            gap.low <= 0 <= gap.high,
            test.p_value <= 0.05,
        ]
    band, own_mean, difference, alarms = (hits / draws).tolist()
    return band, own_mean, difference, alarms


def drawn(generator: np.random.Generator, leads: int, book: float, lose: float) -> Durations:
    """Draw leads that came in evenly over the last 30 days, seen by the hour."""
    booked, lost = generator.exponential(1 / book, leads), generator.exponential(1 / lose, leads)
    followed: npt.NDArray[np.float64] = generator.uniform(0, 30, leads)
    first = np.minimum(np.minimum(booked, lost), followed)
    event = np.where(first == followed, CENSORED, np.where(first == booked, BOOKED, LOST))
    return Durations(np.ceil(first * 24) / 24, event)
