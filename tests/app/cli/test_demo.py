"""From nothing to a report and its pages, and the same once more."""

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from tests.app.conftest import LEADS, Demo
from tests.app.console import Console, begin, server_runs

from setpoint.app.cli.demo import MAX_LEADS, has_browser, listen_near
from setpoint.domain.errors import UsageError
from setpoint.samples.service import DEFAULT_LEADS, DEFAULT_SEED, MIN_LEADS


def hash_of(report: str) -> str:
    found = re.search(r"Dataset SHA-256 ([0-9a-f]{64})\n", report)
    assert found
    return found[1]


def test_one_command_ends_with_a_report_and_its_page(demo: Demo) -> None:
    page = demo.data_dir / "reports" / f"{demo.workspace}.html"

    assert demo.answer.status == 0
    assert demo.answer.out.startswith(f"Which messages book meetings: {demo.workspace}\n")
    assert demo.answer.out.endswith(f"The same report as a page: {page}\n")
    assert re.fullmatch(
        rf"Sample workspace {demo.workspace}: {LEADS} leads, [12],\d{{3}} messages, \d+ appointments\.\n\n"
        r"setpoint: This is no terminal: the demo ends here\..+\n",
        demo.answer.err,
    )
    assert hash_of(demo.answer.out) in page.read_text()
    assert not server_runs(demo.data_dir)


def test_the_same_demo_again_at_a_terminal_gives_the_same_report_and_serves_its_pages(demo: Demo) -> None:
    page = demo.data_dir / "reports" / "mine.html"
    with at_terminal(demo, "--port", "0", "--no-browser", "--html", page) as (process, shown):
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"with one click: (http://127\.0\.0\.1:\d+)(/sign-in\S+)", line):
                break
        else:
            pytest.fail("It ended without an address.")
        with httpx.Client(base_url=found[1]) as http:
            form = http.get(found[2])
            proof = re.search(r'name="csrf" value="([0-9a-f]+)"', form.text)
            assert proof is not None
            came = http.post("/sign-in/demo", data={"csrf": proof[1], "role": "admin"})
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    report = "".join(shown)

    assert hash_of(report) == hash_of(demo.answer.out)
    assert report.endswith(f"The same report as a page: {page}\n")
    assert came.headers["Location"] == f"/w/{demo.workspace}"
    assert (process.returncode, err.splitlines()[-1]) == (0, "setpoint: Stopped.")
    assert "run the command again" not in err
    assert not server_runs(demo.data_dir)


@contextmanager
def at_terminal(demo: Demo, *options: str | Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The demo with a terminal on standard output, and what it showed there, complete at the end."""
    ours, theirs = os.openpty()
    shown: list[str] = []

    def read() -> None:
        # On Linux, the end of a terminal that nobody has open any longer is an error.
        with open(ours, encoding="utf-8") as lines, suppress(OSError):
            shown.extend(lines)

    reading = threading.Thread(target=read)
    with open(theirs, "w") as stdout:
        process = begin(
            demo.data_dir, "demo", "--leads", str(LEADS), *options, stdout=stdout, TERM="dumb", NO_COLOR="1"
        )
    reading.start()
    try:
        yield process, shown
    finally:
        process.kill()
        process.communicate()
        reading.join()


def test_the_help_tells_the_sizes_that_there_are() -> None:
    words = Console({})("demo", "--help").words

    assert f"{MIN_LEADS:,} to {MAX_LEADS:,}; default: {DEFAULT_LEADS:,}." in words
    assert f"default: {DEFAULT_SEED}." in words


def test_the_next_free_port_is_taken() -> None:
    with ExitStack() as stack:
        taken = listen_near(0, stack).getsockname()[1]
        port = listen_near(taken, stack).getsockname()[1]

    assert taken < port < taken + 20


def test_no_free_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise OSError("in use")

    monkeypatch.setattr(socket, "create_server", refuse)
    with ExitStack() as stack, pytest.raises(UsageError, match="take another with --port"):
        listen_near(8000, stack)


@pytest.mark.parametrize(
    ("platform", "environment", "there"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
    ],
)
def test_a_browser_is_opened_where_there_is_a_window_for_it(
    platform: str, environment: dict[str, str], there: bool
) -> None:
    assert has_browser(platform, environment) is there
