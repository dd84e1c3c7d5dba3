"""Prompts as code declares them: a stable key, a version, messages with places for data and for snippets.

`{{name}}` is replaced by an input, always as a delimited block of data; `{{>name}}` by a snippet. Nothing else has a
meaning, so a template can look into no object and run nothing.
"""

from dataclasses import dataclass
from enum import StrEnum


class Speaker(StrEnum):
    SYSTEM = "system"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt, as a template."""

    speaker: Speaker
    template: str


@dataclass(frozen=True, slots=True)
class Snippet:
    """A passage that prompts share, and that a workspace may put in its own words. It holds no places."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt of the product, a constant of the module that asks it.

    `key` is stable (`reports.synthesis`); `version` goes up whenever inputs or meaning change. Raises UsageError where
    the templates name a snippet that is not given.
    """

    key: str
    version: int
    messages: tuple[Message, ...]
    snippets: tuple[Snippet, ...] = ()

    @classmethod
    def of(cls, key: str, version: int, system: str, user: str, snippets: tuple[Snippet, ...] = ()) -> "Prompt":
        """The usual prompt: one message of the system and one of the user."""
        return cls(key, version, (Message(Speaker.SYSTEM, system), Message(Speaker.USER, user)), snippets)
