"""Every word that a report shows has one label and one meaning."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from setpoint.domain.vocabulary import (
    Attribution,
    Channel,
    Disposition,
    DropReason,
    Outcome,
    ResponseMode,
    Sender,
)
from setpoint.reports import definitions as words
from setpoint.reports.contest import Demands

PAGE = Path(__file__).parents[2] / "docs" / "definitions.md"


def texts(attribution_days: int = 14, maturity_days: int = 7) -> dict[str, str]:
    return {item["term"]: item["text"] for item in words.definitions(attribution_days, maturity_days)}


@pytest.mark.parametrize(
    ("vocabulary", "labels"),
    [
        (Sender, words.SENDER_LABELS),
        (Channel, words.CHANNEL_LABELS),
        (Channel, words.CHANNEL_PHRASES),
        (Disposition, words.DISPOSITION_LABELS),
        (ResponseMode, words.RESPONSE_MODE_LABELS),
        (Attribution, words.ATTRIBUTION_LABELS),
        (Outcome, words.OUTCOME_LABELS),
        (DropReason, words.DROP_LABELS),
    ],
)
def test_everything_of_a_vocabulary_has_a_label_of_its_own(
    vocabulary: type[StrEnum], labels: Mapping[str, str]
) -> None:
    assert [value for value in vocabulary if value not in labels] == []
    assert len(set(labels.values())) == len(labels)


def test_what_the_page_shows_in_a_word_is_defined() -> None:
    shown = {*words.OUTCOME_LABELS.values(), *words.ATTRIBUTION_LABELS.values(), *words.DROP_LABELS.values()}
    shown |= {"Booking rate", "Interval", "Difference", "Ambiguous", "Inferred sender", "Mature lead"}
    shown |= {"Window", "As of", "Disposition", "Response mode", "Sample", "Messages left out"}

    assert shown - texts().keys() == set()


def test_the_lengths_are_those_of_the_run() -> None:
    usual, other = texts(), texts(attribution_days=30, maturity_days=1)

    assert "at most 14 days before it" in usual["Attribution window"]
    assert "in the last 7 days" in usual["Maturity buffer"]
    assert "at most 30 days before it" in other["Attribution window"]
    assert "30 days before the booking" in other["Unattributed"]
    assert "at most 1 day old" in other["Pending"]
    assert "more than 1 day" in other["Not booked"]


def test_not_enough_data_is_defined_as_it_is_decided() -> None:
    demands = Demands()

    assert (demands.relative, demands.at_most, demands.power) == (0.5, 0.05, 0.8)
    assert "half of the booking rate, at most 5 points" in texts()["Not enough data yet"]
    assert "less than 80%" in texts()["Not enough data yet"]


def test_the_page_of_definitions_has_every_term_in_the_words_of_the_report() -> None:
    page = " ".join(PAGE.read_text("utf-8").split())
    assert [
        item["term"] for item in words.definitions(14, 7) if f"**{item['term']}.** {item['text']}" not in page
    ] == []
