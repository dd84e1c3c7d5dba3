"""Campaigns that leads seem to be put into because of what became of them.

A lead's campaign is the one of its last import. Where the CRM moves leads who booked into a campaign "won", the
campaign follows from the outcome, and holding it equal takes away the difference that is looked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scipy.stats import beta

from setpoint.datasets.cells import LeadCell
from setpoint.reports.contest import Arm

FEWEST = 20  # Leads, below which a campaign says nothing.
NEARLY_ALL = 0.95  # Share of a campaign's leads that booked.
TIMES_FEWER = 3  # By so much fewer of them did not book than of all other leads.
TIMES_LESS = 10  # By so much less a campaign books in which nobody did than all other leads.
_TAIL = 0.025  # Of the exact bound, on one side.


@dataclass(frozen=True, slots=True)
class MovedCampaign:
    """A campaign of which nearly all leads `booked`, or `none` of many; `others` are all leads outside of it.

    `name` is None for the rare ones together, and empty for leads without one.
    """

    name: str | None
    which: Literal["booked", "none"]
    arm: Arm
    others: Arm


def moved_campaigns(cells: Iterable[LeadCell]) -> list[MovedCampaign]:
    """The campaigns whose leads book so unlike all others that the outcome has probably put them there.

    A campaign counts as one of leads who booked where 95% of at least 20 did, and those who did not are less than
    a third as frequent as outside of it; as one of leads who did not where nobody booked, and the rate is less than a
    tenth of that outside. Both by the exact bound at 97.5% (Clopper and Pearson, Biometrika 26:404, 1934).
    """
    arms: dict[str | None, Arm] = {}
    for cell in cells:
        before = arms.get(cell.campaign, Arm(0, 0))
        arms[cell.campaign] = Arm(before.booked + cell.booked, before.not_booked + cell.n - cell.booked)
    booked, not_booked = (sum(getattr(arm, name) for arm in arms.values()) for name in ("booked", "not_booked"))
    found = []
    for name, arm in sorted(arms.items(), key=lambda item: (item[0] is None, item[0] or "")):
        others = Arm(booked - arm.booked, not_booked - arm.not_booked)
        if arm.n < FEWEST or not others.n:
            continue
        rate = others.booked / others.n
        if arm.booked >= NEARLY_ALL * arm.n and TIMES_FEWER * _at_most(arm.not_booked, arm.n) < 1 - rate:
            found.append(MovedCampaign(name, "booked", arm, others))
        elif not arm.booked and TIMES_LESS * _at_most(0, arm.n) < rate:
            found.append(MovedCampaign(name, "none", arm, others))
    return found


def _at_most(successes: int, trials: int) -> float:
    """The exact upper bound of a rate."""
    return float(beta.isf(_TAIL, successes + 1, trials - successes)) if successes < trials else 1.0
