"""What an outside scheduler calls. Nobody is let in without the secret, and nothing is looked at before it."""

import hashlib
import hmac
import math
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from setpoint.app.breaker import Resting
from setpoint.app.http.errors import Problem, render
from setpoint.app.http.state import service_of
from setpoint.app.rounds import Job, Rounds

CRON: Final = "/api/cron"
HEADER: Final = "X-Cron-Secret"
# A GET that does something is for no page and no cache: nobody gets here without the secret.
_METHODS: Final = ["GET", "POST"]
_MOST_BYTES: Final = 1 << 20

router = APIRouter(prefix="/insights")


class Done(BaseModel):
    """What a call did, in numbers. `remains` says that another call finds work at once."""

    job: Job
    workspaces: int
    made: int
    failed: dict[str, int]
    remains: bool


@router.api_route("/message-performance", methods=_METHODS)
async def queue_weekly_reports(request: Request) -> Done:
    """Queue the weekly reports that are due and not on record yet."""
    return await _go(request, Job.MESSAGE_PERFORMANCE)


@router.api_route("/message-performance-eval", methods=_METHODS)
async def evaluate_messages(request: Request) -> Response:
    """What judges messages is not there yet."""
    problem = Problem(
        501, "not_implemented", "Setpoint does not evaluate messages yet: take this out of the schedule."
    )
    return await render(request, problem)


@router.api_route("/booked-summaries", methods=_METHODS)
async def summarise_booked_conversations(request: Request) -> Done:
    """Sum up conversations that booked in the latest complete reports."""
    return await _go(request, Job.BOOKED_SUMMARIES)


@router.api_route("/context-packs", methods=_METHODS)
async def make_context_packs(request: Request) -> Done:
    """Make the packs of the latest complete reports that have none."""
    return await _go(request, Job.CONTEXT_PACKS)


async def _go(request: Request, job: Job) -> Done:
    service = service_of(request)
    rounds: Rounds = request.app.state.rounds
    config = service.config
    done = await rounds.go(job, service.clock(), seconds=config.cron_seconds, batch=config.cron_batch)
    return Done(**{name: getattr(done, name) for name in Done.model_fields})


def install(app: FastAPI) -> None:
    """Put the routes behind the gate. They are in no document: their callers have no role in any workspace."""

    async def resting(request: Request, error: Exception) -> Response:
        if not isinstance(error, Resting):
            raise error
        headers = {"Retry-After": str(math.ceil(error.seconds))}
        return await render(request, Problem(503, error.code, error.message, headers=headers))

    app.add_exception_handler(Resting, resting)
    app.add_middleware(Gate)
    app.include_router(router, prefix=CRON, include_in_schema=False, max_body_size=_MOST_BYTES)


class Gate:
    """Checks the secret of whatever is below /api/cron, before its path, body and anything behind it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] + "/").startswith(CRON + "/"):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        secrets = service_of(request).config.cron_secrets
        if secrets and holds_secret(request.headers, secrets):
            scope.setdefault("state", {})["actor_kind"] = "cron"
            await self._app(scope, receive, send)
            return
        response = await render(request, _WRONG if secrets else _OFF)
        await response(scope, receive, send)


_OFF: Final = Problem(503, "not_configured", "No outside schedule may call here: set CRON_SECRET to let one in.")
_WRONG: Final = Problem(
    401,
    "not_signed_in",
    f"Send the secret of CRON_SECRET: Authorization: Bearer ..., or {HEADER}: ...",
    headers={"WWW-Authenticate": 'Bearer realm="setpoint cron"'},
)


def holds_secret(headers: Headers, secrets: tuple[str, ...]) -> bool:
    """Whether one of the secrets was sent, as bearer or in a header of its own; it takes as long either way."""
    scheme, _, bearer = headers.get("Authorization", "").partition(" ")
    sent = [headers.get(HEADER, ""), bearer.strip() if scheme.lower() == "bearer" else ""]
    matches = [hmac.compare_digest(_digest(each), _digest(secret)) for each in sent for secret in secrets]
    return any(matches)


def _digest(word: str) -> bytes:
    # Of equal length, so that not even the length of a secret shows.
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
