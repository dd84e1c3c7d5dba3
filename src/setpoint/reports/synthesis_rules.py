"""The form of a model's synthesis, and what code makes of an answer whose text has been checked. Pure."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from setpoint.reports.citations import Document
from setpoint.reports.schemas import ClaimDocument, RecommendationDocument, SynthesisContent
from setpoint.reports.synthesis_findings import (
    cited_findings,
    effect_of,
    lower,
    most_confidence,
    report_caveats,
    safety_of,
    verdict_claim,
    where_it_fails,
)
from setpoint.reports.synthesis_statistics import FEWEST, MOST, side_recommendation

MAX_CAVEATS: Final = 12

Citation = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Citations = Annotated[list[Citation], Field(min_length=1, max_length=6)]


def _text(longest: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=5, max_length=longest)


Sentences = Annotated[str, _text(400)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Claim(_Form):
    """A sentence or two, and the citations that they rest on."""

    text: Sentences
    citations: Citations


class Recommendation(_Form):
    """Something to do, why, and the citations that it rests on. What it may bring is not for the model to say."""

    title: Annotated[str, _text(100)]
    action: Sentences
    reason: Sentences
    citations: Citations
    safety: Literal["safe_for_auto_send", "needs_review"]


class SynthesisAnswer(_Form):
    """What a report comes to."""

    summary: Annotated[list[Claim], Field(min_length=1, max_length=5)]
    patterns: Annotated[list[Claim], Field(max_length=8)]
    anti_patterns: Annotated[list[Claim], Field(max_length=8)]
    recommendations: Annotated[list[Recommendation], Field(min_length=FEWEST, max_length=MOST)]
    caveats: Annotated[list[Annotated[str, _text(300)]], Field(max_length=6)]
    confidence: Literal["high", "medium", "low"]
    confidence_reason: Annotated[str, _text(300)]


def content_of(answer: SynthesisAnswer, document: Document) -> SynthesisContent:
    """The content of a synthesis from a checked answer.

    The verdict, who should get leads, effects, safety, where a contrast fails, the report's caveats and the most
    confidence there can be are put in here, whatever the model said of them.
    """
    most, why = most_confidence(document)
    confidence = lower(most, answer.confidence)
    side = side_recommendation(document)
    recommendations = [*([side] if side else []), *(_recommendation(one, document) for one in answer.recommendations)]
    caveats = [*report_caveats(document), *answer.caveats]
    return {
        "summary": [verdict_claim(document), *(_claim(claim, document) for claim in answer.summary)],
        "patterns": [_claim(claim, document) for claim in answer.patterns],
        "anti_patterns": [_claim(claim, document) for claim in answer.anti_patterns],
        "recommendations": recommendations[:MOST],
        "caveats": list(dict.fromkeys(caveats))[:MAX_CAVEATS],
        "confidence": confidence,
        "confidence_reason": answer.confidence_reason if confidence == answer.confidence else why,
    }


def _claim(claim: Claim, document: Document) -> ClaimDocument:
    citations = _once(claim.citations)
    return {"text": _with_failures(claim.text, citations, document), "citations": citations}


def _recommendation(recommendation: Recommendation, document: Document) -> RecommendationDocument:
    citations = _once(recommendation.citations)
    effect, expected = effect_of(document, citations)
    is_safe = recommendation.safety == "safe_for_auto_send"
    return {
        "title": recommendation.title,
        "action": recommendation.action,
        "reason": _with_failures(recommendation.reason, citations, document),
        "citations": citations,
        "expected_effect": expected,
        "effect": effect,
        "safety": safety_of(document, citations) if is_safe else "needs_review",
    }


def _with_failures(text: str, citations: Sequence[str], document: Document) -> str:
    """The text, and where the contrast that it rests on does not hold. Of several, only what they are is said."""
    found = cited_findings(document, citations)
    if len(found) != 1:
        return text
    return f"{text} {where_it_fails(found[0])}".strip()


def _once(citations: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(citations))
