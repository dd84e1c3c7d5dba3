"""Setter against AI with what is known held equal, as page and terminal show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from setpoint.domain.measured import Measured, Refused
from setpoint.reports.presentation import (
    count_text,
    difference_texts,
    estimate_of,
    leads_text,
    p_text,
    rate_text,
    refusal_text,
    rests_on_text,
)
from setpoint.reports.schemas import AdjustmentSection, BalanceDocument, LadderStep, OverlapDocument, StrataDocument

STRENGTHS: Final = {
    "clear": "Clear: the careful estimates bear it out.",
    "tentative": "Tentative: read the reasons before you act on it.",
    "none": "No winner can be named.",
}
"""How sure the verdict is, in words."""

_TERMS: Final = {
    "crude": "Crude",
    "stratified": "Stratified",
    "adjusted": "Adjusted",
    "aged": "Followed as long",
    "same_stage": "Same stage",
}


@dataclass(frozen=True, slots=True)
class LadderLine:
    """One estimate of the ladder. `value` is empty where there is none, and `interval` then has the reason.

    `term` is the one under which it is defined.
    """

    key: str
    term: str
    label: str
    note: str
    unit: str
    rests_on: str
    estimate: Measured | Refused
    value: str
    interval: str


@dataclass(frozen=True, slots=True)
class LevelLine:
    """Leads of both sides at one level of a covariate, and their shares of the side."""

    label: str
    ai: int
    ai_share: str
    setter: int
    setter_share: str


@dataclass(frozen=True, slots=True)
class BalanceGroup:
    """One covariate: its levels, the one with the widest gap, and the share of leads that would have to change."""

    label: str
    gap: str
    levels: Sequence[LevelLine]
    most: LevelLine | None


@dataclass(frozen=True, slots=True)
class OverlapLine:
    """Leads of both sides that AI was equally likely to get."""

    label: str
    ai: int
    setter: int


@dataclass(frozen=True, slots=True)
class AdjustmentView:
    """The section arranged: the ladder, what it says of who got which lead, and how sure it is."""

    strength: str
    reasons: Sequence[str]
    ladder: Sequence[LadderLine]
    used: str
    strata: str
    sensitivity: Sequence[str]
    overlap: Sequence[OverlapLine]
    outside: str
    balance: Sequence[BalanceGroup]


def adjustment_view(section: AdjustmentSection | None) -> AdjustmentView | None:
    """Arrange the `adjustment` of a report, or None where the report has none."""
    if section is None:
        return None
    overlap = section["overlap"]
    return AdjustmentView(
        strength=STRENGTHS.get(section["strength"], section["strength"]),
        reasons=section["reasons"],
        ladder=[_ladder_line(step) for step in section["ladder"]],
        used=_used(section),
        strata=_strata(section["strata"]),
        sensitivity=_sensitivity(section),
        overlap=_overlap(overlap) if overlap else [],
        outside=(
            f"{rate_text(overlap['outside'])} of the leads lie where hardly any went to the other side."
            if overlap
            else ""
        ),
        balance=[_balance(covariate) for covariate in section["balance"]],
    )


def _ladder_line(step: LadderStep) -> LadderLine:
    estimate = estimate_of(step["estimate"])
    value, interval = ("", refusal_text(estimate)) if isinstance(estimate, Refused) else difference_texts(estimate)
    return LadderLine(
        step["key"],
        _TERMS.get(step["key"], ""),
        step["label"],
        step["note"],
        step["unit"],
        rests_on_text(step),
        estimate,
        value,
        interval,
    )


def _used(section: AdjustmentSection) -> str:
    rates, used, trimmed = section["rates"], section["used"], section["trimmed"]
    if rates is None or used is None or trimmed is None:
        return ""
    left_out = (
        f"{count_text(trimmed['ai'])} of AI and {count_text(trimmed['setter'])} of setters were left out, because"
        " hardly any lead like them went to the other side"
        if trimmed["ai"] or trimmed["setter"]
        else "none was left out"
    )
    return (
        f"As if all leads had gone to each of them: AI {rate_text(rates['ai'])}, setters "
        f"{rate_text(rates['setter'])}. This rests on {leads_text(used)}; {left_out}."
    )


def _strata(strata: StrataDocument) -> str:
    counted = f"{count_text(strata['shared'])} of {count_text(strata['strata'])} strata have leads of both."
    if strata["refused"]:
        reason = strata["refused"]["reason"]
        return reason if "strat" in reason else f"{counted} {reason}"
    odds = strata["odds_ratio"]
    if odds is None:
        return counted
    text = f"{counted} Odds ratio {odds['value']:.2f} (95%: {odds['low']:.2f} to {odds['high']:.2f}"
    if strata["p_value"] is not None:
        text += f", p {_equals(strata['p_value'])}"
    text += ")."
    homogeneity = strata["breslow_day_p_value"]
    if homogeneity is None:
        return text
    differ = "The strata differ by more than chance" if homogeneity < 0.05 else "Whether strata differ cannot be told"
    return f"{text} {differ} (Breslow-Day p {_equals(homogeneity)})."


def _equals(p: float) -> str:
    text = p_text(p)
    return text if text.startswith("<") else f"= {text}"


def _sensitivity(section: AdjustmentSection) -> list[str]:
    held = section["sensitivity"]
    if held is None or not held["robustness_value_interval"]:
        # The interval holds zero: there is no difference that something unknown would have to explain.
        return []
    numbers = (
        f"Robustness value {rate_text(held['robustness_value'])} "
        f"({rate_text(held['robustness_value_interval'])} for the interval)"
    )
    if held["e_value"] is not None:
        numbers += f"; E-value {held['e_value']:.2f}"
        if held["e_value_interval"] is not None:
            numbers += f" ({held['e_value_interval']:.2f} for the interval)"
    return [held["text"], numbers + "."]


def _overlap(overlap: OverlapDocument) -> list[OverlapLine]:
    edges = overlap["edges"]
    return [
        OverlapLine(f"{rate_text(low, 0).removesuffix('%')} to {rate_text(high, 0)}", ai, setter)
        for low, high, ai, setter in zip(edges, edges[1:], overlap["ai"], overlap["setter"], strict=False)
    ]


def _balance(covariate: BalanceDocument) -> BalanceGroup:
    ai = sum(level["ai"] for level in covariate["levels"])
    setter = sum(level["setter"] for level in covariate["levels"])
    levels = [
        LevelLine(
            level["label"],
            level["ai"],
            _share(level["ai"], ai),
            level["setter"],
            _share(level["setter"], setter),
        )
        for level in covariate["levels"]
    ]
    most = max(levels, key=lambda level: abs(level.ai * setter - level.setter * ai), default=None)
    return BalanceGroup(covariate["label"], rate_text(covariate["gap"], 0), levels, most if ai and setter else None)


def _share(count: int, total: int) -> str:
    return rate_text(count / total, 0) if total else ""
