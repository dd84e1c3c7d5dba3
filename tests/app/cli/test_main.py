"""The real thing: processes, signals and pipes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.app.conftest import Demo
from tests.app.console import begin, end, server_runs

ROWS = 60_000
FULL = Path("/dev/full")


def leads(first: int, last: int) -> str:
    return "".join(f"interrupted-{row},{row}@example.org\n" for row in range(first, last))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_import_that_is_interrupted_leaves_nothing_behind(
    demo: Demo, tmp_path: Path, number: signal.Signals
) -> None:
    # Who reads from a pipe is in the middle of it until the other side says so.
    path = tmp_path / "leads.csv"
    os.mkfifo(path)
    importing = begin(demo.data_dir, "import", "leads", path, "--workspace", demo.workspace, "--json")
    with path.open("w") as pipe:
        pipe.write("external_id,email\n" + leads(0, ROWS))
        pipe.flush()
        assert server_runs(demo.data_dir)
        importing.send_signal(number)
        pipe.write(leads(ROWS, ROWS + 10))
    told = end(importing)

    assert told.complains(128 + number) == "Stopped. What was not finished was not saved; run the command again."
    assert not server_runs(demo.data_dir)
    path.unlink()
    path.write_text("external_id,email\n" + leads(0, 10))
    again = end(begin(demo.data_dir, "import", "leads", path, "--workspace", demo.workspace, "--json")).json
    assert (again["rows"], again["inserted"]) == (10, 10 if number == signal.SIGINT else 0)


def test_a_reader_who_has_seen_enough_gets_no_traceback(demo: Demo) -> None:
    listing = begin(demo.data_dir, "report", "list", "--workspace", demo.workspace)
    assert listing.stdout is not None
    listing.stdout.close()
    listing.wait(timeout=120)

    assert listing.stderr is not None
    assert listing.stderr.read() == ""
    listing.stderr.close()
    assert listing.returncode == 1
    assert not server_runs(demo.data_dir)


@pytest.mark.skipif(not FULL.exists(), reason="This system has no disk that is always full")
def test_a_full_disk_behind_the_output_is_one_line(demo: Demo) -> None:
    with FULL.open("w") as full:
        answer = end(begin(demo.data_dir, "--help", stdout=full))

    assert answer.complains(1).startswith("The system refused it (No space left on device)")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_disk_that_becomes_full_under_the_output_is_told(tmp_path: Path, unbuffered: str) -> None:
    # A longest file stands for what is left of a disk: the first bytes go in, the rest do not.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (256, 256));"
    with (tmp_path / "help.txt").open("w") as short:
        told = subprocess.run(
            [sys.executable, "-c", f"{limit} from setpoint.app.cli.main import run; run()", "--help"],
            stdout=short,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": unbuffered},
        )

    assert told.returncode == 1
    assert told.stderr.startswith("setpoint: The system refused it (File too large)")


def test_colours_stay_away_where_they_are_not_wanted(demo: Demo) -> None:
    arguments = ("report", "list", "--workspace", demo.workspace)
    plain = end(begin(demo.data_dir, *arguments))
    forced = end(begin(demo.data_dir, *arguments, FORCE_COLOR="1", NO_COLOR="1"))

    assert "\x1b" not in plain.out
    assert "\x1b[3" not in forced.out


def test_a_failure_is_one_line_and_stops_the_server(demo: Demo) -> None:
    told = end(begin(demo.data_dir, "report", "show", "nothing", "--workspace", demo.workspace, "--json"))

    assert told.complains(1).startswith("There is no report run 'nothing' here")
    assert not server_runs(demo.data_dir)
