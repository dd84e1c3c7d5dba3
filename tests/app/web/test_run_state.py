"""What a run that is not complete is said to be at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from setpoint.app.web.run_queries import Around
from setpoint.app.web.run_state import State, besides, duration, state_of
from setpoint.domain.vocabulary import RunStatus
from setpoint.reports.service import Run

ASKED = datetime(2026, 7, 1, 9, tzinfo=UTC)
USUAL = {"attribution_days": 14, "maturity_days": 7, "channels": [], "max_leads": None}


def told(run: Run, seconds: int = 5, *, ahead: int = 0, under_way: bool = False, **options: Any) -> State:
    near = Around(ASKED + timedelta(seconds=seconds), ahead, under_way, options.pop("last_took", None))
    return state_of(run, near, with_words=options.pop("with_words", False), **options)


@pytest.fixture
def queued() -> Run:
    return Run(uuid4(), RunStatus.QUEUED, "ana", ASKED, USUAL)


@pytest.fixture
def running(queued: Run) -> Run:
    return replace(queued, status=RunStatus.RUNNING, started_at=ASKED, heartbeat_at=ASKED, attempt=1)


def test_a_run_that_waits_says_what_for(queued: Run) -> None:
    assert told(queued).told == "It waits for a worker."
    assert told(queued, lives=True).told == "It waits for a worker."
    assert "takes it up as soon as it is free" in told(queued, 60, lives=True).told
    assert "No worker is running" in told(queued, lives=False).told
    assert "no worker may be running" in told(queued, 60).told
    others = told(queued, 60, ahead=2, under_way=True)
    assert others.told == "It waits for 2 runs of this workspace, which are made one after the other."
    assert "No worker is running" in told(queued, ahead=1, lives=False).told
    assert told(queued, 70).elapsed == 70


def test_a_run_under_way_says_its_step_and_rows(running: Run) -> None:
    begun = told(running)
    assert (begun.told, begun.done, len(begun.steps)) == ("Step 1 of 5: label the leads", 0, 5)
    progress = {"step": "hashing the dataset", "rows": 12_000, "at": "2026-07-01T09:00:03Z"}
    shown = told(replace(running, progress=progress), last_took=75, with_words=True)
    assert (shown.told, shown.rows) == ("Step 2 of 7: read the rows and hash them", 12_000)
    assert [step.state for step in shown.steps] == ["done", "now", *["next"] * 5]
    assert shown.steps[1].note == "12,000 rows"
    assert shown.notes == ["The last report here took 1 min 15 s."]


def test_a_step_of_another_version_is_shown_as_it_is(running: Run) -> None:
    shown = told(replace(running, progress={"step": "polishing", "rows": None}))
    assert (shown.told, {step.state for step in shown.steps}) == ("Polishing", {"next"})


def test_a_run_that_is_silent_or_begun_again_says_so(running: Run) -> None:
    again = told(replace(running, attempt=2), 45)
    assert again.notes == [
        "Nothing was heard of it for 45 s: another worker takes it up soon.",
        "It is begun for the second time: it broke off.",
    ]


def test_a_failed_run_says_why_and_how_long_it_ran(running: Run) -> None:
    failed = replace(running, status=RunStatus.FAILED, failure="It broke.", finished_at=ASKED + timedelta(seconds=90))
    assert (told(failed, 4000).told, told(failed, 4000).elapsed) == ("It broke.", 90)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h"), (3900, "1 h 5 min"), (-3, "0 s")],
)
def test_durations_are_said_in_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_what_is_not_usual_is_said_beside_the_window(queued: Run) -> None:
    assert besides(queued) == ""
    asked = {"attribution_days": 1, "maturity_days": 0, "channels": ["sms", "email"], "max_leads": 5000}
    assert besides(replace(queued, parameters=asked, with_model=False)) == (
        "SMS and Email · attribution window 1 day · maturity buffer 0 days · at most 5,000 leads · without a model"
    )
