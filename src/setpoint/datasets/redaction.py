"""Take out of a text what would tell who it is about, before people or models see it.

What is known of the lead and of our own people goes first (known), then whatever shows by its form as an address,
a link or a number (recognisers). A redacted text holds placeholders such as `[name]`; redacting it again changes
nothing.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from setpoint.datasets.known import Known, by_knowledge
from setpoint.datasets.plain_text import spell, visible
from setpoint.datasets.spans import PLACEHOLDER, Kind, Span, masked, merged, replaced

__all__ = ["DEFAULT_LIMIT", "Kind", "Known", "Redacted", "Redactor"]

DEFAULT_LIMIT = 280
# So far beyond the last character that is kept we look: no name or number is longer.
_MARGIN = 300
# Who fills a message with addresses that all but vanish need not be read to the end.
_MOST = 20_000
# What the patterns are given at a time. They take the square of a word's length, and nobody reads a word of more
# than a thousand characters: such a one is cut out before anything looks at it. Chinese and its like have no spaces.
_PIECE = re.compile(r".{1,20000}(?=\s|$)|.{1,20000}", re.DOTALL)
_OF_WORD = r"[^\s\u3000-\u9fff\uac00-\ud7af\uff01-\uff0f]"
_ENDLESS_WORD = re.compile(rf"(?<!{_OF_WORD}){_OF_WORD}{{1001,}}")


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text that may be shown, and how many placeholders of each kind it has."""

    text: str
    kinds: Counter[str] = field(default_factory=Counter)


class Redactor:
    """Takes personal data out of texts. The recognisers are loaded at the first use, which takes about a second."""

    def redact(self, text: str, known: Known, limit: int | None = DEFAULT_LIMIT) -> Redacted:
        """The text with placeholders in place of personal data, and without invisible characters.

        It has at most `limit` characters, the last of them an ellipsis where something was cut off, and never half
        a placeholder; None keeps all of it. Raises ValueError where `limit` is less than 1.
        """
        if limit is not None and limit < 1:
            raise ValueError("limit must be at least 1")
        shown = self._beginning(_ENDLESS_WORD.sub("…", text), known, limit)
        # What is left may show something only now. Each round takes away what the last one found, so it ends.
        while (again := self._beginning(shown, known, limit)) != shown:
            shown = again
        return Redacted(shown, Counter(match[1] for match in PLACEHOLDER.finditer(shown)))

    def _beginning(self, text: str, known: Known, limit: int | None) -> str:
        """One round over as much of the text as `limit` characters need: a message may have megabytes."""
        if limit is None:
            return "".join(self._once(piece[0], known) for piece in _PIECE.finditer(text))
        size = 2 * (limit + _MARGIN)
        most = max(_MOST, 8 * size)
        while True:
            redacted = self._once(_whole_words(text, size), known)
            if size >= min(len(text), most) or len(redacted) >= limit + _MARGIN:
                return _cut(redacted if size >= len(text) else redacted + " …", limit)
            size *= 2

    def _once(self, text: str, known: Known) -> str:
        text = visible(text)
        source = spell(masked(text))
        found = chain(by_knowledge(source.text, known), self._by_form(source.text))
        spans = [Span(*source.source(start, end), kind) for start, end, kind in found]
        return replaced(text, merged(text, spans)) if spans else text

    @cached_property
    def _by_form(self) -> Callable[[str], Iterator[Span]]:
        # Not with this module: the recognisers bring all of spaCy along, and few commands redact.
        from setpoint.datasets.recognisers import by_form

        return by_form


def _whole_words(text: str, size: int) -> str:
    """The first `size` characters, less a word at their end that is not whole."""
    if size >= len(text):
        return text
    space = re.search(r"\s\S*$", text[max(0, size - _MARGIN) : size])
    return text[: size - len(space[0])] if space else text[:size]


def _cut(text: str, limit: int | None) -> str:
    """At most `limit` characters, with an ellipsis where some are missing, in front of a placeholder or word."""
    if limit is None or len(text) <= limit:
        return text
    end = limit - 1
    for match in PLACEHOLDER.finditer(text, 0, min(len(text), end + 16)):
        if match.start() < end < match.end():
            end = match.start()
    kept = text[:end]
    word = re.search(r"\s\S{0,20}$", kept)
    if word and not text[end : end + 1].isspace() and word.start() > end // 2:
        kept = kept[: word.start()]
    return kept.rstrip() + "…"
