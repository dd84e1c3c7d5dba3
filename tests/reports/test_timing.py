"""The timing of a report: hand-worked sections, what may be said of them, and known truths recovered."""

import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.reports.schemas import EstimateDocument, IntervalDocument, SenderTiming, TimingSection
from setpoint.reports.timing import NOT_ADJUSTED, timing_section

Row = dict[str, Any]

WAIT = "Not enough data yet."
TOO_FEW = f"{WAIT} Only"


def rows(text: str) -> list[Row]:
    """Read "ai:booked:24*3": three leads of AI that booked after 24 hours."""
    found = []
    for item in text.split():
        clock, _, leads = item.partition("*")
        sender, state, hours = clock.split(":")
        found.append({"sender": sender, "state": state, "hours": int(hours), "leads": int(leads or 1)})
    return found


def left_out(state: str, leads: int) -> Row:
    return {"sender": "", "state": state, "hours": None, "leads": leads}


def side(section: TimingSection, sender: str) -> SenderTiming:
    (found,) = (each for each in section["senders"] if each["sender"] == sender)
    return found


def measured(estimate: EstimateDocument) -> IntervalDocument:
    assert estimate["measured"] is not None
    assert estimate["refused"] is None
    return estimate["measured"]


def reason(estimate: EstimateDocument) -> str:
    assert estimate["measured"] is None
    assert estimate["refused"] is not None
    return estimate["refused"]["reason"]


# Sides of 60: AI books 30 on day 1, setters 10 on day 10; everybody else is followed for 40 days.
CLEAR = rows("ai:booked:24*30 ai:open:960*30 setter:booked:240*10 setter:open:960*50")


def test_a_section_by_hand() -> None:
    section = timing_section(CLEAR)
    ai, setter = side(section, "ai"), side(section, "setter")

    assert (ai["leads"], ai["booked"], ai["lost"], ai["open"]) == (60, 30, 0, 30)
    assert (setter["leads"], setter["booked"], setter["lost"], setter["open"]) == (60, 10, 0, 50)
    assert [day["day"] for day in ai["days"]] == [14, 30]
    assert [measured(day["estimate"])["value"] for day in ai["days"]] == [0.5, 0.5]
    assert [day["at_risk"] for day in ai["days"]] == [30, 30]
    assert measured(setter["days"][0]["estimate"])["value"] == pytest.approx(1 / 6)
    # Of 30 days AI's leads spend 1 half the time and else 30: 15.5. The setters' 10 in a sixth, else 30: 26.67.
    assert measured(section["days_sooner"])["value"] == pytest.approx(26 + 2 / 3 - 15.5)
    assert section["log_rank_p_value"] is not None
    assert section["log_rank_p_value"] < 0.001
    assert section["verdict"].startswith(
        "AI's leads booked sooner or more often than the setters' leads: of the first 30 days they spent 11.2 fewer"
        " without a booking on average (95%: "
    )
    assert section["verdict"].endswith(
        "). This is not adjusted for who got which lead. By day 30, an estimated 50.0% (95%: 36.8 to 61.8%) of"
        " AI's 60 leads and 16.7% (95%: 8.6 to 27.1%) of the setters' 60 had booked."
    )
    assert section["caveats"] == [NOT_ADJUSTED]


def test_the_curve_is_drawn_where_it_moves() -> None:
    curve = side(timing_section(CLEAR), "ai")["curve"]

    assert [(point["day"], point["value"], point["at_risk"]) for point in curve] == [
        (0, 0, 60),
        (1, 0.5, 60),
        (30, 0.5, 30),
    ]
    assert 0 < curve[1]["low"] < 0.5 < curve[1]["high"] < 1


def test_a_curve_has_a_bounded_number_of_points_and_ends_where_knowledge_does() -> None:
    hourly = [{"sender": "ai", "state": "booked", "hours": hour, "leads": 1} for hour in range(500)]
    section = timing_section([*hourly, *rows("ai:open:501*500 setter:open:7")])
    days = [point["day"] for point in side(section, "ai")["curve"]]

    assert len(days) == 85
    assert days[:3] == [0, 0.25, 0.5]
    assert days[-2:] == [20.75, 501 / 24]
    assert [point["day"] for point in side(section, "setter")["curve"]] == [0, 7 / 24]


def test_who_is_better_is_told_from_either_side() -> None:
    swapped = {"ai": "setter", "setter": "ai"}
    section = timing_section([row | {"sender": swapped[row["sender"]]} for row in CLEAR])

    assert section["verdict"].startswith(
        "The setters' leads booked sooner or more often than AI's leads: of the first 30"
    )
    assert measured(section["days_sooner"])["value"] == pytest.approx(15.5 - 26 - 2 / 3)


def test_what_comes_after_the_horizon_changes_nothing() -> None:
    late = rows("ai:booked:721*5 ai:lost:721*5 setter:booked:721*40")
    still_open = rows("ai:open:720*10 setter:open:721*40")

    section, other = timing_section([*CLEAR, *late]), timing_section([*CLEAR, *still_open])
    assert section == other | {"input_sha256": section["input_sha256"]}
    at_the_last_hour = timing_section([*CLEAR, *rows("ai:booked:720*10 setter:open:960*40")])
    assert side(at_the_last_hour, "ai")["booked"] == 40


def test_lost_leads_compete_and_are_not_censored() -> None:
    """Half of AI's leads book at once or are lost; the rest are split the same way later: half book in the end.

    Had the lost been censored, all that are left would seem to book: 1 minus Kaplan-Meier says 75% where 50% do.
    """
    section = timing_section(rows("ai:booked:24*50 ai:lost:48*50 ai:booked:96*25 ai:open:960*75 setter:open:1"))
    ai = side(section, "ai")
    naive = timing_section(rows("ai:booked:24*50 ai:open:48*50 ai:booked:96*25 ai:open:960*75 setter:open:1"))

    assert (ai["booked"], ai["lost"], ai["open"]) == (75, 50, 75)
    # 50 of 200, then 25 of 100 of the half that is left.
    assert measured(ai["days"][0]["estimate"])["value"] == pytest.approx(0.25 + 0.5 * 0.25)
    assert measured(side(naive, "ai")["days"][0]["estimate"])["value"] == pytest.approx(0.25 + 0.75 * 0.25)
    assert any("50 leads opted out and count as lost from the last message on" in text for text in section["caveats"])


def test_bookings_at_the_first_instant_count_from_day_0() -> None:
    section = timing_section(
        rows("ai:booked:0*20 ai:open:960*20 setter:booked:0*5 setter:lost:0*5 setter:open:960*30")
    )

    assert side(section, "ai")["curve"][0] == pytest.approx(
        {"day": 0, "value": 0.5, "low": 0.34, "high": 0.64, "at_risk": 40}, abs=0.02
    )
    assert any(text.startswith("Most of those who booked did so within an hour.") for text in section["caveats"])


def test_a_day_that_nobody_has_seen_is_refused() -> None:
    section = timing_section(rows("ai:booked:24*30 ai:open:400*30 setter:booked:240*10 setter:open:390*50"))
    ai = side(section, "ai")

    assert measured(ai["days"][0]["estimate"])["value"] == 0.5
    assert reason(ai["days"][1]["estimate"]) == "None of AI's leads has been followed for 30 days yet."
    assert reason(section["days_sooner"]) == "None of AI's leads has been followed for 30 days yet."
    assert section["verdict"] == (
        "AI's leads booked sooner or more often than the setters' leads (log-rank test: p < 0.001). This is not"
        " adjusted for who got which lead. How many days that makes cannot be said: none of AI's leads has been"
        " followed for 30 days yet. By day 14, an estimated 50.0% (95%: 36.8 to 61.8%) of AI's 60 leads and 16.7%"
        " (95%: 8.6 to 27.1%) of the setters' 60 had booked."
    )


def test_a_day_that_few_have_seen_is_told_with_a_caveat() -> None:
    section = timing_section([*CLEAR[2:], *rows("ai:booked:24*30 ai:open:400*29 ai:open:960")])

    assert side(section, "ai")["days"][1]["at_risk"] == 1
    assert (
        "Only 1 of AI's leads was still followed on day 30: the share booked by then can change much."
        in section["caveats"]
    )


def test_a_side_of_which_nobody_booked_can_still_be_behind() -> None:
    section = timing_section(rows("ai:booked:24*30 ai:open:960*30 setter:open:960*60"))

    assert reason(section["days_sooner"]).startswith("None of the setters' leads has booked")
    assert section["verdict"].startswith("AI's leads booked sooner or more often than the setters' leads (log-rank")


def test_what_is_alike_is_not_told_apart() -> None:
    section = timing_section(rows("ai:booked:24*15 ai:open:960*45 setter:booked:30*14 setter:open:960*46"))

    assert section["log_rank_p_value"] is not None
    assert section["log_rank_p_value"] > 0.5
    assert section["verdict"].startswith(
        "No difference in how soon or how often the leads of AI and of setters booked can be told (95%, of the first"
        " 30 days: from 3."
    )
    assert " days fewer without a booking for the setters' leads to " in section["verdict"]
    assert " days fewer without a booking for AI's leads). By day 30" in section["verdict"]


def test_curves_that_cross_name_nobody() -> None:
    """AI books at once and then no more, setters book later and more: the pace differs, the days do not."""
    section = timing_section(rows("ai:booked:24*20 ai:open:960*80 setter:booked:480*46 setter:open:960*54"))

    assert section["log_rank_p_value"] is not None
    assert section["log_rank_p_value"] < 0.05
    interval = measured(section["days_sooner"])
    assert interval["low"] < 0 < interval["high"]
    assert section["verdict"].startswith(
        "Whose leads booked sooner or more often cannot be told: the test of their pace (p"
    )
    assert "do not agree." in section["verdict"]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", "No comparison. No lead got a first message in the window that it could have booked after."),
        (
            "ai:booked:24*30 ai:open:960*30",
            "No comparison. There are no leads to whom a setter wrote first: there is nothing to compare.",
        ),
        (
            "setter:open:5",
            "No comparison. There are no leads to whom AI wrote first: there is nothing to compare.",
        ),
        (
            "ai:open:960*500 setter:open:900*500 setter:lost:20*50",
            "Not enough data yet. Nobody has booked within 30 days of the first message yet.",
        ),
        (
            "ai:open:0*5 setter:open:0*5",
            "Not enough data yet. Nobody has booked within 30 days of the first message yet.",
        ),
        (
            "ai:booked:24*3 setter:open:960*3",
            f"{TOO_FEW} 3 leads have booked within 30 days of the first message: too few to compare how soon.",
        ),
        (
            "ai:booked:24 setter:open:960*3",
            f"{TOO_FEW} 1 lead has booked within 30 days of the first message: too few to compare how soon.",
        ),
        (
            "ai:booked:24*2 ai:open:960*2 setter:booked:24*40 setter:open:960*60",
            f"{WAIT} AI's leads are too few, or were followed too briefly, to compare how soon they book.",
        ),
    ],
)
def test_what_cannot_be_compared_is_not(text: str, verdict: str) -> None:
    section = timing_section(rows(text))

    assert section["verdict"] == verdict
    assert section["log_rank_p_value"] is None
    assert section["log_rank_refused"] == section["days_sooner"]["refused"]
    assert verdict.endswith(reason(section["days_sooner"]))


def test_everybody_booking_at_once_is_no_difference() -> None:
    section = timing_section(rows("ai:booked:0*50 setter:booked:0*50"))

    assert section["verdict"] == (
        "Not enough data yet. At no time were both sides followed while some had the event and others not."
    )
    assert json.loads(json.dumps(section)) == section


def test_a_sender_without_leads_has_no_numbers() -> None:
    setter = side(timing_section(rows("ai:open:5")), "setter")

    assert setter["refused"] == {"reason": "There are no leads to follow.", "needed": None}
    assert (setter["leads"], setter["curve"]) == (0, [])
    assert [reason(day["estimate"]) for day in setter["days"]] == ["There are no leads to follow."] * 2


def test_who_is_left_out_is_counted() -> None:
    out = [left_out("booked_before", 1200), left_out("no_timestamp", 1), left_out("two_senders", 2)]
    section = timing_section([*CLEAR, *out])

    assert section["senders"] == timing_section(CLEAR)["senders"]
    assert section["caveats"][1:] == [
        "Left out here: 1,200 leads that booked before the first message in the window, or got none in it.",
        "Left out here: 1 lead that booked at an instant that nobody knows.",
        "Left out here: 2 leads to which AI and a setter first wrote at the same instant.",
    ]


ANY_ROWS: st.SearchStrategy[list[Row]] = st.lists(
    st.builds(
        dict,
        sender=st.sampled_from(["ai", "setter"]),
        state=st.sampled_from(["booked", "lost", "open"]),
        hours=st.sampled_from([0, 1, 2, 23, 24, 335, 336, 337, 719, 720, 721]),
        leads=st.integers(1, 40),
    ),
    max_size=12,
)


@given(ANY_ROWS, st.randoms())
def test_any_section_is_whole(some: list[Row], rng: Any) -> None:
    section = timing_section(some)
    shuffled = list(some)
    rng.shuffle(shuffled)

    assert timing_section(shuffled) == section
    json.dumps(section, allow_nan=False)
    assert (section["log_rank_p_value"] is None) == (section["log_rank_refused"] is not None)
    for found in section["senders"]:
        assert found["booked"] + found["lost"] + found["open"] == found["leads"]
        for estimate in (section["days_sooner"], *(day["estimate"] for day in found["days"])):
            assert (estimate["measured"] is None) != (estimate["refused"] is None)
        values = [point["value"] for point in found["curve"]]
        assert values == sorted(values)
        assert all(0 <= point["low"] <= point["value"] <= point["high"] <= 1 for point in found["curve"])
        risk = [point["at_risk"] for point in found["curve"]]
        assert risk == sorted(risk, reverse=True)
    if "booked sooner or more often than" in section["verdict"]:
        assert section["log_rank_p_value"] is not None
        assert section["log_rank_p_value"] <= 0.05


# Known truths


def draw(rng: np.random.Generator, leads: int, daily: dict[str, float], lost: float) -> list[Row]:
    """Leads of each sender that book at a daily rate, are lost at another, and began at any of the last 60 days."""
    counts: Counter[tuple[str, str, int]] = Counter()
    for sender, rate in daily.items():
        booked, gone = rng.exponential(1 / rate, leads), rng.exponential(1 / lost, leads)
        followed = rng.uniform(0, 60, leads)
        stop = np.minimum(np.minimum(booked, gone), followed)
        state = np.select([stop == booked, stop == gone], ["booked", "lost"], "open")
        hours = np.minimum(np.ceil(stop * 24).astype(int), 721)
        counts.update(zip([sender] * leads, state.tolist(), hours.tolist(), strict=True))
    return [dict(zip(("sender", "state", "hours", "leads"), (*key, n), strict=True)) for key, n in counts.items()]


def coverage(draws: int, seed: int) -> tuple[dict[str, float], float]:
    """How often the band of day 14 and the interval of the days hold the truth; the mean share of day 14."""
    rng = np.random.default_rng(seed)
    book, lost = {"ai": 0.03, "setter": 0.015}, 0.02

    def share(rate: float, day: float) -> float:
        return rate / (rate + lost) * (1 - math.exp(-(rate + lost) * day))

    # The days without a booking among 30: what is left of them when the area under the share is taken off.
    def without(rate: float) -> float:
        both = rate + lost
        return 30 - rate / both * (30 - (1 - math.exp(-both * 30)) / both)

    held: Counter[str] = Counter()
    total = 0.0
    for _ in range(draws):
        section = timing_section(draw(rng, 300, book, lost))
        for sender, rate in book.items():
            for day in side(section, sender)["days"]:
                band = measured(day["estimate"])
                held[f"{sender} {day['day']}"] += band["low"] <= share(rate, day["day"]) <= band["high"]
        total += measured(side(section, "ai")["days"][0]["estimate"])["value"] / share(book["ai"], 14)
        days = measured(section["days_sooner"])
        held["days"] += days["low"] <= without(book["setter"]) - without(book["ai"]) <= days["high"]
    return {name: count / draws for name, count in held.items()}, total / draws


def test_planted_pace_is_recovered() -> None:
    covered, ratio = coverage(draws=250, seed=20260301)

    assert ratio == pytest.approx(1, abs=0.015)
    assert set(covered) == {"ai 14", "ai 30", "setter 14", "setter 30", "days"}
    assert all(0.915 <= share <= 0.985 for share in covered.values()), covered


@pytest.mark.proof
def test_planted_pace_is_recovered_in_many_draws() -> None:
    covered, ratio = coverage(draws=4000, seed=20260302)

    assert ratio == pytest.approx(1, abs=0.004)
    assert all(0.935 <= share <= 0.965 for share in covered.values()), covered


def named(draws: int, leads: int, seed: int) -> float:
    """How often somebody is said to be ahead where both book at one pace."""
    rng = np.random.default_rng(seed)
    verdicts = [timing_section(draw(rng, leads, {"ai": 0.01, "setter": 0.01}, 0.02))["verdict"] for _ in range(draws)]
    return sum("booked sooner or more often than" in verdict for verdict in verdicts) / draws


def test_equal_pace_names_somebody_in_one_of_twenty_draws_at_most() -> None:
    assert named(draws=250, leads=100, seed=20260303) <= 0.07


@pytest.mark.proof
@pytest.mark.parametrize("leads", [30, 100, 400])
def test_equal_pace_names_somebody_in_one_of_twenty_of_many_draws_at_most(leads: int) -> None:
    assert named(draws=3000, leads=leads, seed=20260304) <= 0.055
