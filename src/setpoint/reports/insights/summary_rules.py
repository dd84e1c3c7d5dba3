"""What can be told of a conversation that booked: from its facts alone, and how a model may tell it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, TypedDict
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from setpoint.domain.vocabulary import Channel, Direction
from setpoint.reports.definitions import CHANNEL_LABELS, SENDER_LABELS
from setpoint.reports.features import MESSAGE_COLUMNS, contrasts, exposed, features_of
from setpoint.reports.presentation import count_text, label_of, listed
from setpoint.reports.stated_numbers import Shown, invented

SUMMARY_VERSION: Final = 1
# What is worth saying of the message that was credited, in this order.
_TOLD: Final = (
    *("offers_times", "booking_link", "reply_word", "open_question", "no_ask", "within_hour", "short", "long"),
    *("name_used", "company_used", "first_touch", "late_touch", "farewell"),
)
_MOST_TOLD: Final = 4
_Words = Annotated[str, Field(min_length=1, max_length=240)]


class SummaryContent(TypedDict):
    """A booked conversation without anybody's name or id. `days` are those from the first message to the booking.

    `opened`, `objection` and `closed` are a model's words, null where none was asked or, of an objection, none seen.
    """

    version: int
    opened: str | None
    objection: str | None
    closed: str | None
    text: str
    touches: int
    replies: int
    days: float | None
    channels: list[str]
    last_sender: str
    last_channel: str
    last_message: list[str]
    note: str


class BookedSummaryAnswer(BaseModel):
    """What a model says of a conversation."""

    model_config = ConfigDict(extra="forbid")

    opened: Annotated[_Words, Field(description="What the first message was about, and how it asked.")]
    objection: Annotated[_Words | None, Field(description="What held the lead back, or null where nothing shows.")]
    closed: Annotated[_Words, Field(description="What the last message before the booking did.")]


@dataclass(frozen=True, slots=True)
class Sent:
    """One message of a conversation."""

    external_id: str
    channel: str
    direction: str
    kind: str | None
    status: str | None
    sent_at: datetime

    @property
    def is_read(self) -> bool:
        """Whether a person read it: delivered, and written by or to the lead."""
        return self.kind in (None, "message") and self.status != "failed"


@dataclass(frozen=True, slots=True)
class Booked:
    """A lead that booked, the message that is credited with it, and what is needed to tell its features."""

    lead_id: str
    booking: datetime
    message_id: str
    channel: str
    sender: str
    first_name: str | None
    company: str | None
    timezone: str | None
    subject: str | None
    body: str | None


def content_of_facts(booked: Booked, messages: Sequence[Sent], note: str = "") -> SummaryContent:
    """The summary that needs no model. `messages` are those up to the booking, oldest first."""
    read = [message for message in messages if message.is_read]
    touches = [message for message in read if message.direction == Direction.OUTBOUND]
    replies = len(read) - len(touches)
    days = (booked.booking - touches[0].sent_at) / timedelta(days=1) if touches else None
    used = {message.channel for message in touches}
    channels = [channel.value for channel in Channel if channel in used]
    told = _features(booked, touches, read)
    text = f"Booked after {_counted(len(touches), 'message')}"
    if channels:
        text += f" by {listed([label_of(CHANNEL_LABELS, channel) for channel in channels])}"
    if days is not None:
        text += f", {days:.1f} days after the first"
    wrote = {0: "nothing", 1: "once"}.get(replies) or _counted(replies, "time")
    text += f"; the lead wrote {wrote}."
    text += (
        f" The last message before it: {label_of(SENDER_LABELS, booked.sender)},"
        f" {label_of(CHANNEL_LABELS, booked.channel)}{''.join(f', {each.lower()}' for each in told)}."
    )
    return SummaryContent(
        version=SUMMARY_VERSION,
        opened=None,
        objection=None,
        closed=None,
        text=text,
        touches=len(touches),
        replies=replies,
        days=None if days is None else round(days, 1),
        channels=channels,
        last_sender=booked.sender,
        last_channel=booked.channel,
        last_message=told,
        note=note,
    )


def with_words(content: SummaryContent, answer: BookedSummaryAnswer) -> SummaryContent:
    """The summary with what a model said."""
    return {**content, "opened": answer.opened, "objection": answer.objection, "closed": answer.closed}


def words_of(answer: BookedSummaryAnswer) -> list[str]:
    """The texts of an answer."""
    return [words for words in (answer.opened, answer.objection, answer.closed) if words is not None]


def summary_complaints(
    answer: BookedSummaryAnswer, content: SummaryContent, told: Iterable[str], ids: Iterable[str]
) -> list[str]:
    """What is wrong with a model's words, as sentences for it: numbers that were not in what it read, and ids."""
    words = "\n".join(words_of(answer))
    made_up = invented(words, Shown.of([str(content["touches"]), str(content["replies"]), content["text"], *told]))
    found = [f"These numbers are not in the conversation: {', '.join(made_up)}."] if made_up else []
    if any(each in words for each in ids if len(each) > 2):
        found.append("Leave out the ids of leads and messages.")
    return found


def _counted(count: int, noun: str) -> str:
    return f"{count_text(count)} {noun}{'' if count == 1 else 's'}"


def _features(booked: Booked, touches: Sequence[Sent], read: Sequence[Sent]) -> list[str]:
    """What can be told of the credited message, in the words of the patterns."""
    place = next((n for n, message in enumerate(touches, 1) if message.external_id == booked.message_id), None)
    if place is None:
        return []
    sent_at = touches[place - 1].sent_at
    asked = [m.sent_at for m in read if m.direction == Direction.INBOUND and m.sent_at <= sent_at]
    row: dict[str, Any] = {
        "subject": booked.subject,
        "body": booked.body,
        "first_name": booked.first_name,
        "company": booked.company,
        "touch": place,
        "wait_hours": (sent_at - max(asked)) / timedelta(hours=1) if asked else None,
        "local_hour": _local_hour(sent_at, booked.timezone),
        "channel": booked.channel,
    }
    table = features_of(pa.Table.from_pylist([row], schema=MESSAGE_COLUMNS))
    by_key = {contrast.key: contrast for contrast in contrasts()}
    labels = [by_key[key].label_exposed for key in _TOLD if exposed(table, by_key[key])[0].as_py()]
    return labels[:_MOST_TOLD]


def _local_hour(instant: datetime, timezone: str | None) -> int | None:
    try:
        return instant.astimezone(ZoneInfo(timezone or "")).hour
    except (ValueError, OSError, LookupError):
        return None
