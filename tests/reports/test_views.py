"""The later sections arranged for a reader: words, order, and where a citation leads."""

import pytest
from tests.reports import documents
from tests.reports import sections_fixture as sections

from setpoint.reports.answer import answer_of
from setpoint.reports.view_adjustment import adjustment_view
from setpoint.reports.view_patterns import patterns_view
from setpoint.reports.view_synthesis import Citation, citation_targets, cited, synthesis_facts, synthesis_view
from setpoint.reports.view_timing import days_sentence, timing_view
from setpoint.reports.view_trend import trend_view


def test_a_report_without_a_section_has_no_view_of_it() -> None:
    views = [adjustment_view(None), timing_view(None, 1), patterns_view(None), trend_view(None, 1)]

    assert [*views, synthesis_view(documents.realistic())] == [None] * 5


def test_the_answer_is_the_adjusted_one_with_its_strength_and_reasons() -> None:
    answer = answer_of(documents.realistic() | sections.rich())

    assert answer.verdict.startswith("AI books 2.8 points more than setters (95%: 0.9 to 4.7)")
    assert answer.strength == "Tentative: read the reasons before you act on it."
    assert len(answer.reasons) == 3
    assert (answer.is_adjusted, answer.missing) == (True, [])


def test_without_an_adjustment_the_answer_is_the_crude_one_and_says_what_is_missing() -> None:
    answer = answer_of(documents.realistic() | {"timing": sections.timing()})

    assert answer.verdict.startswith("No overall winner can be named.")
    assert answer.caveats[0].startswith("This is a first, crude comparison.")
    assert answer.missing == [
        "a comparison with other things held equal",
        "the rate by week",
        "patterns",
        "recommendations",
    ]
    assert answer_of(documents.realistic() | {"dry_run": True}).missing == []


@pytest.mark.parametrize(
    ("in_window", "counting", "verdict"),
    [
        (0, 0, "Nothing was sent in this window."),
        (7, 0, "Nothing that counts was sent in this window."),
        (7, 5, "Every lead who was sent something in this window had booked before it."),
    ],
)
def test_an_empty_window_is_said_in_a_sentence(in_window: int, counting: int, verdict: str) -> None:
    document = documents.empty_cohort() | sections.nothing_told()
    document["messages"] |= {"in_window": in_window, "counting": counting}

    assert answer_of(document).verdict == verdict


def test_a_reason_that_the_verdict_has_is_not_said_twice() -> None:
    answer = answer_of(documents.one_sender() | sections.nothing_told())

    assert (answer.strength, answer.reasons) == ("", [])


def test_the_ladder_has_points_with_signs_or_the_reason() -> None:
    view, refused = adjustment_view(sections.adjustment()), adjustment_view(sections.adjustment_refused())
    assert view is not None
    assert refused is not None

    assert [(line.key, line.value, line.interval) for line in view.ladder[:2]] == [
        ("crude", "−2.5", "−4.1 to −0.9"),
        ("stratified", "+3.1", "+1.4 to +4.8"),
    ]
    assert view.ladder[3].rests_on == "1,288 messages"
    assert "AI 9.8%, setters 7.0%. This rests on 3,968 leads; 291 of AI and 115 of setters" in view.used
    assert view.strata == (
        "9 of 14 strata have leads of both. Odds ratio 1.52 (95%: 1.18 to 1.96, p = 0.001). Whether strata "
        "differ cannot be told (Breslow-Day p = 0.410)."
    )
    assert view.sensitivity[1] == (
        "Robustness value 4.6% (1.5% for the interval); E-value 2.14 (1.45 for the interval)."
    )
    assert (view.balance[0].label, view.balance[0].gap) == ("Channel", "51%")
    assert view.balance[0].most is view.balance[0].levels[0]
    assert (view.balance[0].most.ai_share, view.balance[0].most.setter_share) == ("86%", "35%")
    assert all(not line.value and "Only setters" in line.interval for line in refused.ladder)
    assert (refused.used, refused.sensitivity, refused.overlap) == ("", [], [])


def test_the_days_without_a_booking_are_more_or_fewer_and_never_below_zero() -> None:
    section = sections.timing()
    ai = timing_view(section, 1)
    section["days_sooner"] = sections.measured(-0.62, -1.3, -0.2)
    setter = timing_view(section, 1)
    section["days_sooner"] = sections.measured(-0.62, -1.3, 0.2)
    untold = timing_view(section, 1)
    refused = timing_view(sections.timing_refused(), 1)
    assert ai is not None
    assert setter is not None
    assert untold is not None
    assert refused is not None

    assert ai.difference.startswith(
        "Of the first 30 days AI's leads spent 0.6 days fewer without a booking than the setters' on average"
        " (95%: 0.05 to 1.2 days). "
    )
    assert setter.difference.startswith(
        "Of the first 30 days AI's leads spent 0.6 days more without a booking than the setters' on average"
        " (95%: 0.2 to 1.3 days). "
    )
    assert days_sentence(section) == (
        "Of the first 30 days AI's leads spent between 1.3 days more and 0.2 days fewer without a booking than the"
        " setters' on average (95%): a difference cannot be told."
    )
    assert untold.difference == "Whether the curves differ at all: log-rank p = 0.031."
    assert refused.difference == "How many days more or fewer without a booking: There is one sender only."
    assert refused.days[1][1][1].interval == "Nobody was watched for 30 days yet. About 120 more are needed."


def test_patterns_stand_by_effect_told_before_untold() -> None:
    view = patterns_view(sections.patterns())
    assert view is not None

    assert [line.value for line in view.told] == ["+4.1", "+2.6", "+1.9", "−3.4", "−1.7"]
    assert [line.value for line in view.untold] == ["+0.8", "+0.3", "−0.9"]
    assert [line.address for line in view.anti_patterns] == ["pattern-last_one", "pattern-booking_link"]
    assert (view.told[0].q, view.told[1].fails, view.told[0].fails) == ("< 0.001", "Setter", "")
    assert view.told[0].parts == "AI +4.1, Setter −1.4, SMS cannot be told"
    assert view.untested[0] == ("Names the lead's company", "Too few messages name it: 12.")
    assert "at most 5%" in view.promise


@pytest.mark.parametrize(
    ("citation", "expected"),
    [
        ("pattern:short", Citation("Messages that are short", "pattern-short")),
        ("pattern:unknown", Citation("pattern:unknown", None)),
        ("comparison:sms", Citation("AI against setters · SMS", "comparison-sms")),
        ("comparison:fax", Citation("AI against setters, by channel", "comparison")),
        ("adjustment", Citation("How sure, how confounded", "adjustment")),
        (
            "segment:within_channel/linkedin/setter",
            Citation("Setter · LinkedIn, within-channel", "segments-within_channel-linkedin-setter"),
        ),
        (
            "segment:cross_channel/email/ai/EDITED",
            Citation("AI · Email, cross-channel", "segments-cross_channel-email-ai"),
        ),
        ("counts", Citation("Outcomes", "counts")),
        ("evidence:3", Citation("Message 3", None)),
        ('"><script>', Citation('"><script>', None)),
        ("", Citation("", None)),
    ],
)
def test_a_citation_leads_to_the_part_of_the_page_that_it_names(citation: str, expected: Citation) -> None:
    assert cited(citation, citation_targets(documents.realistic() | sections.rich())) == expected


def test_what_the_report_lacks_cannot_be_led_to() -> None:
    targets = citation_targets(documents.realistic())

    assert cited("timing", targets) == Citation("timing", None)


def test_a_recommendation_has_its_effect_and_whether_a_person_must_look() -> None:
    view = synthesis_view(documents.realistic() | sections.rich())
    assert view is not None

    first, second, third = view.recommendations
    assert (first.safety_label, second.safety_label) == ("Safe for auto-send", "Needs review")
    assert first.measured == "+4.1 points (95%: +2.3 to +5.9)"
    assert third.measured == ""
    assert [citation.address for citation in third.citations] == ["adjustment", "timing", None]


def test_the_recipe_names_the_model_or_says_that_there_was_none() -> None:
    document = documents.realistic()

    assert synthesis_facts(document) == []
    assert synthesis_facts(document | {"synthesis": sections.synthesis()}) == [
        ("Synthesis", "sonnet-5, effort medium"),
        ("Its prompt", "report.synthesis, version 3, 5f1d"),
    ]
    assert synthesis_facts(document | {"synthesis": sections.synthesis_from_statistics()}) == [
        ("Synthesis", "from the statistics alone")
    ]


def test_weeks_stand_side_by_side_and_a_missing_one_is_none() -> None:
    section = sections.trend()
    section["weeks"] = [w for w in section["weeks"] if not (w["sender"] == "ai" and w["start"] == "2026-01-12")]
    view = trend_view(section, 1)
    assert view is not None
    start, is_young, lines = view.weeks[1]

    assert [label for label, _ in view.senders] == ["AI", "Setter"]
    assert (start, is_young, lines[0]) == ("2026-01-12", False, None)
    assert view.weeks[-1][1]
