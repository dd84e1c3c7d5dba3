"""Setter against AI, adjusted: the `adjustment` of a report, from crude to careful, and what it comes to.

Leads are those of the cross-channel attribution with a settled outcome, each on the side of the sender of its
credited message; one step follows pending ones too, each lead for the same time from its entry. What is held equal
was known when the lead entered the window. What is only known at the credited message (which touch it was, whether
the lead had written) follows from the outcome: it is shown and weakens the verdict, and is never adjusted for.
`adjustment_verdict` says it in words.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.stats import norm

from setpoint.datasets.cells import LeadCell, MessageRows, fetch_comparison
from setpoint.datasets.service import CELL, Dataset
from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Attribution, Outcome, Sender
from setpoint.reports.adjustment_balance import (
    AT_CREDIT,
    AT_ENTRY,
    Covariate,
    StratumKey,
    balance,
    by_stratum,
    guards_of,
)
from setpoint.reports.adjustment_campaigns import moved_campaigns
from setpoint.reports.adjustment_doubts import Evidence
from setpoint.reports.adjustment_verdict import judge
from setpoint.reports.contest import Arm, Demands, decide
from setpoint.reports.definitions import CHANNEL_PHRASES, RESPONSE_MODE_LABELS
from setpoint.reports.inputs import hash_of_arrays, hash_of_rows
from setpoint.reports.presentation import rate_text
from setpoint.reports.schemas import (
    AdjustmentSection,
    LadderStep,
    OverlapDocument,
    SensitivityDocument,
    Side,
    StrataDocument,
    estimate_document,
    refusal_document,
)
from setpoint.stats.adjusted import Adjusted, Group, adjusted_difference
from setpoint.stats.clustered import clustered_difference
from setpoint.stats.proportions import Stratum, newcombe_difference
from setpoint.stats.sensitivity import EValue, e_value, robustness_value
from setpoint.stats.stratified import CommonOdds, common_odds_ratio, mantel_haenszel_difference

_NOT_FOLLOWED: Final = Refused("The leads of both sides have not been followed for the attribution window yet.")
_STAGE_WORDS: Final[Mapping[str, str]] = {
    "new": "new leads",
    "contacted": "leads contacted before",
    "written": "leads who had written",
}


@dataclass(frozen=True, slots=True)
class SameStage:
    """The comparison message by message: AI minus setters, the messages it rests on, and the leads of a sample.

    `rows_sha256` is that of the messages that were looked at.
    """

    estimate: Measured | Refused
    messages: int
    sampled_leads: int | None
    rows_sha256: str = ""


async def adjustment(dataset: Dataset) -> AdjustmentSection:
    """The `adjustment` section of a dataset's report. The same on every engine."""
    cells, messages = await fetch_comparison(dataset)
    kinds = dataset.counts.cells.items()
    across, outcome, sender = (CELL.index(name) for name in ("attribution", "outcome", "sender"))
    pending: Counter[str] = Counter()
    for kind, n in kinds:
        if (kind[across], kind[outcome]) == (Attribution.CROSS_CHANNEL, Outcome.PENDING):
            pending[str(kind[sender])] += n
    return adjust(cells, same_stage(messages), pending)


def same_stage(messages: MessageRows) -> SameStage:
    """Compare messages with the same channel, response mode, touch band and whether the lead had written before.

    The outcome of a message is whether it is the credited one of a booked lead; messages to one lead are a cluster.
    """
    sampled = messages.leads if messages.sampled else None
    rows = hash_of_arrays([messages.lead, messages.stratum, messages.by_ai, messages.booked])
    trials = np.bincount(messages.stratum)
    by_ai = np.bincount(messages.stratum[messages.by_ai], minlength=len(trials))
    rests_on = int(trials[(by_ai > 0) & (by_ai < trials)].sum())
    if not rests_on:
        return SameStage(Refused("AI and setters never wrote at the same stage."), 0, sampled, rows)
    found = clustered_difference(messages.booked, messages.by_ai, messages.stratum, messages.lead)
    if isinstance(found, Refused):
        reason = "There are too few messages, or too few bookings, of AI and setters at the same stages."
        return SameStage(Refused(reason, found.needed), rests_on, sampled, rows)
    return SameStage(found.difference, rests_on, sampled, rows)


def adjust(
    cells: Iterable[LeadCell], messages: SameStage, pending: Mapping[str, int] = MappingProxyType({})
) -> AdjustmentSection:
    """Build the section from cells of leads, the comparison of their messages, and how many leads are pending, by the
    sender of their last message.
    """
    demands = Demands()
    alike = list(cells)
    held = [cell for cell in alike if cell.n]
    entered = [cell for cell in held if cell.entered]
    crude = decide(_arm(held, Sender.AI), _arm(held, Sender.SETTER), demands)
    sides: Sequence[tuple[Side, Arm]] = (("ai", crude.ai), ("setter", crude.setter))
    strata = _strata(entered)
    stratified = mantel_haenszel_difference(list(strata.values()))
    odds = common_odds_ratio(list(strata.values()))
    adjusted = _adjusted(entered)
    followed = [replace(cell, n=cell.aged, booked=cell.aged_booked) for cell in alike if cell.aged]
    aged = _adjusted(followed) if len({cell.sender for cell in followed}) == 2 else _NOT_FOLLOWED
    sensitivity = None if isinstance(adjusted, Refused) else _sensitivity(adjusted)
    balances = [balance(covariate, entered) for covariate in (*AT_ENTRY, *AT_CREDIT)] if entered else []
    gaps = {each["covariate"]: each["gap"] for each in balances}
    varying = [c for c in AT_ENTRY if len({c.level(cell) for cell in entered}) > 1]
    moved = moved_campaigns(entered)
    without = _adjusted(entered, [c for c in AT_ENTRY if c.word != "campaign"]) if moved else None
    apart = max(varying, key=lambda c: gaps[c.key], default=None)
    verdict = judge(
        Evidence(
            crude=crude,
            stratified=stratified,
            odds=odds,
            strata={_stratum_words(key): stratum for key, stratum in strata.items()},
            adjusted=adjusted,
            aged=aged.difference if isinstance(aged, Adjusted) else aged,
            same_stage=messages.estimate,
            guards=guards_of(entered),
            held=list(dict.fromkeys(c.word for c in varying)),
            apart=(apart.word, gaps[apart.key]) if apart else None,
            robustness=sensitivity["robustness_value_interval"] if sensitivity else None,
            pending=sum(pending.values()),
            waiting={side: pending.get(side, 0) for side, _ in sides},
            young={side: n / (n + arm.n) for side, arm in sides if (n := pending.get(side, 0))},
            late=sum(cell.n for cell in held if not cell.entered),
            sampled=messages.sampled_leads,
            moved=moved,
            without_campaigns=without.difference if isinstance(without, Adjusted) else without,
        ),
        demands,
    )
    found = None if isinstance(adjusted, Refused) else adjusted
    return {
        "covariates": [c.key for c in AT_ENTRY],
        "leads": {"ai": crude.ai.n, "setter": crude.setter.n},
        "ladder": _ladder(crude.ai, crude.setter, strata, stratified, adjusted, aged, messages),
        "strata": _strata_document(strata, odds),
        "rates": {"ai": found.treated_rate, "setter": found.control_rate} if found else None,
        "used": found.used if found else None,
        "trimmed": {"ai": found.trimmed_treated, "setter": found.trimmed_control} if found else None,
        "overlap": _overlap(found) if found else None,
        "sensitivity": sensitivity,
        "balance": balances,
        "verdict": verdict.text,
        "strength": verdict.strength,
        "winner": verdict.winner,
        "reasons": list(verdict.reasons),
        "input_sha256": hash_of_rows(
            [*map(asdict, alike), {"pending": dict(pending), "messages": messages.rows_sha256}]
        ),
    }


def _arm(cells: Iterable[LeadCell], sender: Sender) -> Arm:
    own = [cell for cell in cells if cell.sender == sender]
    booked = sum(cell.booked for cell in own)
    return Arm(booked, sum(cell.n for cell in own) - booked)


def _strata(cells: Sequence[LeadCell]) -> dict[StratumKey, Stratum]:
    strata = {}
    for key, held in by_stratum(cells).items():
        ai, setter = (_arm(held, sender) for sender in (Sender.AI, Sender.SETTER))
        strata[key] = Stratum(ai.booked, ai.n, setter.booked, setter.n)
    return strata


def _stratum_words(key: StratumKey) -> str:
    channel, mode, stage = key
    return f"{_STAGE_WORDS[stage]} {CHANNEL_PHRASES[channel]} ({RESPONSE_MODE_LABELS[mode]})"


def _adjusted(cells: Sequence[LeadCell], held: Sequence[Covariate] = AT_ENTRY) -> Adjusted | Refused:
    n: Counter[tuple[bool, tuple[str, ...]]] = Counter()
    booked: Counter[tuple[bool, tuple[str, ...]]] = Counter()
    for cell in cells:
        key = cell.sender is Sender.AI, tuple(c.level(cell) for c in held)
        n[key] += cell.n
        booked[key] += cell.booked
    if not n:
        return Refused("One of the two sides is empty: there is nothing to compare.")
    groups = [Group(*key, n=n[key], successes=booked[key]) for key in sorted(n)]
    return adjusted_difference(groups, [c.key for c in held])


def _ladder(
    ai: Arm,
    setter: Arm,
    strata: Mapping[StratumKey, Stratum],
    stratified: Measured | Refused,
    adjusted: Adjusted | Refused,
    aged: Adjusted | Refused,
    messages: SameStage,
) -> list[LadderStep]:
    shared = sum(s.trials_1 + s.trials_2 for s in strata.values() if s.trials_1 and s.trials_2)
    sampled = " A uniform random sample of the leads." if messages.sampled_leads is not None else ""
    return [
        {
            "key": "crude",
            "label": "Crude",
            "note": "All leads thrown together, whoever got which.",
            "unit": "leads",
            "n": ai.n + setter.n,
            "estimate": estimate_document(newcombe_difference(ai.booked, ai.n, setter.booked, setter.n)),
        },
        {
            "key": "stratified",
            "label": "Within groups of leads alike",
            "note": "Same channel, response mode and stage when the lead entered the window (Mantel-Haenszel).",
            "unit": "leads",
            "n": shared,
            "estimate": estimate_document(stratified),
        },
        {
            "key": "adjusted",
            "label": "Adjusted",
            "note": "Campaign and earlier messages held equal too, for leads that either side could have got (AIPW).",
            "unit": "leads",
            "n": None if isinstance(adjusted, Refused) else adjusted.used,
            "estimate": estimate_document(adjusted if isinstance(adjusted, Refused) else adjusted.difference),
        },
        {
            "key": "aged",
            "label": "Adjusted, every lead followed as long",
            "note": "Leads first written to at least the attribution window ago, pending ones too, and whether they"
            " booked within it from then: the age of leads makes no difference to it.",
            "unit": "leads",
            "n": None if isinstance(aged, Refused) else aged.used,
            "estimate": estimate_document(aged if isinstance(aged, Refused) else aged.difference),
        },
        {
            "key": "same_stage",
            "label": "Message by message, same stage",
            "note": "Bookings for each message sent, at the same touch, in the same channel and mode, and with the"
            f" lead having written before or not. Messages to one lead count as related.{sampled}",
            "unit": "messages",
            "n": messages.messages,
            "estimate": estimate_document(messages.estimate),
        },
    ]


def _strata_document(strata: Mapping[StratumKey, Stratum], odds: CommonOdds | Refused) -> StrataDocument:
    shared = sum(1 for s in strata.values() if s.trials_1 and s.trials_2)
    if isinstance(odds, Refused):
        return {
            "strata": len(strata),
            "shared": shared,
            "odds_ratio": None,
            "p_value": None,
            "breslow_day_p_value": None,
            "refused": refusal_document(odds),
        }
    equal = odds.breslow_day
    return {
        "strata": len(strata),
        "shared": shared,
        "odds_ratio": estimate_document(odds.odds_ratio)["measured"],
        "p_value": odds.p_value,
        "breslow_day_p_value": None if isinstance(equal, Refused) else equal.p_value,
        "refused": None,
    }


def _overlap(adjusted: Adjusted) -> OverlapDocument:
    overlap = adjusted.overlap
    return {
        "edges": list(overlap.edges),
        "ai": list(overlap.treated),
        "setter": list(overlap.control),
        "outside": overlap.outside,
    }


def _sensitivity(adjusted: Adjusted) -> SensitivityDocument | None:
    difference = adjusted.difference
    error = (difference.high - difference.low) / 2 / float(norm.isf((1 - difference.confidence) / 2))
    if not error > 0:
        return None
    t = difference.value / error
    whole = robustness_value(t, adjusted.used)
    interval = robustness_value(t, adjusted.used, alpha=1 - difference.confidence)
    ratio: EValue | Refused = Refused("There is no ratio of the rates.")
    if difference.low <= adjusted.treated_rate - adjusted.control_rate <= difference.high:
        ratio = e_value(adjusted.treated_rate, adjusted.control_rate, difference.low, difference.high)
    known = None if isinstance(ratio, Refused) else ratio
    if interval == 0:
        text = "No difference is told, so there is none that something unknown would have to explain."
    else:
        text = (
            "To explain the difference away, something that is not in the data would have to account for"
            f" {rate_text(whole)} of what the data leave open of who got which lead, and as much of who booked;"
            f" {rate_text(interval)} would make it uncertain."
        )
        if known is not None:
            text += (
                f" Put otherwise: it would have to be {known.estimate:.1f} times as common on one side, and make a"
                f" booking {known.estimate:.1f} times as likely ({known.bound:.1f} times to make it uncertain)."
            )
    return {
        "robustness_value": whole,
        "robustness_value_interval": interval,
        "e_value": known.estimate if known else None,
        "e_value_interval": known.bound if known else None,
        "text": text,
    }
