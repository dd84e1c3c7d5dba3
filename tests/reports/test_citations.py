"""Stable names for the parts of a report, with labels and places."""

from tests.reports import documents
from tests.reports.sections import evidence, whole

from setpoint.domain.vocabulary import Attribution
from setpoint.reports.citations import (
    Target,
    anchor,
    cited,
    comparison_citation,
    evidence_citation,
    is_evidence,
    is_pattern,
    pattern_citation,
    segment_citation,
    targets,
)


def test_everything_that_a_report_holds_can_be_cited() -> None:
    found = targets(whole(), evidence())
    assert found["counts"] == "Leads by outcome"
    assert found["comparison"] == "AI and setters"
    assert found["comparison:linkedin"] == "AI and setters on LinkedIn"
    assert found["adjustment"] == "AI and setters, what is known of the leads held equal"
    assert found["pattern:offers_times"] == "Messages that offer times"
    assert found["pattern:question"] == "Messages that ask a question"
    assert found["segment:cross_channel/email/ai"] == "Email, AI (cross-channel)"
    assert found["segment:within_channel/sms/setter"] == "SMS, Setter (within-channel)"
    assert [name for name in found if is_evidence(name)] == [evidence_citation(n) for n in (1, 2, 3, 4)]
    assert {"timing", "patterns"} < found.keys()


def test_what_a_report_has_not_cannot_be_cited() -> None:
    found = targets(documents.realistic())
    assert not {"adjustment", "timing", "patterns"} & found.keys()
    assert not any(is_pattern(name) or is_evidence(name) for name in found)
    assert list(targets(documents.empty_cohort())) == ["counts", "comparison"]


def test_each_citation_has_a_place_of_its_own() -> None:
    found = targets(whole(), evidence())
    places = {anchor(name) for name in found}
    assert len(places) == len(found)
    assert all(place.replace("-", "").replace("_", "").isalnum() for place in places)
    assert anchor(pattern_citation("offers_times")) == "pattern-offers_times"
    assert anchor(segment_citation(Attribution.CROSS_CHANNEL, "email", "ai")) == "segment-cross_channel-email-ai"


def test_a_page_gets_the_citations_that_are_there() -> None:
    found = cited(["comparison:sms", "evidence:9", "timing"], targets(whole()))
    assert found == [
        Target(comparison_citation("sms"), "AI and setters in SMS", "comparison-sms"),
        Target("timing", "Time to booking", "timing"),
    ]
