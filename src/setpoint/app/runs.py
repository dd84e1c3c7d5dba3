"""The transactions of a report run: carried out here at once, or put into the queue for a worker."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from setpoint.app.engines import open_engine
from setpoint.app.heartbeat import Heartbeat
from setpoint.datasets.evidence import NamelessEvidence, evidence_for_synthesis
from setpoint.datasets.sampling import in_turn
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import DatabaseUnavailable, NotFound, SetpointError, why_it_failed
from setpoint.jobs.rules import weekly_window
from setpoint.jobs.schedule import weekly_clients, weekly_settings
from setpoint.jobs.service import enqueue_report_run
from setpoint.llm.ledger import TenantLedger
from setpoint.llm.port import ModelPort
from setpoint.llm.provider import workspace_model
from setpoint.llm.scripted import NoModel
from setpoint.reports import service as reports
from setpoint.reports.citations import evidence_citation
from setpoint.reports.kept_evidence import keep_evidence
from setpoint.reports.performing import Progress, no_progress, perform
from setpoint.reports.run_rules import MAX_ATTEMPTS
from setpoint.reports.synthesis import synthesis
from setpoint.storage.database import Database
from setpoint.tenancy.defaults import workspace_defaults
from setpoint.tenancy.service import Workspace, entered_workspace

SHOWN_TO_MODEL = 24
"""Messages that a model reads beside the numbers of a report, as many of each sender and outcome as there are."""

SCHEDULER = "system"
"""The author of what the schedule asks for."""

_log = logging.getLogger(__name__)


async def run_report(
    database: Database,
    workspace: Workspace,
    request: DatasetRequest,
    *,
    engine: str,
    snapshot: Path | None,
    author: str,
    progress: Progress = no_progress,
    with_model: bool = True,
    port: ModelPort | None = None,
) -> dict[str, Any]:
    """Run and keep a report here and now; a failure is kept with its reason before it is raised.

    The workspace's model puts it into words unless `with_model` is false; `port` stands in for that model.
    """
    client_id = workspace.client_id
    async with database.tenant(client_id) as connection:
        await reports.fail_broken_off(connection, client_id)
        lease = await reports.begin_run(connection, client_id, request, engine, author, with_model=with_model)
    try:
        return await _carry_out(database, workspace, lease, snapshot=snapshot, progress=progress, port=port)
    except BaseException as error:
        await _fail(database, client_id, lease, error)
        raise


async def queue_report(
    database: Database,
    workspace: Workspace,
    request: DatasetRequest,
    *,
    engine: str,
    author: str,
    with_model: bool = True,
) -> reports.Run:
    """Put a run on record, and its job into the queue, in one transaction; a worker carries it out."""
    client_id = workspace.client_id
    async with database.tenant(client_id) as connection:
        await reports.fail_broken_off(connection, client_id)
        run = await reports.queue_run(connection, client_id, request, engine, author, with_model=with_model)
        await enqueue_report_run(connection, run.id)
    return run


async def queue_due_reports(database: Database, due: datetime) -> list[reports.Run]:
    """Queue the weekly reports of the instant `due`, for each workspace that wanted them then, once each.

    Those that are on record already are not among the returned.
    """
    async with database.registry() as connection:
        clients = await weekly_clients(connection)
    queued = [await queue_due_report(database, client_id, due) for client_id in clients]
    return [run for run in queued if run is not None]


async def queue_due_report(database: Database, client_id: int, due: datetime) -> reports.Run | None:
    """The same for one workspace: None where it did not want the report then, or has it on record already."""
    async with database.tenant(client_id) as connection:
        settings = await weekly_settings(connection, client_id)
        if not settings.wanted_at(due):
            return None
        workspace = await entered_workspace(connection, client_id)
        defaults = await workspace_defaults(connection, client_id)
        window = defaults.applied_to(weekly_window(due, settings.window_days))
        request = DatasetRequest(workspace.slug, window)
        run = await reports.queue_scheduled_run(connection, client_id, request, "postgres", SCHEDULER, due)
        if run is not None:
            await enqueue_report_run(connection, run.id)
    return run


async def carry_out_report(
    database: Database, client_id: int, run_id: UUID, *, port: ModelPort | None = None
) -> None:
    """Take up a run that was queued, and bring it to its end; what goes wrong with it is kept as its failure.

    Nothing is done where the run has ended or is gone. Raises RunHeld where somebody else is at it. Where the
    database goes away or we are stopped, the run is given back, to be taken up again, and that is raised.
    """
    try:
        async with database.tenant(client_id) as connection:
            workspace = await entered_workspace(connection, client_id)
            lease = await reports.start_run(connection, client_id, run_id)
    except NotFound:
        # The workspace was removed meanwhile.
        return
    if lease is None:
        return
    try:
        await _carry_out(database, workspace, lease, port=port)
    except asyncio.CancelledError:
        await _give_back(database, client_id, lease, counted=False)
        raise
    except DatabaseUnavailable as error:
        if lease.run.attempt >= MAX_ATTEMPTS:
            await _fail(database, client_id, lease, error)
        else:
            await _give_back(database, client_id, lease, counted=True)
        raise
    except SetpointError as error:
        await _fail(database, client_id, lease, error)
    except Exception as error:
        _log.exception("A report run broke off.")
        await _fail(database, client_id, lease, error)


async def is_carried_out(database: Database, client_id: int, run_id: UUID) -> bool:
    """Whether somebody works on a run at this moment, by its heartbeat."""
    async with database.tenant(client_id) as connection:
        return await reports.is_held(connection, client_id, run_id)


async def _carry_out(
    database: Database,
    workspace: Workspace,
    lease: reports.Lease,
    *,
    snapshot: Path | None = None,
    progress: Progress = no_progress,
    port: ModelPort | None = None,
) -> dict[str, Any]:
    """The work of a run whose lease is held, kept alive meanwhile. Raises Conflict where the lease was lost.

    The heart has stopped before the end is written: a beat that waited for that end would find the lease gone.
    """
    heart = Heartbeat(database, workspace.client_id, lease)

    def tell(step: str, rows: int | None) -> None:
        heart.tell(step, rows)
        progress(step, rows)

    try:
        async with heart:
            document, evidence = await _make(database, workspace, lease, snapshot, tell, port)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not heart.lost or task is None:
            raise
        task.uncancel()
        raise reports.lost(lease) from None
    async with database.tenant(workspace.client_id) as connection:
        await reports.complete_run(connection, workspace.client_id, lease, document)
        await keep_evidence(connection, workspace.client_id, lease.run.id, evidence)
    return document


async def _make(
    database: Database,
    workspace: Workspace,
    lease: reports.Lease,
    snapshot: Path | None,
    progress: Progress,
    port: ModelPort | None,
) -> tuple[dict[str, Any], dict[str, Sequence[tuple[str, str]]]]:
    """The document of a run, and the messages behind its parts. Nothing is written."""
    client_id, run = workspace.client_id, lease.run
    request = reports.request_of(run, workspace.slug)
    async with open_engine(database, workspace, request.window, run.parameters["engine"], snapshot) as opened:
        performed = await perform(opened, request, run, progress)
    if not run.with_model:
        port = NoModel(TenantLedger(database, client_id))
    elif port is None:
        port = await workspace_model(database, client_id)
    document = performed.document
    evidence: dict[str, Sequence[tuple[str, str]]] = dict(performed.evidence)
    shown: list[NamelessEvidence] = []
    if port.settings is not None:
        progress("reading evidence", None)
        drawn = dict(islice(in_turn(*evidence.values()).items(), SHOWN_TO_MODEL))
        async with database.tenant(client_id) as connection:
            shown = await evidence_for_synthesis(connection, client_id, list(drawn), len(drawn), outcomes=drawn)
        # What the model was shown can be looked up by the number under which it may cite it.
        ids = list(drawn)
        evidence |= {
            evidence_citation(one.message): [(ids[one.message - 1], drawn[ids[one.message - 1]])] for one in shown
        }
        progress("asking the model", None)
    document["synthesis"] = await synthesis(port, document, shown, run_id=run.id)
    return document, evidence


async def _fail(database: Database, client_id: int, lease: reports.Lease, error: BaseException) -> None:
    # Where even that cannot be written, what went wrong first is what the user must hear.
    with suppress(SetpointError):
        async with database.tenant(client_id) as connection:
            await reports.fail_run(connection, client_id, lease, why_it_failed(error))


async def _give_back(database: Database, client_id: int, lease: reports.Lease, *, counted: bool) -> None:
    # Where even that cannot be written, the run is taken up once the lease is over.
    with suppress(SetpointError):
        async with database.tenant(client_id) as connection:
            await reports.release_run(connection, client_id, lease, counted=counted)
