"""The books of a workspace in its database."""

import json
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from setpoint.llm.overrides import active_overrides
from setpoint.llm.prompts import Overrides, Prompt
from setpoint.llm.queries import day_spent, lock_spending, run_spent, write_call
from setpoint.llm.rules import cap_reached
from setpoint.llm.schemas import Call, ErrorKind, ModelSettings
from setpoint.storage.database import Database
from setpoint.storage.tables import llm_cache

CACHE_RETENTION: Final = timedelta(days=30)


class TenantLedger:
    """Calls, caps, cache and prompts of one workspace; each step in a transaction of its own.

    So a run that fails, or whose worker dies, leaves its calls on record, and a call that was never heard of again
    keeps what it reserved.
    """

    def __init__(self, database: Database, client_id: int, retention: timedelta = CACHE_RETENTION) -> None:
        self._database = database
        self._client_id = client_id
        self._retention = retention

    async def overrides(self, prompt: Prompt) -> Overrides:
        async with self._database.tenant(self._client_id) as connection:
            return await active_overrides(connection, self._client_id, prompt)

    async def cached(self, key: str) -> Any | None:
        async with self._database.tenant(self._client_id) as connection:
            return await connection.scalar(
                select(llm_cache.c.value).where(
                    llm_cache.c.client_id == self._client_id,
                    llm_cache.c.key == key,
                    llm_cache.c.expires_at > func.now(),
                )
            )

    async def keep(self, key: str, prompt_key: str, value: Any) -> None:
        # PostgreSQL has no place for these characters, and an answer that holds them is better asked for again.
        if any(escape in json.dumps(value) for escape in ("\\u0000", "\\ud8", "\\ud9", "\\uda", "\\udb")):
            return
        async with self._database.tenant(self._client_id) as connection:
            # Answers rest on what leads wrote: they are gone when their time is over, and not only hidden.
            await connection.execute(
                delete(llm_cache).where(
                    llm_cache.c.client_id == self._client_id, llm_cache.c.expires_at <= func.now()
                )
            )
            await connection.execute(
                insert(llm_cache)
                .values(
                    client_id=self._client_id,
                    key=key,
                    prompt_key=prompt_key,
                    value=value,
                    expires_at=func.now() + self._retention,
                )
                .on_conflict_do_nothing()
            )

    async def reserve(self, call: Call, settings: ModelSettings) -> ErrorKind | None:
        async with self._database.tenant(self._client_id) as connection:
            await lock_spending(connection, self._client_id)
            day = await day_spent(connection, self._client_id, call.id)
            run = None
            if call.run_id is not None:
                run = await run_spent(connection, self._client_id, call.id, call.run_id)
            refused = cap_reached(settings, day, run, call.held_usd, call.held_tokens)
            if refused is None:
                await write_call(connection, self._client_id, call)
            return refused

    async def settle(self, call: Call) -> None:
        async with self._database.tenant(self._client_id) as connection:
            await write_call(connection, self._client_id, call)
