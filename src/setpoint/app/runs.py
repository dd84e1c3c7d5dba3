"""The transactions of a report run."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from setpoint.app.engines import open_engine
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import SetpointError
from setpoint.reports import service as reports
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace


async def run_report(
    database: Database,
    workspace: Workspace,
    request: DatasetRequest,
    *,
    engine: str,
    snapshot: Path | None,
    author: str,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Queue, run and keep a report; a failure is kept with its reason before it is raised."""
    client_id = workspace.client_id
    async with database.tenant(client_id) as connection:
        run = await reports.queue_run(connection, client_id, request, engine, author)
    try:
        async with database.tenant(client_id) as connection:
            await reports.start_run(connection, client_id, run.id)
        async with open_engine(database, workspace, request.window, engine, snapshot) as opened:
            document = await reports.perform(opened, request, run, progress)
        async with database.tenant(client_id) as connection:
            await reports.complete_run(connection, client_id, run.id, document)
    except BaseException as error:
        # Where even that cannot be written, what went wrong first is what the user must hear.
        with suppress(SetpointError):
            async with database.tenant(client_id) as connection:
                await reports.fail_run(connection, client_id, run.id, _reason(error))
        raise
    return document


def _reason(error: BaseException) -> str:
    if isinstance(error, SetpointError):
        return error.message
    if isinstance(error, asyncio.CancelledError):
        return "It was stopped before it was done."
    return f"It broke off ({type(error).__name__})."
