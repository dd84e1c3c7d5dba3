"""When two booking rates can be told apart, when not, and how many leads are missing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.measured import Measured, Refused
from setpoint.reports.contest import Arm, Contest, Demands, Missing, decide, relevant_difference
from setpoint.stats.proportions import sample_size_per_arm

DEMANDS = Demands()


def contest(ai_booked: int, ai: int, setter_booked: int, setter: int) -> Contest:
    return decide(Arm(ai_booked, ai - ai_booked), Arm(setter_booked, setter - setter_booked), DEMANDS)


def test_a_clear_difference_has_an_interval_and_a_winner() -> None:
    ahead, behind = contest(120, 1_500, 60, 1_500), contest(60, 1_500, 120, 1_500)

    assert isinstance(ahead.outcome, Measured)
    assert ahead.outcome.value == pytest.approx(0.04)
    assert (ahead.winner, behind.winner) == ("ai", "setter")


def test_large_arms_that_book_alike_are_measured_but_nobody_wins() -> None:
    level = contest(150, 3_000, 156, 3_000)

    assert isinstance(level.outcome, Measured)
    assert level.outcome.low < 0 < level.outcome.high
    assert level.winner is None
    assert level.leader == "setter"


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((0, 0, 0, 0), "No lead has a settled outcome yet."),
        ((5, 90, 0, 0), "Only AI has leads with a settled outcome"),
        ((0, 0, 5, 90), "Only setters have leads with a settled outcome"),
        ((0, 90, 0, 80), "170 mature leads and none booked"),
        ((1, 1, 0, 0), "Only AI has leads with a settled outcome"),
        ((9, 9, 8, 8), "17 mature leads and all booked"),
    ],
)
def test_what_no_number_of_leads_can_be_named_for(counts: tuple[int, int, int, int], reason: str) -> None:
    refused = contest(*counts)

    assert isinstance(refused.outcome, Refused)
    assert refused.outcome.reason.startswith(reason)
    assert refused.outcome.needed is None
    assert (refused.winner, refused.missing) == (None, None)


def test_the_missing_leads_follow_from_the_published_sizes() -> None:
    """12.5% booked: a difference of 5 points around it, 10% against 15%, needs 686 an arm."""
    refused = contest(20, 150, 30, 250)

    assert sample_size_per_arm(0.15, 0.10) == 686
    assert isinstance(refused.outcome, Refused)
    assert refused.missing == Missing(ai=536, setter=436)
    assert refused.outcome.needed == 536 + 436


def test_the_smaller_arm_is_filled_first() -> None:
    refused = contest(10, 100, 127, 1_000)

    assert isinstance(refused.outcome, Refused)
    assert refused.missing is not None
    assert refused.missing.setter == 0
    assert refused.missing.ai > 0


def test_three_of_three_against_none_of_three_is_no_proof() -> None:
    """The interval alone would leave out zero here, at 3 expected leads a cell and less."""
    assert isinstance(contest(3, 3, 0, 3).outcome, Refused)


def test_a_difference_that_shows_is_not_refused_for_the_size_of_the_arms() -> None:
    """Newcombe's own example: far below the 1,400 an arm that 5 points would need, but plain to see."""
    assert contest(56, 70, 48, 80).winner == "ai"


@pytest.mark.parametrize(
    ("rate", "difference"), [(0.009, 0.0045), (0.04, 0.02), (0.10, 0.05), (0.50, 0.05), (0.98, 0.01)]
)
def test_the_relevant_difference_is_half_the_rate_and_5_points_at_most(rate: float, difference: float) -> None:
    assert relevant_difference(rate, DEMANDS) == pytest.approx(difference)


def test_a_lead_more_than_needed_is_not_asked_for() -> None:
    refused = contest(20, 150, 30, 250)
    assert refused.missing is not None
    ai, setter = 150 + refused.missing.ai, 250 + refused.missing.setter

    assert isinstance(contest(ai // 8, ai, setter // 8, setter).outcome, Measured)


@given(st.tuples(*[st.integers(0, 400)] * 4))
def test_a_contest_is_measured_or_refused_and_the_sides_are_alike(counts: tuple[int, int, int, int]) -> None:
    ai, setter = Arm(*counts[:2]), Arm(*counts[2:])
    there, back = decide(ai, setter, DEMANDS), decide(setter, ai, DEMANDS)

    assert {there.winner, back.winner} in ({None}, {"ai", "setter"})
    assert isinstance(there.outcome, Refused) == isinstance(back.outcome, Refused)
    if isinstance(there.outcome, Refused):
        assert there.winner is None
        assert there.outcome.needed is None or there.outcome.needed > 0
    if there.missing:
        assert back.missing == Missing(ai=there.missing.setter, setter=there.missing.ai)


@pytest.mark.parametrize(
    ("ai", "setter", "rate"), [(5, 5, 0.3), (20, 20, 0.5), (30, 300, 0.05), (200, 200, 0.02), (50, 50, 0.5)]
)
def test_equal_senders_are_told_apart_in_one_of_twenty_draws_at_most(ai: int, setter: int, rate: float) -> None:
    """Drawn 3,000 times with no difference in truth; leads come whole, which adds up to 1% to the 5%."""
    draws = 3_000
    generator = np.random.default_rng(8)
    drawn = zip(generator.binomial(ai, rate, draws), generator.binomial(setter, rate, draws), strict=True)
    known: dict[tuple[int, int], bool] = {}
    wrong = 0
    for a, s in drawn:
        key = int(a), int(s)
        if key not in known:
            known[key] = contest(key[0], ai, key[1], setter).winner is not None
        wrong += known[key]

    assert wrong / draws <= 0.065
