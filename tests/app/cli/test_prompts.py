"""What the model is asked, and a workspace's own words for it: listed, shown and told with who stands for them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.app.console import Console

from setpoint.llm.overrides import Signature, record_override, record_snippet, restore_override
from setpoint.llm.prompts import Message, Speaker
from setpoint.reports.synthesis_prompt import PROMPT
from setpoint.storage.database import connect
from setpoint.tenancy.service import find_workspace

KEY = PROMPT.key
SIGNED = Signature("sam@example.com", "ann@example.com")

Change = Callable[[AsyncConnection, int], Awaitable[int]]


@pytest.fixture
def change(database_url: str, empty: str) -> Callable[[Change], int]:
    """Writes a revision of the empty workspace's words."""

    async def write(made: Change) -> int:
        database = connect(database_url)
        try:
            async with database.registry() as connection:
                client_id = (await find_workspace(connection, empty)).client_id
            async with database.tenant(client_id) as connection:
                return await made(connection, client_id)
        finally:
            await database.close()

    return lambda made: asyncio.run(write(made))


def test_prompts_begin_with_the_words_of_the_code(setpoint: Console, empty: str) -> None:
    here = ("--workspace", empty)
    listed = setpoint("prompts", "list", *here, "--json").json["prompts"]
    assert {each["key"]: each["kind"] for each in listed} == {
        KEY: "prompt",
        "insights.answer": "prompt",
        "insights.booked_summary": "prompt",
        "house_style": "snippet",
    }
    assert {each["revision"] for each in listed} == {0}
    shown = setpoint("prompts", "show", KEY, *here, "--json").json
    assert [speaker for speaker, _ in shown["messages"]] == ["system", "user"]
    assert "{{evidence}}" in setpoint("prompts", "show", KEY, *here).out
    assert "has never been changed here" in setpoint("prompts", "history", KEY, *here).words
    assert "choose from reports.synthesis" in setpoint("prompts", "show", "reports.poem", *here).complains(1)


def test_own_words_are_shown_with_who_wrote_and_who_approved_them(
    setpoint: Console, empty: str, change: Callable[[Change], int]
) -> None:
    here = ("--workspace", empty)
    code = setpoint("prompts", "show", KEY, *here, "--json").json
    own = (Message(Speaker.SYSTEM, "Be brief."), PROMPT.messages[1])

    change(lambda into, client: record_override(into, client, PROMPT, own, base=0, signature=SIGNED))
    shown = setpoint("prompts", "show", KEY, *here, "--json").json
    assert shown["messages"][0] == ["system", "Be brief."]
    assert shown["hash"] != code["hash"]
    assert f"{KEY}: prompt, version {PROMPT.version}, revision 1" in setpoint("prompts", "list", *here).words

    change(lambda into, client: restore_override(into, client, PROMPT, 0, base=1, signature=SIGNED))
    assert setpoint("prompts", "show", KEY, *here, "--json").json == code | {"revision": 2}
    history = setpoint("prompts", "history", KEY, *here, "--json").json["revisions"]
    assert [(each["revision"], each["author"], each["approver"], each["restores"]) for each in history] == [
        (1, SIGNED.author, SIGNED.approver, None),
        (2, SIGNED.author, SIGNED.approver, 0),
    ]
    told = setpoint("prompts", "history", KEY, *here).words
    assert f"by {SIGNED.author}, approved by {SIGNED.approver}, back to 0" in told


def test_a_snippet_is_shown_in_the_words_that_speak(
    setpoint: Console, empty: str, change: Callable[[Change], int]
) -> None:
    here = ("--workspace", empty)
    code = setpoint("prompts", "show", "house_style", *here, "--json").json["text"]
    for base, text in enumerate(("Write plainly.", None)):
        change(
            lambda into, client, base=base, text=text: record_snippet(  # type: ignore[misc]
                into, client, "house_style", text, base=base, signature=SIGNED
            )
        )
        assert setpoint("prompts", "show", "house_style", *here, "--json").json["text"] == (text or code)
    assert len(setpoint("prompts", "history", "house_style", *here, "--json").json["revisions"]) == 2


@pytest.mark.parametrize("verb", ["override", "restore", "set"])
def test_no_command_changes_a_prompt(setpoint: Console, empty: str, verb: str) -> None:
    assert "No such command" in setpoint("prompts", verb, KEY, "--workspace", empty).complains(2)
