"""Report runs."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.app.api.forms import Cursor, Limit, Page, WindowForm, cursor_of, position_of
from setpoint.app.api.problems import PROBLEMS, absent
from setpoint.app.api.suppression import suppressed_counts
from setpoint.app.asking import dry_run_for, queue_for
from setpoint.app.drawing import draw
from setpoint.app.http.actors import Admin, Member
from setpoint.app.http.state import service_of
from setpoint.app.kept_reports import kept_tables, with_document
from setpoint.datasets.evidence import Evidence
from setpoint.domain.errors import Conflict
from setpoint.domain.vocabulary import Role, RunStatus
from setpoint.reports.html import render_html
from setpoint.reports.insights.schemas import TableDocument
from setpoint.reports.kept_evidence import citations_with_evidence, evidence_of
from setpoint.reports.service import Run, get_run, list_runs
from setpoint.storage.positions import Position
from setpoint.tenancy.schemas import Actor

router = APIRouter(prefix="/reports", tags=["reports"], responses=PROBLEMS)

_NO_RUN: Final = "There is no such report run in this workspace."
# The page has its styles and pictures within it, and nothing that acts.
_PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"

RunId = Annotated[str, Path(description="The run's id.", examples=["7d1f8f0e-8d3c-4c0e-9c53-2a3f6d2f8f11"])]


class EngineName(StrEnum):
    """Where the dataset is computed."""

    POSTGRES = "postgres"
    DUCKDB = "duckdb"
    SPARK = "spark"


class NewRun(WindowForm):
    """A report run to be queued."""

    engine: EngineName = EngineName.POSTGRES
    model: bool = Field(True, description="Let the workspace's model put the report into words.")


class RunForm(BaseModel):
    """A run as it stands. `failure` says why it failed, where it did."""

    id: UUID
    status: RunStatus
    author: str
    created_at: datetime
    parameters: dict[str, Any]
    dataset_sha256: str | None
    failure: str | None

    @classmethod
    def of(cls, run: Run) -> "RunForm":
        """The form of a run."""
        return cls(**{name: getattr(run, name) for name in cls.model_fields})


class ReportForm(RunForm):
    """A run with its report once it is complete.

    `tables` are for everybody; for setters, rows of fewer than five leads are without their numbers. `document` is
    the whole report, for admins.
    """

    tables: list[dict[str, Any]] | None
    document: dict[str, Any] | None


class EvidenceForm(BaseModel):
    """One message, redacted."""

    message: str
    lead: str
    channel: str
    sender: str
    outcome: str
    sent_at: datetime
    subject: str | None
    snippet: str

    @classmethod
    def of(cls, one: Evidence) -> "EvidenceForm":
        """The form of a message."""
        return cls(
            message=one.message_id,
            lead=one.lead_id,
            channel=one.channel,
            sender=one.sender,
            outcome=one.outcome,
            sent_at=one.sent_at,
            subject=one.subject,
            snippet=one.snippet,
        )


@router.post("", status_code=202)
async def queue_report(request: Request, response: Response, actor: Member, asked: NewRun) -> RunForm:
    """Queue a report run. It is carried out later: read it until its status is complete or failed."""
    wanted = asked.request(actor.workspace)
    run = await queue_for(
        service_of(request).database, actor, wanted, engine=asked.engine.value, with_model=asked.model
    )
    response.headers["Location"] = f"{request.url.path}/{run.id}"
    return RunForm.of(run)


@router.get("")
async def list_reports(request: Request, actor: Member, cursor: Cursor = None, limit: Limit = 50) -> Page[RunForm]:
    """The runs of the workspace, the newest first, without their reports."""
    after = position_of(cursor)
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await list_runs(connection, actor.client_id, limit + 1, after)
    more = cursor_of(Position(found[limit - 1].created_at, found[limit - 1].id)) if len(found) > limit else None
    return Page(items=[RunForm.of(run) for run in found[:limit]], next_cursor=more)


@router.post("/dry-run")
async def count_dry_run(request: Request, actor: Member, asked: WindowForm) -> dict[str, Any]:
    """Count what a report would be made of; nothing is kept. Setters get the totals, small ones as null."""
    shown = await dry_run_for(service_of(request).database, actor, asked.request(actor.workspace))
    return {"dry_run": True, "engine": "postgres", "dataset_sha256": None, **shown}


@router.get("/{run}", response_model=ReportForm)
async def get_report(request: Request, actor: Member, run: RunId) -> Response:
    """One run, with its report once it is complete."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await run_of(connection, actor, run)
    # To look through half a megabyte of our own for what is no JSON would keep everybody waiting.
    form = RunForm.of(found).model_dump(mode="json") | {
        "tables": None if found.document is None else tables_of(found, actor),
        "document": found.document if actor.role is Role.ADMIN else None,
    }
    return Response(orjson.dumps(form), media_type="application/json")


@router.get("/{run}/html", response_class=Response, responses={200: {"content": {"text/html": {}}}})
async def get_report_html(request: Request, actor: Admin, run: RunId) -> Response:
    """The whole report as one HTML file, for admins."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        found = await run_of(connection, actor, run)
    document = complete(found)
    page = await draw(service, render_html, document)
    name = f"report-{actor.workspace}-{found.id}.html"
    return Response(
        page,
        media_type="text/html",
        headers={
            "Content-Security-Policy": _PAGE_POLICY,
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


@router.get("/{run}/citations")
async def list_citations(request: Request, actor: Member, run: RunId) -> dict[str, int | None]:
    """How many messages are kept for each citation of a report; for setters, small numbers as null."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await run_of(connection, actor, run)
        counts = await citations_with_evidence(connection, actor.client_id, found.id)
    return dict(counts) if actor.role is Role.ADMIN else suppressed_counts(counts)


@router.get("/{run}/evidence")
async def list_evidence(
    request: Request,
    actor: Admin,
    run: RunId,
    citation: Annotated[
        str, Query(description="What rests on it.", examples=["pattern:offers_times"], max_length=200)
    ],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[EvidenceForm]:
    """The messages that a citation rests on, redacted, for admins."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await run_of(connection, actor, run)
        held = await evidence_of(connection, actor.client_id, actor.role, found.id, citation, limit)
    return [EvidenceForm.of(one) for one in held]


async def run_of(connection: AsyncConnection, actor: Actor, run_id: str) -> Run:
    """A run of the actor's workspace. Raises NotFound."""
    with absent(_NO_RUN):
        found = await get_run(connection, actor.client_id, run_id, with_document=False)
    return await with_document(connection, actor.client_id, found)


def complete(run: Run) -> dict[str, Any]:
    """The report of a run. Raises Conflict for one that has none."""
    if run.document is None:
        raise Conflict(f"This run is {run.status.value}: only a complete one has a report.")
    return run.document


def tables_of(run: Run, actor: Actor) -> Sequence[TableDocument]:
    """The tables of a complete run as an actor may see them: small cells are put away for setters."""
    return kept_tables(run, complete(run), actor.role)
