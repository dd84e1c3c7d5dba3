"""Patterns find what was planted, and little where nothing was; their evidence is drawn alike every time."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from tests.reports.pattern_worlds import draw_rows, hand_rows

from setpoint.domain.measured import Measured, Refused
from setpoint.reports.features import contrasts
from setpoint.reports.pattern_rules import EVIDENCE_PER_CELL, Rows, find, held_equal, holds, kind_of, run_tests
from setpoint.reports.schemas import PatternDocument

CONTRASTS = {contrast.key: contrast for contrast in contrasts()}


def finding(table: pa.Table, key: str) -> PatternDocument:
    (found,) = (each for each in find(table, "seed").findings if each["key"] == key)
    return found


def share_with_a_finding(runs: int) -> float:
    told = 0
    for seed in range(runs):
        table = draw_rows(np.random.default_rng([seed, 17]), leads=400, nothing_matters=True)
        found = run_tests(Rows(table)).found
        assert len(found) > 25, "most contrasts can be tested"
        told += any(kind_of(result, q) != "none" for _, result, q in found)
    return told / runs


def test_where_nothing_matters_little_is_found() -> None:
    # Of 100 runs at 5%, more than 9 would come once in 35 times.
    assert share_with_a_finding(100) <= 0.09


@pytest.mark.proof
def test_where_nothing_matters_little_is_found_in_a_thousand_runs() -> None:
    # 3.0% as measured; 6.1% with p-values by the variance of the interval alone.
    assert share_with_a_finding(1000) <= 0.05


def test_a_planted_effect_is_found_at_its_size() -> None:
    table = draw_rows(np.random.default_rng(3), leads=2000, offers=np.array([0.1, 0.1, 0.1]))
    offering = finding(table, "offers_times")
    measured = offering["estimate"]["measured"]
    assert measured is not None
    assert measured["low"] < 0.1 < measured["high"]
    assert measured["high"] - measured["low"] < 0.06
    assert (offering["kind"], offering["fails_to_hold"]) == ("pattern", [])
    assert {part["label"]: part["holds"] for part in offering["parts"]} == dict.fromkeys(
        ("AI", "Setter", "Email", "SMS", "LinkedIn"), True
    )
    assert find(table, "seed").findings[0]["feature"] in ("call_to_action", "times_offered")


def test_the_interval_holds_the_planted_effect() -> None:
    held = 0
    for seed in range(60):
        rows = Rows(draw_rows(np.random.default_rng([seed, 5]), leads=500, offers=np.array([0.08, 0.08, 0.08])))
        result = rows.compare(CONTRASTS["offers_times"], rows.sides(CONTRASTS["offers_times"]))
        assert not isinstance(result, Refused)
        held += result.difference.low < 0.08 < result.difference.high
    assert 53 <= held <= 59


def test_a_channel_where_the_sign_turns_is_named() -> None:
    table = draw_rows(np.random.default_rng(4), leads=2000, offers=np.array([0.15, -0.1, 0.15]), base=0.15)
    offering = finding(table, "offers_times")
    assert offering["kind"] == "pattern"
    assert offering["fails_to_hold"] == ["SMS"]
    assert {part["label"]: part["holds"] for part in offering["parts"] if part["by"] == "channel"} == {
        "Email": True,
        "SMS": False,
        "LinkedIn": True,
    }


WHOLE = Measured(0.02, 0.01, 0.03)


@pytest.mark.parametrize(
    ("part", "held"),
    [
        (Measured(0.03, 0.001, 0.05), True),
        (Measured(0.005, 0.001, 0.009), True),  # Weaker, but there.
        (Measured(0.01, -0.01, 0.03), None),
        (Measured(-0.01, -0.05, 0.03), None),  # The other way, on too little to see it.
        (Measured(-0.01, -0.03, 0.01), False),  # The other way, where the whole effect would have been seen.
        (Measured(-0.02, -0.03, -0.01), False),
        (Measured(0.0, -0.01, 0.01), False),
        (Measured(0.001, -0.01, 0.012), None),
        (Refused("Too few."), None),
    ],
)
def test_whether_an_effect_holds_in_a_part(part: Measured | Refused, held: bool | None) -> None:
    assert holds(part, WHOLE) is held
    if isinstance(part, Measured):
        mirrored = Measured(-part.value, -part.high, -part.low)
        assert holds(mirrored, Measured(-0.02, -0.03, -0.01)) is held


def test_each_contrast_is_held_equal_in_all_but_itself() -> None:
    always = ("channel", "sender", "campaign")
    by_feature = {contrast.feature: held_equal(contrast) for contrast in contrasts()}
    assert by_feature.pop("touch") == (*always, "wait")
    assert held_equal(CONTRASTS["unanswered"]) == (*always, "touch")
    assert held_equal(CONTRASTS["within_hour"]) == (*always, "touch", "written")
    assert held_equal(CONTRASTS["within_day"]) == (*always, "touch", "written")
    del by_feature["wait"]
    assert set(by_feature.values()) == {(*always, "touch", "wait")}


def test_what_a_campaign_brings_is_not_told_for_what_its_templates_say() -> None:
    """Of the leads of one campaign 20% book, of the other's 10%; a link, frequent in the first, changes nothing."""
    table = hand_rows(
        (160, {"link": "yes", "campaign": "warm"}, True),
        (640, {"link": "yes", "campaign": "warm"}, False),
        (40, {"link": "no", "campaign": "warm"}, True),
        (160, {"link": "no", "campaign": "warm"}, False),
        (20, {"link": "yes", "campaign": "cold"}, True),
        (180, {"link": "yes", "campaign": "cold"}, False),
        (80, {"link": "no", "campaign": "cold"}, True),
        (720, {"link": "no", "campaign": "cold"}, False),
    )
    link = finding(table, "link")
    measured = link["estimate"]["measured"]
    assert measured is not None
    assert link["kind"] == "none"
    assert measured["value"] == pytest.approx(0)
    assert (link["with_it"]["rate"], link["without"]["rate"]) == (0.18, 0.12)


def test_a_feature_that_is_its_campaigns_alone_is_not_compared() -> None:
    table = hand_rows(
        (160, {"link": "yes", "campaign": "warm"}, True),
        (840, {"link": "yes", "campaign": "warm"}, False),
        (80, {"link": "no", "campaign": "cold"}, True),
        (920, {"link": "no", "campaign": "cold"}, False),
    )
    (link,) = (each for each in find(table, "seed").untested if each["key"] == "link")
    assert link["reason"] == "Messages that are otherwise alike either all have it or none of them does."


def test_the_estimate_is_what_hand_arithmetic_gives() -> None:
    """Differences of 10 and 20 points in two channels, with weights of 100x100/200 and 50x50/100."""
    table = hand_rows(
        (20, {"question": "yes"}, True),
        (80, {"question": "yes"}, False),
        (10, {"question": "no"}, True),
        (90, {"question": "no"}, False),
        (20, {"question": "yes", "channel": "sms"}, True),
        (30, {"question": "yes", "channel": "sms"}, False),
        (10, {"question": "no", "channel": "sms"}, True),
        (40, {"question": "no", "channel": "sms"}, False),
    )
    asking = finding(table, "question")
    measured = asking["estimate"]["measured"]
    assert measured is not None
    assert measured["value"] == pytest.approx((0.1 * 50 + 0.2 * 25) / 75)
    assert asking["with_it"] == {"booked": 40, "not_booked": 110, "rate": 40 / 150}
    assert asking["without"] == {"booked": 20, "not_booked": 130, "rate": 20 / 150}
    assert asking["leads"] == 300
    by_channel = {part["value"]: part["estimate"]["measured"] for part in asking["parts"]}
    assert {channel: round(each["value"], 6) for channel, each in by_channel.items() if each} == {
        "email": 0.1,
        "sms": 0.2,
    }
    assert [part["by"] for part in asking["parts"]] == ["channel", "channel"], "there is one sender only"


def test_what_cannot_be_told_of_a_message_leaves_it_out_of_that_contrast_alone() -> None:
    cells = [
        (30, {"question": "yes"}, True),
        (70, {"question": "yes"}, False),
        (10, {"question": "no"}, True),
        (90, {"question": "no"}, False),
    ]
    alone = finding(hand_rows(*cells), "question")
    beside = finding(hand_rows(*cells, (500, {"link": "yes"}, True), (500, {"link": "no"}, False)), "question")
    assert {**beside, "q_value": 0} == {**alone, "q_value": 0}


def test_a_small_part_is_refused_and_shows_no_number() -> None:
    table = hand_rows(
        (60, {"question": "yes"}, True),
        (140, {"question": "yes"}, False),
        (20, {"question": "no"}, True),
        (180, {"question": "no"}, False),
        (2, {"question": "yes", "channel": "linkedin"}, True),
        (1, {"question": "no", "channel": "linkedin"}, False),
    )
    asking = finding(table, "question")
    assert asking["kind"] == "pattern"
    (linkedin,) = (part for part in asking["parts"] if part["value"] == "linkedin")
    assert linkedin["estimate"]["measured"] is None
    assert linkedin["estimate"]["refused"] is not None
    assert linkedin["holds"] is None


def test_how_fast_an_answer_came_is_compared_among_leads_who_wrote() -> None:
    """Fast and slow answers book alike; leads who never wrote hardly book, and take no part."""
    table = hand_rows(
        (60, {"wait": "hour"}, True),
        (140, {"wait": "hour"}, False),
        (61, {"wait": "later"}, True),
        (139, {"wait": "later"}, False),
        (10, {"wait": "none"}, True),
        (990, {"wait": "none"}, False),
    )
    fast = finding(table, "within_hour")
    assert fast["kind"] == "none"
    assert fast["leads"] == 400
    assert finding(table, "unanswered")["kind"] == "anti_pattern"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([(40, {"question": "yes"}, True), (40, {"question": "yes"}, False)], "All messages have it."),
        ([(40, {"question": "no"}, True), (40, {"question": "no"}, False)], "No message has it."),
        ([(40, {"link": "no"}, True), (40, {"link": "no"}, False)], "It cannot be told of any message."),
        (
            [(40, {"question": "yes"}, True), (40, {"question": "no", "channel": "sms"}, False)],
            "Messages that are otherwise alike either all have it or none of them does.",
        ),
        (
            [(3, {"question": "yes"}, True), (3, {"question": "no"}, False)],
            "Too few messages with the feature or without it. At least 14 more are needed.",
        ),
        (
            [(50, {"question": "yes"}, False), (50, {"question": "no"}, False)],
            "The outcome is the same everywhere: there is nothing to compare.",
        ),
    ],
)
def test_what_cannot_be_tested_says_why(cells: list[tuple[int, dict[str, str], bool]], reason: str) -> None:
    found = find(hand_rows(*cells), "seed")
    assert found.findings == []
    assert len(found.untested) == len(contrasts())
    (asking,) = (each for each in found.untested if each["key"] == "question")
    assert asking["reason"] == reason


def test_the_surest_stand_first_and_all_are_there() -> None:
    found = find(draw_rows(np.random.default_rng(8), leads=800, offers=np.array([0.1, 0.1, 0.1])), "seed")
    p_values = [each["p_value"] or 0 for each in found.findings]
    assert p_values == sorted(p_values)
    q_values = [each["q_value"] or 0 for each in found.findings]
    assert q_values == sorted(q_values)
    keys = [each["key"] for each in found.findings] + [each["key"] for each in found.untested]
    assert sorted(keys) == sorted(CONTRASTS)


def test_the_evidence_is_of_both_sides_and_outcomes_and_drawn_by_the_seed() -> None:
    table = draw_rows(np.random.default_rng(9), leads=1000, offers=np.array([0.15, 0.15, 0.15]))
    found = find(table, "seed")
    told = {each["key"] for each in found.findings if each["kind"] != "none"}
    assert set(found.evidence) == told
    messages = {row["message_id"]: row for row in table.to_pylist()}
    shown = found.evidence["offers_times"]
    with_it = [each for each in shown if messages[each]["call_to_action"] == "times"]
    assert shown[: len(with_it)] == with_it
    kinds = Counter((messages[each]["call_to_action"] == "times", messages[each]["credited"]) for each in shown)
    assert kinds == dict.fromkeys([(a, b) for a in (True, False) for b in (True, False)], EVIDENCE_PER_CELL)
    assert [found.outcomes[each] for each in shown[:4]] == ["BOOKED", "NOT_BOOKED", "BOOKED", "NOT_BOOKED"]
    for message, outcome in found.outcomes.items():
        # A message of a lead who booked later is neither: it is not shown.
        assert messages[message]["outcome"] == outcome
        assert messages[message]["credited"] == (outcome == "BOOKED")
    assert find(table, "seed") == found
    other = find(table, "another")
    assert other.findings == found.findings
    assert other.evidence["offers_times"] != shown
    # Nearly alike: what is drawn goes by the ids and not by how many messages there are.
    fewer = find(table.slice(0, table.num_rows - 1), "seed").evidence["offers_times"]
    assert len(set(fewer) & set(shown)) >= len(shown) - 2


def test_dictionaries_give_what_texts_give() -> None:
    table = draw_rows(np.random.default_rng(10), leads=300)
    encoded = pa.table(
        {
            name: column.dictionary_encode() if pa.types.is_string(column.type) and name != "message_id" else column
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    )
    assert find(encoded, "seed") == find(table, "seed")
