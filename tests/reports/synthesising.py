"""What the tests of syntheses share: a good answer of a model, and a look for numbers that no report has."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from setpoint.reports.citations import targets
from setpoint.reports.presentation import about
from setpoint.reports.schemas import SynthesisContent
from setpoint.reports.synthesis_rules import SynthesisAnswer

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def good(**changes: Any) -> dict[str, Any]:
    """An answer to `sections.whole()` that holds."""
    answer: dict[str, Any] = {
        "summary": [
            {
                "text": "Messages that offer times book 4.1 points more than others (95%: 1.8 to 6.4).",
                "citations": ["pattern:offers_times", "evidence:1"],
            },
            {"text": "513 leads are still pending, so the picture may change.", "citations": ["counts"]},
        ],
        "patterns": [
            {
                "text": "Naming concrete times to choose from goes with more bookings: 4.1 points.",
                "citations": ["pattern:offers_times"],
            },
            {"text": "Short messages book more, by 1.8 points.", "citations": ["pattern:short"]},
        ],
        "anti_patterns": [
            {"text": "Messages that have a link book 2.8 points fewer than others.", "citations": ["pattern:link"]}
        ],
        "recommendations": [
            {
                "title": "Offer times to choose from",
                "action": "Let first messages name two times to choose from instead of asking whether to talk.",
                "reason": "Messages that offer times book 4.1 points more.",
                "citations": ["pattern:offers_times", "evidence:1"],
                "safety": "safe_for_auto_send",
            },
            {
                "title": "Keep messages short",
                "action": "Cut what the lead does not need in order to answer.",
                "reason": "Short messages (under 40 words) book 1.8 points more.",
                "citations": ["pattern:short"],
                "safety": "safe_for_auto_send",
            },
            {
                "title": "Say who sent each message",
                "action": "Give the sender in the import, so that it need not be inferred for 87 leads.",
                "reason": "The sender of 87 leads is inferred.",
                "citations": ["counts"],
                "safety": "safe_for_auto_send",
            },
        ],
        "caveats": ["Most of what is compared here was sent in one season."],
        "confidence": "high",
        "confidence_reason": "Several contrasts of messages were told from chance.",
    }
    return {**answer, **changes}


def with_text(text: str, citations: Sequence[str] = ("pattern:offers_times",)) -> dict[str, Any]:
    """A good answer but for one claim of the summary."""
    return good(summary=[{"text": text, "citations": list(citations)}])


def advising(**changes: Any) -> dict[str, Any]:
    """A good answer but for its first recommendation."""
    first, *others = good()["recommendations"]
    return good(recommendations=[first | changes, *others])


def answer_of(document: Mapping[str, Any]) -> SynthesisAnswer:
    """The mapping as the typed answer."""
    return SynthesisAnswer.model_validate(document)


def texts_of(content: SynthesisContent) -> list[str]:
    """Every text of a synthesis."""
    claims = [*content["summary"], *content["patterns"], *content["anti_patterns"]]
    advice = [
        text
        for one in content["recommendations"]
        for text in (one["title"], one["action"], one["reason"], one["expected_effect"])
    ]
    return [*(claim["text"] for claim in claims), *advice, *content["caveats"], content["confidence_reason"]]


def foreign_numbers(content: SynthesisContent, document: Mapping[str, Any]) -> list[str]:
    """Numbers in a synthesis that are none of the report's, however they might be rounded: its own way of looking."""
    known = set(_numbers(document))
    return [
        number
        for text in texts_of(content)
        for number in _NUMBER.findall(unicodedata.normalize("NFKC", text))
        if number not in known
    ]


def _numbers(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, str):
        yield from _NUMBER.findall(value)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from (f"{value:,}", str(value), f"{about(value):,}")
    elif isinstance(value, float):
        for number in (abs(Decimal(str(value))), 100 * abs(Decimal(str(value)))):
            for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN):
                yield from (str(number.quantize(Decimal(step), rounding)) for step in ("1", "0.1", "0.01"))
            yield from (f"{float(number):.{digits}f}" for digits in range(3))


def assert_holds(section: Mapping[str, Any], document: Mapping[str, Any], evidence: Sequence[Any] = ()) -> None:
    """What is true of every synthesis, whoever made it and whatever went wrong."""
    content = section["content"]
    assert foreign_numbers(content, document) == []
    known = targets(document, evidence)
    claims = [*content["summary"], *content["patterns"], *content["anti_patterns"], *content["recommendations"]]
    assert content["summary"]
    for claim in claims:
        assert claim["citations"]
        assert set(claim["citations"]) <= known.keys()
    assert 3 <= len(content["recommendations"]) <= 10
    for one in content["recommendations"]:
        assert (one["effect"] is None) == (one["expected_effect"] == "Unknown until measured.")
        assert one["safety"] in ("safe_for_auto_send", "needs_review")
    assert content["confidence"] in ("high", "medium", "low")
    assert all(texts_of(content))
