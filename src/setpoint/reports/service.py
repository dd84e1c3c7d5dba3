"""Report runs: queued, running, complete or failed, kept with everything that is needed to make them again.

Each step is a transaction of its own, opened by the caller, so that a failed run is on record too.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint import __version__
from setpoint.domain.errors import Conflict, NotFound
from setpoint.domain.vocabulary import RunStatus
from setpoint.reports.versions import migrated
from setpoint.storage.positions import Position, behind
from setpoint.storage.tables import report_runs

# What labels, counts and decides takes seconds to load, and who lists the runs needs none of it.
if TYPE_CHECKING:
    from setpoint.datasets.service import DatasetRequest


@dataclass(frozen=True, slots=True)
class Run:
    """A report run as it stands. `document` is there once it is complete, `failure` once it failed."""

    id: UUID
    status: RunStatus
    author: str
    created_at: datetime
    parameters: dict[str, Any]
    dataset_sha256: str | None = None
    document: dict[str, Any] | None = None
    failure: str | None = None


async def queue_run(
    connection: AsyncConnection, client_id: int, request: "DatasetRequest", engine: str, author: str
) -> Run:
    """Put a run on record before anything is done."""
    from setpoint.reports.document import parameters_document

    window = request.window
    asked = {"from": window.start, "to": window.end, "as_of": window.as_of}
    exactly = {name: instant.isoformat().replace("+00:00", "Z") for name, instant in asked.items()}
    parameters = exactly | parameters_document(request) | {"engine": engine}
    run_id = uuid4()
    created_at = await connection.scalar(
        insert(report_runs)
        .values(
            client_id=client_id,
            id=run_id,
            status=RunStatus.QUEUED,
            author=author,
            code_version=__version__,
            parameters=parameters,
        )
        .returning(report_runs.c.created_at)
    )
    return Run(run_id, RunStatus.QUEUED, author, created_at or datetime.now(UTC), parameters)


async def start_run(connection: AsyncConnection, client_id: int, run_id: UUID) -> None:
    """Queued to running. Raises Conflict where somebody else took it up."""
    await _move(connection, client_id, run_id, RunStatus.QUEUED, RunStatus.RUNNING, started_at=func.now())


async def complete_run(connection: AsyncConnection, client_id: int, run_id: UUID, document: dict[str, Any]) -> None:
    """Running to complete, with the document."""
    await _move(
        connection,
        client_id,
        run_id,
        RunStatus.RUNNING,
        RunStatus.COMPLETE,
        finished_at=func.now(),
        document=document,
        dataset_sha256=document["dataset_sha256"],
    )


async def fail_run(connection: AsyncConnection, client_id: int, run_id: UUID, failure: str) -> None:
    """Running to failed, with the sentence that says why."""
    await _move(
        connection,
        client_id,
        run_id,
        RunStatus.RUNNING,
        RunStatus.FAILED,
        finished_at=func.now(),
        failure=failure,
    )


async def _move(
    connection: AsyncConnection,
    client_id: int,
    run_id: UUID,
    before: RunStatus,
    after: RunStatus,
    **values: Any,
) -> None:
    moved = await connection.execute(
        update(report_runs)
        .where(report_runs.c.client_id == client_id, report_runs.c.id == run_id, report_runs.c.status == before)
        .values(status=after, **values)
    )
    if moved.rowcount != 1:
        raise Conflict(f"The report run {run_id} is not {before} any more: look at it with `setpoint report list`.")


async def list_runs(
    connection: AsyncConnection, client_id: int, limit: int = 50, after: Position | None = None
) -> list[Run]:
    """The latest runs of a workspace, or those that follow `after`, newest first, without their documents."""
    columns = [column for column in _RUN if column.name != "document"]
    rows = await connection.execute(
        select(*columns)
        .where(report_runs.c.client_id == client_id, behind(report_runs, after))
        .order_by(report_runs.c.created_at.desc(), report_runs.c.id)
        .limit(limit)
    )
    return [_run(row._asdict()) for row in rows]


async def get_run(connection: AsyncConnection, client_id: int, run_id: str) -> Run:
    """One run of a workspace. Raises NotFound."""
    row = None
    try:
        wanted = UUID(run_id)
    except ValueError:
        wanted = None
    if wanted is not None:
        result = await connection.execute(
            select(*_RUN).where(report_runs.c.client_id == client_id, report_runs.c.id == wanted)
        )
        row = result.one_or_none()
    if row is None:
        raise NotFound(f"There is no report run {run_id!r} here: `setpoint report list` shows those there are.")
    return _run(row._asdict())


_RUN = [
    report_runs.c[name]
    for name in (
        "id",
        "status",
        "author",
        "created_at",
        "parameters",
        "dataset_sha256",
        "document",
        "failure",
    )
]


def _run(row: dict[str, Any]) -> Run:
    document = row.get("document")
    held = row | {"status": RunStatus(row["status"])}
    return Run(**held if document is None else held | {"document": migrated(document)})
