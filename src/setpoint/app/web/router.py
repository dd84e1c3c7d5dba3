"""All pages."""

from fastapi import Depends, FastAPI

from setpoint.app.http.actors import page_admin, require_csrf
from setpoint.app.web import (
    account,
    ask,
    booked,
    calls,
    demo,
    entry,
    evidence,
    imports,
    overview,
    people,
    provider,
    report,
    run_state,
    runs,
    settings,
    static,
)
from setpoint.app.web.pages import error_page

# `reports/new` stands before `reports/{run}`, which would take it for a run's id.
PAGES = (
    entry.router,
    provider.router,
    account.router,
    demo.router,
    overview.router,
    runs.router,
    run_state.router,
    evidence.router,
    report.router,
    booked.router,
    ask.router,
    settings.router,
    people.router,
    imports.router,
    imports.uploads,
    calls.router,
)
"""The routers of the pages; each is named here once."""
_FOR_ADMINS = (imports.uploads,)

_MOST_BYTES = 1 << 20


def install(app: FastAPI) -> None:
    """Put the pages into the application."""
    app.state.error_page = error_page
    app.include_router(static.router)
    for router in PAGES:
        checks = [Depends(require_csrf)]
        if router in _FOR_ADMINS:
            # The proof stands in the form, and a form with a file is only read for whom it is meant for.
            checks.insert(0, Depends(page_admin))
        app.include_router(router, dependencies=checks, include_in_schema=False, max_body_size=_MOST_BYTES)
