"""Who carries out report runs that a request has asked for."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import Protocol
from uuid import UUID

from setpoint.app.runs import carry_out
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import SetpointError
from setpoint.reports.service import Run, fail_run, queue_run, start_run
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace


class Runner(Protocol):
    """Takes report runs and sees to it that they end complete or failed."""

    async def submit(
        self, workspace: Workspace, request: DatasetRequest, engine: str, author: str, *, with_model: bool = True
    ) -> UUID:
        """Put a run on record and return its id at once; it is carried out later."""

    async def close(self) -> None:
        """Take no more, and let go of what is under way so that it is on record how it ended."""


class BackgroundRunner:
    """Carries runs out in this process, one of a workspace at a time. What is under way ends with the process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(
        self, workspace: Workspace, request: DatasetRequest, engine: str, author: str, *, with_model: bool = True
    ) -> UUID:
        async with self._database.tenant(workspace.client_id) as connection:
            run = await queue_run(connection, workspace.client_id, request, engine, author)
        task = asyncio.create_task(self._carry_out(workspace, request, run, engine, with_model))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run.id

    async def _carry_out(
        self, workspace: Workspace, request: DatasetRequest, run: Run, engine: str, with_model: bool
    ) -> None:
        begun = False
        try:
            async with self._turns[workspace.client_id]:
                begun = True
                await carry_out(self._database, workspace, request, run, engine=engine, with_model=with_model)
        except asyncio.CancelledError:
            if not begun:
                await self._give_up(workspace.client_id, run)
            raise
        except Exception:
            # It stands in the run, where whoever asked for it looks.
            return

    async def _give_up(self, client_id: int, run: Run) -> None:
        with suppress(SetpointError):
            async with self._database.tenant(client_id) as connection:
                await start_run(connection, client_id, run.id)
                await fail_run(connection, client_id, run.id, "It was stopped before it began.")

    async def wait(self) -> None:
        """Until every run that was taken has ended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.wait()
