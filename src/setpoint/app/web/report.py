"""One report: whole for admins, in its tables for setters; and what its run is at while there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from setpoint.app.api.reports import run_of, tables_of
from setpoint.app.drawing import drawn
from setpoint.app.http.actors import PageActor
from setpoint.app.http.state import service_of
from setpoint.app.web.aggregates import aggregates, said
from setpoint.app.web.pages import page
from setpoint.app.web.run_state import run_state_page
from setpoint.domain.vocabulary import Role
from setpoint.reports.html import EvidenceLink, render_body
from setpoint.reports.kept_evidence import citations_with_evidence
from setpoint.reports.service import Run
from setpoint.tenancy.schemas import Actor

router = APIRouter()

_ASKED: Final = ("from", "to", "as_of", "attribution_days", "maturity_days", "max_leads", "seed")


@router.get("/w/{workspace}/reports/{run}")
async def report(request: Request, actor: PageActor, run: str) -> Response:
    """A report, or what its run is at."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        found = await run_of(connection, actor, run)
        links = await _evidence_links(connection, actor, found)
    if found.document is None:
        return await run_state_page(request, actor, found)
    document = found.document
    context: dict[str, Any] = {"run": found, "downloads": downloads(found, actor), "has_evidence": bool(links)}
    if actor.role is Role.ADMIN:
        body: Markup = await drawn(
            service, ("report", found.id, actor.workspace, frozenset(links)), render_body, document, links
        )
        return page(request, "report.html.j2", actor=actor, here="reports", body=body, **context)
    tables = tables_of(found, actor)
    shown = await drawn(service, ("aggregates", found.id), aggregates, tables)
    told = said(document, {table["key"]: table for table in tables}, actor.role)
    return page(
        request,
        "report_aggregates.html.j2",
        actor=actor,
        here="reports",
        said=told,
        shown=shown,
        **context,
    )


async def _evidence_links(connection: AsyncConnection, actor: Actor, run: Run) -> Mapping[str, EvidenceLink]:
    """Where the messages are on which parts of a report rest, by citation; for admins alone."""
    if actor.role is not Role.ADMIN or run.document is None:
        return {}
    counts = await citations_with_evidence(connection, actor.client_id, run.id)
    return {
        citation: EvidenceLink(
            f"/w/{actor.workspace}/reports/{run.id}/evidence?citation={quote(citation, safe='')}", messages
        )
        for citation, messages in counts.items()
    }


@dataclass(frozen=True, slots=True)
class Download:
    """A file that can be had of a report."""

    label: str
    address: str
    name: str


def downloads(run: Run, actor: Actor) -> list[Download]:
    """The files of a report that an actor may have; the API answers with them to the session of the page."""
    api = f"/api/v1/workspaces/{actor.workspace}"
    tables = Download("JSON", f"{api}/reports/{run.id}", f"report-{actor.workspace}-{run.id}.json")
    if actor.role is not Role.ADMIN:
        return [tables]
    asked: list[tuple[str, Any]] = [(name, run.parameters[name]) for name in _ASKED]
    asked += [("channels", channel) for channel in run.parameters["channels"]]
    query = urlencode([(name, value) for name, value in asked if value is not None])
    return [
        Download("HTML", f"{api}/reports/{run.id}/html", f"report-{actor.workspace}-{run.id}.html"),
        tables,
        Download("Rows as CSV", f"{api}/dataset?{query}", f"dataset-{actor.workspace}.csv"),
    ]
