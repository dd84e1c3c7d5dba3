"""The routes of the API, below /api/v1."""

from typing import Final

from fastapi import APIRouter

TAGS: Final = [{"name": "reports", "description": "Report runs: queue, read, and what they rest on."}]

api_router = APIRouter(prefix="/workspaces/{workspace}")
