"""Whether two booking rates can be told apart: the numbers behind a comparison of setter and AI.

The rule, in this order:

1. Refused, with no number to wait for: an arm is empty, no lead booked, or every lead booked.
2. The smallest *relevant* difference is `Demands.relative` of the pooled booking rate (of the rate of not
   booking where that is the smaller one), and `Demands.at_most` at most. It is fixed beforehand and does not
   follow the difference that was seen, which would be circular.
3. Refused as "not enough data yet" when a cell of the table expects fewer than `Demands.expected` leads
   (Cochran's rule), or when the interval holds zero and the arms are too small to see the relevant
   difference with `Demands.power`. What is missing is the fewest further mature leads that would do: the
   smaller arm is filled first.
4. Otherwise the difference with Newcombe's interval. It is named when the interval leaves out zero.
"""

from dataclasses import dataclass
from typing import Literal

from setpoint.domain.measured import Measured, Refused
from setpoint.reports.presentation import count_text, leads_text, points_digits, points_text
from setpoint.stats.proportions import further_trials, newcombe_difference, sample_size_per_arm

Side = Literal["ai", "setter"]


@dataclass(frozen=True, slots=True)
class Demands:
    """What a comparison must be able to see, and how sure it must be.

    `mix` is the share of leads that would have to change channel, from which on the two sides are said to
    work in different channels.
    """

    relative: float = 0.5
    at_most: float = 0.05
    power: float = 0.8
    confidence: float = 0.95
    expected: float = 5.0
    mix: float = 0.2

    @property
    def alpha(self) -> float:
        """The two-sided level of the tests that go with the intervals."""
        return 1 - self.confidence


@dataclass(frozen=True, slots=True)
class Arm:
    """The mature leads of one side."""

    booked: int
    not_booked: int

    @property
    def n(self) -> int:
        """How many there are."""
        return self.booked + self.not_booked


@dataclass(frozen=True, slots=True)
class Missing:
    """The fewest further mature leads with which the relevant difference would be seen."""

    ai: int
    setter: int


@dataclass(frozen=True, slots=True)
class Contest:
    """Two arms, and the difference of their rates (AI minus setters) or why there is none."""

    ai: Arm
    setter: Arm
    outcome: Measured | Refused
    missing: Missing | None = None

    @property
    def rate(self) -> float:
        """The booking rate of both arms together; of no use without mature leads."""
        return (self.ai.booked + self.setter.booked) / (self.ai.n + self.setter.n)

    @property
    def is_two_sided(self) -> bool:
        """Whether both arms have mature leads."""
        return self.ai.n > 0 and self.setter.n > 0

    @property
    def winner(self) -> Side | None:
        """Who books more, where that can be told."""
        if isinstance(self.outcome, Refused) or self.outcome.low <= 0 <= self.outcome.high:
            return None
        return "ai" if self.outcome.value > 0 else "setter"

    @property
    def leader(self) -> Side | None:
        """Whose observed rate is the higher one, whether the two can be told apart or not."""
        if not self.is_two_sided:
            return None
        ai, setter = self.ai.booked * self.setter.n, self.setter.booked * self.ai.n
        return None if ai == setter else "ai" if ai > setter else "setter"


def relevant_difference(rate: float, demands: Demands) -> float:
    """Return the smallest difference, as a fraction, that matters around this pooled booking rate."""
    return min(demands.at_most, demands.relative * min(rate, 1 - rate))


def decide(ai: Arm, setter: Arm, demands: Demands) -> Contest:
    """Hold two arms against each other by the rule of this module."""
    total = ai.n + setter.n
    booked = ai.booked + setter.booked
    reason = None
    if total == 0:
        reason = "No lead has a settled outcome yet."
    elif not ai.n or not setter.n:
        only = "setters have" if setter.n else "AI has"
        reason = f"Only {only} leads with a settled outcome here: there is nothing to compare with."
    elif booked == 0:
        reason = f"{leads_text(total, 'mature')} and none booked: there is no rate to compare yet."
    elif booked == total:
        reason = f"{leads_text(total, 'mature')} and all booked: there is no difference to see."
    if reason:
        return Contest(ai, setter, Refused(reason))

    rate = booked / total
    relevant = relevant_difference(rate, demands)
    per_arm = sample_size_per_arm(rate + relevant / 2, rate - relevant / 2, demands.power, demands.alpha)
    missing = Missing(*further_trials(ai.n, setter.n, per_arm))
    needed = missing.ai + missing.setter
    estimate = newcombe_difference(ai.booked, ai.n, setter.booked, setter.n, demands.confidence)
    contest = Contest(ai, setter, estimate)
    is_sparse = min(ai.n, setter.n) * min(rate, 1 - rate) < demands.expected
    if needed and (is_sparse or contest.winner is None):
        size = points_text(relevant, points_digits(relevant))
        reason = (
            f"With {leads_text(ai.n, 'mature')} of AI and {count_text(setter.n)} of setters, even a "
            f"difference of {size} points would probably not show."
        )
        return Contest(ai, setter, Refused(reason, needed), missing)
    return contest
