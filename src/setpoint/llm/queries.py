"""The tables of models and prompts: what is read before a call, and how a call goes on record."""

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import Conflict
from setpoint.llm.rules import Spent
from setpoint.llm.schemas import Call, Effort, ModelSettings
from setpoint.storage.tables import ai_calls, model_settings

# Any constant will do; the second key of the lock is the workspace.
_SPENDING_LOCK = 7_361_775
_SETTINGS = (
    "model",
    "base_url",
    "effort",
    "daily_usd",
    "run_usd",
    "daily_tokens",
    "run_tokens",
    "input_price",
    "output_price",
)


async def read_settings(connection: AsyncConnection, client_id: int) -> ModelSettings | None:
    """The model of a workspace; None where it has none."""
    found = await connection.execute(
        select(*(model_settings.c[name] for name in _SETTINGS))
        .where(model_settings.c.client_id == client_id)
        .order_by(model_settings.c.revision.desc())
        .limit(1)
    )
    row = found.one_or_none()
    if row is None or row.model is None:
        return None
    values = row._asdict()
    return ModelSettings(**values | {"effort": None if row.effort is None else Effort(row.effort)})


async def write_settings(
    connection: AsyncConnection, client_id: int, settings: ModelSettings | None, author: str
) -> None:
    """Append a revision of a workspace's model settings; None means that it has no model from now on.

    Raises Conflict where somebody else did so at the same moment.
    """
    values = {} if settings is None else {name: getattr(settings, name) for name in _SETTINGS}
    newest = select(func.coalesce(func.max(model_settings.c.revision), 0) + 1).where(
        model_settings.c.client_id == client_id
    )
    written = await connection.scalar(
        upsert(model_settings)
        .values(client_id=client_id, revision=newest.scalar_subquery(), author=author, **values)
        .on_conflict_do_nothing()
        .returning(model_settings.c.revision)
    )
    if written is None:
        raise Conflict("Somebody else changed the model at this moment: look at it and try again.")


async def lock_spending(connection: AsyncConnection, client_id: int) -> None:
    """Let one call of a workspace at a time look at the caps and reserve; until the transaction ends."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(:lock, :client_id)"), {"lock": _SPENDING_LOCK, "client_id": client_id}
    )


async def day_spent(connection: AsyncConnection, client_id: int, but: UUID) -> Spent:
    """What counts against the cap of this day of UTC, without the call `but`."""
    midnight = datetime.combine((await _now(connection)).date(), time(), UTC)
    return await _spent(connection, client_id, but, ai_calls.c.created_at >= midnight)


async def run_spent(connection: AsyncConnection, client_id: int, but: UUID, run_id: UUID) -> Spent:
    """What counts against the cap of a run, without the call `but`."""
    return await _spent(connection, client_id, but, ai_calls.c.run_id == run_id)


async def _now(connection: AsyncConnection) -> datetime:
    now: datetime = (await connection.execute(select(func.now()))).scalar_one()
    return now.astimezone(UTC)


async def _spent(connection: AsyncConnection, client_id: int, but: UUID, condition: Any) -> Spent:
    row = (
        await connection.execute(
            select(
                func.coalesce(func.sum(ai_calls.c.held_usd), 0), func.coalesce(func.sum(ai_calls.c.held_tokens), 0)
            ).where(ai_calls.c.client_id == client_id, ai_calls.c.id != but, condition)
        )
    ).one()
    return Spent(Decimal(row[0]), int(row[1]))


async def write_call(connection: AsyncConnection, client_id: int, call: Call) -> None:
    """Put a call on record as it stands. One that has ended is never written again: the database refuses it."""
    values = {
        "feature": call.feature,
        "prompt_key": call.prompt_key,
        "prompt_version": call.prompt_version,
        "prompt_hash": call.prompt_hash,
        "model": call.model,
        "effort": call.effort,
        "run_id": call.run_id,
        "status": call.status,
        "error_kind": call.error_kind,
        "attempts": call.attempts,
        "input_tokens": call.usage.input_tokens,
        "output_tokens": call.usage.output_tokens,
        "cached_tokens": call.usage.cached_tokens,
        "cost_usd": call.usage.cost_usd,
        "held_usd": call.held_usd,
        "held_tokens": call.held_tokens,
        "latency_ms": call.latency_ms,
        "metadata": dict(call.metadata),
    }
    await connection.execute(
        upsert(ai_calls)
        .values(client_id=client_id, id=call.id, **values)
        .on_conflict_do_update(index_elements=["client_id", "id"], set_=values)
    )
