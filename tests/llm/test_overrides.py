"""Revisions of prompts and snippets: appended, never alone, and always to be had back."""

import asyncio
from dataclasses import replace

import pytest
from tests.conftest import WorkspaceFactory

from setpoint.domain.errors import Conflict, NotAllowed, NotFound, UsageError
from setpoint.llm.overrides import (
    Signature,
    active_overrides,
    override_history,
    record_override,
    record_snippet,
    restore_override,
)
from setpoint.llm.prompts import Message, Overrides, Prompt, Snippet, Speaker
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

PROMPT = Prompt.of(
    "reports.word", 2, "Code. {{>tone}}", "{{text}}", (Snippet("tone", "Plain."), Snippet("form", "-"))
)
FIRST = (Message(Speaker.SYSTEM, "First."), Message(Speaker.USER, "{{text}}"))
SECOND = (Message(Speaker.SYSTEM, "Second."), Message(Speaker.USER, "{{text}}"), Message(Speaker.USER, "Now."))
SIGNED = Signature("ann", "bob")


class Words:
    """A workspace's words, each step in a transaction of its own."""

    def __init__(self, database: Database, workspace: Workspace) -> None:
        self.database = database
        self.client_id = workspace.client_id

    async def say(self, messages: tuple[Message, ...] | None, base: int, signature: Signature = SIGNED) -> int:
        async with self.database.tenant(self.client_id) as connection:
            return await record_override(connection, self.client_id, PROMPT, messages, base=base, signature=signature)

    async def snippet(self, text: str | None, base: int) -> int:
        async with self.database.tenant(self.client_id) as connection:
            return await record_snippet(connection, self.client_id, "tone", text, base=base, signature=SIGNED)

    async def restore(self, revision: int, base: int) -> int:
        async with self.database.tenant(self.client_id) as connection:
            return await restore_override(connection, self.client_id, PROMPT, revision, base=base, signature=SIGNED)

    async def active(self, prompt: Prompt = PROMPT) -> Overrides:
        async with self.database.tenant(self.client_id) as connection:
            return await active_overrides(connection, self.client_id, prompt)


@pytest.fixture
def words(database: Database, workspace: Workspace) -> Words:
    return Words(database, workspace)


async def test_without_a_revision_the_code_speaks(words: Words) -> None:
    assert await words.active() == Overrides()


async def test_the_highest_revision_is_active_and_any_comes_back(words: Words) -> None:
    assert await words.say(FIRST, 0) == 1
    assert await words.say(SECOND, 1) == 2
    assert (await words.active()).messages == SECOND
    assert await words.restore(1, base=2) == 3
    assert (await words.active()).messages == FIRST
    # The text of the code is the revision that everything began with.
    assert await words.restore(0, base=3) == 4
    assert (await words.active()).messages is None

    async with words.database.tenant(words.client_id) as connection:
        history = await override_history(connection, words.client_id, PROMPT.key)
    assert [(kept.revision, kept.messages, kept.restores) for kept in history] == [
        (1, FIRST, None),
        (2, SECOND, None),
        (3, FIRST, 1),
        (4, None, 0),
    ]
    assert {(kept.author, kept.approver, kept.prompt_version) for kept in history} == {("ann", "bob", 2)}


async def test_snippets_have_revisions_too(words: Words) -> None:
    assert await words.snippet("Brief.", 0) == 1
    assert await words.snippet("Briefer.", 1) == 2
    assert (await words.active()).snippets == {"tone": "Briefer."}
    assert await words.snippet(None, 2) == 3
    assert (await words.active()).snippets == {}


async def test_words_for_another_version_of_a_prompt_do_not_count(words: Words) -> None:
    await words.say(FIRST, 0)
    assert (await words.active(replace(PROMPT, version=3))).messages is None


async def test_a_workspace_does_not_speak_for_another(
    words: Words, database: Database, new_workspace: WorkspaceFactory
) -> None:
    await words.say(FIRST, 0)
    await words.snippet("Brief.", 0)
    other = Words(database, await new_workspace())
    assert await other.active() == Overrides()
    with pytest.raises(NotFound, match="no revision 1"):
        await other.restore(1, base=0)


async def test_nobody_approves_what_they_wrote(words: Words) -> None:
    with pytest.raises(NotAllowed):
        await words.say(FIRST, 0, Signature("ann", "ann"))
    assert await words.active() == Overrides()


async def test_a_revision_on_an_old_base_is_refused(words: Words) -> None:
    await words.say(FIRST, 0)
    for base in (0, 2):
        with pytest.raises(Conflict):
            await words.say(SECOND, base)


async def test_of_two_at_once_one_is_written(words: Words) -> None:
    results = await asyncio.gather(*(words.say(FIRST, 0) for _ in range(4)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 3 + ["int"]


async def test_messages_that_cannot_stand_in_are_not_kept(words: Words) -> None:
    with pytest.raises(UsageError, match="exactly these places"):
        await words.say((FIRST[0], Message(Speaker.USER, "No data.")), 0)
