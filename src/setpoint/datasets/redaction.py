"""Take out of a text what would tell who it is about, before people or models see it."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the people of a conversation. `others` holds names and addresses of whoever else is in it."""

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text that may be shown, and how many pieces of each kind were taken out of it."""

    text: str
    kinds: Counter[str] = field(default_factory=Counter)


class Redactor:
    """Takes personal data out of texts. What it needs is built at its first use, which takes about a second."""

    def redact(self, text: str, known: Known, limit: int | None = 280) -> Redacted:
        """The text with placeholders in place of personal data, cut to `limit` characters; None keeps all of it."""
        raise NotImplementedError
