"""How the leads of AI and of the setters differ, in what they were at entry and in what became of them.

What was known at a lead's entry into the window is held equal. What is known at its credited message follows from the
outcome: it is shown beside, and guards against a comparison of stages instead of senders.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from setpoint.datasets.cells import STAGES, LeadCell
from setpoint.domain.vocabulary import Channel, ResponseMode, Sender
from setpoint.reports.adjustment_doubts import Guards
from setpoint.reports.definitions import CHANNEL_LABELS, RESPONSE_MODE_LABELS
from setpoint.reports.presentation import count_text, label_of, rate_text
from setpoint.reports.schemas import BalanceDocument

STAGE_LABELS: Final[Mapping[str, str]] = {
    "new": "New: no message in either direction",
    "contacted": "Contacted before, has not written",
    "written": "Has written",
}
_BEFORE_LABELS: Final[Mapping[str, str]] = {"0": "None", "1": "1", "2-3": "2 or 3", "4+": "4 or more"}
_TOUCH_LABELS: Final[Mapping[str, str]] = {
    "1": "First",
    "2-3": "2nd or 3rd",
    "4-6": "4th to 6th",
    "7+": "7th or later",
}
_WRITTEN_LABELS: Final[Mapping[str, str]] = {"no": "Had not written", "yes": "Had written"}
_BOTH_LABELS: Final[Mapping[str, str]] = {"no": "Only the credited side wrote", "yes": "Both sides wrote"}


@dataclass(frozen=True, slots=True)
class Covariate:
    """Something known of leads. `word` names it where it is held equal; `labels` are in the order of the levels."""

    key: str
    label: str
    word: str
    level: Callable[[LeadCell], str]
    labels: Mapping[str, str]


def _campaign(cell: LeadCell) -> str:
    return "others" if cell.campaign is None else f"campaign:{cell.campaign}" if cell.campaign else ""


AT_ENTRY: Final = (
    Covariate("channel", "Channel of the first message", "channel", lambda cell: cell.channel, CHANNEL_LABELS),
    Covariate("response_mode", "Response mode", "campaign", lambda cell: cell.response_mode, RESPONSE_MODE_LABELS),
    Covariate("campaign", "Campaign", "campaign", _campaign, {"": "No campaign", "others": "Other campaigns"}),
    Covariate("stage", "Stage before the first message", "stage", lambda cell: cell.stage, STAGE_LABELS),
    Covariate(
        "touches_before", "Messages before the window", "stage", lambda cell: cell.touches_before, _BEFORE_LABELS
    ),
)
"""What is held equal: known at a lead's first message in the window."""

CREDIT_CHANNEL: Final = Covariate(
    "credit_channel", "Channel of the credited message", "", lambda cell: cell.credit_channel, CHANNEL_LABELS
)
CREDIT_TOUCH: Final = Covariate(
    "credit_touch", "Which message was credited", "", lambda cell: cell.credit_touch, _TOUCH_LABELS
)
CREDIT_WRITTEN: Final = Covariate(
    "credit_written",
    "Whether the lead had written before the credited message",
    "",
    lambda cell: "yes" if cell.credit_written else "no",
    _WRITTEN_LABELS,
)
BOTH_WROTE: Final = Covariate(
    "both_wrote",
    "Who wrote up to the credited message",
    "",
    lambda cell: "yes" if cell.both_wrote else "no",
    _BOTH_LABELS,
)

AT_CREDIT: Final = (CREDIT_CHANNEL, CREDIT_TOUCH, CREDIT_WRITTEN, BOTH_WROTE)
"""What follows from the outcome: shown as a guard, never held equal."""


StratumKey = tuple[str, str, str]
"""Channel, response mode and stage at entry."""


def by_stratum(cells: Iterable[LeadCell]) -> dict[StratumKey, list[LeadCell]]:
    """Cells by channel, response mode and stage, in the order of their labels."""
    found: dict[StratumKey, list[LeadCell]] = {}
    for cell in cells:
        found.setdefault((cell.channel, cell.response_mode, cell.stage), []).append(cell)
    orders: tuple[Sequence[str], ...] = (list(Channel), ["", *ResponseMode], STAGES)
    return {
        key: found[key]
        for key in sorted(found, key=lambda key: [order.index(v) for order, v in zip(orders, key, strict=True)])
    }


def _levels(covariate: Covariate, cells: Iterable[LeadCell]) -> dict[str, dict[Sender, int]]:
    counts: dict[str, dict[Sender, int]] = {}
    for cell in cells:
        counts.setdefault(covariate.level(cell), {Sender.AI: 0, Sender.SETTER: 0})[cell.sender] += cell.n
    # Known levels in the order of their labels, others (campaigns) by their names before them.
    known = list(covariate.labels)
    order = sorted(counts, key=lambda level: (level in known, known.index(level) if level in known else 0, level))
    return {level: counts[level] for level in order}


def balance(covariate: Covariate, cells: Sequence[LeadCell]) -> BalanceDocument:
    """Both sides' leads by the levels of a covariate."""
    levels = _levels(covariate, cells)
    return {
        "covariate": covariate.key,
        "label": covariate.label,
        "levels": [
            {
                "level": level,
                "label": label_of(covariate.labels, level).removeprefix("campaign:"),
                "ai": of[Sender.AI],
                "setter": of[Sender.SETTER],
            }
            for level, of in levels.items()
        ],
        "gap": _gap([cells], covariate)[0],
    }


def _gap(groups: Iterable[Sequence[LeadCell]], covariate: Covariate) -> tuple[float, float]:
    """The share of one side's leads that would have to change level, for the two to be alike within groups; and the
    weight that it rests on, a quarter of the leads where the sides are equal.

    Differences add up over the groups, with Mantel-Haenszel weights, before their sizes are taken: so small groups
    do not make a gap out of chance. 0 where no group has both sides.
    """
    apart: dict[str, float] = {}
    weights = 0.0
    for cells in groups:
        ai, setter = (sum(cell.n for cell in cells if cell.sender == sender) for sender in (Sender.AI, Sender.SETTER))
        if not ai or not setter:
            continue
        weight = ai * setter / (ai + setter)
        weights += weight
        for level, of in _levels(covariate, cells).items():
            apart[level] = apart.get(level, 0.0) + weight * (of[Sender.AI] / ai - of[Sender.SETTER] / setter)
    gap = sum(abs(apart[level]) for level in sorted(apart)) / 2 / weights if weights else 0.0
    return gap, weights


def guards_of(cells: Sequence[LeadCell]) -> Guards:
    """How the two sides differ in what is never held equal.

    Booked leads are held against booked ones, and others against others: who books more leads has more of them
    credited early, which is no difference in where the two work.
    """
    booked = [replace(cell, n=cell.booked) for cell in cells]
    others = [replace(cell, n=cell.n - cell.booked) for cell in cells]
    alike = [*by_stratum(booked).values(), *by_stratum(others).values()]

    def beyond_chance(covariate: Covariate) -> float:
        gap, weight = _gap(alike, covariate)
        # Chance alone makes a gap of 0.7 over this root in four levels of equal size, and of less in fewer.
        return gap if weight and gap >= 1 / math.sqrt(weight) else 0.0

    widest = max((CREDIT_TOUCH, CREDIT_WRITTEN), key=beyond_chance)
    return Guards(
        stage=beyond_chance(widest),
        stage_words=_widest_words(widest, cells),
        channel=beyond_chance(CREDIT_CHANNEL),
        shared={"ai": _shared(cells, Sender.AI), "setter": _shared(cells, Sender.SETTER)},
        leads={side: sum(cell.n for cell in cells if cell.sender == side) for side in ("ai", "setter")},
    )


def _widest_words(covariate: Covariate, cells: Sequence[LeadCell]) -> str:
    """At which of the levels the two sides differ most, in words."""
    levels = _levels(covariate, cells)
    n = {sender: max(1, sum(of[sender] for of in levels.values())) for sender in Sender}
    shares = {level: {sender: of[sender] / n[sender] for sender in Sender} for level, of in levels.items()}
    if not shares:
        return ""
    level, of = max(shares.items(), key=lambda item: abs(item[1][Sender.AI] - item[1][Sender.SETTER]))
    name = covariate.labels[level]
    what = (
        f"the {name[0].lower()}{name[1:]} message was the credited one"
        if covariate is CREDIT_TOUCH
        else f"the lead {name[0].lower()}{name[1:]} before the credited message"
    )
    ai, setter = (rate_text(of[sender], 0) for sender in (Sender.AI, Sender.SETTER))
    leads = {sender: count_text(n[sender]) for sender in Sender}
    return f"{what} for {ai} of AI's {leads[Sender.AI]} leads and {setter} of the setters' {leads[Sender.SETTER]}"


def _shared(cells: Iterable[LeadCell], sender: Sender) -> float:
    own = [cell for cell in cells if cell.sender == sender]
    total = sum(cell.n for cell in own)
    return sum(cell.n for cell in own if cell.both_wrote) / total if total else 0.0
