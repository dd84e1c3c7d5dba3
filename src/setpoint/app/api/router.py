"""The routes of the API, below /api/v1."""

from typing import Final

from fastapi import APIRouter

from setpoint.app.api import calls, dataset, imports, insights, models, people, reports

TAGS: Final = [
    {"name": "reports", "description": "Report runs: queue and read them, and what they rest on."},
    {"name": "dataset", "description": "The labelled rows, for admins."},
    {"name": "imports", "description": "Leads, messages, appointments, campaigns and drafts, in batches."},
    {"name": "insights", "description": "Questions about reports, and booked conversations in short."},
    {"name": "people", "description": "Members, invitations and API tokens, for admins in person."},
    {"name": "model", "description": "The language model of the workspace, and what it took."},
]

api_router = APIRouter(prefix="/workspaces/{workspace}")
for _routes in (reports, dataset, imports, insights, people, models, calls):
    api_router.include_router(_routes.router)
