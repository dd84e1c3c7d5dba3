"""The worker beside the server does what is asked for by the API, and lives as long as the server does."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import httpx
import psutil
import psycopg
import pytest
from tests.app.cli.test_serve import PATIENCE, serving
from tests.app.console import Console
from tests.app.town import by_token

WINDOW = {"from": "2026-03-01", "to": "2026-06-01"}
T = TypeVar("T")


@dataclass(frozen=True)
class Served:
    """A server with its worker, and what to call it with."""

    process: "subprocess.Popen[str]"
    reports: str
    headers: dict[str, str]
    ended: Callable[[], str]

    def ask(self) -> str:
        """Queue a report: its id."""
        queued = httpx.post(self.reports, headers=self.headers, json=WINDOW, timeout=PATIENCE)
        assert queued.status_code == 202, queued.text
        run_id: str = queued.json()["id"]
        return run_id

    def completes(self, run_id: str) -> bool:
        run = httpx.get(f"{self.reports}/{run_id}", headers=self.headers, timeout=PATIENCE).json()
        assert run["status"] != "failed", run
        return bool(run["status"] == "complete")

    def worker(self) -> psutil.Process | None:
        for child in psutil.Process(self.process.pid).children():
            # One that has just died has no command line any more.
            with suppress(psutil.NoSuchProcess):
                if "--with-parent" in child.cmdline():
                    return child
        return None


def until(found: Callable[[], T | None]) -> T:
    """What becomes true of other processes, which tell nobody when it does."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    pytest.fail("It did not come about in time.")


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def served(database_url: str, setpoint: Console, empty: str) -> Iterator[Served]:
    made = setpoint("token", "create", "tests", "--workspace", empty, "--role", "admin", "--json").json
    with serving(database_url) as (process, address, ended):
        yield Served(process, f"{address}/api/v1/workspaces/{empty}/reports", by_token(made["token"]), ended)


def test_the_worker_does_what_is_asked_for_is_replaced_when_it_dies_and_dies_with_the_server(served: Served) -> None:
    first = until(served.worker)
    run_id = served.ask()
    until(lambda: served.completes(run_id))

    first.kill()
    second = until(lambda: (found := served.worker()) and (found if found.pid != first.pid else None))
    again = served.ask()
    until(lambda: served.completes(again))

    # Nobody can tell a server that is killed to end its worker: the worker finds out by itself.
    served.process.kill()
    until(lambda: is_gone(second))


def test_a_run_that_is_under_way_when_the_server_stops_is_queued_again_and_done_by_the_next_worker(
    served: Served, setpoint: Console, empty: str, database_url: str
) -> None:
    # Nobody can end a run while this is locked, and so it is under way when the server is told to stop.
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE setpoint.messages IN ACCESS EXCLUSIVE MODE")
        run_id = served.ask()
        running = b"SELECT status = 'running' FROM setpoint.report_runs WHERE id = %s"
        until(lambda: (connection.execute(running, [run_id]).fetchone() or [False])[0])
        served.process.send_signal(signal.SIGTERM)
        told = served.ended()
    run = setpoint("report", "show", run_id, "--workspace", empty, "--json").json

    assert (served.process.returncode, told.splitlines()[-1]) == (0, "setpoint: Stopped.")
    assert (run["status"], run["attempt"]) == ("queued", 0)
    assert setpoint("worker", "--queues", "reports", "--once").status == 0
    done = setpoint("report", "show", run_id, "--workspace", empty, "--json").json
    assert done["workspace"] == empty
