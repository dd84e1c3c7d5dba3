"""Where a list was left off: what follows is found by time and id, and not by counting what came before."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, or_, true


@dataclass(frozen=True, slots=True)
class Position:
    """The last row that was shown of a list that has the newest first, and the lower id of two of one instant."""

    created_at: datetime
    id: UUID


def behind(table: Table, position: Position | None) -> ColumnElement[bool]:
    """The rows of a table with `created_at` and `id` that follow a position; all of them without one."""
    if position is None:
        return true()
    at, number = table.c.created_at, table.c.id
    return or_(at < position.created_at, and_(at == position.created_at, number > position.id))
