"""Summaries of the conversations that booked: made a few at a time, redacted, and without anybody's id.

A lead that has one for the same booking is skipped, so that a call that was cut short is taken up by the next.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import ibis
from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.datasets.evidence import Evidence, NamelessEvidence, evidence, evidence_for_synthesis
from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.redaction import Known, Redactor
from setpoint.datasets.service import DatasetRequest, extract
from setpoint.domain.errors import Conflict, NotAllowed, NotFound, UsageError
from setpoint.domain.vocabulary import Attribution, Channel, Outcome, Role
from setpoint.domain.windows import make_window
from setpoint.llm.port import ModelPort
from setpoint.llm.prompts import Prompt
from setpoint.llm.schemas import Answer, Failure, Status
from setpoint.llm.service import run_prompt
from setpoint.outcomes.facts import INSTANT
from setpoint.reports.insights.summary_rules import (
    Booked,
    BookedSummaryAnswer,
    Sent,
    SummaryContent,
    content_of_facts,
    summary_complaints,
    with_words,
    words_of,
)
from setpoint.reports.service import Run, get_run
from setpoint.storage.database import Database
from setpoint.storage.tables import booked_summaries, leads, message_texts, messages

PROMPT: Final = Prompt.of(
    "insights.booked_summary",
    1,
    "You sum up a conversation at the end of which somebody booked a meeting, for a sales team that wants to know"
    " what worked. Say in one plain sentence each what opened it, what held the lead back if anything shows, and what"
    " the last message before the booking did. Describe; do not quote more than three words in a row. Names and"
    " addresses were taken out of the messages: write none, and no placeholder either. Tell nothing that does not stand there.",
    "The messages, the oldest first:\n{{conversation}}\n\nWhat is known besides:\n{{facts}}",
)
MESSAGES: Final = 20
"""Messages before a booking that a model reads, the last ones."""
MOST: Final = 200
"""Leads of one call."""
# They pass, or somebody must act: the leads are left for the next call rather than told of from facts alone.
_STOPS: Final = {
    *(Status.TIMEOUT, Status.RATE_LIMITED, Status.PROVIDER_ERROR, Status.BUDGET_EXCEEDED, Status.CANCELLED)
}
_BODY_CHARACTERS = 25_000

_redactor = Redactor()


@dataclass(frozen=True, slots=True)
class Summarised:
    """What a call did: summaries made, of them by the model, answers that did not do, and leads still without one.

    `stopped` says why it ended early, where it did.
    """

    made: int
    by_model: int
    failed: int
    left: int
    stopped: str | None = None


@dataclass(frozen=True, slots=True)
class BookedSummary:
    """One booked conversation in short. `lead_id` is for admins, and None for setters."""

    lead_id: str | None
    booked_on: date
    source: str
    model: str | None
    content: SummaryContent


@dataclass(frozen=True, slots=True)
class _Conversation:
    booked: Booked
    known: Known
    messages: list[Sent]
    told: list[NamelessEvidence]


async def summarise_booked(
    database: Database,
    client_id: int,
    workspace: str,
    port: ModelPort,
    run_id: str,
    *,
    limit: int = 20,
    again: bool = False,
) -> Summarised:
    """Sum up the conversations of at most `limit` leads that are booked in a report and have no summary yet.

    Each is kept in a transaction of its own, and no connection is held while the model is asked. With `again`, leads
    whose summary is from facts alone count as having none. Raises UsageError where `limit` makes no sense, NotFound
    without such a run, Conflict where it is not complete.
    """
    if not 1 <= limit <= MOST:
        raise UsageError(f"--limit must lie between 1 and {MOST}.")
    async with database.tenant(client_id, one_instant=True) as connection:
        run = await get_run(connection, client_id, run_id)
        wanted, waiting = await _without_summary(connection, client_id, request_of(run, workspace), limit, again)
    if not wanted:
        return Summarised(0, 0, 0, waiting)
    async with database.tenant(client_id) as connection:
        conversations = await _conversations(connection, client_id, wanted)
    made = by_model = failed = 0
    for each in conversations:
        content = content_of_facts(each.booked, each.messages)
        found = await _by_model(port, each, content, run.id)
        if isinstance(found, Failure):
            if found.status in _STOPS:
                return Summarised(made, by_model, failed, waiting - made, found.message)
            if found.status is not Status.NO_MODEL:
                failed += 1
                content["note"] = found.message
        else:
            by_model += 1
            content = with_words(content, found.value)
        async with database.tenant(client_id) as connection:
            await _keep(connection, client_id, each.booked, content, found)
        made += 1
    return Summarised(made, by_model, failed, waiting - made)


async def list_summaries(
    connection: AsyncConnection,
    client_id: int,
    role: Role,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 50,
) -> list[BookedSummary]:
    """The summaries of bookings in `[start, end)`, the latest booking first; without lead ids for setters."""
    conditions = [booked_summaries.c.client_id == client_id]
    if start is not None:
        conditions.append(booked_summaries.c.booking_instant >= start)
    if end is not None:
        conditions.append(booked_summaries.c.booking_instant < end)
    found = await connection.execute(
        select(*(booked_summaries.c[name] for name in ("lead_external_id", "booking_instant", *_SHOWN)))
        .where(*conditions)
        .order_by(booked_summaries.c.booking_instant.desc(), booked_summaries.c.lead_external_id)
        .limit(limit)
    )
    return [
        BookedSummary(lead if role is Role.ADMIN else None, booking.date(), *shown) for lead, booking, *shown in found
    ]


_SHOWN: Final = ("source", "model", "content")


async def booked_conversation(
    connection: AsyncConnection, client_id: int, role: Role, lead_id: str
) -> list[Evidence]:
    """The last messages before a summarised booking, redacted, oldest first.

    Raises NotAllowed for everybody but admins, NotFound where the lead has no summary here.
    """
    if role is not Role.ADMIN:
        raise NotAllowed("Conversations are for admins of the workspace: ask one of them.")
    booking = await connection.scalar(
        select(booked_summaries.c.booking_instant).where(
            booked_summaries.c.client_id == client_id,
            booked_summaries.c.lead_external_id == lead_id.replace("\0", " "),
        )
    )
    if booking is None:
        raise NotFound("There is no summary of this lead here: `setpoint insights summaries` shows those there are.")
    sent = (await _messages(connection, client_id, {lead_id: booking}))[lead_id]
    ids = [message.external_id for message in sent if message.is_read][-MESSAGES:]
    return await evidence(connection, client_id, role, ids, MESSAGES)


def request_of(run: Run, workspace: str) -> DatasetRequest:
    """What a run was asked for, so that its rows can be made again. Raises Conflict for one that is not complete."""
    if run.document is None:
        raise Conflict(
            f"The report run {run.id} is {run.status}: `setpoint report list` shows those that are complete."
        )
    asked = run.parameters
    return DatasetRequest(
        workspace,
        make_window(asked["from"], asked["to"], asked["as_of"], asked["attribution_days"], asked["maturity_days"]),
        tuple(Channel(channel) for channel in asked["channels"]),
        asked["max_leads"],
        asked["seed"],
    )


async def _without_summary(
    connection: AsyncConnection, client_id: int, request: DatasetRequest, limit: int, again: bool
) -> tuple[list[dict[str, Any]], int]:
    """The first leads that are booked and have no summary of that booking, and how many there are in all."""
    columns = {"client_id": "int32", "lead_external_id": "string", "booking_instant": INSTANT, "source": "string"}
    async with PostgresEngine(connection, client_id) as engine:
        rows = (await extract(engine, request)).rows(Attribution.CROSS_CHANNEL)
        booked = rows.filter(rows.outcome == Outcome.BOOKED)
        kept = ibis.table(columns, name="booked_summaries")
        kept = kept.filter(kept.client_id == client_id, *([kept.source == "model"] if again else []))
        same = [booked.lead_id == kept.lead_external_id, booked.booked_at == kept.booking_instant]
        waiting = booked.anti_join(kept, same).select("lead_id", "booked_at", "message_id", "channel", "sender")
        found = await engine.fetch(waiting.order_by("booked_at", "lead_id").limit(limit))
        [counted] = await engine.fetch(waiting.agg(n=waiting.count()))
    return found, int(counted["n"])


async def _conversations(
    connection: AsyncConnection, client_id: int, wanted: Sequence[dict[str, Any]]
) -> list[_Conversation]:
    sent = await _messages(connection, client_id, {row["lead_id"]: row["booked_at"] for row in wanted})
    people = await _leads(connection, client_id, [row["lead_id"] for row in wanted])
    texts = await _texts(connection, client_id, [row["message_id"] for row in wanted])
    last = {lead: [m.external_id for m in found if m.is_read][-MESSAGES:] for lead, found in sent.items()}
    ids = [message for found in last.values() for message in found]
    told: defaultdict[str, list[NamelessEvidence]] = defaultdict(list)
    owner = {message: lead for lead, found in last.items() for message in found}
    for one in await evidence_for_synthesis(connection, client_id, ids, len(ids)):
        told[owner[ids[one.message - 1]]].append(one)
    conversations = []
    for row in wanted:
        lead, (subject, body) = people[row["lead_id"]], texts.get(row["message_id"], (None, None))
        booked = Booked(
            lead_id=row["lead_id"],
            booking=row["booked_at"],
            message_id=row["message_id"],
            channel=row["channel"],
            sender=row["sender"],
            first_name=lead["first_name"],
            company=lead["company"],
            timezone=lead["timezone"],
            subject=subject,
            body=body,
        )
        known = Known(**{name: lead[name] for name in ("first_name", "last_name", "company", "email", "phone")})
        conversations.append(_Conversation(booked, known, sent[row["lead_id"]], told[row["lead_id"]]))
    return conversations


async def _messages(
    connection: AsyncConnection, client_id: int, bookings: dict[str, datetime]
) -> defaultdict[str, list[Sent]]:
    """The messages of each lead up to its booking, oldest first."""
    columns = ("external_id", "channel", "direction", "kind", "status", "sent_at")
    rows = await connection.execute(
        select(messages.c.lead_external_id, *(messages.c[name] for name in columns))
        .where(messages.c.client_id == client_id, messages.c.lead_external_id.in_(list(bookings)))
        .order_by(messages.c.sent_at, messages.c.external_id)
    )
    found: defaultdict[str, list[Sent]] = defaultdict(list)
    for lead, *values in rows:
        message = Sent(*values)
        if message.sent_at <= bookings[lead]:
            found[lead].append(message)
    return found


async def _leads(connection: AsyncConnection, client_id: int, ids: Sequence[str]) -> dict[str, Any]:
    names = ("external_id", "first_name", "last_name", "company", "email", "phone", "timezone")
    found = await connection.execute(
        select(*(leads.c[name] for name in names)).where(leads.c.client_id == client_id, leads.c.external_id.in_(ids))
    )
    return {row["external_id"]: row for row in found.mappings()}


async def _texts(
    connection: AsyncConnection, client_id: int, ids: Sequence[str]
) -> dict[str, tuple[str | None, str | None]]:
    found = await connection.execute(
        select(
            message_texts.c.external_id,
            message_texts.c.subject,
            func.left(message_texts.c.body, _BODY_CHARACTERS),
        ).where(message_texts.c.client_id == client_id, message_texts.c.external_id.in_(ids))
    )
    return {external_id: (subject, body) for external_id, subject, body in found}


async def _by_model(
    port: ModelPort, conversation: _Conversation, content: SummaryContent, run_id: UUID
) -> Answer[BookedSummaryAnswer] | Failure:
    told = [" ".join(filter(None, (one.subject, one.snippet))) for one in conversation.told]
    booked = conversation.booked

    async def check(answer: BookedSummaryAnswer) -> list[str]:
        found = summary_complaints(answer, content, told, (booked.lead_id, booked.message_id))
        words = "\n".join(words_of(answer))
        redacted = await asyncio.to_thread(_redactor.redact, words, conversation.known, None)
        if redacted.text != words:
            found.append("Leave out every name, address, link and number of a person or company.")
        return found

    return await run_prompt(
        port,
        PROMPT,
        {
            "conversation": [
                {"from": one.sender, "by": one.channel, "subject": one.subject, "text": one.snippet}
                for one in conversation.told
            ],
            "facts": {name: content[name] for name in ("touches", "replies", "days", "channels")},
        },
        BookedSummaryAnswer,
        run_id=run_id,
        check=check,
    )


async def _keep(
    connection: AsyncConnection,
    client_id: int,
    booked: Booked,
    content: SummaryContent,
    found: Answer[BookedSummaryAnswer] | Failure,
) -> None:
    answer = found if isinstance(found, Answer) else None
    values = {
        "booking_instant": booked.booking,
        "content": content,
        "source": "statistics" if answer is None else "model",
        "model": answer and answer.model,
        "prompt_key": answer and answer.prompt_key,
        "prompt_version": answer and answer.prompt_version,
    }
    written = insert(booked_summaries).values(client_id=client_id, lead_external_id=booked.lead_id, **values)
    await connection.execute(
        written.on_conflict_do_update(
            index_elements=["client_id", "lead_external_id"],
            set_={name: written.excluded[name] for name in values} | {"created_at": func.now()},
            # What a model said of the same booking is not replaced by one who was slower.
            where=or_(
                booked_summaries.c.booking_instant != written.excluded.booking_instant,
                and_(booked_summaries.c.source == "statistics", written.excluded.source == "model"),
            ),
        )
    )
