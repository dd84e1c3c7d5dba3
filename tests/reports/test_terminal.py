"""The report in a terminal: in order, within 80 columns, the same without colour."""

import io
from typing import Any

import pytest
from rich.console import Console
from tests.reports import documents, sections_fixture

from setpoint.reports.terminal import print_report

ALL: dict[str, dict[str, Any]] = {
    "realistic": documents.realistic(),
    "no bookings": documents.no_bookings(),
    "one sender": documents.one_sender(),
    "all pending": documents.all_pending(),
    "empty cohort": documents.empty_cohort(),
    "full grid": documents.full_grid(),
    "every section": documents.realistic() | sections_fixture.rich(),
    "nothing told": documents.one_sender() | sections_fixture.nothing_told(),
}
every_document = pytest.mark.parametrize("document", ALL.values(), ids=ALL.keys())


def printed(document: dict[str, Any], width: int = 80, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=width, **options)
    print_report(document, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


@every_document
def test_it_fits_80_columns_and_nothing_is_cut_off(document: dict[str, Any]) -> None:
    narrow, wide = printed(document), printed(document, width=200)

    assert max(len(line) for line in narrow.splitlines()) <= 80
    assert "…" not in narrow
    for number in (part for part in words(wide).split() if "," in part or "%" in part):
        assert number in narrow


def test_the_answer_comes_first_then_segments_outcomes_and_what_was_left_out() -> None:
    text = words(printed(documents.realistic()))
    landmarks = [
        "Which messages book meetings: northwind",
        "[2026-01-05, 2026-03-02) as of 2026-03-09, UTC; all channels; 4,929 leads",
        "No overall winner can be named.",
        "- AI books 3.4 points more than setters in email (95%: 1.8 to 4.9).",
        "This is a first, crude comparison.",
        "Unattributed 21 0.4% never",
        "of these ambiguous 9 9",
        "Who books more, where: cross-channel",
        "AI 111 1,759 266 5.9% 5.0 to 7.1%",
        "Who books more, where: within-channel",
        "Booking rate: Leads booked out of leads booked or not booked.",
        "Leads not in the report",
        "Nothing sent in the window 2,310",
        "Messages left out",
        "From the lead (inbound) 6,120",
        "24,105 of 31,877 messages in the window count.",
        "setpoint report run --workspace northwind",
        "Dataset SHA-256 9f2b7c40c1a7e6d5",
    ]
    places = [text.index(landmark) for landmark in landmarks]

    assert places == sorted(places)


def test_without_colour_there_is_no_escape_code_and_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = printed(documents.realistic())
    monkeypatch.setenv("NO_COLOR", "1")
    no_colour = printed(documents.realistic(), force_terminal=True)

    assert "\x1b" not in plain
    assert "\x1b[3" not in no_colour


def test_pending_leads_have_no_rate() -> None:
    assert "AI 0 0 320 no mature lead" in words(printed(documents.all_pending()))


def test_nothing_to_show_is_said_in_words() -> None:
    text = words(printed(documents.empty_cohort()))

    assert "Nothing was sent in this window." in text
    assert "No lead is credited." in text


def test_a_capped_run_says_that_it_is_a_sample() -> None:
    assert "A uniform sample: 16,035 of 1,204,311 leads." in words(printed(documents.full_grid()))


def test_names_are_never_read_as_markup() -> None:
    document = documents.realistic() | {"workspace": "[red]acme[/red]", "author": "[/]"}
    document["comparison"]["overall"]["verdict"] = "[bold]no[/bold]"
    document["dropped"] = {"[link=x]why": 3}
    text = printed(document)

    for name in ("[red]acme[/red]", "[/]", "[bold]no[/bold]", "[link=x]why"):
        assert name in text


@every_document
def test_a_narrow_terminal_cuts_no_number_off(document: dict[str, Any]) -> None:
    assert "".join(printed(document, width=30).split()) == "".join(printed(document, width=200).split())


def test_a_dry_run_says_that_nothing_was_kept() -> None:
    kept = ("id", "status", "author", "created_at", "code_version")
    document = {name: value for name, value in documents.realistic().items() if name not in kept}
    text = words(printed(document | {"dry_run": True, "dataset_sha256": None}))

    assert "A dry run: counts only, nothing was kept. To run the report and keep it: setpoint report run" in text
    assert "SHA-256" not in text


def test_the_later_sections_are_short_and_in_order() -> None:
    text = words(printed(documents.realistic() | sections_fixture.rich()))
    landmarks = [
        "AI books 2.8 points more than setters (95%: 0.9 to 4.7)",
        "Tentative: read the reasons before you act on it.",
        "By channel, not adjusted: - AI books 3.4 points more than setters in email",
        "What to do",
        "1. Offer two times in every first reply [Safe for auto-send]",
        "Outcomes",
        "Who books more, where: cross-channel",
        "Adjusted 3,968 leads +2.8 +0.9 to +4.7",
        "Within 14 days AI 8.4% 7.4 to 9.3% 1,490",
        "Is it getting better",
        "Two times or more +4.1 +2.3 to +5.9 < 0.001",
        "Short fails to hold with: Setter.",
        "Leads not in the report",
    ]
    places = [text.index(landmark) for landmark in landmarks]

    assert places == sorted(places)
    assert "Made without" not in text


def test_no_text_gives_the_terminal_an_order() -> None:
    orders = "\x1b[31m\x1b]8;;http://x\x07\x9b2J\x07\x08\u202e"
    document = documents.realistic() | sections_fixture.rich() | {"workspace": f"acme{orders}"}
    document["synthesis"]["content"]["recommendations"][0]["title"] = f"title{orders}"
    document["patterns"]["findings"][0]["label_with"] = f"label{orders}"
    text = printed(document)

    assert "acme" in text
    assert "title" in text
    assert not set("\x1b\x9b\x07\x08\u202e") & set(text)
