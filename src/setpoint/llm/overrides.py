"""What workspaces say instead of the code: revisions of prompts and snippets, of which the highest is active.

Nothing is ever changed or removed. To go back to an earlier revision is a new one that repeats it; revision 0 is the
text of the code, which every prompt and snippet begins with.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import Conflict, NotAllowed, NotFound
from setpoint.llm.prompts import Message, Overrides, Prompt, Speaker, check_messages, check_snippet
from setpoint.storage.tables import prompt_overrides, snippets


@dataclass(frozen=True, slots=True)
class Signature:
    """Who wrote a revision and who approved it: never the same person."""

    author: str
    approver: str


@dataclass(frozen=True, slots=True)
class PromptRevision:
    """One revision of a workspace's words for a prompt. `messages` None means the code's own."""

    revision: int
    prompt_version: int
    messages: tuple[Message, ...] | None
    author: str
    approver: str
    created_at: datetime
    restores: int | None


@dataclass(frozen=True, slots=True)
class SnippetRevision:
    """One revision of a workspace's words for a snippet. `text` None means the code's own."""

    revision: int
    text: str | None
    author: str
    approver: str
    created_at: datetime
    restores: int | None


async def active_overrides(connection: AsyncConnection, client_id: int, prompt: Prompt) -> Overrides:
    """What a workspace says instead of this version of a prompt, and of its snippets.

    Messages that were written for another version of the prompt do not count: its inputs or its meaning were others.
    """
    newest = await connection.execute(
        select(prompt_overrides.c.prompt_version, prompt_overrides.c.messages)
        .where(prompt_overrides.c.client_id == client_id, prompt_overrides.c.prompt_key == prompt.key)
        .order_by(prompt_overrides.c.revision.desc())
        .limit(1)
    )
    row = newest.one_or_none()
    messages = None if row is None or row.prompt_version != prompt.version else _messages(row.messages)
    names = [snippet.name for snippet in prompt.snippets]
    texts = await connection.execute(
        select(snippets.c.name, snippets.c.text)
        .ext(distinct_on(snippets.c.name))
        .where(snippets.c.client_id == client_id, snippets.c.name.in_(names))
        .order_by(snippets.c.name, snippets.c.revision.desc())
    )
    return Overrides(messages, {name: text for name, text in texts if text is not None})


async def record_override(
    connection: AsyncConnection,
    client_id: int,
    prompt: Prompt,
    messages: tuple[Message, ...] | None,
    *,
    base: int,
    signature: Signature,
    restores: int | None = None,
) -> int:
    """Append a revision of a prompt's messages (None: back to the code's own) and return its number.

    `base` is the revision that its author saw, 0 where there was none. Raises UsageError where the messages cannot
    stand in for the prompt's, NotAllowed where nobody else approved, Conflict where `base` is not the newest.
    """
    if messages is not None:
        check_messages(prompt, messages)
    content = {
        "prompt_version": prompt.version,
        "messages": None if messages is None else [[message.speaker, message.template] for message in messages],
    }
    return await _append(
        connection, client_id, prompt_overrides, "prompt_key", prompt.key, content, base, signature, restores
    )


async def record_snippet(
    connection: AsyncConnection,
    client_id: int,
    name: str,
    text: str | None,
    *,
    base: int,
    signature: Signature,
    restores: int | None = None,
) -> int:
    """Append a revision of a snippet (None: back to the code's own) and return its number.

    Raises UsageError, NotAllowed and Conflict, as `record_override` does.
    """
    if text is not None:
        check_snippet(name, text)
    return await _append(connection, client_id, snippets, "name", name, {"text": text}, base, signature, restores)


async def restore_override(
    connection: AsyncConnection, client_id: int, prompt: Prompt, revision: int, *, base: int, signature: Signature
) -> int:
    """Append a revision that repeats an earlier one, and return its number. Revision 0 is the code's own text.

    Raises NotFound, and what `record_override` raises.
    """
    messages = None
    if revision != 0:
        earlier = [
            kept for kept in await override_history(connection, client_id, prompt.key) if kept.revision == revision
        ]
        if not earlier:
            raise NotFound(f"The prompt {prompt.key} has no revision {revision} here.")
        messages = earlier[0].messages
    return await record_override(
        connection, client_id, prompt, messages, base=base, signature=signature, restores=revision
    )


async def override_history(connection: AsyncConnection, client_id: int, prompt_key: str) -> list[PromptRevision]:
    """All revisions of a workspace's words for a prompt, oldest first."""
    names = ("revision", "prompt_version", "messages", "author", "approver", "created_at", "restores")
    found = await connection.execute(
        select(*(prompt_overrides.c[name] for name in names))
        .where(prompt_overrides.c.client_id == client_id, prompt_overrides.c.prompt_key == prompt_key)
        .order_by(prompt_overrides.c.revision)
    )
    return [PromptRevision(**row._asdict() | {"messages": _messages(row.messages)}) for row in found]


async def snippet_history(connection: AsyncConnection, client_id: int, name: str) -> list[SnippetRevision]:
    """All revisions of a workspace's words for a snippet, oldest first."""
    names = ("revision", "text", "author", "approver", "created_at", "restores")
    found = await connection.execute(
        select(*(snippets.c[column] for column in names))
        .where(snippets.c.client_id == client_id, snippets.c.name == name)
        .order_by(snippets.c.revision)
    )
    return [SnippetRevision(**row._asdict()) for row in found]


async def _append(
    connection: AsyncConnection,
    client_id: int,
    table: Table,
    key_column: str,
    key: str,
    content: dict[str, Any],
    base: int,
    signature: Signature,
    restores: int | None,
) -> int:
    if signature.author == signature.approver:
        raise NotAllowed("Nobody approves what they wrote: ask somebody else to.")
    newest = await connection.scalar(
        select(func.coalesce(func.max(table.c.revision), 0)).where(
            table.c.client_id == client_id, table.c[key_column] == key
        )
    )
    values = {
        "client_id": client_id,
        key_column: key,
        "revision": base + 1,
        "author": signature.author,
        "approver": signature.approver,
        "restores": restores,
        **content,
    }
    # Of two who saw the same base, the key lets one through.
    written = None
    if newest == base:
        written = await connection.scalar(
            insert(table).values(values).on_conflict_do_nothing().returning(table.c.revision)
        )
    if written is None:
        raise Conflict(f"{key} was changed meanwhile: look at it as it is now, and decide again.")
    return int(written)


def _messages(document: list[list[str]] | None) -> tuple[Message, ...] | None:
    if document is None:
        return None
    return tuple(Message(Speaker(speaker), template) for speaker, template in document)
