"""The messages behind a claim: redacted, by id, for workspace admins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis.expr.types as ir
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Evidence:
    """One message as an admin may see it. `outcome` is empty where the caller did not say it."""

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

    `message` is its place among the ids that were asked for, counted from 1; `lead` numbers the leads as they come.
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
    """The first `limit` of the messages that the workspace has, in the order of the ids. Raises NotAllowed."""
    raise NotImplementedError


async def evidence_for_synthesis(
    connection: AsyncConnection,
    client_id: int,
    message_ids: Sequence[str],
    limit: int,
    *,
    outcomes: Mapping[str, str] | None = None,
) -> list[NamelessEvidence]:
    """The same messages without ids. Whoever calls this must not hand it to anyone but an admin."""
    raise NotImplementedError


def sample_evidence(rows: ir.Table, per_cell: int, seed: str) -> ir.Table:
    """`message_id, lead_id, channel, sender, outcome` of a balanced sample of a dataset's rows."""
    raise NotImplementedError
