"""Readable features of an outbound message: what a person would say about it without reading meaning into it.

Each is a category, told from the words of the message and from when it was sent, never from what came of it. The
phrases are English: in a message that is not, what rests on them cannot be told.
"""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.reports.feature_rules import RULES, Messages

MESSAGE_COLUMNS: Final = pa.schema(
    [
        ("subject", pa.string()),
        ("body", pa.string()),
        ("first_name", pa.string()),
        ("company", pa.string()),
        ("touch", pa.int64()),
        ("wait_hours", pa.float64()),
        ("local_hour", pa.int64()),
        ("channel", pa.string()),
    ]
)
# Patterns are compiled anew for each batch, and the texts of a batch are held several times over.
_BATCH = 32_768


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that can be told of a message. `values` stand in the order in which they are shown."""

    key: str
    label: str
    values: tuple[str, ...]
    definition: str


@dataclass(frozen=True, slots=True)
class Contrast:
    """Messages whose `feature` has `value`, against all others of which it can be told.

    `phrase` continues a sentence that begins with "Messages that".
    """

    key: str
    feature: str
    value: str
    label_exposed: str
    label_other: str
    phrase: str


_YES_NO: Final = ("yes", "no")

FEATURES: Final = (
    Feature(
        "length",
        "Length",
        ("short", "medium", "long"),
        "Short: under 40 words. Medium: 40 to 99. Long: 100 or more. Words are what stands between spaces.",
    ),
    Feature("question", "Asks a question", _YES_NO, "Whether there is a question mark outside of links."),
    Feature("ends_question", "Ends with a question", _YES_NO, "Whether the last sign before the signature is one."),
    Feature(
        "call_to_action",
        "Call to action",
        ("times", "booking_link", "reply_word", "question", "none"),
        "What the lead is asked to do, the first that fits: choose among times that are offered; book by a link;"
        " reply with a word or a number; answer a question; nothing.",
    ),
    Feature(
        "times_offered",
        "Times offered",
        ("0", "1", "2+"),
        "How many times are named: clock times (14:30, 3 pm), days with a part of the day (Friday morning), two days"
        " to choose from (Tuesday or Thursday, which are two). A range is one. A message that confirms a meeting"
        " and asks nothing offers none.",
    ),
    Feature("link", "Link", _YES_NO, "Whether there is a web address."),
    Feature(
        "name_used", "Lead's first name", _YES_NO, "Whether the lead's first name stands in the text or subject."
    ),
    Feature("company_used", "Lead's company", _YES_NO, "Whether the lead's company is named in the text or subject."),
    Feature(
        "day_part",
        "Part of the day",
        ("morning", "midday", "afternoon", "evening"),
        "When it was sent, in the lead's own time: morning from 5 to 11, midday to 14, afternoon to 18, then evening"
        " and night.",
    ),
    Feature(
        "wait",
        "Wait since the lead's last word",
        ("none", "hour", "day", "later"),
        "The time since the lead last wrote: nothing yet, at most an hour, at most 24 hours, longer.",
    ),
    Feature(
        "touch",
        "Touch",
        ("1", "2-3", "4-6", "7+"),
        "How many messages the lead has got up to and including this one.",
    ),
    Feature(
        "reading",
        "Reading grade",
        ("easy", "plain", "hard"),
        "The Automated Readability Index, from the lengths of words and sentences: easy up to grade 5, plain up to 9,"
        " hard above. Not told of fewer than ten words.",
    ),
    Feature(
        "greeting", "Greeting", _YES_NO, "Whether it begins with a greeting, or with the lead's name and a comma."
    ),
    Feature("exclamation", "Exclamation mark", _YES_NO, "Whether there is an exclamation mark outside of links."),
    Feature("subject_question", "Subject is a question", _YES_NO, "Whether an email's subject has a question mark."),
    Feature(
        "subject_length",
        "Length of the subject",
        ("short", "medium", "long"),
        "Of an email. Short: up to 3 words. Medium: 4 to 7. Long: 8 or more, each without Re: and Fwd:.",
    ),
    Feature(
        "farewell",
        "Says it is the last one",
        _YES_NO,
        "Whether it takes leave: my last note, will not take up more of your time, close the file, no hard feelings.",
    ),
    Feature("apology", "Apologises", _YES_NO, "Whether it says sorry, apologies or excuse me."),
    Feature("thanks", "Says thanks", _YES_NO, "Whether it thanks or appreciates before the signature."),
    Feature(
        "figures",
        "Figures",
        _YES_NO,
        "Whether it has a percentage, a sum of money or a number of two digits or more. Times, dates and links do not"
        " count.",
    ),
    Feature(
        "focus",
        "Speaks of",
        ("you", "even", "us"),
        "Which there are more of: you and your, or I, we, my and our.",
    ),
)


def _yes(feature: str, exposed: str, other: str, phrase: str) -> Contrast:
    return Contrast(feature, feature, "yes", exposed, other, phrase)


_CONTRASTS: Final = (
    Contrast("short", "length", "short", "Under 40 words", "40 words or more", "are short (under 40 words)"),
    Contrast("long", "length", "long", "100 words or more", "Under 100 words", "are long (100 words or more)"),
    _yes("question", "Asks a question", "Asks nothing", "ask a question"),
    _yes("ends_question", "Ends with a question", "Ends otherwise", "end with a question"),
    Contrast("offers_times", "call_to_action", "times", "Offers times", "Asks otherwise or nothing", "offer times"),
    Contrast(
        "booking_link",
        "call_to_action",
        "booking_link",
        "Booking link",
        "Another ask or none",
        "ask to book by a link",
    ),
    Contrast(
        "reply_word",
        "call_to_action",
        "reply_word",
        "Asks for a word",
        "Another ask or none",
        "ask for a reply of one word or number",
    ),
    Contrast(
        "open_question",
        "call_to_action",
        "question",
        "Open question",
        "Another ask or none",
        "ask an open question and offer no time or link",
    ),
    Contrast("no_ask", "call_to_action", "none", "Asks for nothing", "Asks for something", "ask for nothing"),
    Contrast("two_times", "times_offered", "2+", "Two times or more", "One time or none", "offer two times or more"),
    Contrast("one_time", "times_offered", "1", "One time", "No time, or several", "offer exactly one time"),
    _yes("link", "Has a link", "Has no link", "have a link"),
    _yes("name_used", "Uses the lead's name", "Does not", "use the lead's first name"),
    _yes("company_used", "Names the lead's company", "Does not", "name the lead's company"),
    Contrast("morning", "day_part", "morning", "Morning", "Other times", "arrive in the lead's morning"),
    Contrast("midday", "day_part", "midday", "Midday", "Other times", "arrive around the lead's midday"),
    Contrast("afternoon", "day_part", "afternoon", "Afternoon", "Other times", "arrive in the lead's afternoon"),
    Contrast("evening", "day_part", "evening", "Evening or night", "By day", "arrive in the lead's evening or night"),
    Contrast(
        "unanswered", "wait", "none", "No word from the lead yet", "The lead wrote", "go to leads who never wrote"
    ),
    Contrast("within_hour", "wait", "hour", "Within an hour", "Later or unasked", "answer the lead within an hour"),
    Contrast(
        "within_day", "wait", "day", "After 1 to 24 hours", "Sooner, later, unasked", "answer within 1 to 24 hours"
    ),
    Contrast("first_touch", "touch", "1", "First message", "Later messages", "are the first to the lead"),
    Contrast(
        "late_touch", "touch", "7+", "Seventh or later", "Up to the sixth", "are the seventh or later to the lead"
    ),
    Contrast("easy", "reading", "easy", "Easy to read", "Harder", "are easy to read (grade 5 or less)"),
    Contrast("hard", "reading", "hard", "Hard to read", "Easier", "are hard to read (above grade 9)"),
    _yes("greeting", "Has a greeting", "Has no greeting", "begin with a greeting"),
    _yes("exclamation", "Has an exclamation mark", "Has none", "have an exclamation mark"),
    _yes("subject_question", "Subject asks", "Subject does not ask", "ask a question in the subject"),
    Contrast(
        "short_subject",
        "subject_length",
        "short",
        "Up to 3 words",
        "4 words or more",
        "have a subject of up to 3 words",
    ),
    Contrast(
        "long_subject",
        "subject_length",
        "long",
        "8 words or more",
        "Up to 7 words",
        "have a subject of 8 words or more",
    ),
    _yes("farewell", "Takes leave", "Does not", "say that they are the last one"),
    _yes("apology", "Apologises", "Does not", "apologise"),
    _yes("thanks", "Thanks", "Does not", "say thanks"),
    _yes("figures", "Has figures", "Has no figures", "give figures"),
    Contrast(
        "about_you", "focus", "you", "More you than we", "As much we, or more", "speak of the lead more than of us"
    ),
    Contrast(
        "about_us", "focus", "us", "More we than you", "As much you, or more", "speak of us more than of the lead"
    ),
)


def contrasts() -> list[Contrast]:
    """Every contrast that patterns test, in the order of FEATURES. Their keys are stable."""
    return list(_CONTRASTS)


def features_of(messages: pa.Table | pa.RecordBatch) -> pa.Table:
    """The features of outbound messages: a column of texts for each of FEATURES, a row a message, in their order.

    `messages` has the columns of MESSAGE_COLUMNS, in any order and among others: `touch` counts the lead's counting
    messages up to and including this one, `wait_hours` are those since the lead's last word before it, `local_hour`
    is the hour in the lead's time zone, 0 to 23. A feature is null where it cannot be told, as of an empty body.
    """
    table = pa.Table.from_batches([messages]) if isinstance(messages, pa.RecordBatch) else messages
    table = table.select(MESSAGE_COLUMNS.names).cast(MESSAGE_COLUMNS)
    schema = pa.schema([(feature.key, pa.string()) for feature in FEATURES])
    batches = []
    for start in range(0, table.num_rows, _BATCH):
        batch = Messages(table.slice(start, _BATCH).combine_chunks())
        columns = [RULES[feature.key](batch).cast(pa.string()) for feature in FEATURES]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)


def exposed(features: pa.Table, contrast: Contrast) -> pa.ChunkedArray:
    """Whether each message is on the contrast's side, as booleans; null where it cannot be told."""
    return pc.equal(features[contrast.feature], contrast.value)
