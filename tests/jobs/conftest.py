"""The queue as its owner sees it."""

from typing import Any

from sqlalchemy import text

from setpoint.storage.database import Database


async def jobs_of(database: Database, client_id: int) -> list[dict[str, Any]]:
    """The jobs of a workspace, the oldest first."""
    query = text(
        "SELECT id, status, queue_name, task_name, lock, queueing_lock, args"
        " FROM setpoint_jobs.procrastinate_jobs WHERE (args->>'client_id')::integer = :client_id ORDER BY id"
    )
    async with database.owner() as connection:
        return [row._asdict() for row in await connection.execute(query, {"client_id": client_id})]


async def grow_old(database: Database, client_id: int, seconds: int = 60) -> None:
    """Let time go by for the runs of a workspace and for every worker."""
    async with database.owner(client_id) as connection:
        for changed in (
            "report_runs SET heartbeat_at = heartbeat_at - CAST(:time AS interval) WHERE client_id = :client_id",
            "setpoint_jobs.procrastinate_workers SET last_heartbeat = last_heartbeat - CAST(:time AS interval)",
            "setpoint_jobs.procrastinate_events SET at = at - CAST(:time AS interval)",
        ):
            await connection.execute(text(f"UPDATE {changed}"), {"time": f"{seconds} s", "client_id": client_id})
