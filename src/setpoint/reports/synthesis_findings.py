"""What a report has told, and what may be made of it: effects in words, safety, confidence, caveats. Pure.

A model has no say in any of this, and what is made without a model says the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final, Literal

from setpoint.reports.citations import (
    ADJUSTMENT,
    COMPARISON,
    PATTERNS,
    TIMING,
    TREND,
    Document,
    is_pattern,
    pattern_citation,
)
from setpoint.reports.presentation import listed, points_digits, points_text, rate_text
from setpoint.reports.schemas import ClaimDocument, IntervalDocument, PatternDocument, Side
from setpoint.reports.verdicts import CRUDE_CAVEAT

Level = Literal["high", "medium", "low"]
Safety = Literal["safe_for_auto_send", "needs_review"]

UNKNOWN: Final = "Unknown until measured."
MAX_CAVEATS: Final = 9
LEVELS: Final[tuple[Level, ...]] = ("low", "medium", "high")
NO_CHOICE: Final = frozenset(
    {
        *("unanswered", "first_touch", "late_touch"),
        *("morning", "midday", "afternoon", "evening", "within_hour", "within_day"),
        *("thanks", "apology", "farewell", "no_ask"),
    }
)
"""Contrasts that no advice can rest on. Who gets a message, and when, is not a choice of its words, and goes by whom
the sender was talking to. What thanks, apologises, takes leave or asks for nothing mostly answers what the lead has
said already: it follows the outcome and does not bring it about.
"""

# More of these in messages that nobody reads would be made up: a time that is free, a link that works, a true figure.
_MUST_BE_TRUE: Final = frozenset({"offers_times", "one_time", "two_times", "booking_link", "link", "figures"})
# From so many told contrasts, and up to such a share of pending leads, a report can be called sure.
_MANY_TOLD, _FEW_PENDING, _MOSTLY_PENDING = 3, 0.2, 0.5


def findings(document: Document) -> Sequence[PatternDocument]:
    """Every contrast that was tested, the surest first."""
    section: Mapping[str, Any] = document.get(PATTERNS) or {}
    found: Sequence[PatternDocument] = section.get("findings", ())
    return found


def told(document: Document) -> list[PatternDocument]:
    """The contrasts that were told from chance."""
    return [found for found in findings(document) if found["kind"] != "none" and found["estimate"]["measured"]]


def cited_findings(document: Document, citations: Iterable[str]) -> list[PatternDocument]:
    """The contrasts that are cited, in the report's order."""
    named = set(citations)
    return [found for found in findings(document) if pattern_citation(found["key"]) in named]


def winner(document: Document) -> Side | None:
    """Who books more, where the most careful comparison that the report has can tell."""
    adjustment = document.get(ADJUSTMENT)
    if adjustment:
        side: Side | None = adjustment["winner"] if adjustment["strength"] != "none" else None
        return side
    return names_winner(document[COMPARISON]["overall"]["verdict"])


def names_winner(verdict: str) -> Side | None:
    """Whom a verdict of the crude comparison names; None where it names nobody."""
    sides: Mapping[str, Side] = {"AI books ": "ai", "Setters book ": "setter"}
    return next((side for beginning, side in sides.items() if verdict.startswith(beginning)), None)


def verdict_claim(document: Document) -> ClaimDocument:
    """The report's own sentence on AI and setters, the most careful one that it has."""
    adjustment = document.get(ADJUSTMENT)
    if adjustment:
        return {"text": adjustment["verdict"], "citations": [ADJUSTMENT, COMPARISON]}
    return {"text": document[COMPARISON]["overall"]["verdict"], "citations": [COMPARISON]}


def effect_of(document: Document, citations: Iterable[str]) -> tuple[IntervalDocument | None, str]:
    """The measured effect of the told contrasts that are cited, and the same in words.

    Of several it is the one that promises least: effects do not add up.
    """
    held = [
        (measured, found["kind"])
        for found in cited_findings(document, citations)
        if found["kind"] != "none" and (measured := found["estimate"]["measured"])
    ]
    if not held:
        return None, UNKNOWN
    measured, kind = min(held, key=lambda one: min(abs(one[0]["low"]), abs(one[0]["high"])))
    size = _size(measured, measured["value"] > 0)
    size = size[0].lower() + size[1:]
    where = "" if kind == "pattern" else " where messages did without it"
    return measured, f"Seen: {size}{where}. How much of that a change brings is not known until it is measured."


def adjusted_effect(document: Document) -> tuple[IntervalDocument | None, str]:
    """The effect of who gets a lead, and the same in words; none where nobody is told to book more."""
    adjustment = document.get(ADJUSTMENT)
    side = winner(document)
    if not adjustment or side is None:
        return None, UNKNOWN
    steps = {step["key"]: step["estimate"]["measured"] for step in adjustment["ladder"]}
    measured: IntervalDocument | None = steps.get("adjusted") or steps.get("stratified")
    if measured is None or (measured["value"] > 0) != (side == "ai"):
        return None, UNKNOWN
    doer, other = ("AI", "setters") if side == "ai" else ("setters", "AI")
    size = _size(measured, side == "ai")
    return (
        measured,
        f"{size} for leads that {doer} would get in place of {other}, if all that matters is known of them.",
    )


def _size(measured: IntervalDocument, is_positive: bool) -> str:
    """`Between 0.9 and 2.7 points more (95%)`, told from the side that books more."""
    digits = points_digits(measured["low"], measured["high"])
    low, high = (measured["low"], measured["high"]) if is_positive else (-measured["high"], -measured["low"])
    confidence = rate_text(measured["confidence"], 0)
    least, most = points_text(low, digits), points_text(high, digits)
    if low < 0:
        return f"Between {least} points fewer and {most} points more ({confidence})"
    return f"Between {least} and {most} points more ({confidence})"


def safety_of(document: Document, citations: Iterable[str]) -> Safety:
    """Whether what rests on these citations may go into messages that nobody looks at.

    Only where it rests on contrasts that were told, each of which holds for messages of AI and fails nowhere, and
    asks for nothing that must be true besides.
    """
    named = [citation for citation in citations if is_pattern(citation)]
    found = cited_findings(document, named)
    if not named or len(found) < len(set(named)):
        return "needs_review"
    return "safe_for_auto_send" if all(map(_is_safe, found)) else "needs_review"


def _is_safe(found: PatternDocument) -> bool:
    by_ai = any(part["by"] == "sender" and part["value"] == "ai" and part["holds"] for part in found["parts"])
    makes_up = found["kind"] == "pattern" and found["key"] in _MUST_BE_TRUE
    return found["kind"] != "none" and by_ai and not found["fails_to_hold"] and not makes_up


def where_it_fails(found: PatternDocument) -> str:
    """A sentence about the parts in which a contrast does not hold; empty where there are none."""
    fails = found["fails_to_hold"]
    return f"Where it does not hold: {listed(fails)}." if fails else ""


def most_confidence(document: Document) -> tuple[Level, str]:
    """How sure a synthesis of this report may be at most, and why."""
    counts = document["counts"]
    settled = counts["BOOKED"] + counts["NOT_BOOKED"]
    pending = counts["PENDING"]
    share = pending / (settled + pending) if settled + pending else 1.0
    adjustment = document.get(ADJUSTMENT)
    is_clear = adjustment is not None and adjustment["strength"] == "clear"
    found = told(document)
    if not settled:
        return "low", "No lead has a settled outcome yet."
    if share > _MOSTLY_PENDING:
        return "low", "More leads are pending than settled."
    by_channel = not adjustment and any(names_winner(one["verdict"]) for one in document[COMPARISON]["by_channel"])
    if winner(document) is None and not by_channel and not found:
        return "low", "Neither AI and setters nor any kinds of messages could be told apart."
    if is_clear and len(found) >= _MANY_TOLD and share <= _FEW_PENDING:
        return "high", (
            "With what is known of the leads held equal, AI and setters can be told apart clearly, several contrasts"
            " of messages were told from chance, and few leads are pending."
        )
    short = []
    if not is_clear:
        short.append("the comparison of AI and setters is not clear with what is known of the leads held equal")
    if len(found) < _MANY_TOLD:
        short.append("few or no contrasts of messages were told from chance")
    if share > _FEW_PENDING:
        short.append("many leads are still pending")
    return "medium", f"Some of it is told from chance, but {', and '.join(short)}."


def lower(one: Level, other: Level) -> Level:
    """The lower of two levels."""
    return min(one, other, key=LEVELS.index)


def report_caveats(document: Document) -> list[str]:
    """The caveats of the report's parts, in turn, the most important first. No model can leave them out."""
    adjustment = document.get(ADJUSTMENT)
    texts = document[COMPARISON]["caveats"]
    held = [[text for text in texts if not (adjustment and text == CRUDE_CAVEAT)]]
    if adjustment and adjustment["sensitivity"] and adjustment["sensitivity"]["robustness_value_interval"]:
        held.append([adjustment["sensitivity"]["text"]])
    held += [list((document.get(name) or {}).get("caveats", ())) for name in (PATTERNS, TIMING, TREND)]
    in_turn = (text for turn in zip_longest(*held) for text in turn if text)
    return list(dict.fromkeys(in_turn))[:MAX_CAVEATS]
