"""What the commands share: words, files, and how work is ended."""

import asyncio
import io
import json
import os
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from setpoint.app.cli import common
from setpoint.app.cli.common import Stopped, check_target, print_json, progress_bar, run_async, say, write_whole
from setpoint.domain.errors import UsageError


def test_a_message_is_one_line_whatever_it_quotes() -> None:
    with redirect_stderr(io.StringIO()) as err:
        say("a\nb\x1b[31m [red]c[/red] " + "long " * 100)

    (line,) = err.getvalue().splitlines()
    assert line.startswith("setpoint: a\ufffdb\ufffd[31m [red]c[/red] long")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_is_json_in_every_encoding_of_the_terminal(encoding: str) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding)
    with redirect_stdout(out):
        print_json({"name": "José 🎲"})

    out.seek(0)
    assert json.loads(out.read()) == {"name": "José 🎲"}


def test_nobody_watches_a_progress_bar_that_is_no_terminal() -> None:
    with redirect_stderr(io.StringIO()) as err, progress_bar() as bar:
        bar.update(bar.add_task("reading", total=1.0), completed=0.5)

    assert err.getvalue() == ""


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("before")

    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half of it \udc80")
    assert path.read_text() == "before"
    write_whole(path, "after")

    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_takes_no_file_is_refused_by_its_name(tmp_path: Path) -> None:
    pipe, folder, file = tmp_path / "pipe", tmp_path / "folder", tmp_path / "file"
    os.mkfifo(pipe)
    folder.mkdir()
    file.touch()
    too_long = tmp_path / ("x" * 300)

    for path in (pipe, folder, file / "below", tmp_path / "missing" / "file", too_long):
        with pytest.raises(UsageError, match=r"^--out /.* (is no file|cannot be written: .*)"):
            check_target(path, "--out")
    for path in (file, tmp_path / "new"):
        check_target(path, "--out")

    assert sorted(tmp_path.iterdir()) == [file, folder, pipe]


def test_no_file_takes_the_place_of_what_the_command_prints_to(tmp_path: Path) -> None:
    for descriptor in (1, 2):
        link = tmp_path / str(descriptor)
        link.symlink_to(f"/dev/fd/{descriptor}")
        with pytest.raises(UsageError, match=r"is where this command prints to|is no file"):
            check_target(link, "--out")
        assert link.is_symlink()


async def ended_by(number: signal.Signals, cleaned: list[str]) -> None:
    os.kill(os.getpid(), number)
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0)
        cleaned.append("cleaned")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_work_once_it_has_cleaned_up(number: signal.Signals) -> None:
    cleaned: list[str] = []

    # Whoever started the tests may have had it ignored.
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    try:
        with pytest.raises(Stopped) as stopped:
            run_async(ended_by(number, cleaned))
    finally:
        signal.signal(number, before)

    assert stopped.value.exit_status == 128 + number
    assert cleaned == ["cleaned"]


def test_what_breaks_while_the_work_is_ended_is_no_news() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(60)
        finally:
            raise ZeroDivisionError

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(Stopped):
            run_async(work())
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_that_is_to_be_ignored_is_ignored() -> None:
    async def work() -> str:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.01)
        return "done"

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run_async(work()) == "done"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signals_are_as_they_were_when_the_work_is_over() -> None:
    async def work() -> int:
        return 7

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert run_async(work()) == 7

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_an_error_of_the_work_stays_what_it_is() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_async(work())


def test_whoever_has_no_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nameless)

    assert common.author() == "unknown"


def test_output_that_was_closed_takes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)

    print_json({"nobody": "listens"})
