"""What the sender wrote into a message, and how much of it: without quotes, signatures, footers and markup.

Columns of texts in, columns out. Patterns are RE2's; each is applied only to the rows where a plain search says that
it can fit, because most messages have none of what is cut away.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 20_000
"""Characters of a body that are looked at. What stands beyond them is a document, and no message."""

Ints = npt.NDArray[np.int64]


class _Cut(NamedTuple):
    """A pattern, what is put in its place, and a cheaper pattern without which it cannot fit."""

    sign: str
    pattern: str
    instead: str = ""


_MARKUP: Final = (
    _Cut("</", r"(?is)<(?:style|script|head|blockquote)\b.*?</(?:style|script|head|blockquote)\s*>", "\n"),
    _Cut("<", r"(?i)<(?:br|/p|/div|/li|/tr|p|div|li)\b[^<>]*>", "\n"),
    _Cut("<", r"<[a-zA-Z/!][^<>]*>", " "),
    _Cut("&nbsp", r"&nbsp;?", " "),
    _Cut("&amp", r"&amp;?", "&"),
    _Cut("&(?:#39|apos|rsquo);", r"&(?:#39|apos|rsquo);", "'"),
    _Cut("&quot", r"&quot;?", '"'),
)
_NOT_ONES_OWN: Final = (
    _Cut(">", r"(?m)^[ \t]*>[^\n]*\n?"),
    _Cut("wrote:", r"(?is)(?:^|\n)[ \t]*on [^\n]{0,120}\d[^\n]{0,120}(?:\n[^\n]{0,120})?wrote:.*$"),
    _Cut("(?:original|forwarded) message", r"(?is)\n[ \t]*-*[ \t]*(?:begin )?(?:original|forwarded) message.*$"),
    _Cut("from: ", r"(?is)\n_*\s*from: [^\n]+\n(?:sent|date|to): .*$"),
    _Cut("\n--", r"(?s)\n--[ \t]*\n.*$"),
    _Cut("sent from my|get outlook", r"(?is)\n[ \t]*(?:sent from my|get outlook for) [^\n]*\s*$"),
    _Cut("unsubscribe|opt[ -]out", r"(?i)\n[^\n]*\b(?:unsubscribe|opt[ -]out)\b[^\n]*\s*$"),
    _Cut(" stop to ", r"(?i)\b(?:reply|text|send) stop to [^.\n]*\.?"),
)
_SIGN_OFFS = (
    "(?:kind(?:est)?|best|warm(?:est)?) (?:regards|wishes)|regards|best|all the best|(?:many )?thanks(?: again)?"
    "|thank you|cheers|sincerely|yours(?: sincerely| truly)?|talk soon|take care|warmly"
)
# The last lines: a formula and a name with what belongs to it, or a name and a firm alone.
_SIGNED = rf"(?is)\n[ \t]*(?:{_SIGN_OFFS})[ \t]*[,!.]?[ \t]*(?:\n[^\n]{{0,60}}){{0,6}}\s*$"
_NAMED = r"(?s)\n[ \t]*\n(?:[ \t]*[\p{Lu}\p{Lo}+\d(][^\s.!?]*(?:[ \t]+[^\s.!?]+){0,2}[ \t]*(?:\n|$)){1,3}\s*$"
LINK: Final = r"(?i)(?:\b(?:https?://|www\.)[^\s<>\"]*[^\s<>\".,;:!?)'\]])"


def own_text(bodies: pa.Array) -> pa.Array:
    """What the sender wrote, for each body; empty where that is nothing."""
    texts = pc.fill_null(bodies, "")
    if len(texts) and pc.max(pc.binary_length(texts)).as_py() > LONGEST:
        texts = pc.utf8_slice_codeunits(texts, 0, LONGEST)
    texts = where(pc.match_substring_regex(texts, "[\r\u00a0\u2019]"), texts, _plain)
    for rules in (_MARKUP, _NOT_ONES_OWN):
        texts = where(_has(texts, rules), texts, _each(rules))
    return pc.utf8_trim_whitespace(_unsigned(texts))


def without_links(texts: pa.Array) -> pa.Array:
    """The texts without their links, in which signs mean something else."""
    return where(pc.match_substring_regex(texts, r"(?i)://|www\."), texts, _substitution(LINK, " "))


def where(rows: pa.Array, texts: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """The texts, changed in the rows that are true."""
    if not pc.any(rows).as_py():
        return texts
    return pc.replace_with_mask(texts, rows, change(texts.filter(rows)))


def _unsigned(texts: pa.Array) -> pa.Array:
    several_lines = pc.match_substring(texts, "\n")
    texts = where(several_lines, texts, _cut_unless_all(_SIGNED))
    return where(pc.match_substring_regex(texts, r"\n[ \t]*\n"), texts, _cut_unless_all(_NAMED))


def _cut_unless_all(pattern: str) -> Callable[[pa.Array], pa.Array]:
    """Cut what the pattern finds, unless nothing is left then: "Thanks!" alone is a message and no signature."""

    def change(texts: pa.Array) -> pa.Array:
        trimmed = pc.utf8_rtrim_whitespace(texts)
        cut = pc.replace_substring_regex(trimmed, pattern, "", max_replacements=1)
        return pc.if_else(pc.equal(pc.utf8_trim_whitespace(cut), ""), trimmed, cut)

    return change


def _substitution(pattern: str, instead: str) -> Callable[[pa.Array], pa.Array]:
    return lambda texts: pc.replace_substring_regex(texts, pattern, instead)


def _plain(texts: pa.Array) -> pa.Array:
    for sign, instead in (("\r\n", "\n"), ("\r", "\n"), ("\u00a0", " "), ("\u2019", "'")):
        texts = pc.replace_substring(texts, sign, instead)
    return texts


def _each(rules: tuple[_Cut, ...]) -> Callable[[pa.Array], pa.Array]:
    """Apply the rules one after the other, each where it can fit."""

    def change(texts: pa.Array) -> pa.Array:
        for rule in rules:
            texts = where(_has(texts, (rule,)), texts, _substitution(rule.pattern, rule.instead))
        return texts

    return change


def _has(texts: pa.Array, rules: tuple[_Cut, ...]) -> pa.Array:
    # One search for all signs costs as much as for one.
    return pc.match_substring_regex(texts, "(?i)" + "|".join(rule.sign for rule in rules))


# So many rows' bytes stay in the processor's cache while they are looked at again and again.
_PART = 2048
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Counted:
    """What texts are made of, one number a row. `letters` are letters and digits of any script; `latin` and
    `unspaced` are letters of scripts like ours, and of those that are written without spaces.
    """

    words: Ints
    sentences: Ints
    letters: Ints
    latin: Ints
    unspaced: Ints
    questions: Ints
    exclamations: Ints
    digits: Ints


def counted(texts: pa.Array) -> Counted:
    """Count words (what stands between spaces), sentences (what ends in . ! or ? before a space or the end) and
    signs. Works on the bytes of the column, a few nanoseconds each.
    """
    parts = [_counted(texts.slice(start, _PART)) for start in range(0, len(texts), _PART)] or [_counted(texts)]
    columns = {field.name: [getattr(part, field.name) for part in parts] for field in fields(Counted)}
    return Counted(**{name: np.concatenate(column) for name, column in columns.items()})


def _counted(texts: pa.Array) -> Counted:
    data, bounds = _bytes(texts)
    space = (data == 32) | (data - np.uint8(9) < 5)
    question, exclamation = data == 63, data == 33
    digit = data - np.uint8(48) < 10
    # A character of several bytes is told by its first: C3 to CA begin the letters of Latin with accents, E2 dashes,
    # quotes and arrows, E3 to ED the scripts of East Asia, F0 emoji.
    latin = ((data | np.uint8(32)) - np.uint8(97) < 26) | (data - np.uint8(0xC3) < 8)
    unspaced = data - np.uint8(0xE3) < 11
    letter = latin | digit | ((data - np.uint8(0xC3) < 43) & (data != 0xE2))
    # A row begins after, and ends before, nothing of its neighbours.
    begins = np.empty(len(data), dtype=np.bool_)
    begins[1:] = space[:-1]
    begins[bounds[:-1]] = True
    ends = np.empty(len(data), dtype=np.bool_)
    ends[:-1] = space[1:]
    ends[bounds[1:] - 1] = True

    def per_row(flags: Flags) -> Ints:
        sums = np.add.reduceat(flags.view(np.uint8), bounds[:-1], dtype=np.uint32).astype(np.int64)
        # Of nothing, it gives the byte that stands there.
        sums[bounds[1:] == bounds[:-1]] = 0
        return sums

    return Counted(
        words=per_row(~space & begins),
        sentences=per_row((question | exclamation | (data == 46)) & ends),
        letters=per_row(letter),
        latin=per_row(latin),
        unspaced=per_row(unspaced),
        questions=per_row(question),
        exclamations=per_row(exclamation),
        digits=per_row(digit),
    )


def _bytes(texts: pa.Array) -> tuple[Bytes, Ints]:
    """The bytes of a column with one space behind them, and where each row begins; the last entry is the end."""
    _, offsets_buffer, data_buffer = texts.buffers()
    if len(texts) == 0:
        return np.array([32], dtype=np.uint8), np.zeros(1, dtype=np.int64)
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(data_buffer or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    return np.append(data, np.uint8(32)), offsets.astype(np.int64) - int(offsets[0])
