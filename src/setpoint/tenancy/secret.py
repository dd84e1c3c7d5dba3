"""Secrets that we hand out once: 256 random bits, of which only the SHA-256 is kept."""

import hashlib
import secrets


def new_secret(mark: str = "") -> str:
    """A secret of 43 characters behind a mark."""
    return mark + secrets.token_urlsafe(32)


def sha256(text: str) -> str:
    """What is kept of a secret, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
