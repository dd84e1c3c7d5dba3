"""Sessions of questions and answers: each is its author's, and what an admin was told no setter reads."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import Conflict, NotFound
from setpoint.domain.vocabulary import Role
from setpoint.reports.insights.schemas import ANSWER_VERSION, AnswerDocument
from setpoint.storage.positions import Position, behind
from setpoint.storage.tables import insight_answers, insight_sessions

_TITLE = 120
# How often somebody else may answer in the same session first.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and as what: members are told aggregates, admins what they rest on too."""

    author: str
    role: Role


@dataclass(frozen=True, slots=True)
class Session:
    """A session. `role` is what its author was when it began; `title` is the first question, cut short."""

    id: UUID
    author: str
    role: Role
    pack_id: UUID
    title: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """One question of a session and its answer; `place` counts from 1."""

    place: int
    question: str
    answer: AnswerDocument
    asked_at: datetime


async def list_sessions(
    connection: AsyncConnection, client_id: int, asker: Asker, limit: int = 50, after: Position | None = None
) -> list[Session]:
    """The latest sessions that the asker may read, or those that follow `after`, newest first.

    A setter may read their own, an admin all.
    """
    found = await connection.execute(
        select(*_COLUMNS)
        .where(insight_sessions.c.client_id == client_id, _readable(asker), behind(insight_sessions, after))
        .order_by(insight_sessions.c.created_at.desc(), insight_sessions.c.id)
        .limit(limit)
    )
    return [_session(row._asdict()) for row in found]


async def get_session(connection: AsyncConnection, client_id: int, asker: Asker, session_id: str) -> Session:
    """One session. Raises NotFound, also for a setter who did not begin it or was an admin then."""
    row = None
    with suppress(ValueError):
        wanted = UUID(session_id)
        found = await connection.execute(
            select(*_COLUMNS).where(
                insight_sessions.c.client_id == client_id, insight_sessions.c.id == wanted, _readable(asker)
            )
        )
        row = found.one_or_none()
    if row is None:
        raise NotFound(
            f"There is no insights session {session_id!r} here: `setpoint insights sessions` shows those there are."
        )
    return _session(row._asdict())


async def answers_of(
    connection: AsyncConnection, client_id: int, asker: Asker, session_id: str
) -> tuple[Session, list[KeptAnswer]]:
    """A session with its questions and answers, oldest first. Raises NotFound as `get_session` does."""
    session = await get_session(connection, client_id, asker, session_id)
    found = await connection.execute(
        select(*(insight_answers.c[name] for name in ("place", "question", "answer", "asked_at")))
        .where(insight_answers.c.client_id == client_id, insight_answers.c.session_id == session.id)
        .order_by(insight_answers.c.place)
    )
    kept = [KeptAnswer(**row._asdict()) for row in found]
    if any(each.answer["version"] != ANSWER_VERSION for each in kept):
        raise Conflict("This session was kept by another version of Setpoint: start a new one.")
    return session, kept


async def keep_answer(
    connection: AsyncConnection,
    client_id: int,
    session_id: UUID,
    asker: Asker,
    pack_id: UUID,
    question: str,
    answer: Mapping[str, Any],
) -> int:
    """Append a question and its answer to a session, which begins with the first, and return its place.

    Raises Conflict where others answer in the same session without end.
    """
    await connection.execute(
        insert(insight_sessions)
        .values(
            client_id=client_id,
            id=session_id,
            author=asker.author,
            role=asker.role,
            pack_id=pack_id,
            title=question if len(question) <= _TITLE else question[: _TITLE - 1] + "…",
        )
        .on_conflict_do_nothing()
    )
    here = (insight_answers.c.client_id == client_id, insight_answers.c.session_id == session_id)
    newest = select(func.coalesce(func.max(insight_answers.c.place), 0) + 1).where(*here).scalar_subquery()
    for _ in range(_TRIES):
        place = await connection.scalar(
            insert(insight_answers)
            .values(client_id=client_id, session_id=session_id, place=newest, question=question, answer=answer)
            .on_conflict_do_nothing()
            .returning(insight_answers.c.place)
        )
        if place is not None:
            return int(place)
    raise Conflict("Others are asking in this session at the same moment: ask again.")


def _readable(asker: Asker) -> ColumnElement[bool]:
    """A setter who was an admin once does not read what that admin was told."""
    own = and_(insight_sessions.c.author == asker.author, insight_sessions.c.role == Role.SETTER)
    return or_(own, insight_sessions.c.role.in_(list(Role) if asker.role is Role.ADMIN else []))


_COLUMNS = [insight_sessions.c[name] for name in ("id", "author", "role", "pack_id", "title", "created_at")]


def _session(row: dict[str, Any]) -> Session:
    return Session(**row | {"role": Role(row["role"])})
