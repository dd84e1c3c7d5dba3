"""What code makes of a model's answer: everything that is not for the model to say."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.reports import documents
from tests.reports.sections import LINK, TIMES, evidence, part, pattern, patterns, whole
from tests.reports.synthesising import advising, answer_of, assert_holds, good

from setpoint.reports.schemas import SynthesisContent
from setpoint.reports.synthesis_findings import safety_of
from setpoint.reports.synthesis_rules import content_of
from setpoint.reports.verdicts import CRUDE_CAVEAT


def content(answer: dict[str, Any], document: dict[str, Any] | None = None) -> SynthesisContent:
    return content_of(answer_of(answer), document or whole())


def test_the_verdict_comes_first_whatever_the_model_says() -> None:
    for strength in ("clear", "tentative", "none"):
        document = whole(strength)
        first = content(good(), document)["summary"][0]
        assert first == {"text": document["adjustment"]["verdict"], "citations": ["adjustment", "comparison"]}
    crude = documents.realistic()
    first = content(good(), crude)["summary"][0]
    assert first == {"text": crude["comparison"]["overall"]["verdict"], "citations": ["comparison"]}


def test_who_should_get_leads_is_put_in_where_it_is_clear() -> None:
    assert content(good())["recommendations"][0]["title"] == "Give AI more of the leads that setters get now"
    assert content(good(), whole("none"))["recommendations"][0]["title"] == "Offer times to choose from"
    many = good(recommendations=good()["recommendations"] * 3 + good()["recommendations"][:1])
    assert len(content(many)["recommendations"]) == 10


def test_effects_are_filled_in_from_what_is_cited() -> None:
    times, short, sender = content(good(), whole("none"))["recommendations"]
    assert times["effect"] == TIMES["estimate"]["measured"]
    assert times["expected_effect"].startswith("Seen: between 1.8 and 6.4 points more (95%).")
    assert short["effect"] == {"value": 0.0183, "low": 0.0092, "high": 0.0274, "confidence": 0.95}
    assert (sender["effect"], sender["expected_effect"]) == (None, "Unknown until measured.")


def test_of_several_effects_the_one_that_promises_least_is_taken() -> None:
    cited = advising(citations=["pattern:offers_times", "pattern:short", "pattern:question"])
    assert content(cited, whole("none"))["recommendations"][0]["effect"] == {
        "value": 0.0183,
        "low": 0.0092,
        "high": 0.0274,
        "confidence": 0.95,
    }


def test_an_interval_that_reaches_beyond_zero_says_so() -> None:
    wide = pattern("offers_times", "offer times", "pattern", 0.02, -0.004, 0.044)
    told = content(good(), whole("none", patterns=patterns(wide)))["recommendations"][0]
    assert told["expected_effect"].startswith("Seen: between 0.4 points fewer and 4.4 points more (95%)")


@pytest.mark.parametrize(
    ("changes", "is_safe"),
    [
        ({}, True),
        ({"fails_to_hold": ["SMS"]}, False),
        ({"kind": "none"}, False),
        ({"parts": [part("sender", "ai", "AI", None)]}, False),
        ({"parts": [part("sender", "ai", "AI", False)]}, False),
        ({"parts": [part("sender", "setter", "setters", True)]}, False),
        ({"parts": [part("channel", "ai", "AI", True)]}, False),
        ({"key": "offers_times"}, False),
        ({"key": "figures"}, False),
        ({"key": "figures", "kind": "anti_pattern"}, True),
    ],
)
def test_only_what_holds_for_ai_fails_nowhere_and_makes_nothing_up_is_safe(
    changes: dict[str, Any], is_safe: bool
) -> None:
    asking: Any = {**TIMES, "key": "question", **changes}
    document = whole("none", patterns=patterns(asking, LINK))
    told = safety_of(document, [f"pattern:{asking['key']}"])
    assert told == ("safe_for_auto_send" if is_safe else "needs_review")


def test_what_a_model_advises_is_read_by_a_person_whatever_it_cites() -> None:
    advice = content(good(), whole("none"))["recommendations"]
    assert {one["safety"] for one in advice} == {"needs_review"}


def test_where_a_contrast_fails_is_added() -> None:
    told = content(good())["patterns"]
    assert told[0]["text"] == "Naming concrete times to choose from goes with more bookings: 4.1 points."
    assert told[1]["text"] == "Short messages book more, by 1.8 points. Where it does not hold: setters and SMS."


def test_the_reports_caveats_stay() -> None:
    found = content(good())["caveats"]
    assert found[0].startswith("AI and setters work in different channels")
    assert "Features are told from English texts." in found
    assert found[-1] == "Most of what is compared here was sent in one season."
    assert CRUDE_CAVEAT not in found
    assert CRUDE_CAVEAT in content(good(), documents.realistic())["caveats"]


def test_confidence_is_capped_and_may_be_lower() -> None:
    assert (content(good())["confidence"], content(good())["confidence_reason"]) == (
        "high",
        "Several contrasts of messages were told from chance.",
    )
    capped = content(good(), whole("tentative"))
    assert capped["confidence"] == "medium"
    assert "is not clear" in capped["confidence_reason"]
    assert content(good(confidence="low"))["confidence"] == "low"


def test_a_checked_answer_holds() -> None:
    assert_holds({"content": content(good())}, whole(), evidence())


@pytest.mark.parametrize(
    "answer",
    [
        good(recommendations=good()["recommendations"][:2]),
        good(recommendations=good()["recommendations"] * 4),
        good(extra="field"),
        good(summary=[]),
        good(confidence="certain"),
        good(summary=[{"text": "No citation at all.", "citations": []}]),
        good(summary=[{"text": "x" * 401, "citations": ["counts"]}]),
        advising(effect={"value": 0.5}),
        advising(expected_effect="Twice as many."),
        advising(safety="safe"),
    ],
)
def test_the_form_is_strict(answer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        answer_of(answer)
