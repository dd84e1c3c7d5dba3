"""Places in a text that must not be shown, and what is put there instead."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What is taken out. Where two kinds fit the same place, the one that stands first here names it."""

    CARD = "card"
    IBAN = "iban"
    EMAIL = "email"
    LINK = "link"
    IP = "ip"
    PHONE = "phone"
    NAME = "name"
    COMPANY = "company"


_ORDER = {kind: place for place, kind in enumerate(Kind)}
PLACEHOLDER = re.compile(r"\[(" + "|".join(Kind) + r")\]")
MASK = "\0"
"""Stands for each character of a placeholder while a text is searched; no text has it, and no pattern takes it."""


class Span(NamedTuple):
    """The characters `[start, end)` of a text."""

    start: int
    end: int
    kind: Kind


def masked(text: str) -> str:
    """The text with its placeholders made unreadable, each character where it was."""
    return PLACEHOLDER.sub(lambda match: MASK * len(match[0]), text)


def merged(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap as one of the longest's kind, neighbouring names as one."""
    result: list[Span] = []
    longest = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end, _ORDER[span.kind])):
        length = span.end - span.start
        if result and span.start < result[-1].end:
            last = result[-1]
            better = (length, -_ORDER[span.kind]) > (longest, -_ORDER[last.kind])
            longest = max(longest, length)
            result[-1] = Span(last.start, max(last.end, span.end), span.kind if better else last.kind)
        else:
            longest = length
            result.append(span)
    return _joined(text, result)


def _joined(text: str, spans: list[Span]) -> list[Span]:
    """First and last name are one name."""
    result: list[Span] = []
    for span in spans:
        if (
            result
            and result[-1].kind == span.kind == Kind.NAME
            and text[result[-1].end : span.start].strip(" \t") == ""
        ):
            result[-1] = Span(result[-1].start, span.end, span.kind)
        else:
            result.append(span)
    return result


def replaced(text: str, spans: Iterable[Span]) -> str:
    """The text with a placeholder in place of each span; the spans are in order and do not overlap."""
    pieces: list[str] = []
    place = 0
    for start, end, kind in spans:
        pieces += (text[place:start], f"[{kind}]")
        place = end
    return "".join([*pieces, text[place:]])
