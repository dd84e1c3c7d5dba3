"""What members ask for, by the API and by the pages alike: a report, a count, an answer, booked conversations."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.app.api.forms import day_cursor, day_of
from setpoint.app.api.problems import absent
from setpoint.app.api.suppression import suppressed_dry_run
from setpoint.app.engines import open_engine
from setpoint.app.runs import queue_report
from setpoint.datasets.service import DatasetRequest, count
from setpoint.domain.errors import Conflict, UsageError
from setpoint.domain.vocabulary import Role, RunStatus
from setpoint.domain.windows import parse_instant
from setpoint.llm.provider import workspace_model
from setpoint.reports.document import counts_document
from setpoint.reports.insights.answers import Asked, ask
from setpoint.reports.insights.sessions import Asker
from setpoint.reports.insights.summaries import BookedSummary, Summarised, list_summaries, summarise_booked
from setpoint.reports.service import Run, latest_complete_run, list_runs
from setpoint.storage.database import Database
from setpoint.tenancy.schemas import Actor
from setpoint.tenancy.service import Workspace

MOST_WAITING: Final = 20
"""Runs of a workspace that may wait at once."""

_NOTHING_TO_ASK: Final = "There is no complete report to ask yet: queue one first."
_NO_SESSION_OR_RUN: Final = "There is no such session or report run in this workspace."
_NO_RUN: Final = "There is no such report run in this workspace."


async def queue_for(
    database: Database, actor: Actor, request: DatasetRequest, *, engine: str = "postgres", with_model: bool = True
) -> Run:
    """Queue a report for a member. Raises Conflict where MOST_WAITING runs of the workspace wait already."""
    async with database.tenant(actor.client_id) as connection:
        latest = await list_runs(connection, actor.client_id, MOST_WAITING * 2)
    if sum(run.status is RunStatus.QUEUED for run in latest) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} runs of this workspace are waiting already: let some of them end first.")
    workspace = Workspace(actor.client_id, actor.workspace)
    return await queue_report(database, workspace, request, engine=engine, author=actor.name, with_model=with_model)


async def dry_run_for(database: Database, actor: Actor, request: DatasetRequest) -> dict[str, Any]:
    """Count what a report would be made of; nothing is kept. Setters get the totals, small ones as None."""
    workspace = Workspace(actor.client_id, actor.workspace)
    async with open_engine(database, workspace, request.window, "postgres") as engine:
        document = counts_document(request, await count(engine, request))
    return document if actor.role is Role.ADMIN else suppressed_dry_run(document)


def asker_of(actor: Actor) -> Asker:
    """Whoever asks, as sessions know them."""
    return Asker(actor.name, actor.role)


async def latest_report(connection: AsyncConnection, client_id: int) -> str:
    """The id of the latest complete run. Raises NotFound where there is none."""
    with absent(_NOTHING_TO_ASK):
        return str(await latest_complete_run(connection, client_id))


async def ask_for(
    database: Database, actor: Actor, question: str, *, run: str | None = None, session: str | None = None
) -> Asked:
    """Answer a member's question: in a session, or in a new one about `run` or the latest complete report.

    It waits for the workspace's model, where it has one. Raises what `ask` raises, and UsageError where both are
    given.
    """
    if run is not None and session is not None:
        raise UsageError("run begins a session and session goes on in one: leave one of them out.")
    if run is None and session is None:
        async with database.tenant(actor.client_id) as connection:
            run = await latest_report(connection, actor.client_id)
    port = await workspace_model(database, actor.client_id)
    with absent(_NO_SESSION_OR_RUN):
        return await ask(database, actor.client_id, port, asker_of(actor), question, run_id=run, session_id=session)


async def booked_page(
    connection: AsyncConnection,
    actor: Actor,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    cursor: str | None = None,
    limit: int,
) -> tuple[list[BookedSummary], str | None]:
    """Booked conversations in short, the latest booking first, and the cursor of what follows them.

    Without lead ids for setters. Raises UsageError where the cursor is none of ours.
    """
    left_off = day_of(cursor)
    skipped = 0
    if left_off is not None:
        # By days, because the instant of a booking is more than setters are told.
        day, skipped = left_off
        try:
            behind = parse_instant((day + timedelta(days=1)).isoformat(), "--to")
        except OverflowError:
            raise UsageError("cursor is none of ours: take next_cursor of the page before.") from None
        end = behind if end is None else min(end, behind)
    found = await list_summaries(
        connection, actor.client_id, actor.role, start=start, end=end, limit=skipped + limit + 1
    )
    shown = found[skipped : skipped + limit]
    if len(found) <= skipped + limit:
        return shown, None
    last = shown[-1].booked_on
    return shown, day_cursor(last, sum(each.booked_on == last for each in found[: skipped + limit]))


async def summarise_for(
    database: Database, actor: Actor, *, run: str | None = None, limit: int = 20, again: bool = False
) -> Summarised:
    """Sum up conversations that booked in `run` or the latest complete report, a few at a time.

    Raises what `summarise_booked` raises.
    """
    if run is None:
        async with database.tenant(actor.client_id) as connection:
            run = await latest_report(connection, actor.client_id)
    port = await workspace_model(database, actor.client_id)
    with absent(_NO_RUN):
        return await summarise_booked(database, actor.client_id, actor.workspace, port, run, limit=limit, again=again)
