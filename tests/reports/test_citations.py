"""Stable names for the parts of a report, with labels and places."""

from tests.reports import documents
from tests.reports.sections import evidence, whole
from tests.reports.test_trend import weeks

from setpoint.reports.citations import (
    evidence_citation,
    is_pattern,
    targets,
)
from setpoint.reports.synthesis_material import material
from setpoint.reports.trend import trend_section


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
    assert [name for name in found if name.startswith("evidence:")] == [evidence_citation(n) for n in (1, 2, 3, 4)]
    assert {"timing", "patterns"} < found.keys()


def test_the_trend_can_be_cited_and_is_shown() -> None:
    document = whole(trend=trend_section(weeks([10, 14, 18, 22, 26]), 14))
    assert targets(document)["trend"] == "Booking rate by week"
    part = material(document)["trend"]
    assert str(part["change from week to week"]).startswith("+4.0 points (95%: ")
    assert part["weeks"][0]["booked so far"] == "10.0% (95%: 5.5 to 17.4%)"


def test_what_a_report_has_not_cannot_be_cited() -> None:
    found = targets(documents.realistic())
    assert not {"adjustment", "timing", "patterns"} & found.keys()
    assert not any(is_pattern(name) or name.startswith("evidence:") for name in found)
    assert list(targets(documents.empty_cohort())) == ["counts", "comparison"]
