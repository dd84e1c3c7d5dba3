"""Every feature says what a person would say who reads the message."""

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.reports.features import FEATURES, MESSAGE_COLUMNS, contrasts, exposed, features_of

ANN: dict[str, Any] = {
    "subject": None,
    "body": "",
    "first_name": "Ann",
    "company": "Acme Ltd.",
    "touch": 1,
    "wait_hours": None,
    "local_hour": 9,
    "channel": "email",
}
NAMES = {feature.key: feature for feature in FEATURES}


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([ANN | row for row in rows], schema=MESSAGE_COLUMNS)


def told(feature: str, **message: Any) -> str | None:
    value: str | None = features_of(table(message))[feature][0].as_py()
    return value


@pytest.mark.parametrize(
    ("words", "band"), [(1, "short"), (39, "short"), (40, "medium"), (99, "medium"), (100, "long")]
)
def test_length_is_told_by_words(words: int, band: str) -> None:
    assert told("length", body=" ".join(["word"] * words)) == band


@pytest.mark.parametrize(
    ("body", "question", "ends"),
    [
        ("Shall we talk?", "yes", "yes"),
        ("Shall we talk? I am free.", "yes", "no"),
        ("Let's talk.", "no", "no"),
        ("See https://a.test/?q=1&b=2", "no", "no"),
        ("Shall we talk? 🙂", "yes", "yes"),
        ("Is it “worth a call?”", "yes", "yes"),
        ("Shall we talk?\n\nBest,\nMaya", "yes", "yes"),
        ("Shall we talk?\r\n\r\nKind regards\r\nMaya Lindholm\r\nFernhill\r\n+1 205 555 0123", "yes", "yes"),
        ("Shall we talk?\n\nMaya\nFernhill", "yes", "yes"),
        ("Shall we talk?\n\n-- \nMaya. Ask me anything!", "yes", "yes"),
        ("Fine.\n\nOn Mon, 2 Mar 2026 at 10:15, Ann <ann@acme.test> wrote:\n> What does it cost?", "no", "no"),
        ("Fine.\n> What does it cost?\n> Tell me.", "no", "no"),
        ("Fine.\n\n-----Original Message-----\nFrom: Ann\nWhat?", "no", "no"),
        ("Fine.\n\nFrom: Ann\nSent: Monday\nTo: Maya\nWhat?", "no", "no"),
        ("<p>Shall we talk?</p><br><div>Best,</div><div>Maya</div>", "yes", "yes"),
        ("Shall we talk?\n\nSent from my iPhone", "yes", "yes"),
        ("Shall we talk?\nDon't want these? Unsubscribe here: https://a.test/u", "yes", "yes"),
    ],
)
def test_a_question_counts_where_the_sender_wrote_it(body: str, question: str, ends: str) -> None:
    assert (told("question", body=body), told("ends_question", body=body)) == (question, ends)


@pytest.mark.parametrize(
    ("body", "times"),
    [
        ("Would Tuesday at 10:00 or Thursday at 14:30 suit you?", "2+"),
        ("I have Wednesday at 9:30 or Friday at 11:00. Does either work?", "2+"),
        ("Tomorrow at 11:15 or Wednesday at 16:00, which is better?", "2+"),
        ("Shall we say Thursday at 13:00? Friday before noon is open too.", "2+"),
        ("Is Tuesday morning or Wednesday afternoon better?", "2+"),
        ("Does Tuesday or Thursday work?", "2+"),
        ("How about 3pm or 4.30 pm?", "2+"),
        ("Are you free at 3 p.m. on Monday?", "1"),
        ("Are you free on Monday from 14:00 to 15:00?", "1"),
        ("Is tomorrow morning fine?", "1"),
        ("Does 10 am tomorrow morning work?", "1"),
        ("Friday morning at 10:00, is that fine?", "1"),
        ("Your meeting is confirmed for Thursday, 7 pm-9 pm.", "0"),
        ("Another distributor got her Mondays back.", "0"),
        ("The order proposal is there on Monday at seven.", "0"),
        ("Half of her Monday goes into counting, at 2.50 each.", "0"),
        ("Worth a short call?", "0"),
    ],
)
def test_times_that_are_offered_are_counted(body: str, times: str) -> None:
    assert told("times_offered", body=body) == times


@pytest.mark.parametrize(
    ("body", "ask"),
    [
        ("Would Tuesday at 10:00 suit you? Or pick a time: https://meet.fernhill.test/x", "times"),
        ("You can pick a time here: https://meet.fernhill.test/intro", "booking_link"),
        ("https://calendly.com/maya/15", "booking_link"),
        ("Here is the two-page summary: https://fernhill.test/guide", "none"),
        ("Just answer with the word yes.", "reply_word"),
        ('Reply "YES" and I will send it.', "reply_word"),
        ("Reply with 1 for later, 2 for never, both are fine.", "reply_word"),
        ("Worth a short call?", "question"),
        ("We hold the record.", "none"),
        ("We hold the record. Reply STOP to opt out.", "none"),
    ],
)
def test_the_call_to_action_is_the_first_that_fits(body: str, ask: str) -> None:
    assert told("call_to_action", body=body) == ask


@pytest.mark.parametrize(
    ("body", "link"),
    [
        ("https://a.test", "yes"),
        ("see www.acme.com.", "yes"),
        ("see acme.io/x or not", "yes"),
        ("write to ann@acme.com", "no"),
        ("No. It is 2.50, e.g. now", "no"),
    ],
)
def test_a_link_is_a_web_address(body: str, link: str) -> None:
    assert told("link", body=body) == link


@pytest.mark.parametrize(
    ("message", "used"),
    [
        ({"body": "Hi Ann, hello"}, "yes"),
        ({"body": "Is this ANN's?"}, "yes"),
        ({"body": "Annabel and Joann"}, "no"),
        ({"body": "Hello", "subject": "Ann, a question"}, "yes"),
        ({"body": "Fine\n> Ann wrote this"}, "no"),
        ({"body": "Hi there", "first_name": None}, None),
        ({"body": "Hi there", "first_name": " "}, None),
        ({"body": "", "subject": "Ann"}, None),
        ({"body": "Will you come? I will.", "first_name": "Will"}, "no"),
        ({"body": "Hi Will, there", "first_name": "Will"}, "yes"),
        ({"body": "Good to see you here, Will.", "first_name": "Will"}, "yes"),
        ({"body": "Grüße, Zoë!", "first_name": "ZOË"}, "yes"),
        ({"body": "שלום דנה", "first_name": "דנה"}, "yes"),
    ],
)
def test_the_leads_name_is_a_whole_word(message: dict[str, Any], used: str | None) -> None:
    assert told("name_used", **message) == used


@pytest.mark.parametrize(
    ("body", "company", "used"),
    [
        ("Is ACME ready?", "Acme Ltd.", "yes"),
        ("Acmes are cacti", "Acme Ltd.", "no"),
        ("At Toys & Games you", "Toys & Games", "yes"),
        ("Nothing", None, None),
    ],
)
def test_the_leads_company_is_found_without_its_legal_form(body: str, company: str | None, used: str | None) -> None:
    assert told("company_used", body=body, company=company) == used


@pytest.mark.parametrize(
    ("hour", "part"),
    [
        (0, "evening"), (4, "evening"), (5, "morning"), (10, "morning"), (11, "midday"), (13, "midday"),
        (14, "afternoon"), (17, "afternoon"), (18, "evening"), (23, "evening"), (None, None), (24, None), (-1, None),
    ],
)  # fmt: skip
def test_part_of_the_day(hour: int | None, part: str | None) -> None:
    assert told("day_part", local_hour=hour) == part


@pytest.mark.parametrize(
    ("hours", "wait"),
    [
        (None, "none"), (0.0, "hour"), (1.0, "hour"), (1.01, "day"), (24.0, "day"), (24.01, "later"), (9e9, "later"),
        (-1.0, None), (math.nan, None),
    ],
)  # fmt: skip
def test_wait_since_the_leads_last_word(hours: float | None, wait: str | None) -> None:
    assert told("wait", wait_hours=hours) == wait


@pytest.mark.parametrize(
    ("touch", "band"), [(1, "1"), (2, "2-3"), (3, "2-3"), (4, "4-6"), (6, "4-6"), (7, "7+"), (0, None), (None, None)]
)
def test_touch(touch: int | None, band: str | None) -> None:
    assert told("touch", touch=touch) == band


def test_the_reading_grade_is_the_automated_readability_index() -> None:
    # 10 words of 4 letters, 2 sentences: 4.71 × 4 + 0.5 × 5 - 21.43 = -0.09.
    assert told("reading", body="Just ring them. " + "Then they will know what work does.") == "easy"
    # 10 words of 5 letters, 1 sentence: 4.71 × 5 + 0.5 × 10 - 21.43 = 7.12.
    assert told("reading", body="words " * 9 + "words.") == "plain"
    # 10 words of 7 letters, 1 sentence: 16.54.
    assert told("reading", body="letters " * 9 + "letters.") == "hard"
    assert told("reading", body="words " * 9) is None


@pytest.mark.parametrize(
    ("body", "greeting"),
    [
        ("Hi Ann, hello", "yes"),
        ("Good morning Ann,\n\nhello", "yes"),
        ("Ann,\n\nhello", "yes"),
        ("ann: hello", "yes"),
        ("<p>Dear Ann</p>", "yes"),
        ("High prices", "no"),
        ("Anna, hello", "no"),
        ("Thanks for writing", "no"),
    ],
)
def test_a_greeting_begins_the_message(body: str, greeting: str) -> None:
    assert told("greeting", body=body) == greeting


@pytest.mark.parametrize(
    ("message", "question", "length"),
    [
        ({"subject": "Ten minutes?"}, "yes", "short"),
        ({"subject": "Re: RE: Fwd: Ten minutes on forecasting?"}, "yes", "medium"),
        ({"subject": "What ties up cash in the warehouse now"}, "no", "long"),
        ({"subject": "Ten minutes?", "channel": "sms"}, None, None),
        ({"subject": None}, None, None),
        ({"subject": "Re: "}, None, None),
    ],
)
def test_subjects_are_told_of_emails(message: dict[str, Any], question: str | None, length: str | None) -> None:
    assert (told("subject_question", **message), told("subject_length", **message)) == (question, length)


@pytest.mark.parametrize(
    ("feature", "body", "value"),
    [
        ("farewell", "I will not take up more of your time.", "yes"),
        ("farewell", "This is my last note for now.", "yes"),
        ("farewell", "I will close the file on my side after this.", "yes"),
        ("farewell", "No hard feelings if the answer is no.", "yes"),
        ("farewell", "Just a short note in case my last message got buried.", "no"),
        ("farewell", "What did you pay last year?", "no"),
        ("apology", "Sorry to bother you.", "yes"),
        ("apology", "It is a sorry-free day.", "yes"),
        ("apology", "Nothing.", "no"),
        ("thanks", "Thank you, that helps.", "yes"),
        ("thanks", "Appreciate the quick answer.", "yes"),
        ("thanks", "We talk.\n\nThanks,\nMaya", "no"),
        ("thanks", "Thanks!", "yes"),
        ("figures", "Rush orders are down by 31%.", "yes"),
        ("figures", "It saves $5 a day", "yes"),
        ("figures", "It holds 1,200 items", "yes"),
        ("figures", "Tuesday at 10:00 or 3 pm, on 2026-03-02", "no"),
        ("figures", "Since 2019, see https://a.test/1234", "no"),
        ("figures", "Reply with 1", "no"),
        ("exclamation", "Hi Ann! Hello", "yes"),
        ("exclamation", "Hi Ann", "no"),
        ("focus", "How do you decide what your team orders?", "you"),
        ("focus", "We turn our data into what I like.", "us"),
        ("focus", "Worth a short call?", "even"),
    ],
)
def test_phrases_and_signs(feature: str, body: str, value: str) -> None:
    assert told(feature, body=body) == value


@pytest.mark.parametrize(
    "body", [None, "", " \r\n\t", "> What does it cost?", "<p>&nbsp;</p>", "\n-- \nMaya\nFernhill"]
)
def test_nothing_is_told_of_a_message_without_words(body: str | None) -> None:
    row = features_of(table({"body": body})).to_pylist()[0]
    assert {feature for feature, value in row.items() if value is not None} == {"day_part", "wait", "touch"}


@pytest.mark.parametrize(
    "body",
    [
        "Wann hätten Sie Zeit, mit uns über Ihre Bestellungen zu sprechen?",
        "Когда вам удобно поговорить о заказах на этой неделе?",
        "מתי נוח לך לדבר על ההזמנות השבוע בבקשה?",
    ],
)
def test_what_rests_on_english_phrases_is_not_told_of_other_languages(body: str) -> None:
    row = features_of(table({"body": body})).to_pylist()[0]
    for feature in ("call_to_action", "times_offered", "greeting", "farewell", "apology", "thanks", "focus"):
        assert row[feature] is None
    assert (row["question"], row["ends_question"], row["length"]) == ("yes", "yes", "short")


def test_words_are_not_counted_where_no_spaces_are_written() -> None:
    row = features_of(table({"body": "您这周什么时候方便谈谈订单?" * 20})).to_pylist()[0]
    assert (row["length"], row["reading"], row["question"]) == (None, None, "yes")


def test_tables_batches_and_further_columns_are_read_alike() -> None:
    rows: list[dict[str, Any]] = [{"body": "Hi Ann?"}, {"body": ""}, {"body": "é" * 10, "touch": 5}]
    whole = table(*rows)
    expected = features_of(whole)
    assert expected.column_names == [feature.key for feature in FEATURES]
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 2)])
    more = whole.append_column("other", pa.array([1, 2, 3])).select(["other", *reversed(MESSAGE_COLUMNS.names)])
    for same in (whole.to_batches()[0], chunked, more, pa.concat_tables([whole, whole]).slice(3)):
        assert features_of(same).equals(expected)
    assert features_of(whole.slice(0, 0)).num_rows == 0


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=200)), min_size=1, max_size=5), st.text(max_size=8))
def test_whatever_is_written_each_feature_has_one_of_its_values_or_none(bodies: list[str | None], name: str) -> None:
    rows = [{"body": body, "subject": body, "first_name": name, "company": name} for body in bodies]
    together = features_of(table(*rows))
    for feature in FEATURES:
        assert set(together[feature.key].to_pylist()) <= {*feature.values, None}
    # A message is told by itself, whatever stands beside it.
    assert together.to_pylist() == [features_of(table(row)).to_pylist()[0] for row in rows]


def test_a_body_of_a_megabyte_does_not_hold_anybody_up() -> None:
    """Were the time to grow with the square of the length, this would not end."""
    bodies = [
        "a" * 1_000_000,
        "<" * 1_000_000,
        "\n> x" * 250_000,
        "Hi Ann? " * 125_000,
        "\n\nMaya" * 160_000,
        "🎲" * 250_000,
    ]
    rows: list[dict[str, Any]] = [{"body": body} for body in bodies]
    assert len(features_of(table(*rows))) == len(bodies)


def test_every_contrast_is_about_a_value_of_its_feature_and_reads_as_a_sentence() -> None:
    every = contrasts()
    assert len({contrast.key for contrast in every}) == len(every)
    for contrast in every:
        assert contrast.value in NAMES[contrast.feature].values
        assert contrast.phrase[0].islower()
        assert not contrast.phrase.endswith(".")
    assert {contrast.feature for contrast in every} == set(NAMES)


def test_exposed_follows_the_value_and_keeps_what_cannot_be_told() -> None:
    features = features_of(table({"body": "Tuesday at 10:00 or 11:00?"}, {"body": "Worth a call?"}, {"body": ""}))
    [two_times] = [contrast for contrast in contrasts() if contrast.key == "two_times"]
    assert exposed(features, two_times).to_pylist() == [True, False, None]
