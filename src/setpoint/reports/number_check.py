"""Whether every number in a text stands among the numbers it claims to rest on. Pure.

A model that writes about a report may round and respell its numbers; it may not make any up, nor work any out.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final


class _Unit(Enum):
    NONE = "none"
    PERCENT = "percent"
    POINTS = "points"


@dataclass(frozen=True, slots=True)
class _Spelled:
    """A number as a text has it: `amount` to `digits` decimals, with the place where it stands."""

    text: str
    amount: float
    digits: int
    signed: bool
    unit: _Unit
    start: int
    end: int
    about: bool = False
    below: bool = False
    scale: float = 1.0


_MINUS: Final = "-\u2212\u2010\u2011\ufe63\uff0d"
# Spaces and apostrophes that part thousands.
_APART: Final = "\u00a0\u2009\u202f'\u2019\u066c"
_DIGITS: Final = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+"
_UNITS: Final = (
    r"(?P<percent>\s?(?:%|percent(?!age point)|per\s?cent(?!age)|pct\b))"
    r"|(?P<points>[\s-]?(?:percentage[\s-]points?|points?\b|pp\b|ppts?\b|p\.p\.|%-points?))"
)
_NUMBER: Final = re.compile(
    rf"(?<![\w.,])(?P<sign>[{_MINUS}+\u00b1]\s?)?(?P<digits>{_DIGITS})(?P<scale>\s?(?:k|thousand|m|mn|million|bn|billion)\b)?"
    rf"(?:{_UNITS})?(?P<glued>[A-Za-z]\w*)?",
    re.IGNORECASE,
)
_SCALES: Final = {
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "million": 1e6,
    "bn": 1e9,
    "billion": 1e9,
}
# What may stand between the two ends of a range, the unit being said once.
_RANGE: Final = re.compile(r"\s?(?:to|and|or|through|until|[-\u2013\u2014])\s?", re.IGNORECASE)
_ABOUT: Final = re.compile(r"(?:\b(?:about|around|roughly|approximately|circa|some)|~|\u2248)\s?$", re.IGNORECASE)
_BELOW: Final = re.compile(r"(?:<|\u2264|\b(?:p|q) (?:is )?(?:below|under|less than))\s?$", re.IGNORECASE)
# "0.001" as a bound of a p-value.
_BOUNDS: Final = {0.05, 0.01, 0.005, 0.001, 0.0001}
_DATE: Final = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)(?:[T ]\d{2}:\d{2}(?::\d{2})?(?: ?UTC|Z)?)?")

_ONES: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS: Final = {word: i for i, word in enumerate(_ONES)} | {word: 10 * i for i, word in enumerate(_TENS, 2)}
_WORD: Final = "|".join(_WORDS)
# Words count only where a unit or a noun of ours makes them a claim: "two of the tables" is none.
_IN_WORDS: Final = re.compile(
    rf"\b(?P<first>{_WORD}|a)(?:[\s-](?P<second>{_WORD}))?(?P<hundred>[\s-]hundred)?(?P<thousand>[\s-]thousand)?"
    r"(?:(?P<percent>\s(?:percent(?!age)|per\s?cent(?!age)))|(?P<points>\s(?:percentage )?points?\b)"
    r"|(?P<noun>\s(?:(?:mature|more|other|booked|pending) )?"
    r"(?:leads?|messages?|bookings?|meetings?|replies|days?)\b))",
    re.IGNORECASE,
)
# What sets two numbers in proportion says a third, which no table has.
_RATIO: Final = re.compile(
    r"\b(?:twice|thrice|doubl(?:e|es|ed|ing)|tripl(?:e|es|ed|ing)|quadrupl(?:e|es|ed|ing)|\w+[\s-]?fold"
    r"|half (?:of|as|the)"
    r"|(?:one|a|two|three)[\s-](?:half|halves|thirds?|quarters?|fifths?|tenths?) (?:of|as|more|less)"
    rf"|(?:{_WORD}|\d+(?:\.\d+)?) times (?:as|more|less|higher|lower|the|better))\b",
    re.IGNORECASE,
)


def numbers_not_in(text: str, values: Iterable[float | str]) -> list[str]:
    """The numbers of a text, as it spells them, that are none of the values; empty where all are.

    `values` holds counts as integers, rates, differences and other measures as floats (rates as fractions), and
    texts whose own numbers may be repeated, such as labels and dates. A number is a value's if it is the value
    rounded to the decimals that are shown; an integer is exact, unless "about" stands before it, which allows 5%.
    A float may be told in percent or points, without its sign where the words tell the direction, and is never told
    as zero unless it is. Thousands separators, typographic minus signs, ranges whose unit is said once ("9.8 to
    15.6%"), `1.2k`, and words ("forty percent", "twelve leads") are read. Ratios in words ("twice as many") are
    numbers that nobody computed, and are always returned. What is glued to a letter (B2B) or an ordinal is none.
    """
    numbers: list[float] = []
    labels = ""
    for value in values:
        if isinstance(value, str):
            labels += f"{value}\n"
        elif not isinstance(value, bool):
            numbers.append(value)
    text, labels = _plain(text), _plain(labels)
    dates = [match for match in _DATE.finditer(text) if match[0] not in labels]
    ratios = list(_RATIO.finditer(text))
    repeated = _read(_DATE.sub(_blank, labels))
    made_up = [
        (found.start, found.text)
        for found in _read(_RATIO.sub(_blank, _DATE.sub(_blank, text)))
        if not any(_says(found, value) for value in numbers) and not any(_repeats(found, other) for other in repeated)
    ]
    return [shown for _, shown in sorted([*made_up, *((match.start(), match[0]) for match in dates + ratios)])]


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _plain(text: str) -> str:
    """One spelling of digits and separators."""
    joined = re.sub(rf"(?<=\d)[{_APART}](?=\d{{3}}(?!\d))", ",", text)
    return unicodedata.normalize("NFKC", joined)


def _read(text: str) -> list[_Spelled]:
    """The numbers of a text in their order, a range's unit given to both ends."""
    found = sorted([*_in_digits(text), *_in_words(text)], key=lambda number: number.start)
    for place in range(len(found) - 2, -1, -1):
        here, after = found[place], found[place + 1]
        if here.unit is _Unit.NONE and _RANGE.fullmatch(text[here.end : after.start]):
            found[place] = replace(here, unit=after.unit)
    # "2.1 points more (95%: 0.4 to 3.9)": an interval in brackets has the unit of the estimate before it.
    for place, here in enumerate(found):
        if here.unit is _Unit.NONE and here.digits:
            before = [other for other in found[:place] if other.unit is not _Unit.NONE and other.digits]
            for other in reversed(before):
                if re.fullmatch(r"[^.!?;(]*\([^()]*", text[other.end : here.start]):
                    found[place] = replace(here, unit=other.unit)
                    break
    return found


def _in_digits(text: str) -> Iterator[_Spelled]:
    for match in _NUMBER.finditer(text):
        if match["glued"]:
            continue
        digits = match["digits"]
        if re.fullmatch(r"\d+,\d{1,2}|\d+,\d{4,}", digits):
            # A decimal comma.
            digits = digits.replace(",", ".")
        digits = digits.replace(",", "")
        sign = (match["sign"] or "").strip()
        # Between two numbers or words it is a hyphen: a range, a date.
        before = text[: match.start()]
        if sign and sign in _MINUS and re.search(r"[\w)%]$", before):
            sign = ""
        scale = _SCALES[match["scale"].strip().lower()] if match["scale"] else 1.0
        amount = float(digits) * scale
        yield _Spelled(
            text=match[0].strip(),
            amount=-amount if sign and sign in _MINUS else amount,
            digits=len(digits.partition(".")[2]),
            signed=bool(sign) and sign != "\u00b1",
            unit=_Unit.PERCENT if match["percent"] else _Unit.POINTS if match["points"] else _Unit.NONE,
            start=match.start("digits"),
            end=match.end(),
            about=bool(_ABOUT.search(before)),
            below=bool(_BELOW.search(before)),
            scale=scale,
        )


def _in_words(text: str) -> Iterator[_Spelled]:
    for match in _IN_WORDS.finditer(text):
        first, second = match["first"].lower(), (match["second"] or "").lower()
        if first == "a":
            if not match["hundred"] and not match["thousand"]:
                continue
            first = "one"
        if not match["percent"] and not match["points"] and first == "one" and not second and not match["hundred"]:
            # "one lead at a time" counts nothing.
            continue
        amount = float(_WORDS[first] + _WORDS.get(second, 0))
        amount *= (100 if match["hundred"] else 1) * (1000 if match["thousand"] else 1)
        unit = _Unit.PERCENT if match["percent"] else _Unit.POINTS if match["points"] else _Unit.NONE
        about = bool(_ABOUT.search(text[: match.start()]))
        yield _Spelled(match[0], amount, 0, False, unit, match.start(), match.end(), about)


def _says(found: _Spelled, value: float) -> bool:
    """Whether a spelled number is this value, rounded as it is spelled."""
    if value != value or value in (float("inf"), float("-inf")):
        return False
    if isinstance(value, int):
        return found.unit is _Unit.NONE and _is_count(found, value)
    meant = value * 100 if found.unit is not _Unit.NONE else value
    if found.below:
        return found.unit is _Unit.NONE and found.amount in _BOUNDS and 0 <= value < found.amount
    if found.unit is _Unit.NONE and not found.digits and abs(value) < 1 and value != 0:
        # A share is told in percent or with decimals: "1" is not 0.6.
        return False
    return _rounds(found, meant)


def _is_count(found: _Spelled, value: int) -> bool:
    if found.scale != 1:
        return _rounds(found, value)
    if found.about:
        return abs(abs(found.amount) - abs(value)) <= 0.05 * abs(value)
    return found.amount == value or (not found.signed and found.amount == abs(value))


def _rounds(found: _Spelled, meant: float) -> bool:
    if not found.signed:
        meant = abs(meant)
    if found.amount == 0 and meant != 0:
        return False
    # A little more than a half: halves round to either side, and floats are not exact.
    within = 0.5 * 10.0**-found.digits * found.scale * (1 + 1e-9) + 1e-12
    if found.about:
        within = max(within, 0.05 * abs(meant))
    return abs(found.amount - meant) <= within


def _repeats(found: _Spelled, other: _Spelled) -> bool:
    """Whether a number stands so in a label: "by day 14" may be told again, but not as 14%."""
    same = found.amount == other.amount or (not found.signed and found.amount == abs(other.amount))
    return same and found.unit is other.unit
