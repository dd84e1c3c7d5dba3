"""What the pages of report runs show besides the runs themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import DatabaseUnavailable
from setpoint.domain.vocabulary import Direction, RunStatus
from setpoint.jobs.service import SILENT
from setpoint.reports.run_rules import LEASE
from setpoint.reports.service import Run
from setpoint.storage.database import Database
from setpoint.storage.tables import messages, report_runs

_WORKERS: Final = text(
    "SELECT EXISTS (SELECT FROM setpoint_jobs.procrastinate_workers WHERE last_heartbeat > now() - :silent)"
)


@dataclass(frozen=True, slots=True)
class Around:
    """What goes on around a run at the instant `at` of the database.

    `ahead` are the runs of the workspace that come before it, `under_way` whether one of them is being worked on, and
    `last_took` the seconds that its latest complete report took.
    """

    at: datetime
    ahead: int
    under_way: bool
    last_took: float | None


async def around(connection: AsyncConnection, client_id: int, run: Run) -> Around:
    """Look around a run of a workspace."""
    runs = report_runs.c
    fresh = and_(runs.status == RunStatus.RUNNING, runs.heartbeat_at >= func.now() - LEASE)
    earlier = or_(runs.created_at < run.created_at, and_(runs.created_at == run.created_at, runs.id < run.id))
    unended = await connection.execute(
        select(
            func.now(),
            func.count().filter(or_(and_(runs.status == RunStatus.QUEUED, earlier), fresh)),
            func.coalesce(func.bool_or(fresh), False),
        ).where(
            runs.client_id == client_id,
            runs.id != run.id,
            # A run in the foreground has no job, and nobody waits for it.
            ~runs.in_foreground,
            runs.status.in_([RunStatus.QUEUED, RunStatus.RUNNING]),
        )
    )
    took = await connection.scalar(
        select(func.extract("epoch", runs.finished_at - runs.started_at))
        .where(runs.client_id == client_id, runs.status == RunStatus.COMPLETE, runs.started_at.is_not(None))
        .order_by(runs.created_at.desc())
        .limit(1)
    )
    at, ahead, under_way = unended.one()
    return Around(at, ahead, under_way, None if took is None else float(took))


async def worker_lives(database: Database) -> bool | None:
    """Whether anything was lately heard of a worker; None where this role may not know."""
    try:
        async with database.owner() as connection:
            return bool(await connection.scalar(_WORKERS, {"silent": SILENT}))
    except DatabaseUnavailable:
        return None


async def sent_between(
    connection: AsyncConnection, client_id: int, until: datetime
) -> tuple[datetime, datetime] | None:
    """When the first and the last message was sent, looking at those not after `until`; None without any."""
    found = await connection.execute(
        select(func.min(messages.c.sent_at), func.max(messages.c.sent_at)).where(
            messages.c.client_id == client_id,
            messages.c.direction == Direction.OUTBOUND,
            messages.c.sent_at <= until,
        )
    )
    first, last = found.one()
    return None if last is None else (first, last)
