"""Report runs: queued, running, complete or failed, kept with everything that is needed to make them again.

Each step is a transaction of its own, opened by the caller, so that a failed run is on record too. Whoever carries a
run out holds a lease, which is good as long as its heart beats; nobody else can end the run, and who lost the lease
cannot either. Instants are the database's, of the caller's transaction, where none is given.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, and_, func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint import __version__
from setpoint.domain.errors import Conflict, NotFound
from setpoint.domain.vocabulary import Channel, RunStatus
from setpoint.domain.windows import make_window
from setpoint.reports.run_rules import BROKE_OFF, LEASE, SPENT, Claim, claim
from setpoint.reports.versions import migrated
from setpoint.storage.positions import Position, behind
from setpoint.storage.tables import Instant, report_runs

# What labels, counts and decides takes seconds to load, and who lists the runs needs none of it.
if TYPE_CHECKING:
    from setpoint.datasets.service import DatasetRequest


class RunHeld(Conflict):
    """Somebody else carries the run out at this moment."""


@dataclass(frozen=True, slots=True)
class Run:
    """A report run as it stands. Complete, it has `document` and `cohort_leads`; failed, it has `failure`.

    While it is worked on, `progress` has `step`, `rows` (None where rows do not count) and `at`.
    """

    id: UUID
    status: RunStatus
    author: str
    created_at: datetime
    parameters: dict[str, Any]
    dataset_sha256: str | None = None
    document: dict[str, Any] | None = None
    failure: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    in_foreground: bool = False
    with_model: bool = True
    scheduled_for: datetime | None = None
    attempt: int = 0
    heartbeat_at: datetime | None = None
    progress: dict[str, Any] | None = None
    cohort_leads: int | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to carry out a run, and alone to end it."""

    run: Run
    token: UUID


async def queue_run(
    connection: AsyncConnection,
    client_id: int,
    request: "DatasetRequest",
    engine: str,
    author: str,
    *,
    with_model: bool = True,
) -> Run:
    """Put a run on record before anything is done. It needs a job in the same transaction, or nobody takes it up."""
    values = _asked(client_id, request, engine, author, with_model) | {"status": RunStatus.QUEUED}
    row = await connection.execute(insert(report_runs).values(**values, in_foreground=False).returning(*_RUN))
    return _run(row.one()._asdict())


async def queue_scheduled_run(
    connection: AsyncConnection,
    client_id: int,
    request: "DatasetRequest",
    engine: str,
    author: str,
    scheduled_for: datetime,
) -> Run | None:
    """The same for the schedule, once for each instant; None where that instant's run is on record already."""
    values = _asked(client_id, request, engine, author, True) | {"status": RunStatus.QUEUED}
    once = upsert(report_runs).values(**values, in_foreground=False, scheduled_for=scheduled_for)
    row = await connection.execute(once.on_conflict_do_nothing(constraint="report_runs_once_a_week").returning(*_RUN))
    added = row.one_or_none()
    return None if added is None else _run(added._asdict())


async def begin_run(
    connection: AsyncConnection,
    client_id: int,
    request: "DatasetRequest",
    engine: str,
    author: str,
    *,
    with_model: bool = True,
    at: datetime | None = None,
) -> Lease:
    """Put a run on record that the caller carries out itself, at once and without a worker."""
    values = _asked(client_id, request, engine, author, with_model) | _begun(1, at) | {"in_foreground": True}
    row = await connection.execute(insert(report_runs).values(**values).returning(*_RUN))
    return Lease(_run(row.one()._asdict()), values["lease"])


def _asked(client_id: int, request: "DatasetRequest", engine: str, author: str, with_model: bool) -> dict[str, Any]:
    from setpoint.reports.document import parameters_document

    window = request.window
    asked = {"from": window.start, "to": window.end, "as_of": window.as_of}
    exactly = {name: instant.isoformat().replace("+00:00", "Z") for name, instant in asked.items()}
    return {
        "client_id": client_id,
        "id": uuid4(),
        "author": author,
        "code_version": __version__,
        "parameters": exactly | parameters_document(request) | {"engine": engine},
        "with_model": with_model,
    }


def _begun(attempt: int, at: datetime | None) -> dict[str, Any]:
    return {
        "status": RunStatus.RUNNING,
        "attempt": attempt,
        "lease": uuid4(),
        "started_at": _moment(at),
        "heartbeat_at": _moment(at),
        "progress": None,
    }


def _moment(at: datetime | None) -> ColumnElement[datetime]:
    return func.now() if at is None else literal(at, Instant)


async def start_run(
    connection: AsyncConnection, client_id: int, run_id: UUID, *, at: datetime | None = None
) -> Lease | None:
    """Take up a run that is queued, or that somebody began who is gone; None where there is nothing left to do.

    That is so where it has ended, and where it broke off so often that it is put on record as failed now. Raises
    RunHeld where somebody else is at it, and NotFound.
    """
    moment = _moment(at)
    found = await connection.execute(
        select(*_RUN, moment.label("moment"))
        .where(report_runs.c.client_id == client_id, report_runs.c.id == run_id)
        .with_for_update()
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound(f"There is no report run {str(run_id)!r} here: `setpoint report list` shows those there are.")
    decided = claim(RunStatus(row.status), row.attempt, row.heartbeat_at, row.moment)
    if decided is Claim.HELD:
        raise RunHeld(f"Somebody else carries out the report run {run_id}: `setpoint report list` shows its state.")
    if decided is Claim.ENDED:
        return None
    this = and_(report_runs.c.client_id == client_id, report_runs.c.id == run_id)
    if decided is Claim.SPENT:
        await connection.execute(update(report_runs).where(this).values(**_failed(SPENT, at)))
        return None
    values = _begun(row.attempt + 1, at)
    taken = await connection.execute(update(report_runs).where(this).values(**values).returning(*_RUN))
    return Lease(_run(taken.one()._asdict()), values["lease"])


async def beat(
    connection: AsyncConnection,
    client_id: int,
    lease: Lease,
    progress: dict[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> bool:
    """Keep a lease, and say what the run is at; False where it is lost, and the work must not go on."""
    values = {"heartbeat_at": _moment(at)} | ({} if progress is None else {"progress": progress})
    kept = await connection.execute(update(report_runs).where(_held(client_id, lease)).values(**values))
    return kept.rowcount == 1


async def complete_run(connection: AsyncConnection, client_id: int, lease: Lease, document: dict[str, Any]) -> None:
    """Running to complete, with the document. Raises Conflict where the lease was lost."""
    await _end(
        connection,
        client_id,
        lease,
        status=RunStatus.COMPLETE,
        finished_at=func.now(),
        document=document,
        dataset_sha256=document["dataset_sha256"],
    )


async def fail_run(connection: AsyncConnection, client_id: int, lease: Lease, failure: str) -> None:
    """Running to failed, with the sentence that says why. Raises Conflict where the lease was lost."""
    await _end(connection, client_id, lease, **_failed(failure, None))


async def release_run(connection: AsyncConnection, client_id: int, lease: Lease, *, counted: bool = True) -> None:
    """Running to queued: give a run back undone. Raises Conflict where the lease was lost.

    With `counted` false the attempt does not count, because nothing was wrong with it.
    """
    attempt = lease.run.attempt - (0 if counted else 1)
    await _end(connection, client_id, lease, status=RunStatus.QUEUED, attempt=attempt, heartbeat_at=None)


def _failed(failure: str, at: datetime | None) -> dict[str, Any]:
    return {"status": RunStatus.FAILED, "finished_at": _moment(at), "failure": failure}


def _held(client_id: int, lease: Lease) -> ColumnElement[bool]:
    runs = report_runs.c
    return and_(
        runs.client_id == client_id,
        runs.id == lease.run.id,
        runs.status == RunStatus.RUNNING,
        runs.lease == lease.token,
    )


async def _end(connection: AsyncConnection, client_id: int, lease: Lease, **values: Any) -> None:
    ended = {"lease": None, "progress": None, **values}
    moved = await connection.execute(update(report_runs).where(_held(client_id, lease)).values(**ended))
    if moved.rowcount != 1:
        raise lost(lease)


def lost(lease: Lease) -> Conflict:
    """What whoever carried a run out is told where it is theirs no more."""
    return Conflict(
        f"The report run {lease.run.id} was given up meanwhile, because nothing was heard of it for"
        f" {LEASE.seconds} seconds: look at it with `setpoint report list`."
    )


async def is_held(connection: AsyncConnection, client_id: int, run_id: UUID, *, at: datetime | None = None) -> bool:
    """Whether somebody carries a run out at this moment."""
    runs = report_runs.c
    found = await connection.execute(
        select(runs.status, runs.attempt, runs.heartbeat_at, _moment(at).label("moment")).where(
            runs.client_id == client_id, runs.id == run_id
        )
    )
    row = found.one_or_none()
    return row is not None and claim(RunStatus(row.status), *row[1:]) is Claim.HELD


async def fail_broken_off(connection: AsyncConnection, client_id: int, *, at: datetime | None = None) -> int:
    """Put on record as failed what commands began in the foreground that are gone; how many runs that were.

    A run that has a job is not among them: a worker takes it up again.
    """
    runs = report_runs.c
    silent = func.coalesce(runs.heartbeat_at, runs.created_at) < _moment(at) - LEASE
    broken = await connection.execute(
        update(report_runs)
        .where(
            runs.client_id == client_id,
            runs.in_foreground,
            or_(runs.status == RunStatus.QUEUED, runs.status == RunStatus.RUNNING),
            silent,
        )
        .values(**_failed(BROKE_OFF, at), lease=None, progress=None)
    )
    return broken.rowcount


async def list_runs(
    connection: AsyncConnection,
    client_id: int,
    limit: int = 50,
    after: Position | None = None,
    *,
    at: datetime | None = None,
) -> list[Run]:
    """The latest runs of a workspace, or those that follow `after`, newest first, without their documents.

    What broke off in the foreground is put on record as failed first.
    """
    latest = (
        select(*_STATE)
        .where(report_runs.c.client_id == client_id, behind(report_runs, after))
        .order_by(report_runs.c.created_at.desc(), report_runs.c.id)
        .limit(limit)
    )
    return await _settled(connection, client_id, latest, at)


async def latest_complete_run(connection: AsyncConnection, client_id: int) -> UUID:
    """The id of the newest run that is complete, however many failed since. Raises NotFound."""
    found: UUID | None = await connection.scalar(
        select(report_runs.c.id)
        .where(report_runs.c.client_id == client_id, report_runs.c.status == RunStatus.COMPLETE)
        .order_by(report_runs.c.created_at.desc(), report_runs.c.id)
        .limit(1)
    )
    if found is None:
        raise NotFound("There is no complete report to ask: `setpoint report run` makes one.")
    return found


async def get_run(
    connection: AsyncConnection,
    client_id: int,
    run_id: str,
    *,
    with_document: bool = True,
    at: datetime | None = None,
) -> Run:
    """One run of a workspace, without its document where that is not wanted. Raises NotFound.

    What broke off in the foreground is put on record as failed first.
    """
    found: list[Run] = []
    with suppress(ValueError):
        of_id = report_runs.c.client_id == client_id, report_runs.c.id == UUID(run_id)
        found = await _settled(connection, client_id, select(*(_RUN if with_document else _STATE)).where(*of_id), at)
    if not found:
        raise NotFound(f"There is no report run {run_id!r} here: `setpoint report list` shows those there are.")
    return found[0]


async def read_document(connection: AsyncConnection, client_id: int, run_id: UUID) -> dict[str, Any]:
    """The document of a complete run, which never changes. Raises NotFound where there is none."""
    document: dict[str, Any] | None = await connection.scalar(
        select(report_runs.c.document).where(report_runs.c.client_id == client_id, report_runs.c.id == run_id)
    )
    if document is None:
        raise NotFound(f"The report run {str(run_id)!r} has no report.")
    return migrated(document)


async def _settled(
    connection: AsyncConnection, client_id: int, wanted: Select[Any], at: datetime | None
) -> list[Run]:
    """The runs that a question finds; where one of them may have broken off, that is put on record first."""
    runs = [_run(row._asdict()) for row in await connection.execute(wanted)]
    if not any(run.in_foreground and run.status in (RunStatus.QUEUED, RunStatus.RUNNING) for run in runs):
        return runs
    await fail_broken_off(connection, client_id, at=at)
    return [_run(row._asdict()) for row in await connection.execute(wanted)]


def request_of(run: Run, workspace: str) -> "DatasetRequest":
    """What a run was asked for, so that its rows can be made, or made again."""
    from setpoint.datasets.service import DatasetRequest

    asked = run.parameters
    return DatasetRequest(
        workspace,
        make_window(asked["from"], asked["to"], asked["as_of"], asked["attribution_days"], asked["maturity_days"]),
        tuple(Channel(channel) for channel in asked["channels"]),
        asked["max_leads"],
        asked["seed"],
    )


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
        "started_at",
        "finished_at",
        "in_foreground",
        "with_model",
        "scheduled_for",
        "attempt",
        "heartbeat_at",
        "progress",
        "cohort_leads",
    )
]
_STATE = [column for column in _RUN if column.name != "document"]


def _run(row: dict[str, Any]) -> Run:
    document = row.get("document")
    held = row | {"status": RunStatus(row["status"])}
    return Run(**held if document is None else held | {"document": migrated(document)})
