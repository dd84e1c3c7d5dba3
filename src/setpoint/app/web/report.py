"""One report run."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from setpoint.app.api.reports import run_of
from setpoint.app.http.actors import PageActor
from setpoint.app.http.state import service_of
from setpoint.app.web.run_state import run_state_page

router = APIRouter()


@router.get("/w/{workspace}/reports/{run}")
async def report(request: Request, actor: PageActor, run: str) -> Response:
    """A report, or what its run is at."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await run_of(connection, actor, run)
    return await run_state_page(request, actor, found)
