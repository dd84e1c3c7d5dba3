"""`setpoint insights`: whoever can reach the server asks as an admin."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from setpoint.app.cli.common import (
    DataDir,
    Json,
    WorkspaceSlug,
    author,
    command_app,
    output,
    print_json,
    progress_bar,
    run_async,
)
from setpoint.domain.errors import NotFound, UsageError
from setpoint.domain.vocabulary import Role
from setpoint.domain.windows import format_instant

if TYPE_CHECKING:
    from setpoint.datasets.evidence import Evidence
    from setpoint.reports.insights.answers import Asked
    from setpoint.reports.insights.packs import Pack
    from setpoint.reports.insights.sessions import KeptAnswer, Session
    from setpoint.reports.insights.summaries import BookedSummary, Summarised

app = command_app("Ask reports in plain language; sum up booked conversations.")

Run = Annotated[
    str | None,
    typer.Option("--run", help="The report run's id; default: the latest complete one.", show_default=False),
]
SessionId = Annotated[str | None, typer.Option("--session", help="Go on in this session.", show_default=False)]


@app.command("ask")
def ask_command(
    question: Annotated[str, typer.Argument(help='Such as "Who books more, AI or setters?".', show_default=False)],
    workspace: WorkspaceSlug,
    run: Run = None,
    session: SessionId = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Ask a report a question; without a model, its closest tables are shown."""
    if run is not None and session is not None:
        raise UsageError("--run begins a session and --session goes on in one: leave one of them out.")
    asked = run_async(_ask(data_dir, workspace, question, run, session))
    if as_json:
        print_json(
            {
                "workspace": workspace,
                "session": str(asked.session_id),
                "place": asked.place,
                "question": asked.question,
                "answer": asked.answer,
                "tables": asked.tables,
            }
        )
        return
    from setpoint.reports.insights.terminal import print_answer

    print_answer(asked.answer, asked.tables, output)
    output.print(Text(f"Session {asked.session_id}", style="dim"))


async def _ask(data_dir: Path | None, slug: str, question: str, run: str | None, session: str | None) -> "Asked":
    from setpoint.app.wiring import open_workspace
    from setpoint.llm.provider import workspace_model
    from setpoint.reports.insights.answers import ask, checked_question
    from setpoint.reports.insights.sessions import Asker
    from setpoint.reports.service import latest_complete_run

    checked_question(question)
    async with open_workspace(data_dir, slug) as (database, found):
        if run is None and session is None:
            async with database.tenant(found.client_id) as connection:
                run = str(await latest_complete_run(connection, found.client_id))
        port = await workspace_model(database, found.client_id)
        with progress_bar(timed=False) as bar:
            bar.add_task("looking for the answer")
            asker = Asker(author(), Role.ADMIN)
            return await ask(database, found.client_id, port, asker, question, run_id=run, session_id=session)


@app.command("sessions")
def sessions_command(
    workspace: WorkspaceSlug,
    session: Annotated[
        str | None, typer.Option("--session", help="Show this session's answers.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """The latest sessions of a workspace, or one of them with its questions and answers."""
    if session is not None:
        one, answers = run_async(_session(data_dir, workspace, session))
        _show_session(one, answers, as_json)
        return
    sessions = run_async(_sessions(data_dir, workspace))
    if as_json:
        print_json({"sessions": [_session_document(each) for each in sessions]})
        return
    if not sessions:
        output.print("Nothing was asked here yet: `setpoint insights ask` does.", markup=False)
    for each in sessions:
        output.print(Text(f"{each.id}  {format_instant(each.created_at)}  {each.author} ({each.role})"))
        output.print(Text(f"    {each.title}", style="dim"))


def _session_document(session: "Session") -> dict[str, Any]:
    return {
        "id": str(session.id),
        "author": session.author,
        "role": session.role,
        "created_at": format_instant(session.created_at),
        "title": session.title,
    }


def _show_session(session: "Session", answers: "list[KeptAnswer]", as_json: bool) -> None:
    if as_json:
        kept = [
            {
                "place": each.place,
                "question": each.question,
                "answer": each.answer,
                "asked_at": format_instant(each.asked_at),
            }
            for each in answers
        ]
        print_json(_session_document(session) | {"answers": kept})
        return
    from setpoint.reports.insights.terminal import print_answer

    for each in answers:
        output.print(Text(f"{each.place}. {each.question}", style="bold"))
        print_answer(each.answer, [], output)


async def _sessions(data_dir: Path | None, slug: str) -> "list[Session]":
    from setpoint.app.wiring import open_workspace
    from setpoint.reports.insights.sessions import Asker, list_sessions

    async with (
        open_workspace(data_dir, slug) as (database, found),
        database.tenant(found.client_id) as connection,
    ):
        return await list_sessions(connection, found.client_id, Asker(author(), Role.ADMIN))


async def _session(data_dir: Path | None, slug: str, session: str) -> "tuple[Session, list[KeptAnswer]]":
    from setpoint.app.wiring import open_workspace
    from setpoint.reports.insights.sessions import Asker, answers_of

    async with (
        open_workspace(data_dir, slug) as (database, found),
        database.tenant(found.client_id) as connection,
    ):
        return await answers_of(connection, found.client_id, Asker(author(), Role.ADMIN), session)


@app.command("packs")
def packs_command(workspace: WorkspaceSlug, data_dir: DataDir = None, as_json: Json = False) -> None:
    """The latest context packs: the tables of a report that questions are answered from, and how they were made."""
    packs = run_async(_packs(data_dir, workspace))
    if as_json:
        print_json(
            {
                "packs": [
                    {
                        "id": str(each.id),
                        "run": str(each.run_id),
                        "scope_key": each.scope_key,
                        "status": each.status,
                        "author": each.author,
                        "created_at": format_instant(each.created_at),
                        "failure": each.failure,
                    }
                    for each in packs
                ]
            }
        )
        return
    if not packs:
        output.print("No report was asked here yet: `setpoint insights ask` does.", markup=False)
    for each in packs:
        output.print(Text(f"{each.id}  {each.status:<8}  {format_instant(each.created_at)}  {each.author}"))
        output.print(Text(f"    {each.failure or f'report run {each.run_id}'}", style="dim"))


async def _packs(data_dir: Path | None, slug: str) -> "list[Pack]":
    from setpoint.app.wiring import open_workspace
    from setpoint.reports.insights.packs import list_packs

    async with (
        open_workspace(data_dir, slug) as (database, found),
        database.tenant(found.client_id) as connection,
    ):
        return await list_packs(connection, found.client_id)


@app.command("summarise")
def summarise_command(
    workspace: WorkspaceSlug,
    run: Run = None,
    limit: Annotated[int, typer.Option(help="Most conversations of this call.")] = 20,
    again: Annotated[bool, typer.Option("--again", help="Also those that were told from facts alone.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Sum up conversations that booked in a report's window, a few at a time; run it again for the next."""
    done = run_async(_summarise(data_dir, workspace, run, limit, again))
    if as_json:
        print_json(
            {
                "workspace": workspace,
                **{name: getattr(done, name) for name in ("made", "by_model", "failed", "left", "stopped")},
            }
        )
        return
    output.print(
        f"{done.made:,} summed up, {done.by_model:,} of them by the model; {done.left:,} left.", markup=False
    )
    if done.failed:
        output.print(f"{done.failed:,} answers of the model did not do: there the facts stand alone.", markup=False)
    if done.stopped:
        output.print(Text(done.stopped), soft_wrap=True)


async def _summarise(data_dir: Path | None, slug: str, run: str | None, limit: int, again: bool) -> "Summarised":
    from setpoint.app.wiring import open_workspace
    from setpoint.llm.provider import workspace_model
    from setpoint.reports.insights.summaries import summarise_booked
    from setpoint.reports.service import latest_complete_run

    async with open_workspace(data_dir, slug) as (database, found):
        if run is None:
            async with database.tenant(found.client_id) as connection:
                run = str(await latest_complete_run(connection, found.client_id))
        port = await workspace_model(database, found.client_id)
        with progress_bar(timed=False) as bar:
            bar.add_task("summing up conversations")
            return await summarise_booked(database, found.client_id, found.slug, port, run, limit=limit, again=again)


@app.command("summaries")
def summaries_command(
    workspace: WorkspaceSlug,
    limit: Annotated[int, typer.Option(help="How many, the latest booking first.")] = 20,
    lead: Annotated[
        str | None,
        typer.Option(help="Show the redacted messages before this lead's booking instead.", show_default=False),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Conversations that booked, in short."""
    if lead is not None:
        told = run_async(_conversation(data_dir, workspace, lead))
        if as_json:
            print_json({"lead": lead, "messages": [_evidence_document(one) for one in told]})
        else:
            _print_messages(told)
        return
    found = run_async(_summaries(data_dir, workspace, limit))
    if as_json:
        print_json(
            {
                "summaries": [
                    {
                        "lead": each.lead_id,
                        "booked_on": each.booked_on.isoformat(),
                        "source": each.source,
                        "model": each.model,
                        "content": each.content,
                    }
                    for each in found
                ]
            }
        )
        return
    if not found:
        output.print("No conversation was summed up yet: `setpoint insights summarise` does.", markup=False)
    for each in found:
        output.print(Text(f"{each.booked_on}  {each.lead_id}", style="bold"))
        words = (each.content["opened"], each.content["objection"], each.content["closed"], each.content["text"])
        for line in words:
            if line:
                _print_indented(line)


async def _summaries(data_dir: Path | None, slug: str, limit: int) -> "list[BookedSummary]":
    from setpoint.app.wiring import open_workspace
    from setpoint.reports.insights.summaries import list_summaries

    async with (
        open_workspace(data_dir, slug) as (database, found),
        database.tenant(found.client_id) as connection,
    ):
        return await list_summaries(connection, found.client_id, Role.ADMIN, limit=limit)


async def _conversation(data_dir: Path | None, slug: str, lead: str) -> "list[Evidence]":
    from setpoint.app.wiring import open_workspace
    from setpoint.reports.insights.summaries import booked_conversation

    async with (
        open_workspace(data_dir, slug) as (database, found),
        database.tenant(found.client_id) as connection,
    ):
        return await booked_conversation(connection, found.client_id, Role.ADMIN, lead)


@app.command("evidence")
def evidence_command(
    workspace: WorkspaceSlug,
    run: Run = None,
    citation: Annotated[
        str | None,
        typer.Option(help="Such as pattern:offers_times; without it, what there is.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(help="Most messages.")] = 20,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """The messages that a report's claims rest on, redacted."""
    counts, found = run_async(_evidence(data_dir, workspace, run, citation, limit))
    if citation is not None and citation not in counts:
        raise NotFound(f"Nothing is kept under {citation!r}: without --citation, what there is is listed.")
    if as_json:
        print_json(
            {"citations": counts, "citation": citation, "evidence": [_evidence_document(one) for one in found]}
        )
        return
    if citation is None:
        if not counts:
            output.print("This report has kept no evidence.", markup=False)
        for name, count in counts.items():
            output.print(Text(f"{count:>6,}  {name}"))
        return
    _print_messages(found)


def _print_indented(text: str) -> None:
    """Print a text with all of its lines indented, those that the terminal wraps as well."""
    output.print(Padding(Text(text), (0, 0, 0, 4), expand=False))


def _print_messages(found: "list[Evidence]") -> None:
    for one in found:
        outcome = f", {one.outcome}" if one.outcome else ""
        head = f"{format_instant(one.sent_at)}  {one.channel}, {one.sender}{outcome}  {one.message_id}"
        output.print(Text(head, style="bold"))
        for line in (one.subject, one.snippet):
            if line:
                _print_indented(line)


def _evidence_document(one: "Evidence") -> dict[str, Any]:
    return {
        "message": one.message_id,
        "lead": one.lead_id,
        "channel": one.channel,
        "sender": one.sender,
        "outcome": one.outcome,
        "sent_at": format_instant(one.sent_at),
        "subject": one.subject,
        "snippet": one.snippet,
    }


async def _evidence(
    data_dir: Path | None, slug: str, run: str | None, citation: str | None, limit: int
) -> "tuple[dict[str, int], list[Evidence]]":
    from setpoint.app.wiring import open_workspace
    from setpoint.reports.kept_evidence import citations_with_evidence, evidence_of
    from setpoint.reports.service import get_run, latest_complete_run

    async with open_workspace(data_dir, slug) as (database, found):
        client_id = found.client_id
        async with database.tenant(client_id) as connection:
            if run is None:
                run_id = await latest_complete_run(connection, client_id)
            else:
                run_id = (await get_run(connection, client_id, run)).id
            counts = await citations_with_evidence(connection, client_id, run_id)
            if citation is None:
                return counts, []
            return counts, await evidence_of(connection, client_id, Role.ADMIN, run_id, citation, limit)
