"""The application: the API under /api/v1, the pages where they are installed, and whether it is well."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from fastapi import FastAPI

from setpoint import __version__
from setpoint.app.api import cron, document
from setpoint.app.api.router import api_router
from setpoint.app.http import errors, metrics
from setpoint.app.http.config import HttpConfig
from setpoint.app.http.edge import Edge
from setpoint.app.http.state import Service, json_log, utc_now
from setpoint.app.rounds import Rounds
from setpoint.storage.database import Database

API: Final = "/api/v1"
_MOST_BYTES: Final = 1 << 20
_PAGES: Final = "setpoint.app.web"


def create_app(
    database: Database,
    config: HttpConfig,
    *,
    clock: Callable[[], datetime] = utc_now,
    log: Any = None,
) -> FastAPI:
    """The application over a database that is ready for use. Everything it works with is in `app.state.service`.

    Report runs are put into the queue, for workers. Where there are pages, their module
    `setpoint.app.web.router` has `install(app)`, which includes their routes, each with the `max_body_size` that it
    needs, and sets `app.state.error_page`.
    """
    service = Service(
        database=database,
        config=config,
        clock=clock,
        log=json_log() if log is None else log,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.log.info("started", version=__version__)
        try:
            yield
        finally:
            service.log.info("stopped")

    app = FastAPI(
        title="Setpoint",
        summary="Which of your messages book meetings, setter against AI, and what to change because of it.",
        version=__version__,
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        # They load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.service = service
    app.state.error_page = None
    app.state.rounds = Rounds(database)
    errors.install(app)
    document.install(app)
    cron.install(app)
    app.add_middleware(Edge)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> dict[str, str]:
        """Whether it can do its work: the database answers, and has the schema that this version needs."""
        await database.check_revision()
        return {"status": "ready"}

    metrics.install(app)
    app.include_router(api_router, prefix=API, max_body_size=_MOST_BYTES)
    if find_spec(_PAGES) is not None:
        import_module(f"{_PAGES}.router").install(app)
    return app
