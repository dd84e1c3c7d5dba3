"""Secrets: those that we hand out once, of which only the SHA-256 is kept, and those of the configuration."""

import hashlib
import hmac
import secrets


def new_secret(mark: str = "") -> str:
    """A secret of 43 characters behind a mark."""
    return mark + secrets.token_urlsafe(32)


def sha256(text: str) -> str:
    """What is kept of a secret, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def matches_secret(presented: str | None, *configured: str | None) -> bool:
    """Whether somebody presented one of the configured secrets, of which two are valid while one replaces the other.

    Compared as bytes, in a time that does not tell how much was right. What is not configured matches nothing.
    """
    given = (presented or "").encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(given, secret.encode("utf-8", "surrogatepass")) for secret in configured if secret]
    return any(matches)
