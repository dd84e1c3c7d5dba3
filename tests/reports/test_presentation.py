"""Numbers as text, and segments in the order of a reader."""

from typing import Any

import pytest
from tests.reports.documents import (
    all_pending,
    full_grid,
    make_document,
    make_segments,
    no_bookings,
    realistic,
)

from setpoint.domain.measured import Measured, Refused
from setpoint.reports import presentation as shown


def test_segments_are_grouped_by_channel_with_ai_first_and_parts_below_their_sender() -> None:
    groups = shown.arrange_by_channel(reversed(realistic()["cross_channel"]))

    assert [group.label for group in groups] == ["Email", "SMS", "LinkedIn"]
    assert [(row.label, row.is_part) for row in groups[0].rows] == [
        ("AI", False),
        ("auto-sent", True),
        ("approved", True),
        ("edited", True),
        ("Setter", False),
    ]
    assert [row.label for row in groups[0].wholes] == ["AI", "Setter"]


def test_a_sender_is_the_sum_of_its_parts_with_a_rate_of_its_own() -> None:
    ai, *parts = shown.arrange_by_channel(realistic()["cross_channel"])[0].rows[:4]

    assert (ai.booked, ai.not_booked, ai.pending, ai.mature) == (111, 1_759, 266, 1_870)
    assert ai.booked == sum(part.booked for part in parts)
    assert isinstance(ai.rate, Measured)
    assert (round(ai.rate.low, 3), round(ai.rate.value, 3), round(ai.rate.high, 3)) == (0.050, 0.059, 0.071)


def test_a_sender_without_any_mature_lead_has_no_rate() -> None:
    row = shown.arrange_by_channel(all_pending()["cross_channel"])[0].rows[0]

    assert row.pending == 320
    assert isinstance(row.rate, Refused)


def test_drafts_and_messages_without_a_draft_are_told_apart() -> None:
    segments = make_segments({("ai", "email", "EDITED"): (1, 9, 0), ("ai", "email", ""): (2, 8, 0)})

    assert [row.label for row in shown.arrange_by_channel(segments)[0].rows] == [
        "AI",
        "edited",
        "disposition unknown",
    ]


def test_what_a_later_version_adds_is_shown_last_and_as_it_is() -> None:
    segments = make_segments({("ai", "carrier_pigeon", ""): (1, 9, 0), ("setter", "sms", ""): (1, 9, 0)})

    assert [group.label for group in shown.arrange_by_channel(segments)] == ["SMS", "carrier_pigeon"]


def test_response_modes_are_never_summed_over_channels() -> None:
    groups = shown.arrange_by_response_mode(full_grid()["by_response_mode"]["cross_channel"])

    assert [group.label for group in groups] == [
        "AI auto-send · Email",
        "AI auto-send · SMS",
        "AI auto-send · LinkedIn",
        "Setter-managed · Email",
        "Setter-managed · SMS",
        "Setter-managed · LinkedIn",
    ]
    assert [(row.label, row.booked) for row in groups[0].rows] == [("AI", 20 + 23 + 26)]


def test_channels_are_spelled_out_unless_nothing_can_be_compared() -> None:
    assert len(shown.channel_verdicts(realistic()["comparison"])) == 3
    assert shown.channel_verdicts(all_pending()["comparison"]) == []
    assert shown.channel_verdicts(no_bookings()["comparison"]) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (shown.count_text(1_204_311), "1,204,311"),
        (shown.leads_text(1, "mature"), "1 mature lead"),
        (shown.leads_text(1_500), "1,500 leads"),
        (shown.rate_text(0.0594), "5.9%"),
        (shown.rate_text(0.00714, 2), "0.71%"),
        (shown.interval_text(0.05, 0.0714), "5.0 to 7.1%"),
        (shown.points_text(-0.0214), "2.1"),
        (shown.signed_points_text(0.0214), "+2.1"),
        (shown.signed_points_text(-0.0214), "−2.1"),
        (shown.signed_points_text(-0.0001), "0.0"),
        (shown.instant_text("2026-01-05T00:00:00Z"), "2026-01-05"),
        (shown.instant_text("2026-01-05T14:30:00Z"), "2026-01-05 14:30 UTC"),
        (shown.instant_text("2026-01-05T14:30:05Z"), "2026-01-05 14:30:05 UTC"),
        (shown.instant_text("2026-01-05T12:00:00Z"), "2026-01-05 12:00 UTC"),
        (shown.listed(["a"]), "a"),
        (shown.listed(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_numbers_and_instants_as_text(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize(
    ("count", "about"),
    [(0, 0), (7, 7), (99, 99), (100, 100), (338, 340), (340, 340), (1_256, 1_300), (99_001, 100_000)],
)
def test_a_forecast_is_rounded_up_to_two_digits(count: int, about: int) -> None:
    assert shown.about(count) == about


@pytest.mark.parametrize(
    ("fractions", "digits"),
    [((0.021, 0.004, 0.039), 1), ((0.021, 0.0004, 0.039), 2), ((0.021, 0.0, 0.039), 1)],
)
def test_no_bound_rounds_to_zero_by_accident(fractions: tuple[float, ...], digits: int) -> None:
    assert shown.points_digits(*fractions) == digits


@pytest.mark.parametrize(
    ("document", "digits"),
    [
        (realistic(), 1),
        (no_bookings(), 1),
        (all_pending(), 1),
        (make_document({("ai", "email", ""): (7, 993, 0), ("setter", "email", ""): (11, 989, 0)}), 2),
    ],
)
def test_small_rates_get_a_second_decimal(document: dict[str, Any], digits: int) -> None:
    assert shown.rate_digits(document) == digits


def test_labelled_counts_stand_in_the_order_of_their_labels_whatever_the_documents() -> None:
    labels = {"first": "First", "second": "Second", "third": "Third"}
    counts = {"of a later version": 4, "third": 3, "first": 1}

    assert shown.labelled(labels, counts) == [("First", 1), ("Third", 3), ("of a later version", 4)]


def test_what_nobody_sees_is_left_out_of_a_document() -> None:
    document = {"a\x1b": ["b\x00\u202ec", {"d": "e\ud800"}], "n": 3, "none": None, "yes": True}

    assert shown.readable(document) == {"a": ["bc", {"d": "e\ufffd"}], "n": 3, "none": None, "yes": True}


def test_addresses_hold_nothing_but_letters_digits_dashes_and_underscores() -> None:
    assert shown.anchor("pattern", "offer_two_times") == "pattern-offer_two_times"
    assert shown.anchor("segments", "cross_channel", "Email", "ai") == "segments-cross_channel-email-ai"
    assert shown.anchor("definition", '"><script> Booking rate') == "definition-script-booking-rate"
