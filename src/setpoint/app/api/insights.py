"""Questions and answers about reports, context packs, and booked conversations in short."""

from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from setpoint.app.api.forms import (
    Cursor,
    Form,
    Limit,
    Page,
    cursor_of,
    position_of,
)
from setpoint.app.api.problems import PROBLEMS, absent
from setpoint.app.api.reports import EvidenceForm
from setpoint.app.asking import ask_for, asker_of, booked_page, summarise_for
from setpoint.app.http.actors import Admin, Member
from setpoint.app.http.state import service_of
from setpoint.domain.vocabulary import Role, RunStatus
from setpoint.domain.windows import parse_instant
from setpoint.reports.insights.answers import tables_for
from setpoint.reports.insights.packs import Pack, get_pack, list_packs
from setpoint.reports.insights.sessions import Session, answers_of, list_sessions
from setpoint.reports.insights.summaries import (
    MOST,
    BookedSummary,
    booked_conversation,
)
from setpoint.storage.positions import Position

router = APIRouter(prefix="/insights", tags=["insights"], responses=PROBLEMS)

_NO_SESSION: Final = "There is no such session in this workspace, or it is not yours to read."
_NO_PACK: Final = "There is no such context pack in this workspace."
_NO_SUMMARY: Final = "There is no summary of such a lead in this workspace."


class Question(Form):
    """A question about a report: the latest complete one, that of `run`, or in a session the one it began with."""

    question: str = Field(max_length=4000, examples=["Who books more, AI or setters?"])
    run: str | None = Field(None, description="The report run's id, to begin a session about it.", max_length=100)
    session: str | None = Field(None, description="The session's id, to go on in it.", max_length=100)


class AnswerForm(BaseModel):
    """An answer, where it is kept, and the tables it cites as whoever asked may see them."""

    session: UUID
    place: int
    question: str
    answer: dict[str, Any]
    tables: list[dict[str, Any]]


class SessionForm(BaseModel):
    """A session of questions. `title` is the first of them, cut short."""

    id: UUID
    author: str
    role: Role
    created_at: datetime
    title: str

    @classmethod
    def of(cls, session: Session) -> "SessionForm":
        """The form of a session."""
        return cls(**{name: getattr(session, name) for name in cls.model_fields})


class KeptAnswerForm(BaseModel):
    """One question of a session and its answer."""

    place: int
    question: str
    answer: dict[str, Any]
    asked_at: datetime


class OpenedSession(SessionForm):
    """A session with its questions and answers, the oldest first."""

    answers: list[KeptAnswerForm]


class PackForm(BaseModel):
    """A context pack: the tables of a report that questions are answered from."""

    id: UUID
    run_id: UUID
    status: RunStatus
    author: str
    created_at: datetime
    failure: str | None

    @classmethod
    def of(cls, pack: Pack) -> "PackForm":
        """The form of a pack."""
        return cls(**{name: getattr(pack, name) for name in cls.model_fields})


class OpenedPack(PackForm):
    """A pack with its tables once it is complete; for setters, small cells are put away."""

    tables: list[dict[str, Any]] | None


class SummaryForm(BaseModel):
    """A booked conversation in short. `lead` is for admins, and null for setters."""

    lead: str | None
    booked_on: date
    source: str
    model: str | None
    content: dict[str, Any]

    @classmethod
    def of(cls, summary: BookedSummary) -> "SummaryForm":
        """The form of a summary."""
        return cls(
            lead=summary.lead_id,
            booked_on=summary.booked_on,
            source=summary.source,
            model=summary.model,
            content=dict(summary.content),
        )


class Summarise(Form):
    """Sum up conversations that booked in a report: of `run`, or of the latest complete one."""

    run: str | None = Field(None, description="The report run's id.", max_length=100)
    limit: int = Field(20, description="Most conversations of this call.", ge=1, le=MOST)
    again: bool = Field(False, description="Also those that were told from facts alone.")


class SummarisedForm(BaseModel):
    """What was done. `stopped` says why it ended early, where it did."""

    made: int
    by_model: int
    failed: int
    left: int
    stopped: str | None


@router.post("/ask")
async def ask_question(request: Request, actor: Member, asked: Question) -> AnswerForm:
    """Ask a report a question; without a model its closest tables answer. It waits for the model."""
    answered = await ask_for(
        service_of(request).database, actor, asked.question, run=asked.run, session=asked.session
    )
    return AnswerForm(
        session=answered.session_id,
        place=answered.place,
        question=answered.question,
        answer=dict(answered.answer),
        tables=[dict(table) for table in answered.tables],
    )


@router.get("/sessions")
async def list_insight_sessions(
    request: Request, actor: Member, cursor: Cursor = None, limit: Limit = 50
) -> Page[SessionForm]:
    """The sessions that one may read, the newest first: a setter's own, and all for an admin."""
    after = position_of(cursor)
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await list_sessions(connection, actor.client_id, asker_of(actor), limit + 1, after)
    more = cursor_of(Position(found[limit - 1].created_at, found[limit - 1].id)) if len(found) > limit else None
    return Page(items=[SessionForm.of(each) for each in found[:limit]], next_cursor=more)


@router.get("/sessions/{session}")
async def get_insight_session(
    request: Request, actor: Member, session: Annotated[str, Path(description="The session's id.")]
) -> OpenedSession:
    """A session with its questions and answers."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        with absent(_NO_SESSION):
            found, kept = await answers_of(connection, actor.client_id, asker_of(actor), session)
    answers = [
        KeptAnswerForm(place=each.place, question=each.question, answer=dict(each.answer), asked_at=each.asked_at)
        for each in kept
    ]
    return OpenedSession(**SessionForm.of(found).model_dump(), answers=answers)


@router.get("/packs")
async def list_context_packs(
    request: Request, actor: Member, cursor: Cursor = None, limit: Limit = 50
) -> Page[PackForm]:
    """The context packs of the workspace, the newest first, without their tables."""
    after = position_of(cursor)
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await list_packs(connection, actor.client_id, limit + 1, after)
    more = cursor_of(Position(found[limit - 1].created_at, found[limit - 1].id)) if len(found) > limit else None
    return Page(items=[PackForm.of(each) for each in found[:limit]], next_cursor=more)


@router.get("/packs/{pack}")
async def get_context_pack(
    request: Request, actor: Member, pack: Annotated[str, Path(description="The pack's id.")]
) -> OpenedPack:
    """A context pack with its tables."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        with absent(_NO_PACK):
            found = await get_pack(connection, actor.client_id, pack)
    tables = None if found.document is None else [dict(table) for table in tables_for(found, actor.role)]
    return OpenedPack(**PackForm.of(found).model_dump(), tables=tables)


@router.get("/summaries")
async def list_booked_summaries(
    request: Request,
    actor: Member,
    start: Annotated[
        str | None, Query(alias="from", description="First day or instant of booking.", max_length=40)
    ] = None,
    end: Annotated[str | None, Query(alias="to", description="Where it ends, not included.", max_length=40)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[SummaryForm]:
    """Booked conversations in short, the latest booking first."""
    since = None if start is None else parse_instant(start, "--from")
    until = None if end is None else parse_instant(end, "--to")
    async with service_of(request).database.tenant(actor.client_id) as connection:
        shown, more = await booked_page(connection, actor, start=since, end=until, cursor=cursor, limit=limit)
    return Page(items=[SummaryForm.of(each) for each in shown], next_cursor=more)


@router.post("/summaries")
async def make_booked_summaries(request: Request, actor: Admin, asked: Summarise) -> SummarisedForm:
    """Sum up conversations that booked, a few at a time, for admins; call again for the next."""
    done = await summarise_for(
        service_of(request).database, actor, run=asked.run, limit=asked.limit, again=asked.again
    )
    return SummarisedForm(**{name: getattr(done, name) for name in SummarisedForm.model_fields})


@router.get("/conversation")
async def get_booked_conversation(
    request: Request,
    actor: Admin,
    lead: Annotated[str, Query(description="The lead's external id.", max_length=600)],
) -> list[EvidenceForm]:
    """The last messages before a booking that was summed up, redacted, the oldest first, for admins."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        with absent(_NO_SUMMARY):
            held = await booked_conversation(connection, actor.client_id, actor.role, lead)
    return [EvidenceForm.of(one) for one in held]
