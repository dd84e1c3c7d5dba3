"""Real servers in real directories: started, shared, killed, copied, misused."""

import errno
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import psutil
import psycopg
import pytest
from sqlalchemy import make_url

from setpoint.domain.errors import DatabaseUnavailable
from setpoint.storage import embedded, embedded_cluster

AS_ROOT = os.geteuid() == 0
USE_IT = """
import pathlib, sys, psycopg
from setpoint.storage import embedded
server = embedded.start(pathlib.Path(sys.argv[1]))
with psycopg.connect(server.url) as connection:
    print(connection.execute("SELECT pg_postmaster_start_time()::text").fetchone()[0], flush=True)
sys.stdin.read()
"""


class Command:
    """Another process that uses the server from `started` until `leave` or `kill`."""

    def __init__(self, data_dir: Path, code: str = USE_IT) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def started(self) -> str:
        """Wait until it has the server; the instant at which that server was started."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> int:
        self.process.communicate(timeout=60)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    data_dir = tmp_path_factory.mktemp("made-once") / "data"
    embedded.start(data_dir).stop()
    yield data_dir
    shutil.rmtree(data_dir)


@pytest.fixture(autouse=True)
def no_clusters_left(tmp_path: Path) -> Iterator[None]:
    """Pytest keeps the folders of its last runs, and a cluster has 64 MB."""
    yield
    for left in tmp_path.iterdir():
        if left.is_dir():
            shutil.rmtree(left)


@pytest.fixture
def shared(made_once: Path) -> Iterator[Path]:
    """A data directory for tests that leave it as they found it: no server runs in it."""
    yield made_once
    assert server_processes(made_once) == []


@pytest.fixture
def data_dir(made_once: Path, tmp_path: Path) -> Path:
    """A copy of it, to write into and to break."""
    return Path(shutil.copytree(made_once, tmp_path / "data"))


@contextmanager
def moved(data_dir: Path, place: Path) -> Iterator[Path]:
    data_dir.rename(place)
    try:
        yield place
    finally:
        place.rename(data_dir)


def ask(server: embedded.EmbeddedServer, query: str) -> Any:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def tell(server: embedded.EmbeddedServer, *statements: str) -> None:
    with psycopg.connect(server.url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def started_at(server: embedded.EmbeddedServer) -> str:
    return str(ask(server, "SELECT pg_postmaster_start_time()::text"))


def server_processes(data_dir: Path) -> list[psutil.Process]:
    """The live postmaster of a data directory, its children after it."""
    try:
        postmaster = psutil.Process(int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n")[0]))
        return [postmaster, *postmaster.children()]
    except (FileNotFoundError, psutil.NoSuchProcess):
        return []


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def socket_directory(server: embedded.EmbeddedServer) -> Path:
    return Path(str(make_url(server.url).query["host"]))


@contextmanager
def another_user() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_new_directory_gets_a_database_that_compares_text_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "it's" / 'a "new" dïrectory'
    with embedded.start(path) as server:
        assert server.data_dir == path
        assert ask(server, "SELECT current_database()") == "setpoint"
        words = ask(server, "SELECT array_agg(w ORDER BY w) FROM unnest(ARRAY['é', 'z', 'Z', 'a', '_', '💬']) w")
        assert words == sorted(words, key=lambda word: word.encode())
        assert ask(server, "SELECT lower('ÄÉ')") == "äé"
        assert ask(server, "SHOW server_encoding") == "UTF8"
        assert ask(server, "SHOW TimeZone") == "UTC"
        assert ask(server, "SELECT EXTRACT(timezone FROM now())") == 0


def test_settings_fit_analytics_and_keep_every_commit(shared: Path) -> None:
    with embedded.start(shared) as server:
        shown = {
            name: ask(server, f"SHOW {name}")
            for name in (
                "synchronous_commit",
                "fsync",
                "full_page_writes",
                "jit",
                "max_wal_size",
                "data_checksums",
            )
        }
        assert shown == {
            "synchronous_commit": "on",
            "fsync": "on",
            "full_page_writes": "on",
            "jit": "off",
            "max_wal_size": "4GB",
            "data_checksums": "on",
        }


def test_a_small_machine_gives_less_memory(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_cluster, "_memory", lambda: 256 << 20)
    with embedded.start(shared) as server:
        names = ("shared_buffers", "work_mem", "maintenance_work_mem", "effective_cache_size")
        assert [ask(server, f"SHOW {name}") for name in names] == ["32MB", "4MB", "32MB", "128MB"]


def test_a_small_shared_folder_is_left_alone(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=64 << 20))
    monkeypatch.setattr(embedded_cluster, "_SHARED_MEMORY", shared)
    with embedded.start(shared) as server:
        assert ask(server, "SHOW dynamic_shared_memory_type") == "mmap"
        tell(server, "SET debug_parallel_query = on", "SELECT count(*) FROM pg_class")


def test_what_was_committed_is_there_after_a_stop(data_dir: Path) -> None:
    with embedded.start(data_dir) as server:
        tell(server, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    assert server_processes(data_dir) == []
    with embedded.start(data_dir) as server:
        assert ask(server, "SELECT n FROM kept") == 7


def test_uses_in_one_process_are_counted(shared: Path) -> None:
    first, second = embedded.start(shared), embedded.start(shared)
    assert first.url == second.url
    born = started_at(first)
    first.stop()
    first.stop()
    assert started_at(second) == born
    second.stop()
    assert server_processes(shared) == []


def test_the_last_command_to_leave_stops_the_server(shared: Path) -> None:
    with Command(shared) as first, Command(shared) as second:
        born = first.started()
        assert second.started() == born
        assert first.leave() == 0
        with embedded.start(shared) as third:
            assert second.leave() == 0
            assert started_at(third) == born
    assert server_processes(shared) == []


def test_eight_commands_at_once_share_one_server_in_an_empty_directory(tmp_path: Path) -> None:
    with ExitStack() as stack:
        commands = [stack.enter_context(Command(tmp_path / "data")) for _ in range(8)]
        births = {command.started() for command in commands}
        assert len(births) == 1
        assert births != {""}
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(Command.leave, commands)) == [0] * 8
    assert server_processes(tmp_path / "data") == []


def test_a_killed_command_leaves_a_server_that_the_next_one_takes_over(shared: Path) -> None:
    with Command(shared) as command:
        born = command.started()
        command.kill()
        with embedded.start(shared) as server:
            assert started_at(server) == born
    assert server_processes(shared) == []


@pytest.mark.parametrize("seconds", [0.4, 1.0])
def test_a_first_start_may_be_killed_at_any_moment(tmp_path: Path, seconds: float) -> None:
    with Command(tmp_path) as command:
        with pytest.raises(subprocess.TimeoutExpired):
            command.process.wait(seconds)
        command.kill()
    with embedded.start(tmp_path) as server:
        assert ask(server, "SELECT 1") == 1
    assert server_processes(tmp_path) == []


def test_a_forked_child_that_ends_takes_nothing_from_its_parent(shared: Path) -> None:
    code = USE_IT.replace("sys.stdin", "import os\nif os.fork() == 0: sys.exit()\nos.wait()\nsys.stdin")
    with Command(shared, code) as command:
        born = command.started()
        with Command(shared) as other:
            assert other.started() == born
            other.leave()
        with embedded.start(shared) as server:
            assert started_at(server) == born
        assert command.leave() == 0
    assert server_processes(shared) == []


def test_a_killed_server_comes_back_with_what_was_committed(data_dir: Path) -> None:
    with embedded.start(data_dir) as server, closing(psycopg.connect(server.url)) as busy:
        tell(server, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        # A backend that computes does not notice the end of its server.
        busy.pgconn.send_query(b"SELECT max(md5(i::text)) FROM generate_series(1, 1000000000) i")
        killed = server_processes(data_dir)
        killed[0].send_signal(signal.SIGKILL)
        with embedded.start(data_dir) as again:
            assert ask(again, "SELECT n FROM kept") == 7
            assert [process for process in killed if is_alive(process)] == []


def test_a_server_that_is_killed_under_a_user_is_revived_where_it_was(data_dir: Path) -> None:
    with embedded.start(data_dir) as server:
        tell(server, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        assert not server.revive()
        postmaster = server_processes(data_dir)[0]
        postmaster.kill()
        postmaster.wait(60)
        assert server.revive()
        assert ask(server, "SELECT n FROM kept") == 7
        assert not server.revive()
    assert server_processes(data_dir) == []


def test_a_server_killed_while_it_starts_is_started_again(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[subprocess.Popen[bytes]] = []

    def serve(cluster: embedded_cluster.Cluster) -> tuple[subprocess.Popen[bytes], int]:
        child, begin = embedded_cluster.serve(cluster)
        if not children:
            child.kill()
            child.wait()
        children.append(child)
        return child, begin

    monkeypatch.setattr(embedded, "serve", serve)
    with embedded.start(data_dir) as server:
        assert ask(server, "SELECT 1") == 1
    assert len(children) == 2


@pytest.mark.parametrize("note", ["", "12", "{pid}\n{path}\n1700000000\n5432\n{path}\n\n  1 2\nready\n"])
def test_a_stale_note_is_not_believed_where_its_process_id_has_a_new_owner(shared: Path, note: str) -> None:
    path = shared / "postgres"
    (path / "postmaster.pid").write_text(note.format(pid=os.getpid(), path=path))
    (path / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n{path}\n1700000000\n5432\n{path}\n")
    with embedded.start(shared) as server:
        assert ask(server, "SELECT 1") == 1


def test_a_copy_made_while_the_server_runs_is_not_mistaken_for_the_original(data_dir: Path, tmp_path: Path) -> None:
    with embedded.start(data_dir) as original:
        tell(original, "CREATE TABLE original ()", "CHECKPOINT")
        shutil.copytree(data_dir, tmp_path / "copy", ignore=lambda *_: {".s.PGSQL.5432"})
        with embedded.start(tmp_path / "copy") as copy:
            tell(copy, "DROP TABLE original")
        assert ask(original, "SELECT count(*) FROM original") == 0


def test_a_directory_may_be_moved_between_uses(data_dir: Path, tmp_path: Path) -> None:
    with embedded.start(data_dir) as server:
        tell(server, "CREATE TABLE kept ()")
    with embedded.start(data_dir.rename(tmp_path / "moved")) as server:
        assert ask(server, "SELECT count(*) FROM kept") == 0


@pytest.mark.parametrize(
    "name",
    ["long" * 60, "with space, comma", 'it\'s "quoted" \\ `odd` $HOME %20 #?&+', "Ünïcödé 日本", "-D"],
    ids=["long", "comma", "quotes", "letters", "option"],
)
def test_any_path_will_do(shared: Path, tmp_path: Path, name: str) -> None:
    with moved(shared, tmp_path / name) as data_dir, embedded.start(data_dir) as server:
        parsed = make_url(server.url)
        assert parsed.database == "setpoint"
        assert ask(server, "SELECT 1") == 1
        with psycopg.connect(
            host=str(parsed.query["host"]), port=5432, user=parsed.username, dbname="setpoint"
        ) as same:
            assert same.info.dbname == "setpoint"
        sockets = socket_directory(server)
    if sockets != tmp_path / name / "postgres":
        assert not sockets.exists()


def test_a_relative_path_is_the_one_it_was_at_the_start(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shared.parent)
    server = embedded.start(Path("data"))
    monkeypatch.chdir("/")
    assert server.data_dir == shared
    server.stop()
    assert server_processes(shared) == []


@pytest.mark.parametrize("name", ["short", "long" * 60])
def test_no_other_user_can_reach_the_server(shared: Path, tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o755)
    with moved(shared, tmp_path / name) as data_dir, embedded.start(data_dir) as server:
        assert ask(server, "SHOW listen_addresses") == ""
        directory = socket_directory(server)
        for path in (directory, directory / ".s.PGSQL.5432", server.data_dir / "postgres"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        for file in ("postgres.log", "postgres.lock", "postgres.users"):
            assert stat.S_IMODE((data_dir / file).stat().st_mode) == 0o600
        if AS_ROOT:
            with another_user(), socket.socket(socket.AF_UNIX) as stranger, pytest.raises(PermissionError):
                stranger.connect(str(directory / ".s.PGSQL.5432"))


def test_a_socket_directory_that_somebody_else_prepared_is_not_used(shared: Path, tmp_path: Path) -> None:
    with moved(shared, tmp_path / ("long" * 60)) as data_dir:
        with embedded.start(data_dir) as server:
            expected = socket_directory(server)
        expected.mkdir()
        expected.chmod(0o777)
        try:
            with embedded.start(data_dir) as server:
                assert socket_directory(server) != expected
                assert stat.S_IMODE(socket_directory(server).stat().st_mode) == 0o700
        finally:
            expected.rmdir()


@pytest.mark.skipif(not AS_ROOT, reason="only root's server runs as somebody else")
class TestAsRoot:
    def test_closed_folders_stay_closed(self, data_dir: Path, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        with embedded.start(data_dir) as server:
            assert ask(server, "SELECT 1") == 1
            postmaster = server_processes(data_dir)[0]
            assert postmaster.uids().effective != 0
            status = Path(f"/proc/{postmaster.pid}/status")
            if status.exists():
                # At most the rights to pass closed folders, and to read and write behind them.
                held = int(re.findall(r"CapEff:\s*(\w+)", status.read_text())[0], 16)
                assert held & ~0b110 == 0
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700

    def test_the_server_runs_as_the_owner_of_the_directory(self, tmp_path: Path) -> None:
        os.chown(tmp_path, 4242, 4242)
        with embedded.start(tmp_path):
            assert {process.uids().effective for process in server_processes(tmp_path)} == {4242}
        assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {4242}


def test_the_log_tells_of_the_server_and_never_of_the_data(data_dir: Path) -> None:
    canary = "jane.doe@example.org"
    with embedded.start(data_dir) as server, psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE lead (email text PRIMARY KEY, age int CHECK (age > 0))")
        connection.execute("INSERT INTO lead VALUES (%s, 1)", [canary])
        with pytest.raises(psycopg.errors.UniqueViolation, match=canary):
            connection.execute("INSERT INTO lead VALUES (%s, 1)", [canary])
        for statement in (
            f"INSERT INTO lead VALUES ('x', '{canary}'::int)",
            f"INSERT INTO lead VALUES ('{canary}2', -1)",
            f"SELECT {canary.replace('@', '')}",
            f"DO $$ BEGIN RAISE WARNING '{canary}'; END $$",
        ):
            with suppress(psycopg.Error):
                connection.execute(statement.encode())
        with (
            connection.cursor() as cursor,
            pytest.raises(psycopg.Error),
            cursor.copy("COPY lead FROM STDIN") as copy,
        ):
            copy.write(f"{canary}3\tnone\n")
    log = (data_dir / "postgres.log").read_text()
    assert "database system is ready" in log
    assert "jane" not in log


def test_a_long_log_is_begun_anew(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded.start(shared).stop()
    monkeypatch.setattr(embedded_cluster, "_LARGEST_LOG", 100)
    embedded.start(shared).stop()
    assert (shared / "postgres.log").read_text().count("starting PostgreSQL") == 1


def refusal(data_dir: Path) -> str:
    with pytest.raises(DatabaseUnavailable) as caught:
        embedded.start(data_dir)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        assert refusal(path).startswith(f"The data directory {path} cannot be used (Not a directory): name one")


@pytest.mark.parametrize("name", ["nul\0", "line\nbreak", "half \ud800 a letter"])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    assert "name another with --data-dir" in refusal(tmp_path / name)


@pytest.mark.skipif(AS_ROOT, reason="root writes everywhere")
def test_a_directory_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "Permission denied" in refusal(tmp_path)
    assert "Permission denied" in refusal(tmp_path / "below")


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", full)
    assert refusal(tmp_path) == f"The disk of {tmp_path} is full: make room and run the command again."


def test_files_that_are_no_database_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "diary.txt").write_text("mine")
    assert "move them away or name another --data-dir" in refusal(tmp_path)
    assert (tmp_path / "postgres" / "diary.txt").read_text() == "mine"


def test_a_cluster_of_another_version_is_left_alone(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    assert "is one of PostgreSQL 16, and this Setpoint runs 18" in refusal(data_dir)


def test_a_server_that_does_not_start_says_why(data_dir: Path) -> None:
    with (data_dir / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("\nno_such_setting = 1\n")
    message = refusal(data_dir)
    assert "no_such_setting" in message or "contains errors" in message
    assert str(data_dir / "postgres.log") in message


def test_a_turn_that_never_comes_is_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_START_SECONDS", -embedded._STOP_SECONDS)
    with embedded._turn(embedded_cluster.locate(data_dir), 1.0):
        assert "end it and try again" in refusal(data_dir)
