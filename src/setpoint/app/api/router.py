"""The routes of the API, below /api/v1."""

from typing import Final

from fastapi import APIRouter

from setpoint.app.api import account, calls, dataset, imports, insights, models, people, reports

TAGS: Final = [
    {"name": "reports", "description": "Report runs: queue and read them, and what they rest on."},
    {"name": "dataset", "description": "The labelled rows, for admins."},
    {"name": "imports", "description": "Leads, messages, appointments, campaigns and drafts, in batches."},
    {"name": "insights", "description": "Questions about reports, and booked conversations in short."},
    {"name": "people", "description": "Members, invitations and API tokens, for admins in person."},
    {"name": "account", "description": "The account of whoever is signed in, by their session."},
    {"name": "model", "description": "The language model of the workspace, and what it took."},
]

_of_workspaces = APIRouter(prefix="/workspaces/{workspace}")
for _routes in (reports, dataset, imports, insights, people, models, calls):
    _of_workspaces.include_router(_routes.router)

api_router = APIRouter()
api_router.include_router(_of_workspaces)
# A person belongs to no workspace.
api_router.include_router(account.router)
