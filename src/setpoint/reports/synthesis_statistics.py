"""A synthesis from the statistics alone: what a report comes to where no model says it. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from setpoint.domain.vocabulary import Attribution, Outcome
from setpoint.reports.citations import (
    ADJUSTMENT,
    COMPARISON,
    COUNTS,
    PATTERNS,
    TIMING,
    TREND,
    Document,
    comparison_citation,
    pattern_citation,
)
from setpoint.reports.definitions import CHANNEL_PHRASES
from setpoint.reports.pattern_words import NO_TEXT
from setpoint.reports.presentation import count_text, label_of, leads_text, rate_text
from setpoint.reports.schemas import (
    ClaimDocument,
    IntervalDocument,
    PatternDocument,
    RecommendationDocument,
    SynthesisContent,
)
from setpoint.reports.synthesis_findings import (
    NO_CHOICE,
    UNKNOWN,
    adjusted_effect,
    effect_of,
    most_confidence,
    names_winner,
    report_caveats,
    safety_of,
    told,
    verdict_claim,
    where_it_fails,
    winner,
)
from setpoint.reports.synthesis_material import needed_text

FEWEST, MOST = 3, 10
"""Recommendations of a synthesis."""

_CLAIMS: Final = 4
_ADVISED: Final = 6
_NAMED: Final = 3
# From such a share of leads that would have to change, the two sides work on different leads.
_UNLIKE: Final = 0.2
_ALPHA: Final = 0.05
# Features that say nearly the same: what is advised of one is not advised of the other again.
_ALIKE: Final = {"times_offered": "call_to_action", "ends_question": "question"}


def from_statistics(document: Document) -> SynthesisContent:
    """The whole content of a synthesis, from what the report has told. Every report has one."""
    found = told(document)
    level, reason = most_confidence(document)
    return {
        "summary": list(_summary(document)),
        "patterns": [_claim(one) for one in _unlike(found) if one["kind"] == "pattern"][:_CLAIMS],
        "anti_patterns": [_claim(one) for one in _unlike(found) if one["kind"] == "anti_pattern"][:_CLAIMS],
        "recommendations": _recommendations(document),
        "caveats": report_caveats(document),
        "confidence": level,
        "confidence_reason": reason,
    }


def _claim(found: PatternDocument) -> ClaimDocument:
    text = f"{found['sentence']} {where_it_fails(found)}".strip()
    return {"text": text, "citations": [pattern_citation(found["key"])]}


def _summary(document: Document) -> Iterator[ClaimDocument]:
    yield verdict_claim(document)
    if not document.get(ADJUSTMENT):
        for line in document[COMPARISON]["by_channel"]:
            if names_winner(line["verdict"]):
                yield {"text": line["verdict"], "citations": [comparison_citation(line["channel"])]}
    if document.get(TIMING):
        yield {"text": document[TIMING]["verdict"], "citations": [TIMING]}
    if document.get(TREND) and document[TREND]["direction"] != "none":
        yield {"text": document[TREND]["verdict"], "citations": [TREND]}
    if document.get(PATTERNS):
        yield _about_patterns(document)
    pending = document["counts"][Outcome.PENDING]
    if pending:
        verb = "is" if pending == 1 else "are"
        yield {"text": f"{leads_text(pending)} {verb} pending and may still book.", "citations": [COUNTS]}


def _about_patterns(document: Document) -> ClaimDocument:
    section = document[PATTERNS]
    if section["refused"]:
        return {"text": section["refused"]["reason"], "citations": [PATTERNS]}
    found = told(document)
    was = "contrast of messages was" if section["tested"] == 1 else "contrasts of messages were"
    tested = f"{count_text(section['tested'])} {was} tested"
    if not found:
        return {
            "text": f"{tested}, and none could be told from chance.",
            "citations": [PATTERNS],
        }
    parts: list[str] = []
    shown: list[PatternDocument] = []
    for kind, amount in (("pattern", "more"), ("anti_pattern", "fewer")):
        named = [one for one in found if one["kind"] == kind][:_NAMED]
        if named:
            start = "with those that" if parts else "bookings go with messages that"
            parts.append(f"{amount} {start} {', or that '.join(one['phrase'] for one in named)}")
            shown += named
    return {
        "text": f"{tested}. The surest: {', '.join(parts)}.",
        "citations": [PATTERNS, *(pattern_citation(one["key"]) for one in shown)],
    }


def side_recommendation(document: Document) -> RecommendationDocument | None:
    """Who should get the leads, where that is told clearly. It is never left to a model to say."""
    adjustment = document.get(ADJUSTMENT)
    side = winner(document)
    if not adjustment or side is None or adjustment["strength"] != "clear":
        return None
    doer, other = ("AI", "setters") if side == "ai" else ("setters", "AI")
    effect, expected = adjusted_effect(document)
    return _recommend(
        f"Give {doer} more of the leads that {other} {'get' if other == 'setters' else 'gets'} now",
        "Hand them over a share at a time and by lot, so that the next report can compare the two on the same kind of"
        " leads.",
        adjustment["verdict"],
        [ADJUSTMENT],
        expected,
        effect,
    )


def _recommendations(document: Document) -> list[RecommendationDocument]:
    side = side_recommendation(document)
    found = [side] if side else []
    choices = _unlike(one for one in told(document) if one["key"] not in NO_CHOICE)
    found += [_about(one, document) for one in choices[:_ADVISED]]
    found += [*_to_compare(document), *_to_import(document), *_to_look_at(document)]
    for spare in _always(document):
        if len(found) >= FEWEST:
            break
        found.append(spare)
    return found[:MOST]


def _unlike(found: Iterable[PatternDocument]) -> list[PatternDocument]:
    """The surest contrast of each feature."""
    chosen: dict[str, PatternDocument] = {}
    for one in found:
        chosen.setdefault(_ALIKE.get(one["feature"], one["feature"]), one)
    return list(chosen.values())


def _about(found: PatternDocument, document: Document) -> RecommendationDocument:
    citations = [pattern_citation(found["key"])]
    amount = "more" if found["kind"] == "pattern" else "fewer"
    effect, expected = effect_of(document, citations)
    return _recommend(
        f"Try {amount} messages that {found['phrase']}",
        f"Within a campaign, let chance decide which leads get messages that {found['phrase']}, and change nothing"
        " else in prompts and templates. The next report shows this contrast again, then among leads that chance"
        " divided.",
        f"{found['sentence']} {where_it_fails(found)}".strip(),
        citations,
        expected,
        effect,
        safety_of(document, citations) == "safe_for_auto_send",
    )


def _to_compare(document: Document) -> Iterator[RecommendationDocument]:
    """What would let the next report tell AI and setters apart."""
    adjustment, comparison = document.get(ADJUSTMENT), document[COMPARISON]
    both = bool(comparison["overall"]["ai"]["n"] and comparison["overall"]["setter"]["n"])
    if adjustment and adjustment["strength"] == "clear":
        return
    if both:
        channel = max(comparison["by_channel"], key=lambda line: line["ai"]["n"] + line["setter"]["n"])["channel"]
        apart = max(adjustment["balance"], key=lambda line: line["gap"], default=None) if adjustment else None
        reason = adjustment["verdict"] if adjustment else comparison["overall"]["verdict"]
        if apart and apart["gap"] >= _UNLIKE:
            reason = (
                f"AI and setters get different leads. They differ most by {apart['label'].lower()}:"
                f" {rate_text(apart['gap'], 0)} of one side's leads would have to change for both to be alike."
            )
        yield _recommend(
            f"Share the leads between AI and setters by lot {label_of(CHANNEL_PHRASES, channel)}",
            "Let chance decide who gets a new lead there, and let each keep its own from the first message on. Do so"
            " for at least as long as the attribution window and the maturity buffer, and run this report again.",
            reason,
            [ADJUSTMENT, comparison_citation(channel)] if adjustment else [COMPARISON, comparison_citation(channel)],
        )
    yield from _to_wait_for(document)


def _to_wait_for(document: Document) -> Iterator[RecommendationDocument]:
    lines = [(COMPARISON, "", document[COMPARISON]["overall"])]
    lines += [
        (comparison_citation(line["channel"]), " " + label_of(CHANNEL_PHRASES, line["channel"]), line)
        for line in sorted(
            document[COMPARISON]["by_channel"], key=lambda line: (line["refused"] or {}).get("needed") or 0
        )
    ]
    for citation, where, line in lines:
        refused = line["refused"]
        if refused and refused["needed"]:
            yield _recommend(
                f"Wait for {needed_text(refused['needed'])} before you choose between AI and setters{where}",
                "Keep both at work in the same channels, and run this report again then.",
                refused["reason"],
                [citation],
            )
            return


def _to_import(document: Document) -> Iterator[RecommendationDocument]:
    """What the imported data leave open, and how to mend that."""
    counts = document["counts"]
    inferred = document["inferred_sender"][Attribution.CROSS_CHANNEL]
    if inferred:
        verb = "has" if inferred == 1 else "have"
        yield _recommend(
            "Say who sent each message",
            "Give sent_by in the import of messages: ai or setter.",
            f"{leads_text(inferred)} {verb} a credited message that does not say who sent it, so that it had to be"
            " inferred.",
            [COUNTS],
        )
    undated = counts[Outcome.BOOKED_NO_TIMESTAMP]
    if undated:
        yield _recommend(
            "Import when each meeting was made",
            "Give booked_at in the import of appointments.",
            f"{leads_text(undated)} booked at a time that nobody knows, so that no message can be credited.",
            [COUNTS],
        )
    lost = counts[Outcome.UNATTRIBUTED]
    if lost:
        yield _recommend(
            "Find the messages behind bookings that none is credited with",
            "Import the missing messages of these leads, or run the report with a longer attribution window.",
            f"{leads_text(lost)} booked without a message in the attribution window before it.",
            [COUNTS],
        )
    pending, days = counts[Outcome.PENDING], document["parameters"]["maturity_days"]
    if pending and days:
        yield _recommend(
            f"Run this report again in {days} {'day' if days == 1 else 'days'}",
            "Ask for the same window as known then: what is pending now has settled by then, unless more was sent.",
            f"{leads_text(pending)} {'is' if pending == 1 else 'are'} pending and in no booking rate yet.",
            [COUNTS],
        )
    section = document.get(PATTERNS)
    if section and section["refused"]:
        has_texts = section["refused"]["reason"] != NO_TEXT
        yield _recommend(
            "Look for patterns again once there is more" if has_texts else "Make it possible to look for patterns",
            "Choose a longer window, or run this report again when more was sent and booked."
            if has_texts
            else "Run this report with --engine postgres, where the texts of messages are.",
            section["refused"]["reason"],
            [PATTERNS],
        )


def _to_look_at(document: Document) -> Iterator[RecommendationDocument]:
    timing = document.get(TIMING)
    sooner = timing["days_sooner"]["measured"] if timing else None
    pace = timing["log_rank_p_value"] if timing else None
    if timing and sooner and not sooner["low"] <= 0 <= sooner["high"] and pace is not None and pace <= _ALPHA:
        yield _recommend(
            "Find out why the leads of one side book sooner or more often",
            "Compare how soon AI and setters answer a lead and how many messages come before a meeting, and let the"
            " slower side try what the other does.",
            timing["verdict"],
            [TIMING],
        )


def _always(document: Document) -> Iterator[RecommendationDocument]:
    """What is of use with every report, where it has little to tell."""
    yield _recommend(
        "Check that all messages and bookings are there",
        "Compare the counts of this report with your sending and booking tools, and import what is missing.",
        f"The cohort has {leads_text(document['cohort_leads'])}; what was not imported is in none of these numbers.",
        [COUNTS],
    )
    yield _recommend(
        "Change one thing in your messages at a time",
        "Where AI and setters try something new, let some messages have it and others not.",
        "A contrast can be tested only where messages differ in it, and told apart only where little else differs.",
        [PATTERNS if document.get(PATTERNS) else COUNTS],
    )
    yield _recommend(
        "Run this report again when more leads have settled",
        "Ask for a longer window, or come back with the same one later.",
        document[COMPARISON]["overall"]["verdict"],
        [COMPARISON],
    )


def _recommend(
    title: str,
    action: str,
    reason: str,
    citations: list[str],
    expected: str = UNKNOWN,
    effect: IntervalDocument | None = None,
    is_safe: bool = False,
) -> RecommendationDocument:
    return {
        "title": title,
        "action": action,
        "reason": reason,
        "citations": citations,
        "expected_effect": expected,
        "effect": effect,
        "safety": "safe_for_auto_send" if is_safe else "needs_review",
    }
