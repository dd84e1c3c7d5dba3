"""The transactions of a report run."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from setpoint.app.engines import open_engine
from setpoint.datasets.evidence import NamelessEvidence, evidence_for_synthesis
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import SetpointError
from setpoint.llm.ledger import TenantLedger
from setpoint.llm.port import ModelPort
from setpoint.llm.provider import workspace_model
from setpoint.llm.scripted import NoModel
from setpoint.reports import service as reports
from setpoint.reports.citations import evidence_citation
from setpoint.reports.kept_evidence import keep_evidence
from setpoint.reports.performing import Progress, no_progress, perform
from setpoint.reports.synthesis import synthesis
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

SHOWN_TO_MODEL = 24
"""Messages that a model reads beside the numbers of a report, as many of each sender and outcome as there are."""


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
    """Queue, run and keep a report; a failure is kept with its reason before it is raised.

    The workspace's model puts it into words unless `with_model` is false; `port` stands in for that model.
    """
    async with database.tenant(workspace.client_id) as connection:
        run = await reports.queue_run(connection, workspace.client_id, request, engine, author)
    return await carry_out(
        database,
        workspace,
        request,
        run,
        engine=engine,
        snapshot=snapshot,
        progress=progress,
        with_model=with_model,
        port=port,
    )


async def carry_out(
    database: Database,
    workspace: Workspace,
    request: DatasetRequest,
    run: reports.Run,
    *,
    engine: str,
    snapshot: Path | None = None,
    progress: Progress = no_progress,
    with_model: bool = True,
    port: ModelPort | None = None,
) -> dict[str, Any]:
    """Carry out a run that is queued, as `run_report` does. Raises Conflict where somebody else took it up."""
    client_id = workspace.client_id
    try:
        async with database.tenant(client_id) as connection:
            await reports.start_run(connection, client_id, run.id)
        async with open_engine(database, workspace, request.window, engine, snapshot) as opened:
            performed = await perform(opened, request, run, progress)
        if not with_model:
            port = NoModel(TenantLedger(database, client_id))
        elif port is None:
            port = await workspace_model(database, client_id)
        document, evidence = performed.document, dict(performed.evidence)
        shown: list[NamelessEvidence] = []
        if port.settings is not None:
            progress("reading evidence", None)
            drawn = _in_turns(evidence, SHOWN_TO_MODEL)
            async with database.tenant(client_id) as connection:
                shown = await evidence_for_synthesis(connection, client_id, list(drawn), len(drawn), outcomes=drawn)
            # What the model was shown can be looked up by the number under which it may cite it.
            ids = list(drawn)
            evidence |= {
                evidence_citation(one.message): [(ids[one.message - 1], drawn[ids[one.message - 1]])] for one in shown
            }
            progress("asking the model", None)
        document["synthesis"] = await synthesis(port, document, shown, run_id=run.id)
        async with database.tenant(client_id) as connection:
            await reports.complete_run(connection, client_id, run.id, document)
            await keep_evidence(connection, client_id, run.id, evidence)
    except BaseException as error:
        # Where even that cannot be written, what went wrong first is what the user must hear.
        with suppress(SetpointError):
            async with database.tenant(client_id) as connection:
                await reports.fail_run(connection, client_id, run.id, _reason(error))
        raise
    return document


def _in_turns(evidence: Mapping[str, Sequence[tuple[str, str]]], limit: int) -> dict[str, str]:
    """Outcomes by message id, one message of each citation in turn, until there are `limit`."""
    in_turns = chain.from_iterable(zip_longest(*evidence.values()))
    drawn: dict[str, str] = {}
    for one in in_turns:
        if one is not None and len(drawn) < limit:
            drawn.setdefault(*one)
    return drawn


def _reason(error: BaseException) -> str:
    if isinstance(error, SetpointError):
        return error.message
    if isinstance(error, asyncio.CancelledError):
        return "It was stopped before it was done."
    return f"It broke off ({type(error).__name__})."
