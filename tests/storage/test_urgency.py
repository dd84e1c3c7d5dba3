"""Standing back, as the system shows it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from setpoint.storage.database import Database, connect
from setpoint.storage.urgency import LESS_URGENT, stand_back


@pytest.fixture
def sleeper() -> Iterator[int]:
    """A process in a session of its own."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def autogroup(pid: int) -> str | None:
    path = Path(f"/proc/{pid}/autogroup")
    return path.read_text().strip() if path.exists() else None


def test_a_process_and_its_session_let_others_go_first(sleeper: int) -> None:
    stand_back(sleeper)

    assert os.getpriority(os.PRIO_PROCESS, sleeper) == LESS_URGENT
    told = autogroup(sleeper)
    assert told is None or told.endswith(f"nice {LESS_URGENT}")


def test_a_process_that_is_gone_is_no_trouble(sleeper: int) -> None:
    os.kill(sleeper, 9)
    os.waitpid(sleeper, 0)

    stand_back(sleeper)


async def test_only_connections_that_should_stand_back_do(database: Database, database_url: str) -> None:
    async def nice(opened: Database) -> int:
        async with opened.owner() as connection:
            pid = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
            return os.getpriority(os.PRIO_PROCESS, pid)

    behind = connect(database_url, stands_back=True)
    try:
        assert (await nice(behind), await nice(database)) == (LESS_URGENT, 0)
    finally:
        await behind.close()
