"""The answer that a report gives first, the same on the page and in the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from setpoint.domain.vocabulary import Outcome
from setpoint.reports.presentation import channel_verdicts
from setpoint.reports.view_adjustment import STRENGTHS

_SECTIONS: Final = {
    "adjustment": "a comparison with other things held equal",
    "timing": "the time to booking",
    "trend": "the rate by week",
    "patterns": "patterns",
    "synthesis": "recommendations",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, how strong it is, why, and what stands below it. `crude` has the verdicts by channel."""

    verdict: str
    strength: str
    reasons: Sequence[str]
    lines: Sequence[str]
    caveats: Sequence[str]
    missing: Sequence[str]
    is_adjusted: bool


def answer_of(document: Mapping[str, Any]) -> Answer:
    """The verdict with other things held equal where the report has one, else that of the crude comparison."""
    missing = [] if document.get("dry_run") else [words for key, words in _SECTIONS.items() if not document.get(key)]
    total = sum(document["counts"][outcome] for outcome in Outcome)
    comparison, adjustment = document["comparison"], document.get("adjustment")
    if total == 0:
        return Answer(_nothing(document), "", [], [], [], [], is_adjusted=False)
    if adjustment:
        verdict, strength = adjustment["verdict"], adjustment["strength"]
        # Where the verdict itself says that none can be named, the words for it would say it twice.
        words = "" if strength == "none" else STRENGTHS.get(strength, strength)
        reasons = [reason for reason in adjustment["reasons"] if reason not in verdict]
        return Answer(verdict, words, reasons, [], [], missing, is_adjusted=True)
    return Answer(
        comparison["overall"]["verdict"],
        "",
        [],
        channel_verdicts(comparison),
        comparison["caveats"],
        missing,
        is_adjusted=False,
    )


def _nothing(document: Mapping[str, Any]) -> str:
    messages = document["messages"]
    if messages["in_window"] == 0:
        return "Nothing was sent in this window."
    if messages["counting"] == 0:
        return "Nothing that counts was sent in this window."
    return "Every lead who was sent something in this window had booked before it."
