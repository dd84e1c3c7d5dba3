"""The heartbeat of a run that is worked on here, and its progress."""

import asyncio
import threading
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from setpoint.app.wiring import in_thread
from setpoint.domain.errors import DatabaseUnavailable
from setpoint.reports.service import Lease, beat
from setpoint.storage.database import Database

PROGRESS_SECONDS: Final = 1.0
"""How often what a run is at is put on record, at most."""

BEAT_SECONDS: Final = 5.0
"""How often a heartbeat is put on record where a run is long at one thing."""


class Heartbeat:
    """Keeps the lease of a run while a block lasts; cancels the block's task where the lease is lost.

    It has a thread and a connection of its own, because a calculation may keep the event loop busy for longer than
    a lease is good for.
    """

    def __init__(self, database: Database, client_id: int, lease: Lease) -> None:
        self.lost = False
        self._database, self._client_id, self._lease = database, client_id, lease
        self._progress: dict[str, str | int | None] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat of {lease.run.id}", daemon=True)

    def tell(self, step: str, rows: int | None) -> None:
        """Say what the run is at: a `Progress`."""
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._progress = {"step": step, "rows": rows, "at": at}

    async def __aenter__(self) -> Self:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        await in_thread(self._thread.join)

    def _beat(self) -> None:
        with asyncio.Runner() as runner:
            database = self._database.apart()
            written, due = None, time.monotonic() + BEAT_SECONDS
            while not self._ended.wait(PROGRESS_SECONDS):
                progress = self._progress
                if progress is written and time.monotonic() < due:
                    continue
                try:
                    kept = runner.run(self._write(database, progress))
                except DatabaseUnavailable:
                    # A lease outlives several heartbeats; should the database stay away, the work ends by itself.
                    continue
                if not kept:
                    self.lost = True
                    self._loop.call_soon_threadsafe(self._stop)
                    break
                written, due = progress, time.monotonic() + BEAT_SECONDS
            runner.run(database.close())

    async def _write(self, database: Database, progress: dict[str, str | int | None] | None) -> bool:
        async with database.tenant(self._client_id) as connection:
            return await beat(connection, self._client_id, self._lease, progress)

    def _stop(self) -> None:
        if self._task is not None and not self._ended.is_set():
            self._task.cancel()
