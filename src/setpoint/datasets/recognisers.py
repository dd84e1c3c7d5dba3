"""Personal data that shows by its form: addresses, links, numbers of phones, cards and accounts.

The patterns and checksums are those of Presidio's recognisers, without a language model. Nothing here calls out:
the public suffix list is the snapshot that comes with tldextract. Importing this module takes about a second.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from presidio_analyzer import Pattern, RecognizerResult
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    PhoneRecognizer,
    UrlRecognizer,
)
from tldextract import TLDExtract

from setpoint.datasets.name_words import ENDINGS_LIKE_WORDS
from setpoint.datasets.spans import MASK, Kind, Span

# For numbers that are written without their country's code.
_REGIONS: Final = ("US", "GB", "DE", "FR", "IN", "BR", "AU", "ES")

# Presidio's own pattern takes the square of the length of what stands before the @.
_LOCAL = r"[\w!#$%&'*+\-/=?^`{|}~.]"
_EMAIL: Final = Pattern("address", rf"(?<!{_LOCAL}){_LOCAL}+@\w+(?:-+\w+)*(?:\.\w+(?:-+\w+)*)+\b", 0.5)
_IN_LINK = rf"[^\s<>\"'(){{}}{MASK}]*[^\s<>\"'(){{}}\[\]{MASK}.,;:!?]"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_LINKS: Final = [
    Pattern("scheme", rf"\b(?:https?|ftp)://{_IN_LINK}", 0.6),
    Pattern("www", rf"\bwww\d?\.{_IN_LINK}", 0.6),
    Pattern(
        "host", rf"(?<![\w@.-])(?:{_LABEL}\.){{1,8}}[^\W\d_]{{2,24}}(?![\w-]|\.\w)(?::\d+)?(?:/{_IN_LINK}|/)?", 0.5
    ),
]
_RESERVED: Final = frozenset({"test", "example", "invalid", "localhost", "local"})

_PHONES: Final = (
    re.compile(r"(?<![\w+])\+\s?\d(?:[\s().\-/]{0,3}\d){6,14}(?!\d)"),
    re.compile(r"(?<![\w+.])(?:1[\s.-])?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}(?![\w-]|\.\d)"),
)
_DIGITS = re.compile(r"[+(]{0,2}\d(?:[^\w\n]{0,4}\d){6,}")
# More digits in a row than two numbers have are a table, and the matcher takes minutes for a long one.
_LONGEST_ROW = 80
_DATE = re.compile(r"\d{4}([-./])\d{1,2}\1\d{1,2}(?!\d)|\d{1,2}([-./ ])\d{1,2}\2(?:\d{4}|\d{2})(?!\d)")
_THOUSANDS = re.compile(r"\d{1,3}(?:[. ]\d{3})+$")
_PRICE = re.compile(r"(?:[$€£¥₹]|\b(?:usd|eur|gbp))\s?$", re.IGNORECASE)
_REFERENCE = re.compile(
    r"(?:#|\b(?:order|invoice|ref|reference|ticket|id|sku|item|po|part)\b[\s.:#]*(?:no\.?|number)?[\s.:#]*)$",
    re.IGNORECASE,
)
_ABOUT_PHONES = re.compile(
    r"\b(?:phone|call|mobile|cell|tel|telephone|number|text|sms|whatsapp|reach|dial|ring|fax|line|contact)\b",
    re.IGNORECASE,
)

_snapshot = TLDExtract(cache_dir=None, suffix_list_urls=())


class _Emails(EmailRecognizer):
    """Takes addresses of unknown and reserved domains too: they tell who someone is just as well."""

    def validate_result(self, pattern_text: str) -> bool:
        # "3@2.50" is a price.
        return pattern_text.rpartition(".")[2][:1].isalpha()


class _Links(UrlRecognizer):
    """Takes every address with a scheme, and hosts without one where their ending is known."""

    def validate_result(self, pattern_text: str) -> bool:
        if "://" in pattern_text or pattern_text.lower().startswith("www"):
            return True
        host, slash, _ = pattern_text.partition("/")
        host = host.partition(":")[0]
        before, _, ending = host.rpartition(".")
        mid_sentence = ending.lower() in ENDINGS_LIKE_WORDS or (ending[0].isupper() and not before.isupper())
        if mid_sentence and not slash and not re.fullmatch(r"[\w-]{2,}(?:\.[\w-]{2,})+", before):
            return False
        return ending.lower() in _RESERVED or bool(_snapshot.extract_str(host.lower()).suffix)


class _Ips(IpRecognizer):
    """Leaves the double colons of prose alone."""

    def invalidate_result(self, pattern_text: str) -> bool:
        try:
            address = ipaddress.ip_interface(pattern_text).ip
        except ValueError:
            return True
        return address.version == 6 and len(re.findall(r"[0-9A-Fa-f]+", pattern_text)) < 3


_emails = _Emails(patterns=[_EMAIL])
_links = _Links(patterns=_LINKS)
_cards = CreditCardRecognizer(
    patterns=[
        *CreditCardRecognizer.PATTERNS,
        # The newer numbers of Mastercard.
        Pattern("two", r"\b2[2-7]\d{2}[- ]?\d{4}[- ]?\d{4}[- ]?\d{4}\b", 0.3),
    ]
)
_ibans = IbanRecognizer()
_ips = _Ips()
_phones = PhoneRecognizer(supported_regions=_REGIONS)

_MAY_BE_IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}\d{2}[ -]?[a-z0-9]{4}", re.IGNORECASE)
_MAY_BE_CARD = re.compile(r"\d(?:[ -]?\d){11}")
_MAY_BE_IP = re.compile(r"\d\.\d{1,3}\.\d|[0-9a-f]:[0-9a-f:]", re.IGNORECASE)
_MAY_BE_LINK = re.compile(r"\w\.\w|://")


def by_form(text: str) -> Iterator[Span]:
    """Where personal data shows by its form. The text is in its compared spelling (plain_text)."""
    # Looking whether a recogniser can find anything costs a hundredth of asking it.
    if "@" in text:
        yield from _spans(Kind.EMAIL, _emails.analyze(text, ["EMAIL_ADDRESS"]))
    if _MAY_BE_LINK.search(text):
        yield from _spans(Kind.LINK, _links.analyze(text, ["URL"]))
    if _MAY_BE_CARD.search(text):
        yield from _spans(Kind.CARD, _cards.analyze(text, ["CREDIT_CARD"]))
    if _MAY_BE_IBAN.search(text):
        # The recogniser knows capitals only.
        upper = text.upper()
        yield from _spans(Kind.IBAN, _ibans.analyze(upper if len(upper) == len(text) else text, ["IBAN_CODE"]))
    if _MAY_BE_IP.search(text):
        yield from _spans(Kind.IP, _ips.analyze(text, ["IP_ADDRESS"]))
    yield from _phone_numbers(text)


def _spans(kind: Kind, found: list[RecognizerResult]) -> Iterator[Span]:
    for result in found:
        yield Span(result.start, result.end, kind)


def _phone_numbers(text: str) -> Iterator[Span]:
    for row in _DIGITS.finditer(text):
        # With its neighbours, by which the matcher tells a number from a part of something else.
        first = max(0, row.start() - 2)
        near = text[first : row.end() + 2]
        for pattern in _PHONES:
            for match in pattern.finditer(near):
                yield Span(first + match.start(), first + match.end(), Kind.PHONE)
        if len(near) > _LONGEST_ROW:
            continue
        for start, end, kind in _spans(Kind.PHONE, _phones.analyze(near, ["PHONE_NUMBER"])):
            if _reads_as_phone(text, first + start, first + end):
                yield Span(first + start, first + end, kind)


def _reads_as_phone(text: str, start: int, end: int) -> bool:
    """Whether digits that a numbering plan allows are meant as a phone number, and not as a date, price or id."""
    number = text[start:end]
    if number.startswith("+"):
        return True
    before = text[max(0, start - 40) : start]
    if _DATE.match(number) or _THOUSANDS.match(number) or _PRICE.search(before) or _REFERENCE.search(before):
        return False
    groups = re.findall(r"\d+", number)
    # Times, hours, years and counts in a row; phones in pairs begin with a zero, as in France.
    if all(len(group) <= 2 for group in groups) and not groups[0].startswith("0"):
        return False
    if len(groups) > 1 and all(re.fullmatch(r"(?:19|20)\d\d", group) for group in groups):
        return False
    digits = sum(map(len, groups))
    return digits >= 10 or bool(_ABOUT_PHONES.search(before))
