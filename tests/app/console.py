"""Commands as a user runs them: in this process, which is quick, or in one of their own, which is the real thing."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from setpoint.app.cli import common
from setpoint.app.cli.commands import main

OURS = ("SETPOINT_DATA_DIR", "SETPOINT_DATABASE_URL", "SETPOINT_DEBUG")
# A shell's background job ignores Ctrl-C, and hands that on to what it starts; a user's command does not.
SCRIPT = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from setpoint.app.cli.main import run; run()"
)


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON document on standard output, of a command that went well and had nothing else to say."""
        assert (self.status, self.err) == (0, "")
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def words(self) -> str:
        """What it printed, however it was wrapped."""
        return " ".join(self.out.split())

    def complains(self, status: int) -> str:
        """The one line on standard error of a command that ended with this status and printed nothing."""
        assert (self.status, self.out) == (status, ""), self
        (line,) = self.err.splitlines()
        assert line.startswith("setpoint: ")
        return line.removeprefix("setpoint: ")


@dataclass(frozen=True)
class Console:
    """Runs commands with these variables in the environment."""

    environment: dict[str, str]

    def __call__(self, *arguments: str | Path, **variables: str) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in OURS:
                patch.delenv(name, raising=False)
            for name, value in {"COLUMNS": "80", **self.environment, **variables}.items():
                patch.setenv(name, value)
            # What it was when the console was made, by whichever test came first, counts for ever.
            patch.setattr(common.output, "_width", None)
            status = main([str(argument) for argument in arguments])
        return Answer(status, out.getvalue(), err.getvalue())


def begin(
    data_dir: Path, *arguments: str | Path, stdout: int | IO[str] = subprocess.PIPE, **variables: str
) -> subprocess.Popen[str]:
    """Start a command as a process of its own, on the embedded database of `data_dir`."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, "PYTHONPATH": os.pathsep.join(sys.path), "SETPOINT_DATA_DIR": str(data_dir), **variables},
    )


def end(process: subprocess.Popen[str]) -> Answer:
    """Wait for a command to end."""
    out, err = process.communicate(timeout=120)
    return Answer(process.returncode, out or "", err)


def server_runs(data_dir: Path) -> bool:
    """Whether an embedded server runs in a data directory, by the note that each keeps while it does."""
    return (data_dir / "postgres" / "postmaster.pid").exists()
