"""What became of the files that came in by the page: kept for a week, so that it can be looked at again.

It is kept where answers to repeated requests are, in the transaction of the import: a form that is sent twice imports
once. The keys begin with a word and a blank, which no program's key has.
"""

import csv
import itertools
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.app.api.answers import KEPT
from setpoint.domain.errors import NotFound
from setpoint.ingest.schemas import ImportSummary
from setpoint.storage.tables import api_answers

MOST_REJECTS: Final = 10_000
"""The most rejected rows that are kept; the command line writes all of any number."""
MOST_SHOWN: Final = 20

_MARK: Final = "import "
_RESULT: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Kept:
    """One import: `told` is what `tell` made, without the rejected rows where it stands in a list."""

    id: str
    at: datetime
    told: dict[str, Any]


def key_of(result: str) -> str:
    """The key that a result is kept under."""
    return _MARK + result


def tell(summary: ImportSummary, rejects: Path, file: str, checked: bool, by: str) -> dict[str, Any]:
    """What is kept of an import; `rejects` is the CSV file of its rejected rows."""
    with rejects.open(encoding="utf-8", newline="") as lines:
        rows = list(itertools.islice(csv.reader(lines), 1, MOST_REJECTS + 1))
    return {
        **summary.as_dict(),
        "groups": [
            {
                "column": group.first.column,
                "reason": group.first.fault.message,
                "rows": group.rows,
                "lines": group.lines,
                "alike": group.alike,
            }
            for group in summary.groups
        ],
        "rejected_rows": rows,
        "file": file,
        "checked": checked,
        "by": by,
    }


async def find_import(connection: AsyncConnection, client_id: int, result: str, *, now: datetime) -> Kept:
    """One import of the last seven days. Raises NotFound."""
    found = None
    if _RESULT.fullmatch(result):
        query = select(api_answers.c.created_at, api_answers.c.answer)
        here = _on_record(client_id, now) & (api_answers.c.key == key_of(result))
        found = await connection.execute(query.where(here))
    row = None if found is None else found.one_or_none()
    if row is None:
        raise NotFound("There is no such import in this workspace, or it is no longer on record.")
    return Kept(result, row.created_at, row.answer)


async def list_imports(connection: AsyncConnection, client_id: int, *, now: datetime) -> list[Kept]:
    """The newest imports of the last seven days."""
    answers = api_answers.c
    told = answers.answer.op("-")("rejected_rows").label("told")
    found = await connection.execute(
        select(answers.key, answers.created_at, told)
        .where(_on_record(client_id, now), answers.key.startswith(_MARK))
        .order_by(answers.created_at.desc(), answers.key)
        .limit(MOST_SHOWN)
    )
    return [Kept(row.key.removeprefix(_MARK), row.created_at, row.told) for row in found]


def _on_record(client_id: int, now: datetime) -> ColumnElement[bool]:
    """Complete, and not yet to be forgotten: what is older is deleted with the next import."""
    answers = api_answers.c
    return and_(answers.client_id == client_id, answers.created_at >= now - KEPT, answers.answer.is_not(None))
