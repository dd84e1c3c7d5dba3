"""Batches of rows, by the rules of import files."""

import asyncio
import csv
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field

from setpoint.app.api import answers
from setpoint.app.api.problems import PROBLEMS
from setpoint.app.http.actors import Admin
from setpoint.app.http.state import service_of
from setpoint.app.processes import Beside
from setpoint.domain.errors import UsageError
from setpoint.domain.spreadsheet import restore
from setpoint.ingest.schemas import ImportKind, ImportSummary
from setpoint.ingest.service import Prepared, import_prepared, prepare
from setpoint.tenancy.service import Workspace

router = APIRouter(prefix="/imports", tags=["imports"], responses=PROBLEMS)

MOST_ROWS: Final = 5_000
_MOST_BYTES: Final = 32 << 20
_PLAIN: Final = frozenset((str, bool, int))
_process = Beside()


class RejectedRow(BaseModel):
    """A row that was not taken. `row` counts from 1; `column` is empty where the row as a whole is wrong."""

    row: int
    column: str
    reason: str
    key: str


class Imported(BaseModel):
    """What became of the rows: accepted, rejected and unchanged are all of them."""

    kind: ImportKind
    rows: int
    accepted: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    rejected_by_reason: dict[str, int]
    rejections: list[RejectedRow] = Field(description="Every row that was not taken, in order.")
    unknown_columns: list[str] = Field(description="Names that this kind of row does not have; they were left out.")


_EXAMPLE: Final = [
    {"external_id": "lead-1", "email": "jo@example.org", "first_name": "Jo", "timezone": "Europe/Berlin"}
]
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "items": {"type": "object"},
                    "minItems": 1,
                    "maxItems": MOST_ROWS,
                    "description": "Rows as in the import files (docs/import.md): texts, numbers, true or false.",
                },
                "example": _EXAMPLE,
            }
        },
    }
}


@router.post("/{kind}", openapi_extra=_BODY, max_body_size=_MOST_BYTES)
async def import_rows(
    request: Request,
    actor: Admin,
    kind: ImportKind,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="The same key with the same rows gets the same answer, and does nothing twice.",
            max_length=200,
        ),
    ] = None,
) -> Imported:
    """Import up to 5,000 rows of one kind, for admins: all that is good among them, in one transaction.

    Rows whose key is new are inserted, changed ones updated, the others left alone. A row with a fault is rejected
    and told about; the others are taken all the same.
    """
    key = None if idempotency_key is None else answers.check_key(idempotency_key)
    body = await request.body()
    prepared = await _process.run(prepare_rows, kind, body)
    service = service_of(request)
    scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="setpoint-rows-"))
    try:
        async with service.database.tenant(actor.client_id) as connection:
            if key is not None:
                asked = hashlib.sha256(kind.encode() + b"\0" + body).hexdigest()
                kept = await answers.begin(connection, actor.client_id, key, asked, now=service.clock())
                if kept is not None:
                    return Imported.model_validate(kept.answer)
            workspace = Workspace(actor.client_id, actor.workspace)
            summary = await import_prepared(connection, workspace, prepared, scratch / "rejects.csv")
            imported = await asyncio.to_thread(_told, summary, scratch / "rejects.csv")
            if key is not None:
                await answers.finish(connection, actor.client_id, key, imported.model_dump(mode="json"))
        return imported
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)


def prepare_rows(kind: ImportKind, body: bytes) -> Prepared:
    """Read and check the rows of a body, line by line as those of a file. Raises UsageError where it is no batch."""
    rows = _rows(body)
    with tempfile.TemporaryDirectory(prefix="setpoint-rows-") as scratch:
        path = Path(scratch, "rows.jsonl")
        _write(path, rows)
        return prepare(kind, path)


def _rows(body: bytes) -> list[Any]:
    try:
        try:
            rows = orjson.loads(body)
        except orjson.JSONDecodeError:
            # It refuses a whole body for one row that is to be rejected by itself.
            rows = json.loads(body)
    except (ValueError, RecursionError):
        raise UsageError("The body is no JSON: send an array of rows.") from None
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_ROWS:
        raise UsageError(f"Send an array of 1 to {MOST_ROWS:,} rows.")
    return rows


def _write(path: Path, rows: list[Any]) -> None:
    """Each row on a line of its own, so that a line's number is the row's."""
    try:
        try:
            if not all(map(_is_plain, rows)):
                raise TypeError
            lines = b"\n".join(map(orjson.dumps, rows))
        except TypeError:
            lines = "\n".join(map(json.dumps, rows)).encode("ascii")
    except RecursionError:
        raise UsageError("The rows hold lists or objects nested too deep.") from None
    path.write_bytes(lines + b"\n")


def _is_plain(row: Any) -> bool:
    """Whether orjson writes all of it as it is: NaN and infinity it would write as null."""
    return type(row) is dict and all(value is None or type(value) in _PLAIN for value in row.values())


def _told(summary: ImportSummary, rejects: Path) -> Imported:
    with rejects.open(encoding="utf-8", newline="") as file:
        rejections = [
            RejectedRow(
                row=int(line["line"]),
                column=line["column"],
                reason=restore(line["reason"]),
                key=restore(line["key"]),
            )
            for line in csv.DictReader(file)
        ]
    document = summary.as_dict()
    return Imported.model_validate({**document, "rejections": rejections})
