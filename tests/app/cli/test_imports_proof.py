"""What an import promises of itself at length: it may be killed at any moment, and its memory has a bound."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.app.console import OURS, begin, end

from setpoint.storage import embedded

KILLS = 20
MESSAGES = 200_000
MESSAGES_OF_A_LEAD = 10
STATUS = Path("/proc/self/status")
# The command as it is, but for its progress bar: where it is stands on standard error, line by line.
WATCHED = """
import sys
from setpoint.app.cli import imports
from setpoint.app.cli.main import run

imports.following = lambda bar, kind: lambda at: print(at.phase, at.share, file=sys.stderr, flush=True)
run()
"""
# The most memory that this process had, in kB, whatever its parent had.
MEASURED = """
import sys
from pathlib import Path
from setpoint.app.cli.commands import main

status = main(sys.argv[1:])
print(*[line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM")], file=sys.stderr)
sys.exit(status)
"""

pytestmark = pytest.mark.proof


def start(script: str, data_dir: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments), "--data-dir", data_dir],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def write_leads(path: Path, messages: int) -> Path:
    leads = (f"lead-{number}\n" for number in range(messages // MESSAGES_OF_A_LEAD))
    path.write_text("external_id\n" + "".join(leads))
    return path


def messages_of(count: int, words: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        yield {
            "external_id": f"message-{number}",
            "lead_external_id": f"lead-{number // MESSAGES_OF_A_LEAD}",
            "channel": "email",
            "direction": "outbound",
            "sent_at": "2026-03-01T09:00:00Z",
            "body": f"{number} " + "words " * words,
        }


def write_messages(path: Path, count: int, words: int = 2) -> Path:
    with path.open("w", encoding="utf-8") as file:
        if path.suffix == ".csv":
            file.write(",".join(next(messages_of(1, 0))) + "\n")
            file.writelines(",".join(row.values()) + "\n" for row in messages_of(count, words))
        else:
            file.writelines(json.dumps(row) + "\n" for row in messages_of(count, words))
    return path


def prepare(data_dir: Path, leads: Path) -> None:
    assert end(begin(data_dir, "workspace", "create", "acme")).status == 0
    assert end(begin(data_dir, "import", "leads", leads, "--workspace", "acme", "--json")).json["rejected"] == 0


def stored(data_dir: Path) -> tuple[int, int]:
    """How many messages there are, and how many of them have their text."""
    with embedded.start(data_dir) as server, psycopg.connect(server.url) as connection:
        found: tuple[int, int] | None = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE body = substr(external_id, 9) || ' words words ')"
            " FROM setpoint.messages LEFT JOIN setpoint.message_texts USING (client_id, external_id)"
        ).fetchone()
    assert found is not None
    return found


def kill_server(data_dir: Path) -> None:
    note = data_dir / "postgres" / "postmaster.pid"
    os.kill(int(note.read_text().splitlines()[0]), signal.SIGKILL)


def test_an_import_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    prepare(data_dir, write_leads(tmp_path / "leads.csv", MESSAGES))
    file = write_messages(tmp_path / "messages.csv", MESSAGES)
    importing = ("import", "messages", file, "--workspace", "acme", "--json")
    moments = random.Random(20)
    # Where it begins to read and to sort, anywhere, and at its last word, which comes right before the commit.
    points: list[str | float] = ["reading", "sorting", *(moments.random() for _ in range(KILLS - 3)), "done"]

    for kill, point in enumerate(points):
        process = start(WATCHED, data_dir, *importing)
        assert process.stderr is not None
        for line in process.stderr:
            phase, share = line.split()
            if phase == point if isinstance(point, str) else float(share) >= point:
                break
        else:
            raise AssertionError("It ended before it had come so far.")
        process.kill()
        if kill % 4 == 3:
            kill_server(data_dir)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        # All of it or nothing: the commit may have been on its way.
        assert stored(data_dir) in ((0, 0), (MESSAGES, MESSAGES))

    once = end(begin(data_dir, *importing)).json
    assert (once["rows"], once["rejected"], once["updated"]) == (MESSAGES, 0, 0)
    assert stored(data_dir) == (MESSAGES, MESSAGES)
    again = end(begin(data_dir, *importing)).json
    assert (again["unchanged"], again["accepted"]) == (MESSAGES, 0)
    assert end(begin(data_dir, "doctor", "--json")).json["findings"] == []


@pytest.mark.skipif(not STATUS.exists(), reason="Only Linux tells the most memory that a process had.")
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_memory_of_an_import_does_not_grow_with_its_file(tmp_path: Path, suffix: str) -> None:
    data_dir = tmp_path / "data"
    prepare(data_dir, write_leads(tmp_path / "leads.csv", MESSAGES))
    peaks, sizes = [], []
    for messages in (MESSAGES // 4, MESSAGES):
        file = write_messages(tmp_path / f"{messages}{suffix}", messages, words=190)
        sizes.append(file.stat().st_size)
        process = start(MEASURED, data_dir, "import", "messages", file, "--workspace", "acme", "--json")
        out, err = process.communicate()
        assert json.loads(out)["rows"] == messages
        peaks.append(int(err.split()[-1]) << 10)

    assert peaks[1] - peaks[0] < (sizes[1] - sizes[0]) / 3
    assert peaks[1] < 400 << 20
