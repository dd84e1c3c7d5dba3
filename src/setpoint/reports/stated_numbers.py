"""Numbers in a sentence, held against the numbers that its writer was shown.

Both sides are read by the same rules: a number with its unit, whatever the sign. A sentence may round a percentage,
points or a number with decimals; a count stands as it was shown. Numbers that hide in words count too.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

PERCENT: Final = "%"
POINTS: Final = "points"
PLAIN: Final = ""
_DATE: Final = "date"
_MONEY: Final = "money"
# An estimate may be rounded; a count is none.
_ROUNDED: Final = frozenset({PERCENT, POINTS, "day", PLAIN})

_PERCENT = r"%|percent\b|per[ -]cent\b|pct\b"
_POINTS = r"percentage[\s-]points?\b|points?\b|pts?\b|pp\b"
_TIME = r"(?P<time>second|minute|min|hour|hr|day|week|month|quarter|year)s?\b"
_NUMBER = re.compile(
    r"(?P<date>(?<!\d)\d{4}-\d{2}-\d{2}(?!\d))"
    r"|(?P<money>[$€£¥₹]\s?)?(?P<digits>(?:(?<!\w)\.)?\d(?:[\d.,]*\d)?)"
    rf"(?:\s?(?P<percent>{_PERCENT})|[\s-]?(?P<points>{_POINTS})|[\s-]?(?:more\s)?{_TIME}"
    r"|[\s-]?(?P<scale>times|fold|dozen|hundred|thousand|million|billion)\b|(?P<glued>[^\W\d_]+|×))?",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL = re.compile(r"\d*\.?\d+")
_RANGE = re.compile(r"\s*(?:to|and|or|-)\s*[-+]?\s*")

_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES: Final = (
    {word: n for n, word in enumerate((*_UNITS, *_TEENS), 1)}
    | {word: 10 * n for n, word in enumerate(_TENS, 2)}
    | {f"{tens}-{unit}": 10 * n + m for n, tens in enumerate(_TENS, 2) for m, unit in enumerate(_UNITS, 1)}
)
_WORD = rf"(?:(?:{'|'.join(_TENS)})-(?:{'|'.join(_UNITS)})|{'|'.join((*_TEENS, *_TENS, *_UNITS))})"
_COUNTED = r"(?P<counted>leads?|bookings?|meetings?|messages?|replies|conversations?)\b"
# "One" is more often a pronoun, and "one time" is what a message offers.
_SPELLED = re.compile(
    rf"\b(?P<word>{_WORD})[\s-](?:(?P<percent>{_PERCENT})|(?P<points>{_POINTS})|{_TIME}"
    rf"|(?<!\bone )(?:more\s|mature\s)?{_COUNTED})",
    re.IGNORECASE,
)
_HIDDEN = re.compile(
    rf"\b(?:doubl\w+|twice|thrice|tripl\w+|trebl\w+|quadrupl\w+|half|halv\w+|{_WORD}-?fold|manifold|dozens?"
    r"|hundreds?|thousands?|(?:m|b|tr)illions?|majority|by an? (?:third|quarter|fifth|tenth)"
    r"|(?:a|one|two)[ -]thirds?(?= of\b)|(?:a|one|three)[ -]quarters?(?= of\b)"
    r"|most (?:of )?(?:the |your )?(?:leads|messages|bookings|meetings)"
    r"|(?:nearly|almost) (?:all|every(?:one|body)?|none|no(?:body)?)"
    rf"|{_WORD} (?:in|out of) (?:every )?{_WORD}|{_WORD} times (?:more|as|higher|better|fewer|less|lower|the)"
    rf"|(?:a|one) (?:fifth|sixth|seventh|eighth|ninth|tenth)(?= of\b)"
    rf"|{_WORD}[ -](?:fifth|sixth|seventh|eighth|ninth|tenth|hundredth)s)\b"
    # No digit stands before it, so it is a number in other letters.
    r"|[^\W\d_]+\s?(?:%|‰)|(?<=\d)\s?‰",
    re.IGNORECASE,
)
_MINUSES: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a text, without its sign. `value` is None where it cannot be read: it is then never a shown one."""

    text: str
    value: Decimal | None
    unit: str

    @property
    def decimals(self) -> int:
        """How many digits stand behind the point."""
        exponent = 0 if self.value is None else self.value.as_tuple().exponent
        return -exponent if isinstance(exponent, int) and exponent < 0 else 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a writer was shown: numbers, and the words around them in lower case."""

    numbers: frozenset[tuple[Decimal, str]]
    words: str

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Shown":
        """Everything that these texts say."""
        held = list(texts)
        numbers = (number for text in held for number in numbers_in(text))
        return cls(
            frozenset((number.value, number.unit) for number in numbers if number.value is not None),
            "\n".join(_plain(text).casefold() for text in held),
        )

    def __or__(self, other: "Shown") -> "Shown":
        return Shown(self.numbers | other.numbers, f"{self.words}\n{other.words}")

    def has(self, number: Number) -> bool:
        """Whether a number is one of those, or one of them rounded."""
        if number.value is None:
            return False
        return any(_is_same(number, value, unit) for value, unit in self.numbers)


def numbers_in(text: str) -> list[Number]:
    """The numbers of a text that are written in digits, in their order.

    In a range the first takes the unit of the second: `0.9 to 2.7 points` are twice points.
    """
    text = _plain(text)
    matches = list(_NUMBER.finditer(text))
    found: list[Number] = []
    for place in reversed(range(len(matches))):
        match = matches[place]
        number = _number(match)
        if number.unit == PLAIN and found and found[-1].unit not in (PLAIN, _DATE, _MONEY):
            between = text[match.end() : matches[place + 1].start()]
            if _RANGE.fullmatch(between):
                number = Number(number.text, number.value, found[-1].unit)
        found.append(number)
    return found[::-1]


def invented(text: str, shown: Shown) -> list[str]:
    """The numbers of a text, and the words that stand for one, that nobody was shown."""
    plain = _plain(text)
    numbers = [*numbers_in(text), *map(_spelled, _SPELLED.finditer(plain))]
    foreign = [
        number.text
        for number in numbers
        if not shown.has(number) and number.text.casefold() not in _words(shown, number)
    ]
    hidden = [match[0] for match in _HIDDEN.finditer(plain) if match[0].casefold() not in shown.words]
    return list(dict.fromkeys([*foreign, *hidden]))


def _words(shown: Shown, number: Number) -> str:
    """Where a number written in words may stand as it was shown; one in digits is compared as a number only."""
    return "" if any(character.isdigit() for character in number.text) else shown.words


def _plain(text: str) -> str:
    return re.sub(r"\s", " ", unicodedata.normalize("NFKC", text).translate(_MINUSES))


def _number(match: re.Match[str]) -> Number:
    if match["date"]:
        return Number(match[0], Decimal(match[0].replace("-", "")), _DATE)
    digits = match["digits"]
    if _THOUSANDS.fullmatch(digits):
        value: Decimal | None = Decimal(digits.replace(",", ""))
    else:
        value = Decimal(digits) if _DECIMAL.fullmatch(digits) else None
    return Number(match[0], value, _MONEY if match["money"] else _unit(match))


def _spelled(match: re.Match[str]) -> Number:
    return Number(match[0], Decimal(_VALUES[match["word"].casefold()]), _unit(match))


def _unit(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if groups["percent"]:
        return PERCENT
    if groups["points"]:
        return POINTS
    return (groups["time"] or groups.get("scale") or groups.get("glued") or PLAIN).casefold()


def _is_same(said: Number, value: Decimal, unit: str) -> bool:
    # A number with decimals is known again without its unit; a whole one could be anything.
    if unit != said.unit and not (said.unit == PLAIN and said.decimals and unit in _ROUNDED):
        return False
    if said.value == value:
        return True
    if unit not in _ROUNDED or value == value.to_integral_value():
        return False
    rounded = value.quantize(Decimal(1).scaleb(-said.decimals), ROUND_HALF_UP)
    # What rounds to nothing or to all is neither.
    return said.value == rounded and rounded != 0 and not (unit == PERCENT and rounded == 100)
