"""The page: complete in one file, in the order of a reader, safe with any name, sound for screen readers."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.reports import documents, sections_fixture
from tests.reports.pages import Page

from setpoint.domain.vocabulary import Outcome
from setpoint.reports import html, svg
from setpoint.reports.citations import pattern_citation
from setpoint.reports.html import EvidenceLink, render_body, render_html

STYLE = (Path(html.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "realistic": documents.realistic,
    "no bookings": documents.no_bookings,
    "one sender": documents.one_sender,
    "all pending": documents.all_pending,
    "empty cohort": documents.empty_cohort,
    "full grid": documents.full_grid,
    "every section": lambda: documents.realistic() | sections_fixture.rich(),
    "nothing told": lambda: documents.one_sender() | sections_fixture.nothing_told(),
}
KINDS_AND_DAYS = {
    *("ai", "setter", "pattern", "anti_pattern", "none", "leads", "messages", "model", "sender", "channel", "week"),
    *("2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02", "2026-02-09", "2026-02-16", "2026-02-23"),
}
every_document = pytest.mark.parametrize("name", DOCUMENTS)


@cache
def source_of(name: str) -> str:
    return render_html(DOCUMENTS[name]())


@cache
def page_of(name: str) -> Page:
    return Page(source_of(name))


@pytest.fixture
def page() -> Page:
    return page_of("realistic")


@every_document
def test_the_page_is_sound(name: str) -> None:
    page = page_of(name)
    ids = page.attributes("id")
    referred = [name for value in page.attributes("aria-labelledby") for name in value.split()]

    assert page.open == []
    assert len(ids) == len(set(ids))
    assert set(referred) <= set(ids)
    assert {target.removeprefix("#") for target in page.attributes("href")} <= set(ids)
    assert page.tags.count("h1") == 1


@every_document
def test_the_page_needs_nothing_else(name: str) -> None:
    source, page = source_of(name), page_of(name)

    assert not {"script", "link", "img", "iframe", "object", "image", "use"} & {tag for tag, _ in page.elements}
    assert page.attributes("src") == []
    assert all(target.startswith("#") for target in page.attributes("href"))
    assert set(re.findall(r"https?://[^\s\"'<]+", source)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in source
    assert set(re.findall(r"url\(([^)]*)\)", source)) <= {f"#{name}" for name in page.attributes("id")}
    assert any("default-src 'none'" in content for content in page.attributes("content"))


@every_document
def test_no_number_goes_missing_as_none_or_nan(name: str) -> None:
    text = page_of(name).text

    assert not re.search(r"\b(None|nan|NaN|inf|null|Undefined)\b", text)


def test_the_answer_comes_first_and_the_recipe_last(page: Page) -> None:
    landmarks = [
        "Which messages book meetings",
        "No overall winner can be named.",
        "AI books 3.4 points more than setters in email (95%: 1.8 to 4.9).",
        "Outcomes",
        "Who books more, where",
        "AI against setters, by channel",
        "By response mode of the campaign",
        "What was left out, and why",
        "Definitions",
        "How to make this report again",
    ]
    places = [page.text.index(landmark) for landmark in landmarks]

    assert places == sorted(places)


def test_cross_channel_is_shown_before_within_channel_each_with_picture_and_table() -> None:
    source = source_of("realistic")
    cross, within = source.index('id="segments-cross_channel"'), source.index('id="segments-within_channel"')

    for section in (source[cross:within], source[within:]):
        assert section.index("<svg") < section.index("<table") < section.index('class="definition"')
    assert cross < within


def test_a_rate_stands_with_its_counts_and_interval(page: Page) -> None:
    assert "AI 111 1,759 266 5.9% 5.0 to 7.1%" in page.text
    assert "auto-sent 58 1,012 171 5.4%" in page.text
    assert "All channels −2.5 −4.1 to −0.9 7.0% 153 of 2,173 6.0 to 8.2% 9.5% 210 of 2,201" in page.text


def test_a_refused_comparison_says_what_is_missing_and_has_no_number(page: Page) -> None:
    assert "SMS needs about 280 more leads 11.8% 28 of 237" in page.text


def test_every_outcome_drop_and_left_out_reason_is_counted(page: Page) -> None:
    for line in (
        "Booked 366 7.4% 427",
        "Not booked 4,017 81.5% 4,478",
        "Pending 513 10.4% 564",
        "No timestamp 12 0.2% never",
        "Unattributed 21 0.4% never",
        "of these ambiguous 9 9",
        "Booked before the window 143",
        "Nothing sent in the window 2,310",
        "Messages in the window: 31,877, of which 24,105 count",
        "From the lead (inbound) 6,120",
        "Not delivered (failed) 1,050",
    ):
        assert line in page.text


def test_the_page_says_how_to_make_it_again(page: Page) -> None:
    document = documents.realistic()

    for fact in ("reproduce", "dataset_sha256", "id", "author", "created_at", "engine"):
        assert document[fact] in page.text
    assert "[2026-01-05, 2026-03-02) as of 2026-03-09, UTC" in page.text
    assert "Setpoint 0.1.0" in page.text


def test_every_definition_is_on_the_page(page: Page) -> None:
    for definition in documents.realistic()["definitions"]:
        assert f"{definition['term']} {definition['text']}" in page.text


def test_a_capped_run_says_that_it_is_a_sample() -> None:
    text = page_of("full grid").text

    assert "A uniform sample: 16,035 of 1,204,311 leads." in text
    assert "17,000, seed northwind" in text
    assert "Email, SMS and LinkedIn" in text
    assert "uniform sample:" not in page_of("realistic").text


def test_nothing_to_show_is_said_in_words() -> None:
    text = page_of("empty cohort").text

    assert "Who books more Nothing was sent in this window. What was left out, and why" in text
    assert "How to make this report again" in text


def test_pending_leads_have_no_rate() -> None:
    text = page_of("all pending").text

    assert "AI 0 0 320 no mature lead" in text
    assert "0.0%" not in text.split("Outcomes")[0]


def test_any_name_is_only_text() -> None:
    text = """<script>alert(1)</script> "><img src=x onerror=alert(1)> </style> ' {{ 7 * 7 }}{% raw %} javascript:x"""
    document = documents.realistic()
    for name in ("workspace", "author", "reproduce", "engine", "id", "dataset_sha256", "code_version"):
        document[name] = text
    document["parameters"] |= {"seed": text, "channels": [text], "max_leads": 5}
    document["dropped"] = {text: 3}
    document["messages"]["left_out"] = {text: 4}
    document["comparison"]["overall"]["verdict"] = text
    document["comparison"]["caveats"] = [text]
    document["comparison"]["by_channel"][0] |= {"verdict": text, "channel": text}
    document["definitions"] = [{"term": text, "text": text}]
    for segments in (
        document["cross_channel"],
        document["within_channel"],
        document["by_response_mode"]["cross_channel"],
    ):
        segments[0] |= {"channel": text, "sender": text, "disposition": text}
    document["by_response_mode"]["within_channel"][0]["response_mode"] = text

    plain, page = page_of("realistic"), Page(render_html(document))

    assert set(page.tags) == set(plain.tags)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert all(target.startswith("#") for target in page.attributes("href"))
    assert page.text.count(text) >= 15


def test_no_text_of_a_later_section_is_markup_or_unseen() -> None:
    unseen = "\x00\x1b[31m\u202e\u200b\ufffe\ud800"
    text = """<script>alert(1)</script> "><img src=x onerror=alert(1)> </style> {{ 7 * 7 }} javascript:x"""

    def spoiled(value: Any) -> Any:
        if isinstance(value, str) and value not in KINDS_AND_DAYS:
            return text + unseen
        if isinstance(value, dict):
            return {key: spoiled(held) for key, held in value.items()}
        return [spoiled(held) for held in value] if isinstance(value, list) else value

    source = render_html(documents.realistic() | spoiled(sections_fixture.rich()))
    plain, page = page_of("every section"), Page(source)

    assert set(page.tags) <= set(plain.tags)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert all(target.startswith("#") for target in page.attributes("href"))
    assert page.text.count(text) >= 60
    assert not set("\x00\x1b\u202e\u200b\ufffe\ud800") & set(source)


def test_the_later_sections_stand_in_their_order() -> None:
    page = page_of("every section")
    sections = [attributes["id"] for tag, attributes in page.elements if tag == "section" and "id" in attributes]

    assert sections == [
        "answer",
        "synthesis",
        "counts",
        "segments",
        "segments-cross_channel",
        "segments-within_channel",
        "comparison",
        "response-mode",
        "adjustment",
        "timing",
        "trend",
        "patterns",
        "left-out",
        "definitions",
        "reproduce",
    ]


def test_every_picture_has_a_question_over_it() -> None:
    page = page_of("every section")
    questions = page.texts("figcaption")

    assert page.tags.count("svg") == 2 * page.tags.count("figure") == 2 * len(questions) == 16
    assert all(question.endswith("?") for question in questions)


def test_a_section_that_the_report_lacks_is_not_shown() -> None:
    page = page_of("realistic")

    assert not {"synthesis", "adjustment", "timing", "trend", "patterns"} & set(page.attributes("id"))
    assert "This run was made without a comparison with other things held equal" in page.text
    assert "This run was made without" not in page_of("every section").text


def test_the_later_sections_say_their_numbers() -> None:
    text = page_of("every section").text

    for line in (
        "AI books 2.8 points more than setters (95%: 0.9 to 4.7)",
        "Adjusted 3,968 leads. As if every lead had gone to either (AIPW), leads without a counterpart left out.",
        "+2.8 +0.9 to +4.7",
        "Channel 51% Email 86% 35%",
        "Within 14 days AI 8.4% 7.4 to 9.3% 1,490",
        "2026-01-05 5.0% 2.0 to 8.5% 13 of 260 0 9.0% 6.0 to 12.5% 23 of 260 0",
        "Email 1,870 86% 763 35%",
        "2026-02-23 too young 11.4%",
        "offer two times or more Two times or more, against: Fewer 141 of 1,429 9.9% 222 of 2,945 7.5%",
        "7.5% +4.1 +2.3 to +5.9 < 0.001 nowhere",
        "3 tested and not told apart",
        "Offer two times in every first reply",
        "What to expect 2 to 6 points more bookings",
        "Safe for auto-send",
        "Confidence: medium.",
        "Written by a model from the numbers of this report",
        "Synthesis sonnet-5, effort medium",
    ):
        assert line in text


def test_where_nothing_is_told_there_are_reasons_and_no_numbers() -> None:
    text = page_of("nothing told").text

    for line in (
        "No comparison. Only setters have leads with a settled outcome: there is nothing to compare with.",
        "Crude 738 leads. Only setters have leads",
        "No difference could be measured, so there is none to draw.",
        "AI No lead of AI was sent anything in this window. 0",
        "No week has a lead with a settled outcome yet",
        "This snapshot holds no text of messages",
        "Nothing can be recommended from this report.",
        "From the statistics alone",
    ):
        assert line in text
    assert "crude comparison" not in text


def test_a_document_read_back_from_json_gives_the_same_page() -> None:
    document = documents.realistic()

    assert render_html(json.loads(json.dumps(document))) == source_of("realistic")


def colours(scheme: str) -> dict[str, str]:
    light, dark = STYLE.split("@media screen and (prefers-color-scheme: dark)", 1)
    found = dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", light))
    return found if scheme == "light" else found | dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", dark))


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_have_the_contrast_of_wcag_aa(scheme: str) -> None:
    found = colours(scheme)

    for text in ("--ink", "--muted"):
        for ground in ("--surface", "--raised"):
            assert contrast(found[text], found[ground]) >= 4.5
    for mark in ("--ai", "--setter", *(f"--{o.lower().replace('_', '-')}" for o in Outcome)):
        assert contrast(found[mark], found["--surface"]) >= 3


def test_page_and_pictures_have_the_same_colours() -> None:
    found = colours("light")

    assert (found["--ai"], found["--setter"], found["--ink"]) == (svg.AI, svg.SETTER, svg.INK)
    assert [found[f"--{o.lower().replace('_', '-')}"] for o in Outcome] == [svg.OUTCOMES[o] for o in Outcome]


def test_patterns_claims_and_segments_lead_to_the_messages_that_are_kept_for_them() -> None:
    document = DOCUMENTS["every section"]()
    pattern = pattern_citation(document["patterns"]["findings"][0]["key"])
    segment = "segment:cross_channel/email/ai"
    claim = next(
        cited
        for claim in document["synthesis"]["content"]["summary"]
        for cited in claim["citations"]
        if cited != pattern
    )
    links = {
        citation: EvidenceLink(f"/messages?n={n}&m=1", n) for n, citation in enumerate((pattern, segment, claim), 1)
    }
    body = str(render_body(document, links))

    assert [f'href="/messages?n={n}&amp;m=1">{n} message' in body for n in (1, 2, 3)] == [True, True, True]
    assert 'class="evidence"' not in render_body(document) + render_html(document)
