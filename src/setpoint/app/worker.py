"""The worker: takes jobs from the queue, and takes over what dead workers left.

What a killed worker worked on is in other hands within a minute: half a minute until nothing was heard of it for too
long, ten seconds until somebody looks, and the queue tells of new jobs at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import psycopg
from procrastinate import App
from procrastinate.exceptions import ConnectorException

from setpoint.app.runs import carry_out_report, is_carried_out, queue_due_reports
from setpoint.domain.errors import DatabaseUnavailable
from setpoint.jobs.application import QUEUES, REPORT_RUN, SCHEDULE, CarryOut, make_queue
from setpoint.jobs.rules import last_due
from setpoint.jobs.service import SILENT, replace_job, suspects
from setpoint.storage.database import Database, translated

STOP_SECONDS: Final = 5.0
"""How long a worker that is told to stop goes on with its runs, before it gives them back."""

_BEAT_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 5.0
_SWEEP_SECONDS: Final = 10.0
_AGAIN_SECONDS: Final = 2.0

_REFUSED = (
    "This role may not use the queue: work as the owner of the schema `setpoint_jobs`, or have it run `GRANT USAGE ON"
    " SCHEMA setpoint_jobs TO ...`, and the same for its tables (SELECT, INSERT, UPDATE, DELETE) and sequences."
)
_log = logging.getLogger(__name__)


async def work(
    database: Database, queues: Sequence[str] = QUEUES, concurrency: int = 1, *, once: bool = False
) -> None:
    """Take jobs from these queues until cancelled or, with `once`, until none waits.

    Cancelled, it gives back what it cannot end in a few seconds. A database that goes away is waited for; only what
    is wrong at the start, and anything with `once`, raises DatabaseUnavailable.
    """
    async with open_queue(database) as queue:
        await suspects(queue)
    while True:
        try:
            await _work(database, queues, concurrency, once)
            if once:
                return
        except DatabaseUnavailable as error:
            if once:
                raise
            _log.warning("The worker waits for the database: %s", error.message)
        await asyncio.sleep(_AGAIN_SECONDS)


@asynccontextmanager
async def open_queue(database: Database, carry_out: CarryOut | None = None) -> AsyncIterator[App]:
    """The queue of a database while a block lasts, in which Procrastinate's errors become DatabaseUnavailable."""
    queue = make_queue(
        database, carry_out or partial(carry_out_report, database), partial(queue_due_reports, database)
    )
    # A pool takes half a minute to find out that nobody answers.
    async with database.registry():
        pass
    try:
        try:
            await queue.open_async()
            yield queue
        finally:
            await _close(queue)
    except (ConnectorException, psycopg.Error) as error:
        cause = error.__cause__ if isinstance(error, ConnectorException) else error
        # Who may not enter the schema does not even find the tables in it.
        if isinstance(cause, psycopg.errors.InsufficientPrivilege | psycopg.errors.UndefinedTable):
            raise DatabaseUnavailable(_REFUSED) from error
        named = translated(cause) if isinstance(cause, psycopg.Error) else error
        if named in (error, cause):
            raise
        raise named from error


async def _close(queue: App) -> None:
    """Close the queue to the end, also one that was only half opened, and also when cancelled meanwhile.

    Tasks of a pool that is left open outlive their cancellation, and the process would never end.
    """
    closing = asyncio.ensure_future(queue.close_async())
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise


async def _work(database: Database, queues: Sequence[str], concurrency: int, once: bool) -> None:
    running: set[asyncio.Task[Any] | None] = set()

    async def carry_out(client_id: int, run_id: UUID) -> None:
        task = asyncio.current_task()
        running.add(task)
        try:
            await carry_out_report(database, client_id, run_id)
        finally:
            running.discard(task)

    async with open_queue(database, carry_out) as queue:
        await take_over(database, queue)
        if SCHEDULE in queues:
            # Nobody may have been here on Monday morning.
            await queue_due_reports(database, last_due(datetime.now(UTC)))
        sweeping = asyncio.create_task(_sweep(database, queue))
        working = asyncio.create_task(
            queue.run_worker_async(
                queues=list(queues),
                concurrency=concurrency,
                wait=not once,
                install_signal_handlers=False,
                delete_jobs="always",
                fetch_job_polling_interval=_POLL_SECONDS,
                update_heartbeat_interval=_BEAT_SECONDS,
                stalled_worker_timeout=SILENT.total_seconds(),
            )
        )
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError:
            # It takes nothing more; what is still under way after a while is given back by who carries it out.
            working.cancel()
            await asyncio.wait([working], timeout=STOP_SECONDS)
            for task in running:
                if task is not None:
                    task.cancel()
            await asyncio.gather(working, return_exceptions=True)
            raise
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)


async def _sweep(database: Database, queue: App) -> None:
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        try:
            await take_over(database, queue)
        except (ConnectorException, DatabaseUnavailable):
            _log.warning("What dead workers left was not looked for, the database being away.")


async def take_over(database: Database, queue: App) -> int:
    """Put what dead workers left into the queue again; how many jobs that were.

    A report run counts as somebody's as long as its heart beats, whatever is known of the worker. Raises
    DatabaseUnavailable and Procrastinate's ConnectorException.
    """
    taken = 0
    for suspect in await suspects(queue):
        if suspect.task == REPORT_RUN:
            run_id = UUID(suspect.arguments["run_id"])
            nobodys = not await is_carried_out(database, suspect.arguments["client_id"], run_id)
        else:
            nobodys = suspect.orphaned
        if nobodys and await replace_job(queue, suspect.id):
            _log.warning("Job %s (%s) was nobody's, and is in the queue again.", suspect.id, suspect.task)
            taken += 1
    return taken
