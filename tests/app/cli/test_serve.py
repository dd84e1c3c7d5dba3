"""`setpoint serve` as a user runs it: on an address of its own, until it is asked to stop."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from tests.app.console import SCRIPT, Console

from setpoint.app.cli.serve import listen, run_server

PATIENCE = 300.0


@contextmanager
def serving(database_url: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], str, Callable[[], str]]]:
    """A server on the session's database, the address that it told, and what it tells until it has ended.

    Its log is read all the while: a pipe that is full would keep it waiting.
    """
    told: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "serve", "--port", "0", *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SETPOINT_DATABASE_URL": database_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        reading = threading.Thread(target=told.extend, args=(process.stderr,))

        def ended() -> str:
            process.wait(timeout=PATIENCE)
            reading.join()
            return "".join(told)

        try:
            for line in process.stderr:
                found = re.search(r"http://\S+:\d+", line)
                if found:
                    break
            else:
                pytest.fail("It ended without an address.")
            reading.start()
            yield process, found[0], ended
        finally:
            process.kill()
            if reading.is_alive():
                reading.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_where_it_says_and_stops_when_it_is_asked_to(
    database_url: str, setpoint: Console, number: signal.Signals
) -> None:
    with serving(database_url) as (process, address, ended):
        well = httpx.get(f"{address}/healthz")
        ready = httpx.get(f"{address}/readyz")
        absent = httpx.get(f"{address}/api/v1/workspaces/x/reports")
        process.send_signal(number)
        err = ended()

    assert [well.status_code, ready.status_code, absent.status_code] == [200, 200, 401]
    assert "server" not in well.headers
    assert process.returncode == 0
    assert err.splitlines()[-1] == "setpoint: Stopped."
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_who_asks_twice_does_not_kill_what_cleans_up(number: signal.Signals) -> None:
    loop = asyncio.get_running_loop()
    asked = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    # The tests may run where they are ignored, as under nohup.
    before = [signal.signal(each, signal.SIG_DFL) for each in asked]
    try:
        with listen("127.0.0.1", 0) as listening:
            await run_server(FastAPI(), listening, began=lambda _: signal.raise_signal(number))
        assert signal.getsignal(number) not in (signal.SIG_DFL, signal.default_int_handler)
        signal.raise_signal(number)
        await asyncio.sleep(0)
    finally:
        for each, handler in zip(asked, before, strict=True):
            loop.remove_signal_handler(each)
            signal.signal(each, handler)


def test_a_port_that_is_taken_is_told(setpoint: Console, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = setpoint("serve", "--port", str(taken.getsockname()[1]), "--data-dir", tmp_path)

    assert "(Address already in use): take another with --host or --port" in answer.complains(2)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_is_none_stops_the_start(setpoint: Console) -> None:
    answer = setpoint("serve", "--port", "0", CRON_SECRET="None")

    assert answer.complains(2).startswith("CRON_SECRET is no secret")
