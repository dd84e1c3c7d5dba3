"""What an address, a password and a secret must be, and who is a super-admin. Nothing here looks anything up."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from setpoint.domain.errors import UsageError

MIN_PASSWORD = 12
MAX_PASSWORD = 200
MAX_NAME = 80
SESSION_LASTS = timedelta(days=30)
SESSION_IDLES = timedelta(days=7)
# How long after signing in somebody without a password counts as having just proven who they are.
SIGN_IN_PROVES = timedelta(minutes=15)
INVITATION_LASTS = timedelta(days=7)
PASSWORD_LINK_LASTS = timedelta(days=1)
ATTEMPT_WINDOW = timedelta(minutes=15)
ATTEMPTS_ON_ACCOUNT = 10
ATTEMPTS_FROM_ADDRESS = 50
API_TOKEN_MARK = "sp_"  # noqa: S105 - what our tokens begin with is no secret.

_BLANK = " \t\r\n"
_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_NOTHING = frozenset({"none", "null", "nil", "undefined", "false", "changeme"})


def normalise_email(text: str) -> str:
    """An address as it is kept and compared: without blanks around it, its ASCII letters small.

    Raises UsageError where it is none. Letters outside ASCII are refused and never folded: the Kelvin sign would
    become a `k` and a long s an `s`, and one person's address another's.
    """
    address = text.strip(_BLANK)
    if not address.isascii():
        raise UsageError("An email address has plain ASCII letters here; write an international domain as xn--...")
    address = address.lower()
    if len(address) > 254 or ".." in address or not _ADDRESS.fullmatch(address):
        raise UsageError("That is no email address: write it like name@example.org.")
    return address


def super_admin_addresses(configured: str | None) -> frozenset[str]:
    """The addresses in SETPOINT_SUPER_ADMIN_EMAILS, separated by commas. What is no address counts for nobody."""
    found = set()
    for item in (configured or "").split(","):
        try:
            found.add(normalise_email(item))
        except UsageError:
            continue
    return frozenset(found)


def is_super_admin(email: str, verified: bool, configured: str | None) -> bool:
    """Whether an account's address is verified and exactly one of the configured ones, but for the case of letters.

    Ask for every request, with the account as it is then: who is no longer listed, or has another address, is none.
    """
    if verified is not True or not email.isascii():
        return False
    return email.lower() in super_admin_addresses(configured)


def check_name(name: str, what: str = "A name") -> str:
    """A name as people see it, without blanks around it. Raises UsageError where it is empty, long or unprintable."""
    stripped = name.strip()
    if not 1 <= len(stripped) <= MAX_NAME or not stripped.isprintable():
        raise UsageError(f"{what} has 1 to {MAX_NAME} printable characters.")
    return stripped


def check_password(password: str, email: str) -> str:
    """A new password, in the one spelling that all keyboards give. Raises UsageError where it is too weak."""
    spelled = spell_password(password)
    if spelled is None or len(spelled) < MIN_PASSWORD:
        raise UsageError(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters; several words are a good one.")
    if len(set(spelled)) < 4 or spelled.lower() in (email, email.partition("@")[0]):
        raise UsageError("That password is too easy to guess: take several words that only you would put together.")
    return spelled


def spell_password(password: str) -> str | None:
    """A password in Unicode's composed form (NFC), or None where it can be nobody's."""
    if len(password) > MAX_PASSWORD:
        return None
    try:
        spelled = unicodedata.normalize("NFC", password)
        spelled.encode()
    except UnicodeEncodeError:
        return None
    return spelled if len(spelled) <= MAX_PASSWORD else None


def is_secret(token: str, mark: str = "") -> bool:
    """Whether a text has the form of a secret that we made: 256 random bits behind a mark."""
    return token.startswith(mark) and _SECRET.fullmatch(token, len(mark)) is not None


def configured_secret(name: str, value: str | None) -> str | None:
    """A secret from the environment; None where it is not set or empty.

    Raises UsageError where it is a word for nothing, such as `None`, or not printable ASCII without blanks: a
    configuration that went wrong must not open a door.
    """
    if not value:
        return None
    if value.strip().lower() in _NOTHING or not re.fullmatch(r"[!-~]+", value):
        raise UsageError(f"{name} is no secret: set it to printable ASCII characters without blanks, or remove it.")
    return value


def address_key(address: str | None) -> str:
    """What the attempts of one client are counted under: its IPv4 address, or the /64 network of its IPv6 address."""
    try:
        ip = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


def blocked_until(attempts: int, window_began_at: datetime, limit: int) -> datetime | None:
    """When somebody may try again who has made `attempts` in a window, this one included; None: now."""
    return window_began_at + ATTEMPT_WINDOW if attempts > limit else None


@dataclass(frozen=True, slots=True)
class Address:
    """An account's address and whether its owner was seen to have it."""

    email: str
    verified: bool


def settled_address(account: Address, claimed: Address | None) -> Address:
    """The address of an account after its identity provider signed its owner in and claimed this about it.

    A provider that says nothing, or repeats the address without having verified it, changes nothing. One that names
    another address takes the proof of the old one away, which may be somebody else's by now.
    """
    if claimed is None:
        return account
    if claimed.verified:
        return claimed
    return account if claimed.email == account.email else Address(account.email, False)
