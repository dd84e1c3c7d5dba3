"""Addresses, links and numbers are found by their form, and nothing else is taken for one."""

import socket
from collections import Counter
from typing import NoReturn

import pytest
import tldextract

from setpoint.datasets.redaction import Known, Redactor

REDACTOR = Redactor()


def shown(text: str) -> str:
    return REDACTOR.redact(text, Known()).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("joe@acme.io, x+y@sub.acme.co.uk or bob@intern.example.", "[email], [email] or [email]."),
        ("jörg@müller.de", "[email]"),
        ("Pick a time: https://meet.fernhill.test/intro?a=1&b=2. Thanks", "Pick a time: [link]. Thanks"),
        ("(see www.acme.io/x) or acme.co.uk", "(see [link]) or [link]"),
        ("Call 415-555-0101 or (212) 555-0188.", "Call [phone] or [phone]."),
        ("Ring +44 20 7946 0958 or +49 (0)30 901820", "Ring [phone] or [phone]"),
        ("WhatsApp 07700 900123", "WhatsApp [phone]"),
        ("Card 4111 1111 1111 1111, 5500-0000-0000-0004", "Card [card], [card]"),
        ("GB82 WEST 1234 5698 7654 32 or de89370400440532013000", "[iban] or [iban]"),
        ("From 192.168.10.1 and 2001:db8::8a2e:370:7334", "From [ip] and [ip]"),
    ],
)
def test_what_shows_by_its_form_is_taken_out(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Would Tuesday at 10:00 or Thursday at 14:30 suit you?",
        "On 2026-01-31, 31.01.2026, 01/31/2026 or 31-01-26, from 10.30-11.30 or 9.30 10.30 11.30",
        "It is $1,250,000 or 1.250.000 or 1 250 000, 12,345,678.90 at the most, €12345678",
        "Between 2024 2025 2026 it went 10 11 12 13 14",
        "Order 1234567890, invoice no. 20260131, ticket #98765432",
        "Saturday @ 7 pm, 3@2.50, 50% off, 24/7, version 2.10.3",
        "Fine.Is that ok? At 2pm.so late. See readme.md, e.g. Node.js and i.e. std::vector",
        "12:30::ok, a::b",
        "Room 101, floor 12, 1400 North Dutton Avenue #6, CA 95401-1234",
    ],
)
def test_dates_prices_and_ids_stay(text: str) -> None:
    assert shown(text) == text


def test_numbers_in_other_digits_are_found() -> None:
    assert (
        shown("Card ４１１１ １１１１ １１１１ １１１１, call 205\u2011555\u20110123") == "Card [card], call [phone]"
    )


def test_nothing_calls_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("something wants to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    # This one downloads the public suffix list.
    monkeypatch.setattr(tldextract, "extract", refuse)
    text = "joe@acme.co.uk, acme.io, https://a.b/c, 415-555-0101, 4111111111111111, GB82WEST12345698765432, 10.0.0.1"
    assert Redactor().redact(text, Known()).kinds == Counter(email=1, link=2, phone=1, card=1, iban=1, ip=1)
