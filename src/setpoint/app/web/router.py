"""All pages."""

from fastapi import Depends, FastAPI

from setpoint.app.http.actors import require_csrf
from setpoint.app.web import ask, booked, entry, evidence, report, run_state, runs, static
from setpoint.app.web.pages import error_page

# `reports/new` stands before `reports/{run}`, which would take it for a run's id.
PAGES = (
    entry.router,
    runs.router,
    run_state.router,
    evidence.router,
    report.router,
    booked.router,
    ask.router,
)
"""The routers of the pages; each is named here once."""

_MOST_BYTES = 1 << 20


def install(app: FastAPI) -> None:
    """Put the pages into the application."""
    app.state.error_page = error_page
    app.include_router(static.router)
    for router in PAGES:
        app.include_router(router, dependencies=[Depends(require_csrf)], include_in_schema=False)
