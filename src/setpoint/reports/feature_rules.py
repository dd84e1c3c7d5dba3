"""How each feature is told, for a batch of messages at a time. Pure; phrases are English."""

import re
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.datasets.name_words import ALSO_WORDS, LEGAL_FORMS
from setpoint.domain.vocabulary import Channel
from setpoint.reports.message_text import Counted, counted, own_text, without_links

Bools = npt.NDArray[np.bool_]

SHORT_WORDS, LONG_WORDS = 40, 100
SHORT_SUBJECT, LONG_SUBJECT = 3, 8
EASY_GRADE, HARD_GRADE = 5.0, 9.0
_GRADED_WORDS = 10
# From so many words on, an English text has one of the commonest words.
_TELLING_WORDS = 8
_ENGLISH = (
    r"\b(?:the|you|your|and|to|this|that|with|have|what|are|it|our|would|how|when|there|of|at|my|just|got|get|not|but"
    r"|from|we|for|let)\b"
)

_CLOCK = r"(?:\b\d{1,2}:\d{2}(?:\s?[ap]\.?m\b)?|\b\d{1,2}(?:\.\d{2})?\s?(?:[ap]m\b|[ap]\.m\.|o'clock))"
_PART = r"(?:morning|afternoon|evening|noon|lunch)"
_DAY = r"(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?"
_WHEN = r"(?:before|after|around|by|at|from|until)"
_OF_DAY = rf"(?:{_DAY}|today|tomorrow)"
_TIMES = (
    rf"{_CLOCK}(?:\s?(?:-|–|to|until)\s?{_CLOCK})?(?:,? (?:on )?{_OF_DAY}(?: {_PART})?)?"
    rf"|\b{_OF_DAY},? (?:(?:in the |early |late )?{_PART}|{_WHEN} {_PART})(?:,? (?:at|around) {_CLOCK})?"
    r"|\bat noon\b|\b(?:at|or) \d{1,2}\.(?:00|15|30|45)\b"
)
_EITHER_DAY = rf"\b{_DAY} or (?:on |this |next )?{_DAY}\b"
# A message that says so and asks nothing has no times to choose from.
_SETTLED = r"\b(?:booked|scheduled|confirmed|all set|is set|settled|see you|talk to you|looking forward|speak then)\b"
# Where one of these is missing, no time is named.
_MAY_NAME_TIME = r"\d|day|morrow|noon|\b(?:mon|tue|wed|thu|fri|sat|sun)\b"

_BOOKING = (
    r"(?:calendly|\bcal\.com|savvycal|tidycal|acuity|chilipiper|hubspot\.com/meet|/meetings?\b|://meet\b|://book|/book"
    r"|schedul|calendar|(?:pick|choose|grab|find|select) (?:a |any |the )?(?:time|slot|\w+ minutes)|book (?:a|your) )"
)
_REPLY_WORD = (
    r"\b(?:reply|respond|answer|text|say|write|send)\b[^.?!\n]{0,30}?"
    r"(?:\bthe word\b|\b(?:yes|no)\b|[\"“][^\"”\n]{1,12}[\"”]|\b[1-9]\b)"
)
_GREETING = r"^\W*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|greetings|howdy|morning)\b"
_LAST = "(?:last|final) (?:note|message|email|e-mail|attempt|try|word)"
_FAREWELL = (
    rf"\b(?:(?:this is|this will be|here is|as) (?:my|the|our) {_LAST}|(?:one|a) {_LAST}"
    rf"|(?:my|our) {_LAST} (?:for now|to you|on this|about this)"
    r"|(?:will not|won't|not going to) (?:take up|bother|chase|email|write|reach out|contact)"
    r"|close (?:the|your|my|this|out) ?(?:file|loop|thread)|no hard feelings|last time i"
    r"|leave you (?:alone|in peace|be)|(?:is not|isn't|not) a priority)"
)
_APOLOGY = r"\b(?:sorry|apolog\w+|excuse me|pardon|forgive)\b"
_THANKS = r"\b(?:thank|thanks|thank you|thankful|appreciate\w*|grateful)\b"
_FIGURES = r"%|[$€£]\s?\d|\d{2,}|\d[.,]\d"
_DATES = r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}(?:[./]\d{2,4})?|20\d\d)\b"
_YOU = r"\b(?:you|your|yours|yourself|yourselves)\b"
_US = r"\b(?:i|we|our|ours|us|my|me|mine|ourselves)\b"
_HOST = (
    r"(?:^|[\s(<])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|io|co|ai|app|ly|me|dev|uk|de|us)"
    r"(?:[/\s)>,!?]|\.\s|\.?$)"
)
_TRAILING = " \t\r\n\"')]}*_»”’.…🙂😊😀😉👍🙏👋"
_ADDRESSED = re.compile(r"(?:\b(?:hi|hello|hey|dear|thanks|thank you|morning|afternoon|evening)|[,.!?]),? $")


class Messages:
    """A batch of messages, with what several features need worked out once."""

    def __init__(self, batch: pa.Table) -> None:
        self._batch = batch

    def column(self, name: str) -> pa.Array:
        """A column of the batch, in one piece."""
        column = self._batch[name]
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    @cached_property
    def text(self) -> pa.Array:
        """What the sender wrote (message_text)."""
        return own_text(self.column("body"))

    @cached_property
    def lower(self) -> pa.Array:
        """The same in lower case."""
        return pc.utf8_lower(self.text)

    @cached_property
    def words(self) -> pa.Array:
        """The same without links."""
        return without_links(self.lower)

    @cached_property
    def counts(self) -> Counted:
        """What the texts without links are made of."""
        return counted(self.words)

    @cached_property
    def filled(self) -> Bools:
        """Where anything was written."""
        return _bools(pc.not_equal(self.text, ""))

    @cached_property
    def english(self) -> Bools:
        """Where phrases can be told: in English, as far as letters and the commonest words show."""
        counts = self.counts
        latin = 2 * counts.latin >= counts.letters - counts.digits
        short = counts.words < _TELLING_WORDS
        return self.filled & latin & (short | _bools(pc.match_substring_regex(self.words, _ENGLISH)))

    @cached_property
    def spaced(self) -> Bools:
        """Where words can be counted: in scripts that put spaces between them."""
        return self.filled & (2 * self.counts.unspaced <= self.counts.letters)

    @cached_property
    def times(self) -> npt.NDArray[np.int64]:
        """How many times are offered."""
        rows = pc.match_substring_regex(self.words, _MAY_NAME_TIME)
        some = self.words.filter(rows)
        offered = np.zeros(len(self.words), dtype=np.int64)
        offered[_bools(rows)] = _ints(pc.count_substring_regex(some, _TIMES)) + 2 * _ints(
            pc.count_substring_regex(some, _EITHER_DAY)
        )
        settled = _bools(pc.match_substring_regex(some, _SETTLED))
        offered[_bools(rows)] *= ~settled | (self.counts.questions[_bools(rows)] > 0)
        return offered

    @cached_property
    def linked(self) -> Bools:
        """Where there is a link."""
        return _bools(pc.match_substring_regex(self.lower, rf"://|\bwww\.|{_HOST}"))

    @cached_property
    def courteous(self) -> Bools:
        """Where any of the phrases of courtesy stands: a third of the messages, so that each is looked for there."""
        return _bools(pc.match_substring_regex(self.words, f"{_FAREWELL}|{_APOLOGY}|{_THANKS}"))

    @cached_property
    def lines(self) -> list[str]:
        """The texts in lower case, one by one, for what Arrow cannot look for."""
        lines: list[str] = self.lower.to_pylist()
        return lines

    @cached_property
    def names(self) -> list[str]:
        """The leads' first names in lower case, empty where unknown."""
        return _lowered(self.column("first_name"))

    @cached_property
    def subject(self) -> pa.Array:
        """The subject of emails without Re: and Fwd:, null elsewhere."""
        written = pc.replace_substring_regex(self.column("subject"), r"(?i)^(?:\s*(?:re|fwd?|aw|wg)\s*:)+", "")
        written = pc.utf8_trim_whitespace(written)
        told = pc.and_(pc.equal(self.column("channel"), str(Channel.EMAIL)), pc.not_equal(written, ""))
        return pc.if_else(told, written, pa.scalar(None, pa.string()))


Rule = Callable[[Messages], pa.Array]


def _bools(values: pa.Array) -> Bools:
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _ints(values: pa.Array) -> npt.NDArray[np.int64]:
    return np.asarray(pc.fill_null(values, 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _choice(told: Bools, cases: Sequence[tuple[Bools, str]], otherwise: str | None) -> pa.Array:
    """The value of the first case that holds in each row, null where nothing can be told."""
    values = np.array([value for _, value in cases] + [otherwise, None], dtype=object)
    picked = np.full(len(told), len(cases))
    for place, (rows, _) in reversed(list(enumerate(cases))):
        picked[rows] = place
    picked[~told] = len(cases) + 1
    return pa.array(values, type=pa.string()).take(pa.array(picked))


def _yes_no(told: Bools, yes: Bools) -> pa.Array:
    return _choice(told, [(yes, "yes")], "no")


def _phrase(pattern: str) -> Rule:
    def rule(messages: Messages) -> pa.Array:
        found = messages.courteous.copy()
        found[found] = _bools(pc.match_substring_regex(messages.words.filter(pa.array(found)), pattern))
        return _yes_no(messages.english, found)

    return rule


def _length(messages: Messages) -> pa.Array:
    words = messages.counts.words
    return _choice(messages.spaced, [(words < SHORT_WORDS, "short"), (words < LONG_WORDS, "medium")], "long")


def _question(messages: Messages) -> pa.Array:
    return _yes_no(messages.filled, messages.counts.questions > 0)


def _ends_question(messages: Messages) -> pa.Array:
    ended = pc.utf8_rtrim(messages.text, characters=_TRAILING)
    return _yes_no(messages.filled, _bools(pc.ends_with(ended, "?")))


def _call_to_action(messages: Messages) -> pa.Array:
    booking = messages.linked.copy()
    booking[booking] = _bools(pc.match_substring_regex(messages.lower.filter(pa.array(booking)), _BOOKING))
    replying = _bools(pc.match_substring_regex(messages.words, _REPLY_WORD))
    cases = [
        (messages.times > 0, "times"),
        (booking, "booking_link"),
        (replying, "reply_word"),
        (messages.counts.questions > 0, "question"),
    ]
    return _choice(messages.english, cases, "none")


def _times_offered(messages: Messages) -> pa.Array:
    return _choice(messages.english, [(messages.times == 0, "0"), (messages.times == 1, "1")], "2+")


def _link(messages: Messages) -> pa.Array:
    return _yes_no(messages.filled, messages.linked)


def _name_used(messages: Messages) -> pa.Array:
    return _named(messages, messages.names)


def _company_used(messages: Messages) -> pa.Array:
    return _named(messages, [_without_legal_form(name) for name in _lowered(messages.column("company"))])


def _lowered(names: pa.Array) -> list[str]:
    lowered: list[str] = pc.utf8_trim_whitespace(pc.utf8_lower(pc.fill_null(names, ""))).to_pylist()
    return lowered


@lru_cache(maxsize=65_536)
def _without_legal_form(name: str) -> str:
    words = name.split()
    while len(words) > 1 and words[-1].strip(".,") in LEGAL_FORMS:
        words.pop()
    return " ".join(words).rstrip(".,")


def _named(messages: Messages, names: Sequence[str]) -> pa.Array:
    # Each row looks for a text of its own, which Arrow cannot; half a microsecond a row in Python.
    subjects = _lowered(messages.column("subject"))
    rows = zip(messages.lines, subjects, names, messages.filled.tolist(), strict=True)
    found = [
        (_stands_in(text, name) or _stands_in(subject, name)) if name and filled else None
        for text, subject, name, filled in rows
    ]
    return pc.if_else(pa.array(found, type=pa.bool_()), "yes", "no")


def _stands_in(text: str, name: str) -> bool:
    """Whether a text names somebody. A name that is a word as well must be addressed: "hi will", "will, are you"."""
    place = text.find(name)
    if place < 0:
        return False
    careful = len(name) < 3 or name in ALSO_WORDS
    while place >= 0:
        end = place + len(name)
        whole = not (text[place - 1 : place].isalpha() or text[end : end + 1].isalpha())
        if whole and (
            not careful or text[end : end + 1] in (",", "!") or _ADDRESSED.search(text[max(0, place - 12) : place])
        ):
            return True
        place = text.find(name, end)
    return False


def _day_part(messages: Messages) -> pa.Array:
    hours = messages.column("local_hour")
    told = _bools(pc.and_(pc.greater_equal(hours, 0), pc.less(hours, 24)))
    hour = _ints(hours)
    cases = [(hour < 5, "evening"), (hour < 11, "morning"), (hour < 14, "midday"), (hour < 18, "afternoon")]
    return _choice(told, cases, "evening")


def _wait(messages: Messages) -> pa.Array:
    waits = messages.column("wait_hours")
    none = _bools(pc.is_null(waits))
    hours = np.asarray(pc.fill_null(waits, 0.0).to_numpy(zero_copy_only=False), dtype=np.float64)
    return _choice(none | (hours >= 0), [(none, "none"), (hours <= 1, "hour"), (hours <= 24, "day")], "later")


def _touch(messages: Messages) -> pa.Array:
    touch = _ints(messages.column("touch"))
    return _choice(touch >= 1, [(touch == 1, "1"), (touch <= 3, "2-3"), (touch <= 6, "4-6")], "7+")


def _reading(messages: Messages) -> pa.Array:
    """Automated Readability Index: 4.71 letters a word + 0.5 words a sentence - 21.43.

    Source: Smith and Senter, Automated Readability Index, AMRL-TR-66-220, 1967.
    """
    counts = messages.counts
    told = messages.spaced & (counts.words >= _GRADED_WORDS)
    words, sentences = np.maximum(counts.words, 1), np.maximum(counts.sentences, 1)
    grade = 4.71 * counts.letters / words + 0.5 * words / sentences - 21.43
    return _choice(told, [(grade <= EASY_GRADE, "easy"), (grade <= HARD_GRADE, "plain")], "hard")


def _greeting(messages: Messages) -> pa.Array:
    greeted = _bools(pc.match_substring_regex(messages.words, _GREETING))
    # "Ann," and "Ann: " greet as well.
    by_name = [
        bool(name) and line.startswith(name) and line[len(name) : len(name) + 1] in (",", ":", "!")
        for line, name in zip(messages.lines, messages.names, strict=True)
    ]
    return _yes_no(messages.english, greeted | np.array(by_name, dtype=np.bool_))


def _exclamation(messages: Messages) -> pa.Array:
    return _yes_no(messages.filled, messages.counts.exclamations > 0)


def _subject_question(messages: Messages) -> pa.Array:
    return pc.if_else(pc.match_substring(messages.subject, "?"), "yes", "no")


def _subject_length(messages: Messages) -> pa.Array:
    words = counted(pc.fill_null(messages.subject, "")).words
    cases = [(words <= SHORT_SUBJECT, "short"), (words < LONG_SUBJECT, "medium")]
    return _choice(_bools(pc.is_valid(messages.subject)), cases, "long")


def _figures(messages: Messages) -> pa.Array:
    found = messages.counts.digits > 0
    some = messages.words.filter(pa.array(found))
    some = pc.replace_substring_regex(pc.replace_substring_regex(some, _CLOCK, " "), _DATES, " ")
    found[found] = _bools(pc.match_substring_regex(some, _FIGURES))
    return _yes_no(messages.filled, found)


def _focus(messages: Messages) -> pa.Array:
    you = _ints(pc.count_substring_regex(messages.words, _YOU))
    us = _ints(pc.count_substring_regex(messages.words, _US))
    return _choice(messages.english, [(you > us, "you"), (you == us, "even")], "us")


RULES: Final[dict[str, Rule]] = {
    "length": _length,
    "question": _question,
    "ends_question": _ends_question,
    "call_to_action": _call_to_action,
    "times_offered": _times_offered,
    "link": _link,
    "name_used": _name_used,
    "company_used": _company_used,
    "day_part": _day_part,
    "wait": _wait,
    "touch": _touch,
    "reading": _reading,
    "greeting": _greeting,
    "exclamation": _exclamation,
    "subject_question": _subject_question,
    "subject_length": _subject_length,
    "farewell": _phrase(_FAREWELL),
    "apology": _phrase(_APOLOGY),
    "thanks": _phrase(_THANKS),
    "figures": _figures,
    "focus": _focus,
}
