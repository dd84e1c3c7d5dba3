"""The queue: Procrastinate on the same database, in a schema of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from setpoint.jobs.rules import WEEKLY_CRON
from setpoint.storage.database import Database

REPORT_RUN = "report_run"
REPORTS = "reports"
SCHEDULE = "schedule"
QUEUES = (REPORTS, SCHEDULE)

_RETRY_SECONDS = 5

CarryOut = Callable[[int, UUID], Awaitable[object]]
QueueDue = Callable[[datetime], Awaitable[object]]


class _Again(BaseRetryStrategy):
    """Whatever a task raises says that its work is still to be done: what ends a run is kept there, not raised."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        # What a worker that stops gives back waits for nothing.
        stopped = isinstance(exception, asyncio.CancelledError)
        return RetryDecision(retry_in={"seconds": 0 if stopped else _RETRY_SECONDS})


def make_queue(database: Database, carry_out: CarryOut, queue_due: QueueDue) -> App:
    """The queue of a database, for a worker: `carry_out` gets workspace and run, `queue_due` the Monday that it is.

    It has connections of its own, as the role that the database URL names. Nothing is opened yet.
    """
    _, options = database.engine.dialect.create_connect_args(database.engine.url)
    # How SQLAlchemy wants values to come back; the rest is libpq's.
    options.pop("context", None)
    connector = PsycopgConnector(
        conninfo=make_conninfo(**options), min_size=1, max_size=4, timeout=10.0, configure=_enter_schema
    )
    queue = App(connector=connector)

    @queue.task(name=REPORT_RUN, queue=REPORTS, retry=_Again())
    async def report_run(client_id: int, run_id: str) -> None:
        await carry_out(client_id, UUID(run_id))

    @queue.periodic(cron=WEEKLY_CRON)
    @queue.task(name="weekly_reports", queue=SCHEDULE, queueing_lock="weekly reports", retry=_Again())
    async def weekly_reports(timestamp: int) -> None:
        await queue_due(datetime.fromtimestamp(timestamp, UTC))

    return queue


async def _enter_schema(connection: AsyncConnection) -> None:
    await connection.execute("SET search_path = setpoint_jobs, pg_temp")
    await connection.commit()
