"""Texts as they are compared: without what cannot be seen, and with one spelling for what looks alike."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# What a reader does not see, and what can therefore stand in the middle of an address that the reader does see.
# Beside the controls and the format characters of Unicode: joiners, fillers and selectors of other categories.
_UNSEEN_OTHERS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
_SEEN_CONTROLS = frozenset("\t\n\r")
_ASCII_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# Letters and signs that Unicode does not decompose, as a keyboard without them spells them.
_SPELLED = {
    "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "æ": "ae",
    "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "Th", "ı": "i", "\u2018": "'", "\u2019": "'", "ʼ": "'",
    "´": "'", "\u2010": "-", "\u2011": "-", "\u2012": "-", "–": "-", "—": "-", "\u2015": "-", "\u2212": "-",
    "。": ".", "｡": ".", "\u2024": ".",
}  # fmt: skip

_spellings: dict[str, str] = {}


def visible(text: str) -> str:
    """The text without invisible characters: controls, direction marks, zero-width characters, soft hyphens."""
    if text.isascii():
        return _ASCII_CONTROLS.sub("", text)
    return "".join(character for character in text if not _unseen(character))


def _unseen(character: str) -> bool:
    if character in _UNSEEN_OTHERS:
        return True
    return unicodedata.category(character) in ("Cc", "Cf") and character not in _SEEN_CONTROLS


def spelled(text: str) -> str:
    """The text in the one spelling that is compared: NFKC, without accents; case stays."""
    return text if text.isascii() else "".join(map(_spelling, text))


def _spelling(character: str) -> str:
    if character.isascii():
        return character
    known = _spellings.get(character)
    if known is None:
        known = _SPELLED.get(character) or _decomposed(character)
        # The characters of all the world's scripts, a few MB.
        _spellings[character] = known
    return known


def _decomposed(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character)
    letters = "".join(_SPELLED.get(part, part) for part in parts if unicodedata.category(part) != "Mn")
    # Hangul and its like: what falls apart into letters is put together again.
    return unicodedata.normalize("NFC", letters)


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text in its compared spelling, and where each character of it comes from.

    `origin` has one more entry than `text` has characters, the last for its end; None means that they are the same.
    """

    text: str
    origin: Sequence[int] | None

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The place in the source of the characters `[start, end)`, end excluded; whole characters of the source."""
        if self.origin is None:
            return start, end
        first, last = self.origin[start], self.origin[end - 1] + 1
        return first, max(first + 1, last, min(self.origin[end], self.origin[-1]))


def spell(source: str) -> Spelled:
    """The compared spelling of a text, with the way back."""
    if source.isascii():
        return Spelled(source, None)
    pieces: list[str] = []
    origin: list[int] = []
    for place, character in enumerate(source):
        piece = _spelling(character)
        pieces.append(piece)
        origin.extend([place] * len(piece))
    origin.append(len(source))
    return Spelled("".join(pieces), origin)
