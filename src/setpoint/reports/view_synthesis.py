"""What a report comes to, as page and terminal show it, with the way from each claim to what it rests on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from setpoint.domain.vocabulary import Attribution
from setpoint.reports.definitions import ATTRIBUTION_LABELS, CHANNEL_LABELS, SENDER_LABELS
from setpoint.reports.presentation import anchor, difference_texts, label_of, measured_of
from setpoint.reports.schemas import ClaimDocument, RecommendationDocument, SynthesisSection
from setpoint.reports.view_patterns import pattern_address

SAFETY_LABELS: Final = {"safe_for_auto_send": "Safe for auto-send", "needs_review": "Needs review"}
"""Whether a recommendation may be carried out without a person looking at each message."""

_SECTIONS: Final = {
    "adjustment": "How sure, how confounded",
    "timing": "When they book",
    "trend": "Week by week",
    "patterns": "What booking messages share",
}
_PLACES: Final = {"segment": "segments"}

CONFIDENCE_LABELS: Final = {"high": "High", "medium": "Medium", "low": "Low"}


@dataclass(frozen=True, slots=True)
class Citation:
    """What a claim rests on. Without an address the page has no such part, and only its label is shown.

    `name` is the citation itself; several that lead to one part of the page are the same there.
    """

    label: str
    address: str | None
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence or two with what they rest on."""

    text: str
    citations: Sequence[Citation]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Something to do, what it should bring, and whether a person must look at it."""

    title: str
    action: str
    reason: str
    expected: str
    measured: str
    safety: str
    safety_label: str
    citations: Sequence[Citation]


@dataclass(frozen=True, slots=True)
class SynthesisView:
    """The synthesis arranged for a reader."""

    source: str
    summary: Sequence[Claim]
    patterns: Sequence[Claim]
    anti_patterns: Sequence[Claim]
    recommendations: Sequence[Recommendation]
    caveats: Sequence[str]
    confidence: str
    confidence_reason: str


def synthesis_view(document: Mapping[str, Any]) -> SynthesisView | None:
    """Arrange the `synthesis` of a report, or None where the report has none."""
    section: SynthesisSection | None = document.get("synthesis")
    if section is None:
        return None
    targets = citation_targets(document)
    content = section["content"]
    summary, patterns, anti_patterns = (
        [_claim(claim, targets) for claim in claims]
        for claims in (content["summary"], content["patterns"], content["anti_patterns"])
    )
    return SynthesisView(
        source=section["note"],
        summary=summary,
        patterns=patterns,
        anti_patterns=anti_patterns,
        recommendations=[_recommendation(held, targets) for held in content["recommendations"]],
        caveats=content["caveats"],
        confidence=CONFIDENCE_LABELS.get(content["confidence"], content["confidence"]),
        confidence_reason=content["confidence_reason"],
    )


def citation_targets(document: Mapping[str, Any]) -> dict[str, str]:
    """Every address of the page that a citation can name, with the words for it."""
    targets = {
        "counts": "Outcomes",
        "comparison": "AI against setters, by channel",
        "segments": "Who books more, where",
    }
    targets |= {name: label for name, label in _SECTIONS.items() if document.get(name)}
    for line in document["comparison"]["by_channel"]:
        targets[anchor("comparison", line["channel"])] = f"AI against setters · {_channel(line['channel'])}"
    for step in (document.get("adjustment") or {"ladder": []})["ladder"]:
        targets[anchor("adjustment", step["key"])] = f"{step['label']} estimate"
    for attribution in Attribution:
        targets[anchor("segments", attribution)] = ATTRIBUTION_LABELS[attribution]
        for segment in document[attribution]:
            sender = label_of(SENDER_LABELS, segment["sender"])
            address = segment_address(attribution, segment["channel"], segment["sender"])
            targets[address] = f"{sender} · {_channel(segment['channel'])}, {ATTRIBUTION_LABELS[attribution].lower()}"
    for finding in (document.get("patterns") or {"findings": []})["findings"]:
        targets[pattern_address(finding["key"])] = f"Messages that {finding['phrase']}"
    return targets


def _channel(channel: str) -> str:
    return label_of(CHANNEL_LABELS, channel)


def segment_address(attribution: str, channel: str, sender: str) -> str:
    """Where on the page the leads of one sender in one channel stand."""
    return anchor("segments", attribution, channel, sender)


def cited(citation: str, targets: Mapping[str, str]) -> Citation:
    """The part of the page that a citation names (`pattern:short`, `segment:cross_channel/email/ai`, `timing`).

    What is finer than the page has leads to the part that holds it. The messages that a model was shown are not on
    the page, and what a later version may cite is shown as it is.
    """
    kind, _, rest = citation.partition(":")
    if kind == "evidence":
        return Citation(f"Message {rest}", None, citation)
    names = [_PLACES.get(kind, kind), *re.split("[/:]", rest)]
    for n in range(len(names), 0, -1):
        address = anchor(*names[:n])
        if address in targets:
            return Citation(targets[address], address, citation)
    return Citation(citation, None, citation)


def _claim(claim: ClaimDocument, targets: Mapping[str, str]) -> Claim:
    return Claim(claim["text"], _citations(claim["citations"], targets))


def _citations(citations: Sequence[str], targets: Mapping[str, str]) -> list[Citation]:
    return list(dict.fromkeys(cited(citation, targets) for citation in citations))


def _recommendation(held: RecommendationDocument, targets: Mapping[str, str]) -> Recommendation:
    effect = held["effect"]
    measured = ""
    if effect:
        value, interval = difference_texts(measured_of(effect))
        measured = f"{value} points ({effect['confidence'] * 100:.0f}%: {interval})"
    return Recommendation(
        title=held["title"],
        action=held["action"],
        reason=held["reason"],
        expected=held["expected_effect"],
        measured=measured,
        safety=anchor(held["safety"]),
        safety_label=SAFETY_LABELS.get(held["safety"], held["safety"]),
        citations=_citations(held["citations"], targets),
    )


def synthesis_facts(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which model, effort and prompt wrote the synthesis, for whoever makes the report again."""
    section: SynthesisSection | None = document.get("synthesis")
    if section is None:
        return []
    if section["source"] != "model":
        asked = f"; {section['model']} was asked in vain" if section["model"] else ""
        return [("Synthesis", f"from the statistics alone{asked}")]
    effort = f", effort {section['effort']}" if section["effort"] else ""
    cached = ", answered before and kept" if section["cached"] else ""
    return [
        ("Synthesis", f"{section['model']}{effort}{cached}"),
        ("Its prompt", f"{section['prompt_key']}, version {section['prompt_version']}, {section['prompt_hash']}"),
    ]
