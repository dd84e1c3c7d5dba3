"""Runs that wait, workers and the schedule, from the command line."""

import json
import signal
from pathlib import Path
from uuid import UUID

import pytest
from tests.app.console import Console, begin, end
from tests.storage.conftest import run_as_superuser

WINDOW = ["--from", "2026-03-01", "--to", "2026-06-01"]
RUNNING = "UPDATE setpoint.report_runs SET status = 'running', lease = gen_random_uuid(), heartbeat_at = now()"


def test_a_run_is_queued_waits_and_is_carried_out(setpoint: Console, empty: str) -> None:
    answer = setpoint("report", "run", "--workspace", empty, *WINDOW, "--queue", "--no-model")
    run_id = answer.out.strip()
    assert (answer.status, answer.err, str(UUID(run_id))) == (0, "", run_id)
    show = ["report", "show", run_id, "--workspace", empty]

    waiting = setpoint(*show).words
    assert waiting == (
        "This run is queued, and has no report yet: waits for its turn; `setpoint worker` carries out what waits."
    )
    short = setpoint(*show, "--json").json
    assert (short["id"], short["status"], short["progress"]) == (run_id, "queued", None)
    assert setpoint("report", "list", "--workspace", empty, "--json").json["runs"] == [short]
    assert "waits for its turn" in setpoint("report", "list", "--workspace", empty).out

    worked = setpoint("worker", "--once")
    assert (worked.status, worked.out, worked.err) == (0, "", "")
    document = setpoint(*show, "--json").json
    assert (document["id"], document["status"], document["workspace"]) == (run_id, "complete", empty)


def test_a_queued_run_as_json(setpoint: Console, empty: str) -> None:
    options = ["--workspace", empty, *WINDOW, "--channel", "sms", "--engine", "duckdb"]
    queued = setpoint("report", "run", *options, "--queue", "--json").json
    assert (queued["status"], queued["attempt"], queued["failure"]) == ("queued", 0, None)
    assert (queued["parameters"]["channels"], queued["parameters"]["engine"]) == (["sms"], "duckdb")


@pytest.mark.parametrize("option", [["--dry-run"], ["--html", "page.html"]])
def test_what_a_worker_cannot_do_for_you(setpoint: Console, empty: str, option: list[str]) -> None:
    told = setpoint("report", "run", "--workspace", empty, *WINDOW, "--queue", *option).complains(2)
    assert told.startswith("--queue leaves the run to a worker")


def test_what_a_run_is_at_is_shown(setpoint: Console, empty: str, database_url: str, tmp_path: Path) -> None:
    run_id = setpoint("report", "run", "--workspace", empty, *WINDOW, "--queue").out.strip()
    show = ["report", "show", run_id, "--workspace", empty]
    run_as_superuser(database_url, f"{RUNNING}, attempt = 1 WHERE id = '{run_id}'")
    assert setpoint(*show).words == "This run is running, and has no report yet: begun."

    progress = {"step": "hashing the dataset", "rows": 12000, "at": "2026-11-25T12:00:00Z"}
    run_as_superuser(
        database_url, f"{RUNNING}, attempt = 2, progress = '{json.dumps(progress)}' WHERE id = '{run_id}'"
    )
    shown = setpoint(*show).words
    assert shown.endswith("no report yet: hashing the dataset, 12,000 rows; begun for the second time.")
    assert setpoint(*show, "--json").json["progress"] == progress
    page = setpoint(*show, "--html", tmp_path / "page.html")
    assert page.complains(1) == "This run is running: it has no report yet that could be written."


def test_a_run_whose_command_was_killed_is_shown_as_failed(setpoint: Console, empty: str, database_url: str) -> None:
    run_id = setpoint("report", "run", "--workspace", empty, *WINDOW, "--queue").out.strip()
    run_as_superuser(
        database_url,
        f"{RUNNING} - interval '1 minute', in_foreground = true WHERE id = '{run_id}'",
    )
    (run,) = setpoint("report", "list", "--workspace", empty, "--json").json["runs"]
    assert (run["status"], run["failure"]) == ("failed", "It broke off: whoever ran it is gone.")


def test_there_are_only_so_many_queues(setpoint: Console) -> None:
    told = setpoint("worker", "--queues", "reports,letters", "--once").complains(2)
    assert told == "There is no queue 'letters': choose from reports, schedule."


def test_the_schedule_of_a_workspace(setpoint: Console, empty: str) -> None:
    of = ["--workspace", empty]
    assert setpoint("schedule", "show", *of, "--json").json == {
        "workspace": empty,
        "weekly_report": False,
        "since": None,
        "weeks": 12,
    }
    assert f"{empty} has no weekly report" in setpoint("schedule", "show", *of).out
    on = setpoint("schedule", "on", *of, "--weeks", "4").words
    assert on == f"{empty} has a report over the last 4 full weeks every Monday at 05:00 UTC."
    shown = setpoint("schedule", "show", *of, "--json").json
    assert (shown["weekly_report"], shown["weeks"]) == (True, 4)
    assert setpoint("schedule", "on", *of, "--weeks", "0").complains(2) == "--weeks must lie between 1 and 522."
    # It was switched on after last Monday, and so nothing is due.
    due = setpoint("schedule", "run-due", "--json").json
    assert due["due"].endswith("T05:00:00Z")
    assert due["queued"] == []
    assert setpoint("schedule", "off", *of, "--json").json["weekly_report"] is False


def test_what_is_due_is_queued_once(setpoint: Console, empty: str, database_url: str) -> None:
    setpoint("schedule", "on", "--workspace", empty)
    run_as_superuser(
        database_url,
        "UPDATE setpoint.workspace_settings SET weekly_since = weekly_since - interval '8 days' FROM"
        f" setpoint.workspaces WHERE slug = '{empty}' AND workspaces.client_id = workspace_settings.client_id",
    )
    (queued,) = setpoint("schedule", "run-due", "--json").json["queued"]
    assert setpoint("schedule", "run-due").words.startswith("Queued 0 weekly reports of ")
    listed = setpoint("report", "list", "--workspace", empty, "--json").json["runs"]
    assert [(run["id"], run["author"]) for run in listed] == [(queued["id"], "system")]
    setpoint("schedule", "off", "--workspace", empty)


def test_a_worker_works_until_it_is_told_to_stop(database_url: str, tmp_path: Path) -> None:
    process = begin(tmp_path, "worker", "--queues", "reports", SETPOINT_DATABASE_URL=database_url)
    assert process.stderr is not None
    assert process.stderr.readline() == "setpoint: working on reports; Ctrl-C ends it.\n"
    process.send_signal(signal.SIGTERM)
    answer = end(process)
    assert (answer.status, answer.out) == (0, "")
    assert answer.err == "setpoint: stopped; what was not done is in the queue again.\n"
