"""What is known of the people of a conversation, and how it is spelled in their messages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from setpoint.datasets.name_words import ALSO_WORDS, LEGAL_FORMS, TITLES, UNNAMING
from setpoint.datasets.plain_text import spelled, visible
from setpoint.datasets.spans import MASK, Kind, Span

_MAIL_PROVIDERS = re.compile(
    r"(?:gmail|googlemail|outlook|hotmail|live|msn|yahoo|ymail|icloud|me|mac|aol|proton|protonmail|pm|gmx|web|t-online"
    r"|mail|yandex|qq|163|126|zoho|fastmail|hey|comcast|verizon|att|orange|free|libero|example)\.[a-z.]{2,8}"
)
_GREETINGS: Final = (
    "hi|hello|hey|dear|thanks|thank you|morning|afternoon|evening|mr|mrs|ms|dr|cheers|regards|best|sincerely|from|is"
    "|am|with|and|by|to|for|meet|this is|it's|i'm|name's|ask|call|tell"
)

_WITH_E: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "Ø": "Oe"}
)
# Letters of scripts that are written without spaces.
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LEFT, _RIGHT = r"(?<![^\W\d_])", r"(?![^\W\d_])"
_GAP = rf"(?:(?!{MASK})[\W_]){{0,3}}"
_NUMBER_GAP = r"[\s().\-/]{0,3}"
_AT = r"\s{0,2}(?:@|[(\[]\s?at\s?[)\]]|\sat\s)\s{0,2}"
_DOT = r"\s?(?:\.|[(\[]\s?dot\s?[)\]]|\sdot\s)\s?"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the people of a conversation: the lead's names, company and addresses, and in `others` the
    names or email addresses of whoever else is in it. Empty and None are the same.
    """

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    others: tuple[str, ...] = ()


def by_knowledge(text: str, known: Known) -> Iterator[Span]:
    """Where a text, in its compared spelling (plain_text), says what is known."""
    folded = text.casefold()
    for sign in chain(_of_lead(replace(known, others=())), _of_others(known.others)):
        if sign.token not in folded:
            continue
        for match in _compiled(sign.pattern, sign.flags).finditer(text):
            start, end = match.span(match.lastgroup or 0)
            yield Span(start, end, sign.kind)


class _Sign(NamedTuple):
    """A pattern, and a text in lower case without which it cannot fit. Few fit, so few are ever compiled."""

    kind: Kind
    token: str
    pattern: str
    flags: int = re.IGNORECASE


@lru_cache(maxsize=4096)
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern, flags)


# A lead's messages come together, and the team is the same for all.
@lru_cache(maxsize=256)
def _of_lead(lead: Known) -> tuple[_Sign, ...]:
    signs: list[_Sign] = []
    # The spelling of texts drops the dots of an umlaut; German also writes it with an e.
    for write in (str, _with_e):
        signs += _of_person(_plain(write(lead.first_name or "")), _plain(write(lead.last_name or "")))
        signs += _of_company(_plain(write(lead.company or "")))
    signs += _of_address(_plain(lead.email))
    signs += _of_phone(_plain(lead.phone))
    return tuple(dict.fromkeys(signs))


@lru_cache(maxsize=16)
def _of_others(others: tuple[str, ...]) -> tuple[_Sign, ...]:
    signs: list[_Sign] = []
    for other in map(_plain, others):
        if "@" in other:
            signs += _of_address(other)
        else:
            given, _, family = other.rpartition(" ")
            signs += _of_person(given, family)
    return tuple(dict.fromkeys(signs))


def _plain(value: str | None) -> str:
    return " ".join(spelled(visible(value or "")).split())


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def _with_e(name: str) -> str:
    return name.translate(_WITH_E)


def _of_person(first: str, last: str) -> Iterator[_Sign]:
    """A person's names, each part of them, and both together."""
    first, last = _without_titles(first), _without_titles(last)
    for name in (first, last):
        yield from _of_name(Kind.NAME, name)
        for part in re.split(r"[\s-]+", name):
            if part.lower().strip(".") not in UNNAMING:
                yield from _of_name(Kind.NAME, part)
    if first and last:
        for family in dict.fromkeys((last, *last.split(), *last.split("-"))):
            yield from _of_phrase(Kind.NAME, _words(first) + _words(family))
        # "Roe, Ann" is one name, and in "ann roe, ann@" the last word belongs to an address.
        for sign in _of_phrase(Kind.NAME, _words(last) + _words(first)):
            yield sign._replace(pattern=f"{sign.pattern}(?!@)")
        if _words(first) and len(last) > 2:
            yield from _of_phrase(Kind.NAME, [_words(first)[0][0], *_words(last)])


def _without_titles(name: str) -> str:
    return " ".join(word for word in name.split() if word.lower().strip(".,") not in TITLES)


def _of_company(name: str) -> Iterator[_Sign]:
    """A company's name with and without its legal form, and the first word of a longer one."""
    words = _words(name)
    while len(words) > 1 and words[-1].lower() in LEGAL_FORMS:
        words.pop()
    if len(words) < 2:
        yield from _of_name(Kind.COMPANY, "".join(words))
        return
    words = [word for word in words if word.lower() != "and"] or words
    body = rf"(?:{_GAP}and{_RIGHT})?{_GAP}".join(map(re.escape, words))
    yield _Sign(Kind.COMPANY, words[0].casefold(), f"{_LEFT}{body}{_RIGHT}")
    if len(words[0]) >= 4:
        yield _standing_like_a_name(Kind.COMPANY, words[0])


def _of_name(kind: Kind, name: str) -> Iterator[_Sign]:
    words = _words(name)
    if len(name) < 2 or not words:
        return
    if len(words) == 1 and not _UNSPACED.search(name) and (len(name) == 2 or name.lower() in ALSO_WORDS):
        yield _standing_like_a_name(kind, words[0])
    else:
        yield from _of_phrase(kind, words)


def _of_phrase(kind: Kind, words: list[str]) -> Iterator[_Sign]:
    if not words:
        return
    body = _GAP.join(map(re.escape, words))
    spaced = not _UNSPACED.search(body)
    yield _Sign(kind, words[0].casefold(), f"{_LEFT}{body}{_RIGHT}" if spaced else body)


def _standing_like_a_name(kind: Kind, word: str) -> _Sign:
    """A name that is also a word: with a capital in the middle of a sentence, where somebody is addressed or signs,
    or alone in its line. "Will, are you there" and "thanks Will" name someone, "Will you come" does not.
    """
    name = re.escape(word[:1].upper() + word[1:])
    anyhow = re.escape(word)
    pattern = (
        rf"(?<=[^\W_],[ ])(?P<a>{name}){_RIGHT}"
        rf"|(?<=[^\W_][ ])(?P<b>{name}){_RIGHT}"
        rf"|{_LEFT}(?i:{_GREETINGS}),?[ ]+(?P<c>(?i:{anyhow})){_RIGHT}(?=\s*(?:[,!.?:;)\n]|'s|$))"
        rf"|{_LEFT}(?P<d>{name}){_RIGHT}(?=\s?(?:[,!:)]|'s{_RIGHT}|[ ]here\b))"
        rf"|^[ \t]*(?P<e>(?i:{anyhow}))(?=[ \t]*[.!,]?[ \t]*\r?$)"
    )
    return _Sign(kind, word.casefold(), pattern, re.MULTILINE)


def _of_address(address: str) -> Iterator[_Sign]:
    """An email address, also with its signs written out; the names in it, as in `maya.lindholm@`; and the site of
    its domain where that is its owner's.
    """
    local, _, domain = address.rpartition("@")
    labels = [re.escape(label) for label in domain.split(".") if label]
    if not local or not labels:
        return
    token = local.casefold()
    yield _Sign(Kind.EMAIL, token, rf"(?<![\w.+-]){re.escape(local)}{_AT}{_DOT.join(labels)}(?![\w-])")
    if len(local) >= 5 and "." in local:
        yield _Sign(Kind.EMAIL, token, rf"(?<![\w@.+-]){re.escape(local)}(?![\w@-])")
    if len(labels) > 1 and not _MAIL_PROVIDERS.fullmatch(domain.casefold()):
        site = rf"(?<![\w@-])(?:https?://)?(?:[\w-]+\.){{0,4}}{re.escape(domain)}(?![\w-])"
        yield _Sign(Kind.LINK, domain.casefold(), rf"{site}(?:/[^\s<>\"'(){{}}{MASK}]*)?")
    local = local.partition("+")[0]
    if not any(character.isdigit() for character in local):
        for part in re.split(r"[._-]+", local):
            if len(part) >= 3 and part.casefold() not in UNNAMING:
                yield from _of_name(Kind.NAME, part)


def _of_phone(number: str) -> Iterator[_Sign]:
    """A phone number in any spelling: its last seven digits, with whatever stands before them."""
    digits = re.sub(r"\D", "", number)
    if len(digits) < 5:
        return
    end = _NUMBER_GAP.join(digits[-7:])
    before = rf"(?<!\w)\+?(?:\(?\d{_NUMBER_GAP}){{0,9}}" if len(digits) > 7 else r"(?<!\d)"
    yield _Sign(Kind.PHONE, digits[-1], rf"{before}{end}(?!\d)")
