"""A worker that a test may kill: a process of its own, started from one in which everything is loaded."""

import asyncio

from setpoint.app.worker import work
from setpoint.storage.database import connect


def run(url: str) -> None:
    """Work on report runs until killed."""
    asyncio.run(_run(url))


async def _run(url: str) -> None:
    database = connect(url)
    try:
        await work(database, ("reports",))
    finally:
        await database.close()
