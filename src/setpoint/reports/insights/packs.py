"""Context packs: queued, running, complete or failed, and made once for the same question over the same facts.

Each step is a transaction of its own, as with report runs; `pack_of` opens them.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint import __version__
from setpoint.domain.errors import Conflict, NotFound, SetpointError, why_it_failed
from setpoint.domain.vocabulary import RunStatus
from setpoint.llm.prompts import sha256_of
from setpoint.reports.insights.pack_tables import pack_document
from setpoint.reports.insights.schemas import PACK_VERSION, PackDocument
from setpoint.reports.schemas import OF_THE_RUN
from setpoint.reports.service import Run, get_run
from setpoint.storage.database import Database
from setpoint.storage.positions import Position, behind
from setpoint.storage.tables import context_packs


@dataclass(frozen=True, slots=True)
class Pack:
    """A context pack as it stands. `document` is there once it is complete, `failure` once it failed."""

    id: UUID
    run_id: UUID
    scope_key: str
    status: RunStatus
    author: str
    created_at: datetime
    document: PackDocument | None = None
    failure: str | None = None


def scope_key(run: Run) -> str:
    """What a pack of this run is about, as a SHA-256: two runs of one scope have the same tables.

    It covers what was asked for and all that the report says, which rests on more than the hashed rows: texts, what
    leads wrote, who opted out. Who ran it, when and on which engine do not matter, nor its words on top. Raises
    Conflict for a run that is not complete.
    """
    said = {name: value for name, value in _report_of(run).items() if name not in OF_THE_RUN}
    asked = {name: value for name, value in run.parameters.items() if name != "engine"}
    return sha256_of([PACK_VERSION, asked, said])


async def pack_of(database: Database, client_id: int, run_id: str, author: str) -> Pack:
    """The complete pack of a report run: the one there is, or one that is made now.

    A failure is kept with its reason before it is raised. Raises NotFound without such a run, Conflict for one that
    is not complete.
    """
    async with database.tenant(client_id) as connection:
        run = await get_run(connection, client_id, run_id)
        pack = await queue_pack(connection, client_id, run, author)
    if pack.status is RunStatus.COMPLETE:
        return pack
    try:
        async with database.tenant(client_id) as connection:
            await start_pack(connection, client_id, pack.id)
        document = pack_document(_report_of(run))
        async with database.tenant(client_id) as connection:
            return await complete_pack(connection, client_id, pack.id, document)
    except BaseException as error:
        # Where even that cannot be written, what went wrong first is what the user must hear.
        with suppress(SetpointError):
            async with database.tenant(client_id) as connection:
                await fail_pack(connection, client_id, pack.id, why_it_failed(error))
        if isinstance(error, Conflict):
            async with database.tenant(client_id) as connection:
                other = await complete_pack_of(connection, client_id, pack.scope_key)
            if other is not None:
                return other
        raise


async def queue_pack(connection: AsyncConnection, client_id: int, run: Run, author: str) -> Pack:
    """Put a pack of a complete run on record, or return the complete one of the same scope.

    A pack that failed, or that somebody left behind unfinished, stands in nobody's way. Raises Conflict for a run
    that is not complete.
    """
    scope = scope_key(run)
    known = await complete_pack_of(connection, client_id, scope)
    if known is not None:
        return known
    pack_id = uuid4()
    await connection.execute(
        insert(context_packs).values(
            client_id=client_id,
            id=pack_id,
            run_id=run.id,
            scope_key=scope,
            status=RunStatus.QUEUED,
            author=author,
            code_version=__version__,
        )
    )
    return await get_pack(connection, client_id, str(pack_id))


async def start_pack(connection: AsyncConnection, client_id: int, pack_id: UUID) -> None:
    """Queued to running. Raises Conflict where somebody else took it up."""
    await _move(connection, client_id, pack_id, RunStatus.QUEUED, RunStatus.RUNNING, started_at=func.now())


async def complete_pack(
    connection: AsyncConnection, client_id: int, pack_id: UUID, document: Mapping[str, Any]
) -> Pack:
    """Running to complete, with the document. Raises Conflict where another pack of its scope is complete already."""
    try:
        async with connection.begin_nested():
            await _move(
                connection,
                client_id,
                pack_id,
                RunStatus.RUNNING,
                RunStatus.COMPLETE,
                finished_at=func.now(),
                document=document,
            )
    except IntegrityError as error:
        raise Conflict("Another pack of the same report was complete first: ask again.") from error
    return await get_pack(connection, client_id, str(pack_id))


async def fail_pack(connection: AsyncConnection, client_id: int, pack_id: UUID, failure: str) -> None:
    """Running to failed, with the sentence that says why."""
    await _move(
        connection,
        client_id,
        pack_id,
        RunStatus.RUNNING,
        RunStatus.FAILED,
        finished_at=func.now(),
        failure=failure,
    )


async def complete_pack_of(connection: AsyncConnection, client_id: int, scope: str) -> Pack | None:
    """The complete pack of a scope, if there is one."""
    found = await connection.execute(
        select(*_COLUMNS).where(
            context_packs.c.client_id == client_id,
            context_packs.c.scope_key == scope,
            context_packs.c.status == RunStatus.COMPLETE,
        )
    )
    row = found.one_or_none()
    return None if row is None else _pack(row._asdict())


async def get_pack(connection: AsyncConnection, client_id: int, pack_id: str) -> Pack:
    """One pack of a workspace. Raises NotFound, and Conflict where its form is that of another version."""
    row = None
    with suppress(ValueError):
        wanted = UUID(pack_id)
        found = await connection.execute(
            select(*_COLUMNS).where(context_packs.c.client_id == client_id, context_packs.c.id == wanted)
        )
        row = found.one_or_none()
    if row is None:
        raise NotFound(f"There is no context pack {pack_id!r} here.")
    return _pack(row._asdict())


async def list_packs(
    connection: AsyncConnection, client_id: int, limit: int = 50, after: Position | None = None
) -> list[Pack]:
    """The latest packs of a workspace, or those that follow `after`, newest first, without their documents."""
    rows = await connection.execute(
        select(*(column for column in _COLUMNS if column.name != "document"))
        .where(context_packs.c.client_id == client_id, behind(context_packs, after))
        .order_by(context_packs.c.created_at.desc(), context_packs.c.id)
        .limit(limit)
    )
    return [_pack(row._asdict()) for row in rows]


async def _move(
    connection: AsyncConnection,
    client_id: int,
    pack_id: UUID,
    before: RunStatus,
    after: RunStatus,
    **values: Any,
) -> None:
    moved = await connection.execute(
        update(context_packs)
        .where(
            context_packs.c.client_id == client_id, context_packs.c.id == pack_id, context_packs.c.status == before
        )
        .values(status=after, **values)
    )
    if moved.rowcount != 1:
        raise Conflict(f"The context pack {pack_id} is not {before} any more: ask again.")


_COLUMNS = [
    context_packs.c[name]
    for name in ("id", "run_id", "scope_key", "status", "author", "created_at", "document", "failure")
]


def _pack(row: dict[str, Any]) -> Pack:
    document = row.get("document")
    held = row | {"status": RunStatus(row["status"])}
    return Pack(**held if document is None else held | {"document": _migrated(document)})


def _migrated(document: dict[str, Any]) -> dict[str, Any]:
    """A stored pack in the form of this version. In version 1 no table had the report's sentence on it."""
    if document["version"] not in (1, PACK_VERSION):
        raise Conflict("This was asked with another version of Setpoint: start a new session.")
    return document | {
        "version": PACK_VERSION,
        "tables": [{"says": None} | table for table in document["tables"]],
    }


def _report_of(run: Run) -> dict[str, Any]:
    if run.document is None:
        raise Conflict(
            f"The report run {run.id} is {run.status} and has nothing to ask about: `setpoint report list` shows"
            " those that are complete."
        )
    return run.document
