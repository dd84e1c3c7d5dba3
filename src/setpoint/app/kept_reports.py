"""Complete reports, kept in memory: none of them changes, and reading one takes longer than a page may.

What is kept is given to whoever found the run in their workspace, in a transaction of theirs, and by nothing else.
Nobody may change it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from cachetools import LRUCache
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.vocabulary import Role, RunStatus
from setpoint.reports.insights.pack_tables import pack_document
from setpoint.reports.insights.schemas import TableDocument
from setpoint.reports.insights.suppression import suppressed
from setpoint.reports.service import Run, read_document

MOST: Final = 32
"""Reports that are kept; one takes a few megabytes."""

_documents: LRUCache[tuple[int, UUID], dict[str, Any]] = LRUCache(MOST)
_tables: LRUCache[tuple[UUID, bool], Sequence[TableDocument]] = LRUCache(MOST)


async def with_document(connection: AsyncConnection, client_id: int, run: Run) -> Run:
    """A run that was read without its document, with it where there is one."""
    if run.status is not RunStatus.COMPLETE:
        return run
    document = _documents.get((client_id, run.id))
    if document is None:
        document = await read_document(connection, client_id, run.id)
        _documents[client_id, run.id] = document
    return replace(run, document=document)


def kept_tables(run: Run, document: dict[str, Any], role: Role) -> Sequence[TableDocument]:
    """The tables of a complete run as a role may see them: small cells are put away for setters."""
    key = run.id, role is Role.ADMIN
    tables = _tables.get(key)
    if tables is None:
        whole = pack_document(document)["tables"]
        tables = _tables[key] = whole if role is Role.ADMIN else [suppressed(table) for table in whole]
    return tables
