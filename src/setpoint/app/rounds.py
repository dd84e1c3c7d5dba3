"""What an outside scheduler has done: a bit of work for one workspace after the other, within a time and a number.

Only workspaces with a weekly report take part. Whatever is done is kept at once, so the next call goes on where this
one ended. A workspace that goes wrong keeps no other waiting: the next call begins behind the last one that this one
came to.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final, TypeAlias

from sqlalchemy import func, select, text

from setpoint.app.breaker import Breaker, Call, Resting
from setpoint.app.runs import SCHEDULER, queue_due_report
from setpoint.domain.errors import Conflict, DatabaseUnavailable, NotFound, SetpointError
from setpoint.jobs.rules import last_due
from setpoint.jobs.schedule import weekly_clients
from setpoint.llm.provider import workspace_model
from setpoint.reports.insights.packs import complete_pack_of, pack_of, scope_key
from setpoint.reports.insights.summaries import MOST, summarise_booked
from setpoint.reports.service import get_run, latest_complete_run
from setpoint.storage.database import Database
from setpoint.storage.tables import booked_summaries
from setpoint.tenancy.service import entered_workspace

OUT_OF_TIME: Final = "out_of_time"
MODEL_STOPPED: Final = "model_stopped"
_LOCK: Final = 7_361_790
_log = logging.getLogger(__name__)


class Job(StrEnum):
    """What may be asked for."""

    MESSAGE_PERFORMANCE = "message-performance"
    BOOKED_SUMMARIES = "booked-summaries"
    CONTEXT_PACKS = "context-packs"


@dataclass(frozen=True, slots=True)
class Step:
    """What was made for one workspace, how much of it is left, and the kind of what kept the rest from being made."""

    made: int = 0
    left: int = 0
    stopped: str | None = None


Work: TypeAlias = Callable[[int, int, float], Awaitable[Step]]
"""Does something for a workspace, by its `client_id`: at most so many times, and for at most so many seconds."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a call did: how many workspaces it came to, what it made, and how many went wrong, by the kind of failure.

    `remains` says that another call finds work at once.
    """

    job: Job
    workspaces: int
    made: int
    failed: dict[str, int]
    remains: bool


@dataclass
class Rounds:
    """The calls of one process: its breaker, and behind which workspace each job goes on."""

    database: Database
    breaker: Breaker = field(default_factory=lambda: Breaker(time.monotonic))
    clock: Callable[[], float] = time.monotonic
    behind: dict[Job, int] = field(default_factory=dict)

    async def go(self, job: Job, now: datetime, *, seconds: float, batch: int) -> Round:
        """One call of a job. Raises Resting, Conflict where another call is at it, and DatabaseUnavailable."""
        until = self.clock() + seconds
        with self.breaker.call() as call:
            try:
                async with alone(self.database, job):
                    async with self.database.registry() as connection:
                        clients = await weekly_clients(connection)
                    done = await self._go_round(job, call, clients, now, until, batch)
            except Resting:
                raise
            except DatabaseUnavailable:
                call.failed()
                raise
            if DatabaseUnavailable.code not in done.failed:
                call.succeeded()
            return done

    async def _go_round(
        self, job: Job, call: Call, clients: Sequence[int], now: datetime, until: float, batch: int
    ) -> Round:
        waiting = in_turn(clients, self.behind.get(job))
        work = _work(self.database, job, now)
        made = came = 0
        unfinished = False
        failed: Counter[str] = Counter()
        for client_id in waiting:
            room, seconds = batch - made - failed.total(), until - self.clock()
            if room <= 0 or seconds <= 0:
                break
            step = await _isolated(work, client_id, room, seconds)
            made += step.made
            if step.stopped == OUT_OF_TIME and (step.made or came):
                # Others had most of the time, or some of it is done: the next call begins with this one.
                break
            self.behind[job] = client_id
            came += 1
            if step.stopped is not None:
                failed[step.stopped] += 1
            else:
                unfinished |= step.left > 0
            if step.stopped == DatabaseUnavailable.code:
                call.failed()
            elif step.stopped != OUT_OF_TIME:
                call.succeeded()
        return Round(job, came, made, dict(failed), unfinished or came < len(waiting))


def in_turn(clients: Sequence[int], behind: int | None) -> list[int]:
    """The workspaces in the order of their ids, beginning with the first that is behind a certain one."""
    ordered = sorted(clients)
    if behind is None:
        return ordered
    return [each for each in ordered if each > behind] + [each for each in ordered if each <= behind]


@asynccontextmanager
async def alone(database: Database, job: Job) -> AsyncIterator[None]:
    """Do a job while nobody else does, in any process. Raises Conflict where somebody does."""
    async with database.registry() as connection:
        # The lock is this transaction's, and goes with it however it ends.
        await connection.execute(text("SELECT set_config('idle_in_transaction_session_timeout', '0', true)"))
        taken = await connection.scalar(
            text("SELECT pg_try_advisory_xact_lock(:lock, :job)"), {"lock": _LOCK, "job": list(Job).index(job)}
        )
        if not taken:
            raise Conflict("Another call is doing this at this moment: call again later.")
        yield


async def _isolated(work: Work, client_id: int, most: int, seconds: float) -> Step:
    """A step, whose failure is told by its kind."""
    try:
        return await work(client_id, most, seconds)
    except TimeoutError:
        return Step(stopped=OUT_OF_TIME)
    except NotFound:
        # It was removed meanwhile, or has no complete report yet.
        return Step()
    except SetpointError as error:
        return Step(stopped=error.code)
    except Exception:
        _log.exception("A workspace's turn broke off.")
        return Step(stopped="defect")


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    """Break off what takes longer. Raises TimeoutError."""
    async with asyncio.timeout(seconds) as limit:
        try:
            yield
        except SetpointError as error:
            # A query that is broken off can take its connection along.
            if limit.expired():
                raise TimeoutError from error
            raise


def _work(database: Database, job: Job, now: datetime) -> Work:
    if job is Job.MESSAGE_PERFORMANCE:
        return partial(_queue, database, last_due(now))
    return partial(_summarise if job is Job.BOOKED_SUMMARIES else _pack, database)


async def _queue(database: Database, due: datetime, client_id: int, _: int, seconds: float) -> Step:
    async with _within(seconds):
        return Step(made=int(await queue_due_report(database, client_id, due) is not None))


async def _summarise(database: Database, client_id: int, most: int, seconds: float) -> Step:
    async with database.tenant(client_id) as connection:
        workspace = await entered_workspace(connection, client_id)
        run_id = str(await latest_complete_run(connection, client_id))
        began = await connection.scalar(select(func.now()))
    port = await workspace_model(database, client_id)
    try:
        async with _within(seconds):
            done = await summarise_booked(database, client_id, workspace.slug, port, run_id, limit=min(most, MOST))
    except TimeoutError:
        async with database.tenant(client_id) as connection:
            kept = booked_summaries.c
            mine = select(func.count()).where(kept.client_id == client_id, kept.created_at > began)
            return Step(made=await connection.scalar(mine) or 0, stopped=OUT_OF_TIME)
    return Step(done.made, done.left, None if done.stopped is None else MODEL_STOPPED)


async def _pack(database: Database, client_id: int, _: int, seconds: float) -> Step:
    async with _within(seconds):
        async with database.tenant(client_id) as connection:
            run = await get_run(connection, client_id, str(await latest_complete_run(connection, client_id)))
            if await complete_pack_of(connection, client_id, scope_key(run)) is not None:
                return Step()
        await pack_of(database, client_id, str(run.id), SCHEDULER)
        return Step(made=1)
