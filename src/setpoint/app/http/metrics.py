"""`/metrics`, for Prometheus: open to this machine or, where a token is set, to whoever has it."""

import asyncio
import hmac
from typing import Final

from fastapi import FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from starlette.responses import PlainTextResponse, Response

from setpoint.app.http.actors import is_loopback
from setpoint.app.http.figures import text_of
from setpoint.app.http.state import service_of
from setpoint.domain.errors import DatabaseUnavailable
from setpoint.jobs.figures import Figures, service_figures
from setpoint.storage.database import Database

SCRAPE_SECONDS: Final = 2.0
"""How long a scrape waits for the database. What it has to say of itself does not depend on it."""


def install(app: FastAPI) -> None:
    """Let the application tell its figures."""

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        """The figures of this process and of the queue, in Prometheus' format."""
        service = service_of(request)
        token = service.config.metrics_token
        if token is None and not is_loopback(request):
            return PlainTextResponse("Figures are for this machine only; SETPOINT_METRICS_TOKEN opens them.\n", 404)
        if token is not None and not _holds(request, token):
            refused = {"WWW-Authenticate": 'Bearer realm="setpoint metrics"'}
            return PlainTextResponse("Send the token of SETPOINT_METRICS_TOKEN as bearer.\n", 401, headers=refused)
        told = text_of(service.database, await figures_of(service.database))
        return Response(service.metrics.text() + told, media_type=CONTENT_TYPE_LATEST)


def _holds(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


async def figures_of(database: Database) -> Figures | None:
    """What the database says in a short time; None where it does not."""
    try:
        async with asyncio.timeout(SCRAPE_SECONDS), database.registry() as connection:
            limit = {"limit": f"{int(SCRAPE_SECONDS * 1000)}ms"}
            await connection.execute(text("SELECT set_config('statement_timeout', :limit, true)"), limit)
            return await service_figures(connection)
    except (DatabaseUnavailable, TimeoutError):
        return None
