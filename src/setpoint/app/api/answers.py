"""Requests that are made once, however often they are sent: what was answered under an idempotency key."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import Conflict, UsageError
from setpoint.storage.tables import api_answers

KEPT: Final = timedelta(days=7)
"""How long a key is known. After that it means a new request."""
_KEY = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Kept:
    """What was answered to the same request before."""

    answer: dict[str, Any]


def check_key(key: str) -> str:
    """The key, or UsageError where it can be none."""
    if not _KEY.fullmatch(key):
        raise UsageError("Idempotency-Key has 1 to 200 printable ASCII characters without blanks.")
    return key


async def begin(
    connection: AsyncConnection, client_id: int, key: str, asked_sha256: str, *, now: datetime
) -> Kept | None:
    """Take a key for a request, in the transaction of what it asks for; or what was answered to it before.

    Whoever sends the same key meanwhile waits for that transaction to end. Raises Conflict where the key was used
    for another request.
    """
    here = api_answers.c.client_id == client_id
    await connection.execute(delete(api_answers).where(here, api_answers.c.created_at < now - KEPT))
    taken = await connection.scalar(
        insert(api_answers)
        .values(client_id=client_id, key=key, asked_sha256=asked_sha256, created_at=now)
        .on_conflict_do_nothing()
        .returning(api_answers.c.key)
    )
    if taken is not None:
        return None
    found = await connection.execute(
        select(api_answers.c.asked_sha256, api_answers.c.answer).where(here, api_answers.c.key == key)
    )
    row = found.one_or_none()
    if row is None or row.asked_sha256 != asked_sha256:
        raise Conflict("This Idempotency-Key was used for another request: take a new key for a new request.")
    return Kept(row.answer)


async def finish(connection: AsyncConnection, client_id: int, key: str, answer: dict[str, Any]) -> None:
    """Keep the answer under its key, in the same transaction."""
    await connection.execute(
        update(api_answers)
        .values(answer=answer)
        .where(api_answers.c.client_id == client_id, api_answers.c.key == key)
    )
