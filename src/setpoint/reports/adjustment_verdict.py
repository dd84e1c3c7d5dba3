"""What an adjusted comparison of AI and setters may say in words: never more than its weakest part bears."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from scipy.stats import norm

from setpoint.domain.measured import Measured, Refused
from setpoint.reports.adjustment_doubts import (
    DOER,
    IS_AHEAD,
    OTHER,
    Evidence,
    clause_of,
    doubts_of,
    side_of,
    strata_differ,
    strata_told,
    trimmed_sentence,
    trimmed_share,
)
from setpoint.reports.contest import Contest, Demands, relevant_difference
from setpoint.reports.presentation import (
    about,
    count_text,
    leads_text,
    listed,
    points_digits,
    points_text,
    rate_text,
)
from setpoint.reports.schemas import Side
from setpoint.stats.adjusted import Adjusted

Strength = Literal["clear", "tentative", "none"]

SCOPE: Final = (
    "Cross-channel attribution: each lead counts once, for whoever sent the last message before its booking, in any"
    " channel, or the last message where nothing was booked."
)
SETTLE: Final = (
    "To settle it, let chance decide which leads AI works and which the setters work, and let each keep its own from"
    " the first message on."
)
_SCOPE = "(cross-channel attribution)"
_MANY_PENDING = 0.1  # Of the leads that are settled: from here on it is said which way they bend the rates.


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sentence, how strong it is, who books more where that can be said, and why no more is said."""

    text: str
    strength: Strength
    winner: Side | None
    reasons: tuple[str, ...]


def judge(evidence: Evidence, demands: Demands) -> Verdict:
    """Say who books more among leads alike, or why that cannot be said."""
    crude, adjusted = evidence.crude.outcome, evidence.adjusted
    notes = _notes(evidence, demands)
    if isinstance(crude, Refused) and crude.needed is None:
        return Verdict(_nothing(evidence), "none", None, (SCOPE, *notes))
    if isinstance(adjusted, Refused):
        if adjusted.needed is None:
            text = f"It cannot be said who books more {_SCOPE}: {clause_of(adjusted.reason)}."
            reasons = (SCOPE, adjusted.reason, *_what_can_be_said(evidence.crude), *notes)
            return Verdict(text, "none", None, reasons)
        needed = max(adjusted.needed, crude.needed or 0 if isinstance(crude, Refused) else 0)
        return Verdict(_missing(needed), "none", None, (SCOPE, adjusted.reason, *notes))

    difference = adjusted.difference
    doubts = doubts_of(evidence, adjusted, demands)
    sentences = [doubt.sentence for doubt in doubts]
    blocking = [doubt.clause for doubt in doubts if doubt.blocks]
    winner = side_of(difference)
    if blocking:
        text = f"It cannot be said who books more {_SCOPE}: {_together(blocking)}."
        return Verdict(text, "none", None, (SCOPE, *sentences, *_what_can_be_said(evidence.crude), *notes))
    if winner is None:
        needed = _needed(evidence.crude, adjusted, demands)
        text = _missing(needed) if needed else _no_difference(difference, evidence.held)
        return Verdict(text, "none", None, (SCOPE, *sentences, *notes))
    claim = _claim(winner, difference, evidence.held, is_sure=not doubts)
    if doubts:
        text = f"{claim}, but {_together([doubt.clause for doubt in doubts])}."
        return Verdict(text, "tentative", winner, (SCOPE, *sentences, *notes))
    return Verdict(f"{claim}.", "clear", winner, (SCOPE, *notes))


def held_equal(held: Sequence[str]) -> str:
    """`with channel, campaign and stage held equal`."""
    return f"with {listed(held)} held equal" if held else "with nothing held equal"


def _notes(evidence: Evidence, demands: Demands) -> list[str]:
    """What a reader should know besides, which takes nothing away from the verdict."""
    found = []
    crude, adjusted = evidence.crude, evidence.adjusted
    if isinstance(adjusted, Adjusted):
        ahead = side_of(crude.outcome)
        if ahead and evidence.apart and side_of(adjusted.difference) != ahead:
            name, share = evidence.apart
            found.append(
                f"With all leads thrown together {IS_AHEAD[ahead]}, but the two got different leads:"
                f" {rate_text(share, 0)} of one side's would have to change {name} for the two to be alike."
            )
        if trimmed_share(adjusted) > 0:
            found.append(trimmed_sentence(adjusted))
        told = strata_told(evidence, demands)
        if strata_differ(evidence) and not (told["ai"] and told["setter"]):
            found.append(
                "How far the two are apart differs between groups of leads by more than chance (Breslow-Day), but the"
                " groups in which it can be told all point the same way."
            )
    if evidence.late:
        found.append(
            f"{leads_text(evidence.late)} booked on a message from before the window. They are in the crude"
            " difference only: leads like them who did not book are not in the report."
        )
    if evidence.sampled is not None:
        found.append(
            f"Messages are compared over a uniform random sample of {leads_text(evidence.sampled)}, all else over"
            " all leads."
        )
    if evidence.pending and crude.ai.n + crude.setter.n:
        text = f"{_pending_text(evidence.pending)} and not in this yet."
        if evidence.pending >= _MANY_PENDING * (crude.ai.n + crude.setter.n):
            text += (
                " A lead that books is counted at once and one that does not only later, so all rates look somewhat"
                " higher than they will be, and differences somewhat larger."
            )
        found.append(text)
    return found


def _what_can_be_said(crude: Contest) -> list[str]:
    ai, setter = (
        f"{count_text(arm.booked)} of {leads_text(arm.n)} ({rate_text(arm.booked / arm.n)})"
        for arm in (crude.ai, crude.setter)
    )
    rates = f"credited to AI, {ai} booked; credited to setters, {setter}"
    unknown = "that the same leads would have booked more or less with the other one"
    return [f"What can be said: {rates}. What cannot be said: {unknown}.", SETTLE]


def _together(clauses: Sequence[str]) -> str:
    """The first two, so that the verdict stays one sentence; all of them stand among the reasons."""
    return ", and ".join(dict.fromkeys(clauses[:2]))


def _nothing(evidence: Evidence) -> str:
    """Why there is nothing to compare: no settled lead, one side only, or all with the same outcome."""
    ai, setter = evidence.crude.ai, evidence.crude.setter
    settled, booked = ai.n + setter.n, ai.booked + setter.booked
    if not settled:
        waiting = f"; {_pending_text(evidence.pending)}" if evidence.pending else ""
        return f"Not enough data yet {_SCOPE}: no lead has a settled outcome{waiting}."
    if not ai.n or not setter.n:
        only = "setters have" if setter.n else "AI has"
        return f"No comparison {_SCOPE}: only {only} leads with a settled outcome."
    which = "all" if booked else "none"
    return f"Not enough data yet {_SCOPE}: of {leads_text(settled, 'mature')} {which} booked."


def _pending_text(pending: int) -> str:
    return f"{leads_text(pending)} {'is' if pending == 1 else 'are'} pending"


def _missing(needed: int) -> str:
    rounded = about(needed)
    leads = "lead is" if rounded == 1 else "leads are"
    return f"Not enough data yet {_SCOPE}: about {count_text(rounded)} more mature {leads} needed."


def _needed(crude: Contest, adjusted: Adjusted, demands: Demands) -> int:
    """The further leads with which the relevant difference would be seen, if they are like those there are.

    The error of the adjusted estimate shrinks with the root of the leads; what is wanted is one that is small enough
    for `demands.power` at the two-sided level of the interval.
    """
    difference = adjusted.difference
    wide = float(norm.isf((1 - difference.confidence) / 2))
    error = (difference.high - difference.low) / 2 / wide
    wanted = relevant_difference(crude.rate, demands) / (wide + float(norm.ppf(demands.power)))
    settled = adjusted.used + adjusted.trimmed_treated + adjusted.trimmed_control
    return max(0, math.ceil(settled * ((error / wanted) ** 2 - 1)))


def _claim(winner: Side, difference: Measured, held: Sequence[str], *, is_sure: bool) -> str:
    digits = points_digits(difference.value, difference.low, difference.high)
    low, high = (points_text(bound, digits) for bound in sorted((abs(difference.low), abs(difference.high))))
    doer = "AI" if winner == "ai" else "Setters"
    verb = ("" if is_sure else "probably ") + ("books" if winner == "ai" else "book")
    return (
        f"{doer} {verb} {points_text(difference.value, digits)} points more than {DOER[OTHER[winner]]}"
        f" ({rate_text(difference.confidence, 0)}: {low} to {high}), {held_equal(held)} {_SCOPE}"
    )


def _no_difference(difference: Measured, held: Sequence[str]) -> str:
    digits = points_digits(difference.low, difference.high)
    low, high = (points_text(bound, digits) for bound in (difference.low, difference.high))
    return (
        f"No difference between AI and setters can be told, {held_equal(held)} {_SCOPE}: it lies between {low} points"
        f" more by setters and {high} points more by AI ({rate_text(difference.confidence, 0)})."
    )
