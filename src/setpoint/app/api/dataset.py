"""The labelled rows, as a file."""

import shutil
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import Field
from starlette.background import BackgroundTask

from setpoint.app.api.forms import WindowForm
from setpoint.app.api.problems import PROBLEMS
from setpoint.app.engines import open_engine
from setpoint.app.http.actors import Admin
from setpoint.app.http.state import service_of
from setpoint.datasets.export import export
from setpoint.datasets.service import extract
from setpoint.domain.vocabulary import Attribution
from setpoint.tenancy.service import Workspace

router = APIRouter(prefix="/dataset", tags=["dataset"], responses=PROBLEMS)


class Format(StrEnum):
    """How the rows are written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Which(StrEnum):
    """Whose rows."""

    CROSS_CHANNEL = "cross_channel"
    WITHIN_CHANNEL = "within_channel"
    BOTH = "both"


class Export(WindowForm):
    """Which rows are wanted, and how."""

    format: Format = Format.CSV
    attribution: Which = Which.BOTH
    balanced: int | None = Field(None, description="Rows of each sender and outcome.", ge=1, le=10**9)
    with_text: bool = False


_TYPES = {Format.CSV: "text/csv", Format.JSONL: "application/jsonl", Format.PARQUET: "application/vnd.apache.parquet"}


@router.get(
    "",
    response_class=FileResponse,
    responses={200: {"content": {kind: {} for kind in _TYPES.values()}, "description": "The file."}},
)
async def export_dataset(request: Request, actor: Admin, asked: Annotated[Export, Query()]) -> FileResponse:
    """The labelled rows of a window as a file, for admins: whole, or as a balanced sample of each sender and outcome.

    With `with_text` the subject and body of the credited messages are added as people wrote them. The header
    X-Content-SHA256 has the hash of the file.
    """
    service, workspace = service_of(request), Workspace(actor.client_id, actor.workspace)
    wanted = asked.request(actor.workspace)
    which = None if asked.attribution is Which.BOTH else Attribution(asked.attribution.value)
    # It is written before the first byte is sent: a slow reader holds no transaction, and nobody gets half of it.
    scratch = Path(tempfile.mkdtemp(prefix="setpoint-export-"))
    try:
        async with open_engine(service.database, workspace, wanted.window, "postgres") as engine:
            dataset = await extract(engine, wanted)
            written = await export(dataset, scratch / f"rows.{asked.format}", which, asked.balanced, asked.with_text)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return FileResponse(
        written.path,
        media_type=_TYPES[asked.format],
        filename=f"dataset-{actor.workspace}.{asked.format}",
        headers={"X-Content-SHA256": written.sha256, "X-Rows": str(written.rows)},
        background=BackgroundTask(shutil.rmtree, scratch, ignore_errors=True),
    )
