"""Where things are, and a server that is there for as long as it is used."""

import asyncio
import threading
from pathlib import Path

import psutil
import psycopg
import pytest
from platformdirs import user_data_path
from sqlalchemy import text
from tests.app.console import OURS, server_runs

from setpoint.app.wiring import Settings, in_thread, open_database, workspace_of
from setpoint.domain.errors import DatabaseUnavailable, NotFound
from setpoint.storage import embedded
from setpoint.storage.database import Database

URL = "postgresql://db/setpoint"


@pytest.mark.parametrize(
    ("environment", "option", "expected"),
    [
        ({}, None, Settings(user_data_path("setpoint"))),
        ({"SETPOINT_DATA_DIR": "/srv/a"}, None, Settings(Path("/srv/a"))),
        ({"SETPOINT_DATA_DIR": "/srv/a"}, "/srv/b", Settings(Path("/srv/b"))),
        ({"SETPOINT_DATA_DIR": "/srv/a", "SETPOINT_DATABASE_URL": URL}, None, Settings(Path("/srv/a"), URL)),
        ({"SETPOINT_DATABASE_URL": URL}, "/srv/b", Settings(Path("/srv/b"))),
        ({"SETPOINT_DATA_DIR": "", "SETPOINT_DATABASE_URL": ""}, None, Settings(user_data_path("setpoint"))),
        ({"SETPOINT_DATA_DIR": "~/setpoint"}, None, Settings(Path.home() / "setpoint")),
    ],
)
def test_the_option_wins_over_the_environment_and_a_url_over_a_data_directory(
    environment: dict[str, str], option: str | None, expected: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Settings.read(Path(option) if option else None) == expected


async def test_the_embedded_server_is_there_for_as_long_as_it_is_used(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data")

    async with open_database(settings) as database, database.owner() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM workspaces")) == 0
        assert server_runs(settings.data_dir)
    assert not server_runs(settings.data_dir)

    with pytest.raises(ZeroDivisionError):
        async with open_database(settings):
            raise ZeroDivisionError
    assert not server_runs(settings.data_dir)


@pytest.mark.parametrize("stays", [True, False])
async def test_an_embedded_server_that_is_killed_is_back_for_those_who_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays: bool
) -> None:
    monkeypatch.setattr("setpoint.app.wiring._LOOK_SECONDS", 0.01)
    settings = Settings(tmp_path / "data")
    revived = asyncio.Event()
    revive = embedded.EmbeddedServer.revive

    def told(server: embedded.EmbeddedServer) -> bool:
        if done := revive(server):
            loop.call_soon_threadsafe(revived.set)
        return done

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(embedded.EmbeddedServer, "revive", told)
    async with open_database(settings, stays=stays) as database:
        await database.check_revision()
        postmaster = psutil.Process(int((settings.data_dir / "postgres" / "postmaster.pid").read_text().split()[0]))
        postmaster.kill()
        await asyncio.to_thread(postmaster.wait, 60)
        if stays:
            async with asyncio.timeout(60):
                await revived.wait()
            await database.check_revision()
        else:
            with pytest.raises(DatabaseUnavailable):
                await database.check_revision()
    if stays:
        assert not server_runs(settings.data_dir)


async def test_a_cancelled_start_leaves_a_server_that_can_be_joined(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data")

    async def use() -> None:
        async with open_database(settings):
            raise AssertionError("It was cancelled before.")

    starting = asyncio.ensure_future(use())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    async with open_database(settings) as database:
        await database.check_revision()


async def test_your_own_database_is_checked_and_not_migrated(unmigrated: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="run `setpoint migrate`"):
        async with open_database(Settings(Path("unused"), unmigrated)):
            raise AssertionError("It has no schema.")

    with psycopg.connect(unmigrated) as connection:
        assert connection.execute("SELECT to_regnamespace('setpoint')").fetchone() == (None,)


async def test_what_runs_in_a_thread_gives_its_result_or_its_error() -> None:
    assert await in_thread(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def test_a_thread_is_told_to_stop_and_waited_for() -> None:
    begun, stopped, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        stopped.wait(60)
        ended.set()

    working = asyncio.ensure_future(in_thread(work, stopped.set))
    await asyncio.to_thread(begun.wait, 60)
    working.cancel()

    with pytest.raises(asyncio.CancelledError):
        await working
    assert ended.is_set()


async def test_an_unknown_workspace_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match="no workspace 'nobody'"):
        await workspace_of(database, "nobody")
