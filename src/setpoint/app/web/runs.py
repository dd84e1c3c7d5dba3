"""The history of report runs, and the form that asks for a new one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from setpoint.app.api.forms import cursor_of, position_of
from setpoint.app.asking import dry_run_for, queue_for
from setpoint.app.http.actors import PageActor
from setpoint.app.http.state import service_of
from setpoint.app.web.pages import go_to, page
from setpoint.app.web.run_form import RunFields, Wrong, first_fields, request_in
from setpoint.app.web.run_queries import sent_between
from setpoint.app.web.run_state import besides, duration
from setpoint.datasets.sampling import DEFAULT_SEED
from setpoint.domain.errors import Conflict
from setpoint.domain.vocabulary import Channel, Outcome, Role
from setpoint.llm.queries import read_settings
from setpoint.reports.definitions import CHANNEL_LABELS, DROP_LABELS, OUTCOME_LABELS
from setpoint.reports.insights.suppression import FEWEST
from setpoint.reports.presentation import labelled
from setpoint.reports.service import list_runs
from setpoint.storage.positions import Position
from setpoint.tenancy.defaults import workspace_defaults
from setpoint.tenancy.schemas import Actor

router = APIRouter()

ON_A_PAGE: Final = 25

Text = Annotated[str, Form()]


@router.get("/w/{workspace}/reports")
async def history(
    request: Request, actor: PageActor, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """The runs of the workspace, the newest first."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await list_runs(connection, actor.client_id, ON_A_PAGE + 1, position_of(cursor))
        shown = found[:ON_A_PAGE]
    older = cursor_of(Position(shown[-1].created_at, shown[-1].id)) if len(found) > ON_A_PAGE else None
    few = FEWEST if actor.role is Role.SETTER else 0
    return page(
        request,
        "runs.html.j2",
        actor=actor,
        here="reports",
        runs=shown,
        leads={
            run.id: f"fewer than {FEWEST}" if 0 < run.cohort_leads < few else run.cohort_leads
            for run in shown
            if run.cohort_leads is not None
        },
        older=older,
        is_first=cursor is None,
        duration=duration,
        besides=besides,
    )


@router.get("/w/{workspace}/reports/new")
async def new_run(
    request: Request,
    actor: PageActor,
    start: Annotated[str, Query(alias="from")] = "",
    end: Annotated[str, Query(alias="to")] = "",
    as_of: str = "",
    channels: Annotated[tuple[str, ...], Query()] = (),
    attribution_days: str | None = None,
    maturity_days: str | None = None,
    max_leads: str = "",
    model: str = "yes",
    seed: str = DEFAULT_SEED,
    count: str = "",
) -> Response:
    """The form, as the address has its fields; with `count`, what the report would be made of."""
    if attribution_days is None or maturity_days is None:
        async with service_of(request).database.tenant(actor.client_id) as connection:
            usual = await workspace_defaults(connection, actor.client_id)
        attribution_days = attribution_days or str(usual.attribution_days)
        maturity_days = maturity_days or str(usual.maturity_days)
    fields = _fields(start, end, as_of, channels, attribution_days, maturity_days, max_leads, model, seed)
    if not count:
        return await _form(request, actor, fields)
    try:
        wanted = request_in(fields, actor.workspace, service_of(request).clock())
    except Wrong as wrong:
        return await _form(request, actor, fields, faults=wrong.faults)
    counted = await dry_run_for(service_of(request).database, actor, wanted)
    return await _form(request, actor, fields, counted=counted)


@router.post("/w/{workspace}/reports/new")
async def ask_for_run(
    request: Request,
    actor: PageActor,
    start: Annotated[str, Form(alias="from")] = "",
    end: Annotated[str, Form(alias="to")] = "",
    as_of: Text = "",
    channels: Annotated[tuple[str, ...], Form()] = (),
    attribution_days: Text = "",
    maturity_days: Text = "",
    max_leads: Text = "",
    model: Text = "no",
    seed: Text = DEFAULT_SEED,
    then: Text = "run",
) -> Response:
    """Queue the report, and go to its page; or with `then=count`, to the form with the counts."""
    fields = _fields(start, end, as_of, channels, attribution_days, maturity_days, max_leads, model, seed)
    service = service_of(request)
    try:
        wanted = request_in(fields, actor.workspace, service.clock())
    except Wrong as wrong:
        return await _form(request, actor, fields, status=400, faults=wrong.faults)
    if then == "count":
        asked = urlencode([*fields.query(), ("count", "1")])
        return go_to(f"/w/{actor.workspace}/reports/new?{asked}#counted")
    try:
        run = await queue_for(service.database, actor, wanted, with_model=fields.model)
    except Conflict as error:
        return await _form(request, actor, fields, status=409, failure=error.message)
    return go_to(f"/w/{actor.workspace}/reports/{run.id}")


def _fields(
    start: str,
    end: str,
    as_of: str,
    channels: tuple[str, ...],
    attribution_days: str,
    maturity_days: str,
    max_leads: str,
    model: str,
    seed: str,
) -> RunFields:
    return RunFields(start, end, as_of, channels, attribution_days, maturity_days, max_leads, model == "yes", seed)


async def _form(
    request: Request,
    actor: Actor,
    fields: RunFields,
    *,
    status: int = 200,
    failure: str | None = None,
    faults: Mapping[str, str] | None = None,
    counted: Mapping[str, Any] | None = None,
) -> Response:
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        span = await sent_between(connection, actor.client_id, service.clock())
        settings = await read_settings(connection, actor.client_id)
    if request.method == "GET" and not fields.start and not fields.end:
        usual = first_fields(span)
        fields = replace(fields, start=usual.start, end=usual.end)
    usual = RunFields()
    more = (fields.attribution_days, fields.maturity_days, fields.max_leads)
    faults = faults or {}
    return page(
        request,
        "run_new.html.j2",
        status=status,
        actor=actor,
        here="reports",
        fields=fields,
        faults=faults,
        failure=failure,
        span=span,
        has_model=settings is not None,
        channels=[(channel.value, CHANNEL_LABELS[channel]) for channel in Channel],
        open_more=more != (usual.attribution_days, usual.maturity_days, "")
        or not faults.keys().isdisjoint(("attribution_days", "maturity_days", "max_leads")),
        counted=counted,
        outcomes=[] if counted is None else [(OUTCOME_LABELS[each], counted["counts"][each]) for each in Outcome],
        dropped=[] if counted is None else labelled(DROP_LABELS, counted["dropped"]),
        few=FEWEST,
    )
