"""Questions to a report, and the sessions that they stand in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from setpoint.app.api.forms import cursor_of, position_of
from setpoint.app.api.problems import absent
from setpoint.app.api.reports import run_of
from setpoint.app.asking import ask_for, asker_of
from setpoint.app.http.actors import PageActor
from setpoint.app.http.state import service_of
from setpoint.app.web.pages import go_to, page
from setpoint.domain.errors import Conflict, UsageError
from setpoint.domain.vocabulary import Role, RunStatus
from setpoint.reports.insights.answer_rules import MAX_QUESTION
from setpoint.reports.insights.answers import cited_tables, tables_for
from setpoint.reports.insights.packs import Pack, get_pack
from setpoint.reports.insights.schemas import ColumnKind, TableDocument
from setpoint.reports.insights.sessions import KeptAnswer, answers_of, list_sessions
from setpoint.reports.insights.suppression import SUPPRESSED
from setpoint.reports.insights.table_text import rows_text
from setpoint.reports.service import list_runs
from setpoint.storage.positions import Position
from setpoint.tenancy.schemas import Actor

router = APIRouter()

EXAMPLES: Final = (
    "Who books more, AI or setters?",
    "What do messages that book have in common?",
    "What is the booking rate by channel and sender?",
    "How soon do leads book?",
    "How did the booking rate change from week to week?",
    "How many leads are pending?",
    "What does pending mean?",
)
"""Questions that are answered with a model and without one."""
ON_A_PAGE: Final = 20
_LATEST_RUNS: Final = 50
_NO_SESSION: Final = "There is no such session in this workspace, or it is not yours to read."
_NUMBERS: Final = frozenset({ColumnKind.COUNT, ColumnKind.RATE, ColumnKind.POINTS, ColumnKind.NUMBER})

Text = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as it is shown: without columns that are empty in all of it.

    `columns` have a label and a class; `rows` an address on the page and cells, None where one is put away.
    """

    ident: str
    title: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[tuple[str, Sequence[str | None]]]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """A question and its answer; `citations` are words and the address on the page, or None where it has none."""

    kept: KeptAnswer
    citations: Sequence[tuple[str, str | None]]
    tables: Sequence[TableView]


def answer_view(kept: KeptAnswer, tables: Sequence[TableDocument]) -> AnswerView:
    """Arrange one answer: what it cites is shown below it, and each citation leads there."""
    shown = cited_tables(kept.answer, tables)
    views = [_table(f"answer-{kept.place}-table-{n}", table) for n, table in enumerate(shown, 1)]
    found = []
    for citation in kept.answer["citations"]:
        words, address = citation, None
        for table, view in zip(shown, views, strict=True):
            if citation == table["key"]:
                words, address = table["title"], view.ident
            elif citation in table["citations"]:
                place = table["citations"].index(citation)
                words, address = _row_words(table, place), f"{view.ident}-row-{place + 1}"
            if address:
                break
        found.append((words, address))
    return AnswerView(kept, list(dict.fromkeys(found)), views)


def _row_words(table: TableDocument, place: int) -> str:
    """What names a row: its labels."""
    row = table["rows"][place]
    labels = [
        str(cell)
        for column, cell in zip(table["columns"], row, strict=True)
        if column["kind"] == ColumnKind.LABEL and cell not in (None, "")
    ]
    return f"{table['title']}: {', '.join(labels)}" if labels else table["title"]


def _table(ident: str, table: TableDocument) -> TableView:
    places = [
        place for place in range(len(table["columns"])) if any(row[place] not in (None, "") for row in table["rows"])
    ]
    kinds = {ColumnKind.LABEL: "left", ColumnKind.WORDS: "wrap"}
    columns = [
        (column["label"], "" if column["kind"] in _NUMBERS else kinds.get(ColumnKind(column["kind"]), "wrap"))
        for column in (table["columns"][place] for place in places)
    ]
    rows = [
        (f"{ident}-row-{n}", [None if row[place] == SUPPRESSED else row[place] for place in places])
        for n, row in enumerate(rows_text(table, table["rows"]), 1)
    ]
    return TableView(ident, table["title"], columns, rows, table["notes"])


@router.get("/w/{workspace}/ask")
async def question_box(
    request: Request,
    actor: PageActor,
    run: Annotated[str, Query(max_length=100)] = "",
    question: Annotated[str, Query(max_length=4000)] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The question box, and what was asked before."""
    return await _box(request, actor, run, question, cursor=cursor)


@router.post("/w/{workspace}/ask")
async def ask_question(
    request: Request, actor: PageActor, question: Text = "", run: Text = "", session: Text = ""
) -> Response:
    """Ask, wait for the answer, and go to where it stands."""
    try:
        asked = await ask_for(service_of(request).database, actor, question, run=run or None, session=session or None)
    except (UsageError, Conflict) as error:
        status = 400 if isinstance(error, UsageError) else 409
        if session:
            return await _thread(request, actor, session, question, failure=error.message, status=status)
        return await _box(request, actor, run, question, failure=error.message, status=status)
    return go_to(f"/w/{actor.workspace}/ask/{asked.session_id}#answer-{asked.place}")


@router.get("/w/{workspace}/ask/{session}")
async def thread(request: Request, actor: PageActor, session: str) -> Response:
    """A session: its questions, its answers, and the tables that they rest on."""
    return await _thread(request, actor, session, "")


async def _box(
    request: Request,
    actor: Actor,
    run: str,
    question: str,
    *,
    cursor: str | None = None,
    failure: str | None = None,
    status: int = 200,
) -> Response:
    async with service_of(request).database.tenant(actor.client_id) as connection:
        runs = await list_runs(connection, actor.client_id, _LATEST_RUNS)
        if run and run not in [str(each.id) for each in runs]:
            runs.append(await run_of(connection, actor, run))
        after = position_of(cursor)
        found = await list_sessions(connection, actor.client_id, asker_of(actor), ON_A_PAGE + 1, after)
    complete = [each for each in runs if each.status is RunStatus.COMPLETE]
    sessions = found[:ON_A_PAGE]
    last = sessions[-1] if len(found) > ON_A_PAGE else None
    return page(
        request,
        "ask.html.j2",
        status=status,
        actor=actor,
        here="ask",
        runs=complete,
        latest=complete[0].id if complete else None,
        chosen=run,
        question=question,
        failure=failure,
        examples=EXAMPLES,
        sessions=sessions,
        older=None if last is None else cursor_of(Position(last.created_at, last.id)),
        is_first=cursor is None,
        most=MAX_QUESTION,
    )


async def _thread(
    request: Request, actor: Actor, session_id: str, question: str, *, failure: str | None = None, status: int = 200
) -> Response:
    database = service_of(request).database
    async with database.tenant(actor.client_id) as connection:
        with absent(_NO_SESSION):
            session, kept = await answers_of(connection, actor.client_id, asker_of(actor), session_id)
        pack = await get_pack(connection, actor.client_id, str(session.pack_id))
    # An admin who reads what a setter was told sees what the setter saw.
    role = Role.SETTER if Role.SETTER in (session.role, actor.role) else Role.ADMIN
    tables = tables_for(pack, role)
    return page(
        request,
        "ask_session.html.j2",
        status=status,
        actor=actor,
        here="ask",
        session=session,
        pack=pack,
        window=_window_of(pack),
        answers=[answer_view(each, tables) for each in kept],
        is_mine=session.author == actor.name,
        question=question,
        failure=failure,
        as_setter=role is Role.SETTER,
        most=MAX_QUESTION,
    )


def _window_of(pack: Pack) -> dict[str, str]:
    return {} if pack.document is None else pack.document["window"]
