"""Conversations that booked, in short."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from setpoint.app.api.problems import absent
from setpoint.app.asking import booked_page, summarise_for
from setpoint.app.http.actors import PageActor, PageAdmin
from setpoint.app.http.state import service_of
from setpoint.app.web.pages import go_to, page
from setpoint.reports.definitions import CHANNEL_LABELS, SENDER_LABELS
from setpoint.reports.insights.summaries import booked_conversation
from setpoint.reports.presentation import label_of

router = APIRouter()

ON_A_PAGE: Final = 20
_AT_ONCE: Final = 20
_NO_SUMMARY: Final = "There is no summary of such a lead in this workspace."


@router.get("/w/{workspace}/ask/booked")
async def booked(
    request: Request,
    actor: PageActor,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    made: Annotated[int | None, Query(ge=0, le=10_000)] = None,
    left: Annotated[int, Query(ge=0, le=10**9)] = 0,
    stopped: str = "",
) -> Response:
    """The summaries, the latest booking first; without leads for setters."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        summaries, older = await booked_page(connection, actor, cursor=cursor, limit=ON_A_PAGE)
    return page(
        request,
        "booked.html.j2",
        actor=actor,
        here="ask",
        summaries=summaries,
        older=older,
        is_first=cursor is None,
        made=made,
        left=left,
        stopped=bool(stopped),
        at_once=_AT_ONCE,
    )


@router.post("/w/{workspace}/ask/booked")
async def summarise(request: Request, actor: PageAdmin) -> Response:
    """Sum up the next conversations of the latest report, for admins."""
    done = await summarise_for(service_of(request).database, actor, limit=_AT_ONCE)
    told = f"made={done.made}&left={done.left}{'&stopped=yes' if done.stopped else ''}"
    return go_to(f"/w/{actor.workspace}/ask/booked?{told}")


@router.get("/w/{workspace}/ask/booked/conversation")
async def conversation(request: Request, actor: PageAdmin, lead: Annotated[str, Query(max_length=600)]) -> Response:
    """The last messages before a booking, redacted, the oldest first, for admins."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        with absent(_NO_SUMMARY):
            held = await booked_conversation(connection, actor.client_id, actor.role, lead)
    return page(
        request,
        "booked_conversation.html.j2",
        actor=actor,
        here="ask",
        lead=lead,
        held=held,
        channels=CHANNEL_LABELS,
        senders={**SENDER_LABELS, "lead": "Lead"},
        label_of=label_of,
    )
