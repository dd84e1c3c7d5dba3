"""A run that is not complete: what it is at, or why it failed, as page, as fragment and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from setpoint.app.api.reports import run_of
from setpoint.app.http.actors import PageActor
from setpoint.app.http.state import service_of
from setpoint.app.web.pages import environment, page
from setpoint.app.web.run_form import fields_of
from setpoint.app.web.run_queries import Around, around, worker_lives
from setpoint.domain.vocabulary import RunStatus
from setpoint.domain.windows import DEFAULT_ATTRIBUTION_DAYS, DEFAULT_MATURITY_DAYS
from setpoint.llm.queries import read_settings
from setpoint.reports.definitions import CHANNEL_LABELS
from setpoint.reports.presentation import count_text, label_of, listed
from setpoint.reports.run_rules import LEASE, MAX_ATTEMPTS
from setpoint.reports.service import Run
from setpoint.tenancy.schemas import Actor

router = APIRouter()

_STEPS: Final = (
    ("labelling leads", "Label the leads"),
    ("hashing the dataset", "Read the rows and hash them"),
    ("comparing setter and AI", "Compare setters and AI"),
    ("measuring time to booking", "Measure time to booking"),
    ("looking for patterns", "Look for patterns"),
)
_STEPS_OF_MODEL: Final = (
    ("reading evidence", "Read messages for the model"),
    ("asking the model", "Let the model put it into words"),
)
_PATIENCE: Final = 15
"""Seconds that a run waits before we ask whether anybody is there."""
_ORDINALS: Final = ("first", "second", "third")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run: `done`, `now` or `next`, and what is told of it while it is under way."""

    label: str
    state: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What a run is at, in words. `elapsed` is in seconds: since it was begun, or asked for while it waits."""

    status: RunStatus
    told: str
    notes: Sequence[str]
    steps: Sequence[Step]
    elapsed: int
    done: int
    rows: int | None


def state_of(run: Run, near: Around, *, with_words: bool, lives: bool | None = None) -> State:
    """Put a run into words. `with_words` says whether a model will be asked; `lives` whether there is a worker."""
    if run.status is RunStatus.RUNNING:
        return _running(run, near, with_words)
    if run.status is RunStatus.QUEUED:
        elapsed = _seconds(run.created_at, near.at)
        return State(run.status, _waits(run, near, elapsed, lives), _last(near), (), elapsed, 0, None)
    told = run.failure or "" if run.status is RunStatus.FAILED else "The report is complete."
    elapsed = _seconds(run.started_at or run.created_at, run.finished_at or near.at)
    return State(run.status, told, (), (), elapsed, 0, None)


def _waits(run: Run, near: Around, elapsed: int, lives: bool | None) -> str:
    if near.ahead:
        others = "1 run" if near.ahead == 1 else f"{count_text(near.ahead)} runs"
        told = f"It waits for {others} of this workspace, which are made one after the other."
        if near.under_way:
            return told
    else:
        told = (
            "It waits for a worker." if run.attempt == 0 else "It broke off and waits for a worker to begin it again."
        )
    if lives is False:
        return f"{told} No worker is running: whoever runs Setpoint starts one with the command setpoint worker."
    if lives is None and elapsed > _PATIENCE:
        return f"{told} Should it stay so, no worker may be running: the command setpoint worker starts one."
    return f"{told} One is running, and takes it up as soon as it is free." if lives and elapsed > _PATIENCE else told


def _running(run: Run, near: Around, with_words: bool) -> State:
    steps = _STEPS + (_STEPS_OF_MODEL if with_words else ())
    name = str(run.progress["step"]) if run.progress else steps[0][0]
    rows = run.progress["rows"] if run.progress else None
    names = [key for key, _ in steps]
    at = names.index(name) if name in names else -1
    note = f"{count_text(rows)} rows" if rows is not None else ""
    shown = [
        Step(label, "done" if place < at else "now" if place == at else "next", note if place == at else "")
        for place, (_, label) in enumerate(steps)
    ]
    told = (
        f"Step {at + 1} of {len(steps)}: {steps[at][1][0].lower()}{steps[at][1][1:]}"
        if at >= 0
        else name.capitalize()
    )
    notes = _last(near)
    if run.attempt > 1:
        notes = [f"It is begun for the {_ORDINALS[min(run.attempt, MAX_ATTEMPTS) - 1]} time: it broke off.", *notes]
    silent = _seconds(run.heartbeat_at, near.at) if run.heartbeat_at else 0
    if silent > LEASE.seconds:
        notes = [f"Nothing was heard of it for {duration(silent)}: another worker takes it up soon.", *notes]
    elapsed = _seconds(run.started_at or run.created_at, near.at)
    return State(run.status, told, notes, shown, elapsed, max(at, 0), rows)


def _last(near: Around) -> list[str]:
    return [] if near.last_took is None else [f"The last report here took {duration(near.last_took)}."]


def _seconds(since: datetime, until: datetime) -> int:
    return max(0, int((until - since).total_seconds()))


def duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `1 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def besides(run: Run) -> str:
    """What a run was asked for besides its window, where it is not what is usual."""
    asked = run.parameters
    parts = (
        [listed([label_of(CHANNEL_LABELS, channel) for channel in asked["channels"]])] if asked["channels"] else []
    )
    for name, usual, words in (
        ("attribution_days", DEFAULT_ATTRIBUTION_DAYS, "attribution window"),
        ("maturity_days", DEFAULT_MATURITY_DAYS, "maturity buffer"),
    ):
        if asked[name] != usual:
            parts.append(f"{words} {count_text(asked[name])} {'day' if asked[name] == 1 else 'days'}")
    if asked["max_leads"] is not None:
        parts.append(f"at most {count_text(asked['max_leads'])} leads")
    if not run.with_model:
        parts.append("without a model")
    return " · ".join(parts)


async def present_state(request: Request, actor: Actor, run: Run) -> State:
    """What a run of the actor's workspace is at."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        near = await around(connection, actor.client_id, run)
        settings = await read_settings(connection, actor.client_id) if run.with_model else None
    lives = None
    if run.status is RunStatus.QUEUED and not near.under_way:
        lives = await worker_lives(service.database)
    return state_of(run, near, with_words=settings is not None, lives=lives)


async def run_state_page(request: Request, actor: Actor, run: Run) -> Response:
    """The page of a run that has no report: for the handler of its address."""
    state = await present_state(request, actor, run)
    return page(
        request,
        "run_state.html.j2",
        actor=actor,
        here="reports",
        run=run,
        state=state,
        fields=fields_of(run),
        duration=duration,
        besides=besides,
    )


@router.get("/w/{workspace}/reports/{run}/state")
async def run_state(request: Request, actor: PageActor, run: str) -> Response:
    """What a run is at, as a fragment of its page; as JSON where that is asked for."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        found = await run_of(connection, actor, run)
    state = await present_state(request, actor, found)
    if "application/json" in request.headers.get("Accept", ""):
        return JSONResponse(_document(state))
    drawn = environment().get_template("run_state_part.html.j2").render(state=state, duration=duration)
    return HTMLResponse(drawn)


def _document(state: State) -> dict[str, Any]:
    return {
        "status": state.status.value,
        "told": state.told,
        "notes": list(state.notes),
        "steps": [asdict(step) for step in state.steps],
        "rows": state.rows,
        "elapsed_seconds": state.elapsed,
    }
