"""The messages behind a claim: redacted, by id, for workspace admins.

Who may see them is decided here and not on a page, so that no new page can forget it.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis.expr.types as ir
from sqlalchemy import RowMapping, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.datasets.redaction import Known, Redactor
from setpoint.datasets.sampling import balance
from setpoint.domain.errors import NotAllowed
from setpoint.domain.vocabulary import Attribution, Direction, Role, Sender
from setpoint.storage.tables import leads, message_texts, messages

SUBJECT_LIMIT = 120
BODY_CHARACTERS = 25_000
"""Of a body, what is read from the database: more than redaction and features look at. A body may have megabytes."""
# Whose names are taken out of every message: the addresses that most messages came from.
_TEAM = 300

_redactor = Redactor()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One message as an admin may see it.

    `sender` is `ai` or `setter`, and `lead` for a message from the lead; `outcome` is empty where the caller did not
    say it. `references` are the ids that lead to the message: its own, its lead's and its draft's, if it has one.
    """

    message_id: str
    lead_id: str
    channel: str
    sender: str
    outcome: str
    sent_at: datetime
    subject: str | None
    snippet: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamelessEvidence:
    """One message without anything that leads back to its lead, for use inside the system.

    `message` is its place among the ids that were asked for, counted from 1, by which the caller finds the id again;
    `lead` numbers the leads as they come.
    """

    message: int
    lead: int
    channel: str
    sender: str
    outcome: str
    subject: str | None
    snippet: str


async def evidence(
    connection: AsyncConnection,
    client_id: int,
    role: Role,
    message_ids: Sequence[str],
    limit: int,
    *,
    outcomes: Mapping[str, str] | None = None,
) -> list[Evidence]:
    """The first `limit` of the messages that the workspace has, in the order of the ids, redacted.

    An id of another workspace is left out like one that nobody has. `outcomes` gives labels by message id, which
    only a dataset knows. Raises NotAllowed for everybody but admins.
    """
    if role is not Role.ADMIN:
        raise NotAllowed("Evidence is for admins of the workspace: ask one of them.")
    return await _evidence(connection, client_id, message_ids, limit, outcomes or {})


async def evidence_for_synthesis(
    connection: AsyncConnection,
    client_id: int,
    message_ids: Sequence[str],
    limit: int,
    *,
    outcomes: Mapping[str, str] | None = None,
) -> list[NamelessEvidence]:
    """The same messages without any id, to be read by a model inside the system.

    Nobody's role is asked here. Whoever calls this must not hand it to anybody who is not an admin.
    """
    places = {message_id: place for place, message_id in reversed(list(enumerate(message_ids, 1)))}
    found = await _evidence(connection, client_id, message_ids, limit, outcomes or {})
    numbers = {lead: number for number, lead in enumerate(dict.fromkeys(one.lead_id for one in found), 1)}
    return [
        NamelessEvidence(
            message=places[one.message_id],
            lead=numbers[one.lead_id],
            channel=one.channel,
            sender=one.sender,
            outcome=one.outcome,
            subject=one.subject,
            snippet=one.snippet,
        )
        for one in found
    ]


def sample_evidence(rows: ir.Table, per_cell: int, seed: str) -> ir.Table:
    """`message_id, lead_id, channel, sender, outcome` of at most `per_cell` messages of each sender and outcome.

    Drawn from the labelled rows of a dataset (Dataset.labelled) as `balance` draws: mature and unambiguous leads
    only, by a seeded hash, alike on every engine. Each lead is there at most once, with its cross-channel message.
    """
    drawn = balance(rows.filter(rows.attribution == Attribution.CROSS_CHANNEL), per_cell, seed)
    return drawn.select("message_id", "lead_id", "channel", "sender", "outcome").order_by(
        "sender", "outcome", "lead_id", "message_id"
    )


async def _evidence(
    connection: AsyncConnection,
    client_id: int,
    message_ids: Sequence[str],
    limit: int,
    outcomes: Mapping[str, str],
) -> list[Evidence]:
    # What no database takes as text can be no message's id.
    wanted = [
        message_id for message_id in dict.fromkeys(message_ids) if re.fullmatch("[^\0\ud800-\udfff]+", message_id)
    ]
    rows = await _rows(connection, client_id, wanted, limit)
    if not rows:
        return []
    team = await _team(connection, client_id)
    # Half a millisecond for each, and a second or two where the recognisers are not loaded yet.
    return await asyncio.to_thread(_redacted, rows, team, outcomes)


async def _rows(
    connection: AsyncConnection, client_id: int, wanted: Sequence[str], limit: int
) -> Sequence[RowMapping]:
    place = func.array_position(wanted, messages.c.external_id)
    by_ai = case(
        (messages.c.direction != Direction.OUTBOUND, "lead"),
        (messages.c.sent_by.is_not(None), messages.c.sent_by),
        (messages.c.ai_draft_external_id.is_not(None), Sender.AI),
        else_=Sender.SETTER,
    )
    texts = and_(
        message_texts.c.client_id == messages.c.client_id, message_texts.c.external_id == messages.c.external_id
    )
    of_lead = and_(leads.c.client_id == messages.c.client_id, leads.c.external_id == messages.c.lead_external_id)
    query = (
        select(
            messages.c.external_id,
            messages.c.lead_external_id,
            messages.c.channel,
            messages.c.sent_at,
            messages.c.ai_draft_external_id,
            by_ai.label("sender"),
            message_texts.c.subject,
            func.left(message_texts.c.body, BODY_CHARACTERS).label("body"),
            leads.c.first_name,
            leads.c.last_name,
            leads.c.company,
            leads.c.email,
            leads.c.phone,
        )
        .select_from(messages.join(leads, of_lead).outerjoin(message_texts, texts))
        .where(messages.c.client_id == client_id, messages.c.external_id.in_(wanted))
        .order_by(place)
        .limit(limit)
    )
    return (await connection.execute(query)).mappings().all()


async def _team(connection: AsyncConnection, client_id: int) -> tuple[str, ...]:
    """The addresses that the workspace's people send from. AI writes in their names too, and leaves none behind."""
    query = (
        select(messages.c.sender_email)
        .where(
            messages.c.client_id == client_id,
            # Leads have addresses too, on what they wrote.
            messages.c.direction == Direction.OUTBOUND,
            messages.c.sender_email.is_not(None),
        )
        .group_by(messages.c.sender_email)
        .order_by(func.count().desc(), messages.c.sender_email)
        .limit(_TEAM)
    )
    return tuple((await connection.scalars(query)).all())


def _redacted(rows: Sequence[RowMapping], team: tuple[str, ...], outcomes: Mapping[str, str]) -> list[Evidence]:
    found = []
    for row in rows:
        known = Known(
            first_name=row["first_name"],
            last_name=row["last_name"],
            company=row["company"],
            email=row["email"],
            phone=row["phone"],
            others=team,
        )
        subject = row["subject"]
        references = (row["external_id"], row["lead_external_id"], row["ai_draft_external_id"])
        found.append(
            Evidence(
                message_id=row["external_id"],
                lead_id=row["lead_external_id"],
                channel=row["channel"],
                sender=row["sender"],
                outcome=outcomes.get(row["external_id"], ""),
                sent_at=row["sent_at"],
                subject=None if subject is None else _redactor.redact(subject, known, SUBJECT_LIMIT).text,
                snippet=_redactor.redact(row["body"] or "", known).text,
                references=tuple(reference for reference in references if reference),
            )
        )
    return found
