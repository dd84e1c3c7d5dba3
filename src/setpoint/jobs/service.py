"""Jobs: put into the queue in the caller's transaction, and taken from workers that died."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Who puts a job into the queue does not need what takes it out.
if TYPE_CHECKING:
    from procrastinate import App

SILENT: Final = timedelta(seconds=30)
"""How long nothing is heard of a worker before its jobs are looked at."""

# Also looked at are old jobs of workers that live: one whose end could not be written, the database being away, would
# be under way for ever.
_SUSPECTS = """
SELECT job.id, job.task_name, job.args, coalesce(worker.last_heartbeat < now() - %(silent)s, true) AS orphaned
FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing' AND (
    worker.id IS NULL OR worker.last_heartbeat < now() - %(silent)s OR NOT EXISTS (
        SELECT FROM procrastinate_events AS event
        WHERE event.job_id = job.id AND event.type = 'started' AND event.at > now() - %(silent)s))
ORDER BY job.id
"""
# A worker that was only slow will try to end its job. It must not end that of whoever does the work anew, so the new
# job has a number of its own.
_REPLACE = """
WITH taken AS (DELETE FROM procrastinate_jobs WHERE id = %(id)s AND status = 'doing' RETURNING *)
SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[ROW(
    queue_name, task_name, priority, lock, queueing_lock, args, NULL)::procrastinate_job_to_defer_v1])) AS id
FROM taken
"""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A job that is under way and may be nobody's: `orphaned` where its worker is gone or was silent for long."""

    id: int
    task: str
    arguments: dict[str, Any]
    orphaned: bool


async def enqueue_report_run(connection: AsyncConnection, run_id: UUID) -> None:
    """Put the job of a queued run into the queue, in the transaction that puts the run on record.

    Runs of one workspace wait for each other, and no run has two jobs that wait.
    """
    await connection.execute(text("SELECT enqueue_report_run(:run_id)"), {"run_id": run_id})


async def suspects(queue: "App") -> list[Suspect]:
    """The jobs that may be nobody's. Raises Procrastinate's ConnectorException."""
    rows = await queue.connector.execute_query_all_async(_SUSPECTS, silent=SILENT)
    return [Suspect(row["id"], row["task_name"], row["args"], row["orphaned"]) for row in rows]


async def replace_job(queue: "App", job_id: int) -> bool:
    """Put a job that is nobody's into the queue again, under a new number; False where somebody else did.

    Raises Procrastinate's ConnectorException.
    """
    return bool(await queue.connector.execute_query_all_async(_REPLACE, id=job_id))
