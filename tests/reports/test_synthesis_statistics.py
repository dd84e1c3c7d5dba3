"""What a synthesis says where no model does."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reports import documents
from tests.reports.sections import (
    LINK,
    QUESTION,
    TIMES,
    adjustment,
    part,
    pattern,
    patterns,
    refused,
    timing,
    whole,
)
from tests.reports.synthesising import assert_holds

from setpoint.reports.pattern_words import NO_BOOKINGS, NO_TEXT
from setpoint.reports.synthesis_statistics import from_statistics

EDGES = {
    "clear": whole(),
    "tentative": whole("tentative"),
    "none": whole("none"),
    "numbers of version 1": documents.realistic(),
    "no bookings": documents.no_bookings(),
    "one sender": documents.one_sender(),
    "all pending": documents.all_pending(),
    "empty": documents.empty_cohort(),
    "full grid": documents.full_grid(),
    "no texts": whole(
        "none",
        patterns=patterns(refused={"reason": NO_TEXT, "needed": None}, tested=0, with_text=0),
        timing=timing(days_sooner=refused("Too few bookings.")),
    ),
}


def titles(document: dict[str, Any]) -> list[str]:
    return [one["title"] for one in from_statistics(document)["recommendations"]]


@pytest.mark.parametrize("name", EDGES)
def test_every_report_has_a_synthesis_that_holds(name: str) -> None:
    assert_holds({"content": from_statistics(EDGES[name])}, EDGES[name])


def test_patterns_that_could_not_be_told_are_asked_for_where_they_can_be() -> None:
    assert "Make it possible to look for patterns" in titles(EDGES["no texts"])
    few = whole("none", patterns=patterns(refused={"reason": NO_BOOKINGS, "needed": None}, tested=0, with_text=0))
    assert "Look for patterns again once there is more" in titles(few)


def test_it_says_what_the_report_has_told() -> None:
    content = from_statistics(whole())
    assert [claim["text"] for claim in content["summary"]] == [
        "With what is known of the leads held equal, AI books 2.6 points more than setters (95%: 1.1 to 4.1).",
        "Leads of AI that book do so 1.4 days sooner within 30 days (95%: 0.6 to 2.2).",
        (
            "27 contrasts of messages were tested. The surest: more bookings go with messages that offer times, or"
            " that are short (under 40 words), fewer with those that have a link."
        ),
        "513 leads are pending and may still book.",
    ]
    assert [claim["citations"] for claim in content["patterns"]] == [["pattern:offers_times"], ["pattern:short"]]
    assert content["patterns"][1]["text"].endswith("Where it does not hold: setters and SMS.")
    assert [claim["citations"] for claim in content["anti_patterns"]] == [["pattern:link"]]
    assert content["confidence"] == "high"


def test_effects_are_those_that_were_measured() -> None:
    to_ai, times, short, link, *_ = from_statistics(whole())["recommendations"]
    assert to_ai["title"] == "Give AI more of the leads that setters get now"
    assert to_ai["effect"] == {"value": 0.0262, "low": 0.0111, "high": 0.0413, "confidence": 0.95}
    assert times["expected_effect"] == (
        "Seen: between 1.8 and 6.4 points more (95%). How much of that a change brings is not known until it is"
        " measured."
    )
    assert times["effect"] == TIMES["estimate"]["measured"]
    assert link["expected_effect"].startswith(
        "Seen: between 1.2 and 4.3 points more (95%) where messages did without it."
    )
    assert [one["safety"] for one in (to_ai, times, short, link)] == [
        "needs_review",
        "needs_review",
        "needs_review",
        "safe_for_auto_send",
    ]


def test_who_gets_leads_is_advised_only_where_it_is_clear() -> None:
    assert titles(whole())[0].startswith("Give AI more")
    setters = adjustment(winner="setter", ladder=[{**adjustment()["ladder"][0], "key": "adjusted"}])
    given_setters = from_statistics(whole(adjustment=setters))["recommendations"][0]
    assert given_setters["title"] == "Give setters more of the leads that AI gets now"
    assert given_setters["expected_effect"].startswith("Between 0.8 and 4.2 points more (95%) for leads that setters")
    for strength in ("tentative", "none"):
        found = titles(whole(strength))
        assert not any(title.startswith("Give ") for title in found)
        assert "Share the leads between AI and setters by lot in email" in found


def test_what_cannot_be_told_yet_names_what_is_missing() -> None:
    document = documents.make_document({("ai", "sms", ""): (4, 60, 2), ("setter", "sms", ""): (9, 70, 3)})
    found = from_statistics(document)["recommendations"]
    wait = next(one for one in found if one["title"].startswith("Wait for about"))
    needed = document["comparison"]["overall"]["refused"]["needed"]
    assert needed > 100
    assert wait["expected_effect"] == "Unknown until measured."


def test_what_the_data_leave_open_is_named_only_where_it_is_open() -> None:
    open_ends = {
        "Say who sent each message",
        "Import when each meeting was made",
        "Find the messages behind bookings that none is credited with",
        "Run this report again in 7 days",
    }
    assert open_ends <= set(titles(whole()))
    counts = whole()["counts"] | {"BOOKED_NO_TIMESTAMP": 0, "UNATTRIBUTED": 0, "PENDING": 0}
    assert not open_ends & set(titles(whole(counts=counts, inferred_sender={"cross_channel": 0})))


@pytest.mark.parametrize(
    ("key", "phrase"),
    [
        ("first_touch", "are the first to the lead"),
        ("afternoon", "arrive in the lead's afternoon"),
        ("evening", "arrive in the lead's evening or night"),
        ("within_hour", "answer the lead within an hour"),
    ],
)
@pytest.mark.parametrize("kind", ["pattern", "anti_pattern"])
def test_who_gets_a_message_and_when_is_no_advice_about_its_words(key: str, phrase: str, kind: str) -> None:
    low, high = (0.01, 0.03) if kind == "pattern" else (-0.03, -0.01)
    told = pattern(key, phrase, kind, (low + high) / 2, low, high)
    content = from_statistics(whole(patterns=patterns(told)))
    claims = content["patterns" if kind == "pattern" else "anti_patterns"]
    assert [claim["citations"] for claim in claims] == [[f"pattern:{key}"]]
    assert not any(f"pattern:{key}" in one["citations"] for one in content["recommendations"])


def test_what_goes_with_bookings_is_advised_as_a_trial_by_lot() -> None:
    advice = next(one for one in from_statistics(whole())["recommendations"] if "offer times" in one["title"])
    assert advice["action"] == (
        "Within a campaign, let chance decide which leads get messages that offer times, and change nothing else in"
        " prompts and templates. The next report shows this contrast again, then among leads that chance divided."
    )


def test_a_difference_in_time_that_cannot_be_told_is_no_advice() -> None:
    title = "Find out why the leads of one side book sooner or more often"
    assert title in titles(whole())
    level = {"measured": {"value": 0.2, "low": -0.4, "high": 0.8, "confidence": 0.95}, "refused": None}
    assert title not in titles(whole(timing=timing(days_sooner=level)))
    assert title not in titles(whole(timing=timing(log_rank_p_value=0.2)))


@pytest.mark.parametrize(
    ("document", "confidence", "reason"),
    [
        (whole("none", patterns=patterns(QUESTION)), "low", "Neither AI and setters"),
        (documents.empty_cohort(), "low", "No lead has a settled outcome yet."),
        (whole(counts=whole()["counts"] | {"PENDING": 99_999}), "low", "More leads are pending than settled."),
        (whole("tentative"), "medium", "the comparison of AI and setters is not clear"),
        (whole(patterns=patterns(TIMES, LINK)), "medium", "few or no contrasts"),
        (whole(counts=whole()["counts"] | {"PENDING": 1_500}), "medium", "many leads are still pending"),
    ],
)
def test_confidence_is_no_higher_than_the_report_allows(
    document: dict[str, Any], confidence: str, reason: str
) -> None:
    content = from_statistics(document)
    assert content["confidence"] == confidence
    assert reason in content["confidence_reason"]


FINDINGS = st.builds(
    lambda n, kind, value, width, fails, ai: pattern(
        f"k{n}",
        f"have feature {'abcdefgh'[n]}",
        kind,
        value if kind != "anti_pattern" else -value,
        (value if kind != "anti_pattern" else -value) - width,
        (value if kind != "anti_pattern" else -value) + width,
        fails_to_hold=fails,
        parts=[part("sender", "ai", "AI", ai)],
    ),
    st.integers(0, 7),
    st.sampled_from(["pattern", "anti_pattern", "none"]),
    st.floats(0.001, 0.3),
    st.floats(0.0002, 0.3),
    st.lists(st.sampled_from(["setters", "SMS"]), unique=True),
    st.sampled_from([True, False, None]),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(FINDINGS, max_size=8, unique_by=lambda found: found["key"]),
    st.sampled_from(["clear", "tentative", "none"]),
    st.tuples(*[st.integers(0, 3000)] * 6),
)
def test_every_number_of_it_is_one_of_the_report(
    findings: list[Any], strength: str, counts: tuple[int, int, int, int, int, int]
) -> None:
    segments = {("ai", "email", "APPROVED"): counts[:3], ("setter", "email", ""): counts[3:]}
    document = documents.make_document(
        segments,
        adjustment=adjustment(strength),
        timing=timing(),
        patterns=patterns(*findings),
    )
    content = from_statistics(document)
    assert_holds({"content": content}, document)
    safe = [one for one in content["recommendations"] if one["safety"] == "safe_for_auto_send"]
    told = {f"pattern:{one['key']}": one for one in findings}
    for one in safe:
        for citation in one["citations"]:
            assert told[citation]["kind"] != "none"
            assert told[citation]["fails_to_hold"] == []
            assert told[citation]["parts"][0]["holds"] is True


def test_features_that_say_nearly_the_same_are_advised_once() -> None:
    document = whole()
    times, *others = document["patterns"]["findings"]
    again = times | {"key": "one_time", "feature": "times_offered"}
    first = times | {"feature": "call_to_action"}
    document["patterns"]["findings"] = [first, again, *others]
    cited = [one["citations"] for one in from_statistics(document)["recommendations"]]
    assert ["pattern:offers_times"] in cited
    assert ["pattern:one_time"] not in cited


def test_that_nothing_has_to_be_explained_is_no_caveat() -> None:
    nothing = {"robustness_value": 0.01, "robustness_value_interval": 0.0, "text": "No difference is told."}
    told = {"robustness_value": 0.1, "robustness_value_interval": 0.05, "text": "It would take a lot."}
    without, with_it = (
        from_statistics(whole(adjustment=adjustment(sensitivity=held)))["caveats"] for held in (nothing, told)
    )
    assert "No difference is told." not in without
    assert "It would take a lot." in with_it
