"""Nobody can be told from a redacted text, and what is not personal stays readable."""

import re
from collections import Counter

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from setpoint.datasets.redaction import Known, Redacted, Redactor

REDACTOR = Redactor()
NOBODY = Known()
LEAD = Known(
    first_name="Anna",
    last_name="O'Connor-Müller",
    company="Cedar Tools GmbH",
    email="anna.oconnor@cedartools.com",
    phone="+1 (205) 555-0123",
    others=("maya.lindholm@fernhill.test", "Theo Abara"),
)


def shown(text: str, known: Known = NOBODY, limit: int | None = 280) -> str:
    return REDACTOR.redact(text, known, limit).text


@pytest.mark.parametrize(
    "text",
    [
        "joe\u200b@ac\u00adme\u2060.com",
        "\u202ejoe@acme.com\u202c",
        "joe\ufe0f@acme\u034f.com",
        "ｊｏｅ＠ａｃｍｅ．ｃｏｍ",
        "jo\u0301e@acme.com",
        "joe@acme。com",
    ],
)
def test_an_address_cannot_hide_behind_characters_that_nobody_sees(text: str) -> None:
    assert shown(text) == "[email]"


def test_invisible_characters_go_and_visible_ones_stay_as_they_were() -> None:
    assert shown("ﬁne\u200b ½ … Grüße 🎲\r\n\tTür") == "ﬁne ½ … Grüße 🎲\r\n\tTür"


def test_overlapping_finds_are_one_placeholder_of_the_longest() -> None:
    known = Known("Anna", "Cedar", "Cedar", "anna@cedar.io")
    assert REDACTOR.redact("x.anna@cedar.io!", known) == Redacted("[email]!", Counter(email=1))
    assert shown("https://cedar.io/anna?mail=anna@cedar.io", known) == "[link]"


def test_each_kind_is_counted() -> None:
    redacted = REDACTOR.redact("Anna, Anna and joe@acme.com", LEAD)
    assert redacted == Redacted("[name], [name] and [email]", Counter(name=2, email=1))


def test_placeholders_are_left_alone_whatever_the_people_are_called() -> None:
    known = Known("Name", "Link", "Email Phone", "card@iban.ip")
    assert shown("Dear Name, [name] and [link] at [email] [phone]", known) == (
        "Dear [name], [name] and [link] at [email] [phone]"
    )


def test_a_long_text_is_cut_before_a_word_with_an_ellipsis() -> None:
    text = shown("word " * 100, limit=42)
    assert text == "word word word word word word word word…"
    assert shown("short", limit=5) == "short"
    assert shown("shorter", limit=5) == "shor…"


def test_the_cut_comes_after_redaction_and_never_inside_a_placeholder() -> None:
    text = "ask " + "someone.with.a.long.address@a.long.domain.example.com " * 30
    for limit in range(1, 60):
        cut = shown(text, limit=limit)
        assert len(cut) <= limit
        assert re.fullmatch(r"(ask?|a)? ?(\[email\] ?)*…?", cut), cut
    assert shown(text, limit=20) == "ask [email] [email]…"


def test_half_a_number_is_not_shown_where_the_cut_would_fall_into_it() -> None:
    for limit in range(28, 60):
        assert "205" not in shown("x" * 30 + " 205 555 0123 is mine", LEAD, limit)


def test_a_limit_below_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="limit"):
        REDACTOR.redact("x", NOBODY, 0)


@pytest.mark.parametrize(
    "text",
    ["a-" * 500_000 + "@", "a.b@ " * 200_000, "1 " * 500_000, ("a." * 490 + "@ ") * 1000, "Anna " * 200_000],
)
def test_a_message_of_a_megabyte_does_not_hold_anybody_up(text: str) -> None:
    """Were the time to grow with the square of the length, this would not end."""
    assert len(shown(text, LEAD)) <= 280


PIECES = st.sampled_from(
    [
        "Anna", "anna's ", "O'Connor", "Müller", "Cedar", " Tools", "@", "cedartools.com", "anna.oconnor", ".", " ",
        "205", "555", "-", "0123", "+1", "(205) ", "https://", "www.", "[name]", "[", "]", "email", "[link]", "…",
        "4111 1111 1111 1111", "\u200b", "ａ", "＠", "ß", "é", "e\u0301", "\n", "10:30", "192.168.", "1.1",
        "GB82WEST", "12345698765432", "Will", "Hi ", ", ", "at ", " dot ", "小明", "2026-01-31", "x", "7",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=80))


@given(text=TEXTS, limit=st.one_of(st.none(), st.integers(1, 120)))
@example(text="205 555 0123" * 9, limit=41)
@example(text="1234567890123456789012345678901234567890", limit=11)
def test_redacting_twice_changes_nothing(text: str, limit: int | None) -> None:
    once = REDACTOR.redact(text, LEAD, limit)
    assert REDACTOR.redact(once.text, LEAD, limit) == once
    assert limit is None or len(once.text) <= limit


@given(before=TEXTS, after=TEXTS, known=st.sampled_from(["anna.oconnor@cedartools.com", "Müller", "+1 205 555 0123"]))
def test_what_is_known_is_never_shown_between_spaces(before: str, after: str, known: str) -> None:
    assume(known not in before and known not in after)
    assert known not in shown(f"{before} {known} {after}", LEAD, limit=None)
