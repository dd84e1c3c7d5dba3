"""`setpoint prompts`: what the model is asked, in the code's words or the workspace's own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from setpoint.app.cli.common import (
    DataDir,
    Json,
    WorkspaceSlug,
    author,
    command_app,
    output,
    print_json,
    run_async,
)
from setpoint.domain.errors import NotFound
from setpoint.domain.windows import format_instant

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from setpoint.llm.overrides import PromptRevision, SnippetRevision
    from setpoint.llm.prompts import Prompt, Snippet
    from setpoint.tenancy.schemas import Actor

app = command_app("The prompts and snippets that the model is asked with.")

Key = Annotated[str, typer.Argument(help="A prompt or snippet, as `prompts list` names it.", show_default=False)]


def _declared() -> "dict[str, Prompt | Snippet]":
    """Every prompt that is asked, and every snippet of theirs, by key or name."""
    from setpoint.reports.insights.answers import PROMPT as ANSWER
    from setpoint.reports.insights.summaries import PROMPT as SUMMARY
    from setpoint.reports.synthesis_prompt import PROMPT as SYNTHESIS

    prompts = {prompt.key: prompt for prompt in (SYNTHESIS, ANSWER, SUMMARY)}
    return prompts | {snippet.name: snippet for prompt in prompts.values() for snippet in prompt.snippets}


def _of(key: str) -> "Prompt | Snippet":
    declared = _declared()
    if key not in declared:
        raise NotFound(f"There is no prompt or snippet {key!r}: choose from {', '.join(declared)}.")
    return declared[key]


@asynccontextmanager
async def _entered(data_dir: Path | None, slug: str) -> "AsyncIterator[tuple[AsyncConnection, Actor]]":
    from setpoint.app.wiring import open_workspace
    from setpoint.tenancy.schemas import cli_actor

    async with (
        open_workspace(data_dir, slug) as (database, workspace),
        database.tenant(workspace.client_id) as connection,
    ):
        yield connection, cli_actor(workspace, author())


@app.command("list")
def list_command(workspace: WorkspaceSlug, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Every prompt and snippet, and the revision that speaks: 0 is the code's own text."""
    rows = run_async(_list(data_dir, workspace))
    if as_json:
        print_json({"workspace": workspace, "prompts": rows})
        return
    for row in rows:
        version = f", version {row['version']}" if row["version"] else ""
        output.print(Text(f"{row['key']}: {row['kind']}{version}, revision {row['revision']}"), soft_wrap=True)


async def _list(data_dir: Path | None, slug: str) -> list[dict[str, Any]]:
    from setpoint.llm.prompts import Prompt

    async with _entered(data_dir, slug) as (connection, actor):
        return [
            {
                "key": key,
                "kind": "prompt" if isinstance(one, Prompt) else "snippet",
                "version": one.version if isinstance(one, Prompt) else None,
                "revision": _newest(await _history(connection, actor.client_id, one)),
            }
            for key, one in _declared().items()
        ]


async def _history(
    connection: "AsyncConnection", client_id: int, one: "Prompt | Snippet"
) -> "Sequence[PromptRevision | SnippetRevision]":
    from setpoint.llm.overrides import override_history, snippet_history
    from setpoint.llm.prompts import Prompt

    if isinstance(one, Prompt):
        return await override_history(connection, client_id, one.key)
    return await snippet_history(connection, client_id, one.name)


def _newest(history: "Sequence[PromptRevision | SnippetRevision]") -> int:
    return history[-1].revision if history else 0


@app.command("show")
def show(key: Key, workspace: WorkspaceSlug, data_dir: DataDir = None, as_json: Json = False) -> None:
    """The words that are asked now."""
    document = run_async(_show(data_dir, workspace, key))
    if as_json:
        print_json(document)
        return
    output.print(Text(f"{key}, revision {document['revision']}", style="bold"))
    if "text" in document:
        output.print(Text(document["text"]), soft_wrap=True)
        return
    for speaker, template in document["messages"]:
        output.print(Text(f"\n{speaker}:", style="bold"))
        output.print(Text(template), soft_wrap=True)


async def _show(data_dir: Path | None, slug: str, key: str) -> dict[str, Any]:
    from setpoint.llm.overrides import active_overrides
    from setpoint.llm.prompts import Prompt, resolve

    one = _of(key)
    async with _entered(data_dir, slug) as (connection, actor):
        history = await _history(connection, actor.client_id, one)
        head = {"workspace": slug, "key": key, "revision": _newest(history)}
        if not isinstance(one, Prompt):
            kept = history[-1] if history else None
            own = getattr(kept, "text", None)
            return head | {"text": one.text if own is None else own}
        own_words = await active_overrides(connection, actor.client_id, one)
    messages = own_words.messages or one.messages
    return head | {
        "version": one.version,
        "hash": resolve(one, own_words).hash,
        "messages": [[message.speaker.value, message.template] for message in messages],
    }


@app.command("history")
def history_command(key: Key, workspace: WorkspaceSlug, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Every revision of the workspace's own words, oldest first, with who wrote it and who approved it."""
    revisions = run_async(_revisions(data_dir, workspace, key))
    if as_json:
        print_json({"workspace": workspace, "key": key, "revisions": revisions})
        return
    if not revisions:
        output.print(Text(f"{key} has never been changed here: the code's own text speaks."), soft_wrap=True)
    for each in revisions:
        what = f", back to {each['restores']}" if each["restores"] is not None else ""
        output.print(
            Text(
                f"{each['revision']}  {each['created_at']}  by {each['author']}, approved by {each['approver']}{what}"
            ),
            soft_wrap=True,
        )


async def _revisions(data_dir: Path | None, slug: str, key: str) -> list[dict[str, Any]]:
    one = _of(key)
    async with _entered(data_dir, slug) as (connection, actor):
        found = await _history(connection, actor.client_id, one)
    return [
        {
            "revision": each.revision,
            "author": each.author,
            "approver": each.approver,
            "created_at": format_instant(each.created_at),
            "restores": each.restores,
        }
        for each in found
    ]
