"""What is told of a booked conversation from its facts, and what a model may not say of it."""

from datetime import UTC, datetime, timedelta

from setpoint.reports.insights.summary_rules import (
    Booked,
    BookedSummaryAnswer,
    Sent,
    content_of_facts,
    summary_complaints,
)

BOOKING = datetime(2026, 3, 5, 12, tzinfo=UTC)
BOOKED = Booked("lead-1", BOOKING, "m2", "email", "ai", "Ann", "Acme", "Nowhere/Atall", None, "See you at 2 pm, Ann?")


def sent(
    name: str, hours: float, direction: str = "outbound", kind: str | None = None, status: str | None = None
) -> Sent:
    return Sent(name, "email", direction, kind, status, BOOKING - timedelta(hours=hours))


def test_only_what_was_read_counts() -> None:
    content = content_of_facts(
        BOOKED,
        [sent("m1", 30), sent("x", 20, kind="system"), sent("y", 10, status="failed"), sent("r", 9, "inbound")]
        + [sent("m2", 6)],
    )
    assert (content["touches"], content["replies"], content["days"]) == (2, 1, 1.2)
    assert content["channels"] == ["email"]
    assert content["text"].startswith("Booked after 2 messages by Email, 1.2 days after the first; the lead wrote")


def test_without_messages_nothing_is_made_up() -> None:
    content = content_of_facts(BOOKED, [])
    assert (content["touches"], content["days"], content["last_message"]) == (0, None, [])
    assert content["text"] == (
        "Booked after 0 messages; the lead wrote nothing. The last message before it: AI, Email."
    )


def test_a_message_without_text_has_the_features_that_need_none() -> None:
    empty = Booked("lead-1", BOOKING, "m1", "sms", "setter", None, None, None, None, None)
    assert content_of_facts(empty, [sent("m1", 6)])["last_message"] == ["First message"]


def test_numbers_and_ids_that_were_not_read_are_named() -> None:
    content = content_of_facts(BOOKED, [sent("m1", 30), sent("m2", 6)])

    def told(closed: str) -> list[str]:
        answer = BookedSummaryAnswer(opened="A greeting.", objection=None, closed=closed)
        return summary_complaints(answer, content, ["See you at 2 pm?"], ("lead-1", "m2"))

    assert told("It offered 2 pm after 1.2 days.") == []
    assert told("It saved 40% of the time.") == ["These numbers are not in the conversation: 40%."]
    assert told("It was about lead-1.") == ["Leave out the ids of leads and messages."]
