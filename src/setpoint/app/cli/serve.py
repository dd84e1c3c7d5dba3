"""`setpoint serve`."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from setpoint.app.cli.common import DataDir, command_app, run_async, say
from setpoint.domain.errors import UsageError

if TYPE_CHECKING:
    from fastapi import FastAPI

app = command_app()

# Pages, the API and a report run at once; each holds a connection for as long as its transaction.
CONNECTIONS = 15
_GRACE_SECONDS = 20
# Longer than a reverse proxy keeps its connections, or it would send a request into one that is being closed.
_KEEP_ALIVE_SECONDS = 75


@app.command(short_help="Serve the pages and the API.")
def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)] = 8000,
    worker: Annotated[
        bool, typer.Option(help="Carry out report runs here; without it `setpoint worker` must run somewhere.")
    ] = True,
    data_dir: DataDir = None,
) -> None:
    """Serve the pages and the API, until Ctrl-C. Behind a reverse proxy, set SETPOINT_PUBLIC_URL."""
    run_async(_serve(host, port, worker, data_dir))


async def _serve(host: str, port: int, worker: bool, data_dir: Path | None) -> None:
    from setpoint.app.beside import worker_beside
    from setpoint.app.http.config import HttpConfig
    from setpoint.app.http.server import create_app
    from setpoint.app.wiring import Settings, open_database

    config = HttpConfig.read(os.environ)
    with listen(host, port) as listening:
        async with (
            open_database(Settings.read(data_dir), connections=CONNECTIONS, stays=True) as database,
            worker_beside(data_dir) if worker else nullcontext(),
        ):
            application = create_app(database, config)
            # All that was loaded stays: whoever looks for garbage need not look through it, while pages wait.
            gc.collect()
            gc.freeze()
            # A report is read and drawn in threads. A tenth of the usual turn keeps them from holding up the loop.
            sys.setswitchinterval(0.0005)
            try:
                await run_server(application, listening)
            finally:
                gc.unfreeze()
    say("Stopped.")


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. Raises UsageError where it cannot."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # The library repeats the address in its own words; a name that nobody knows has only those.
        why = error.strerror if isinstance(error, socket.gaierror) or not error.errno else os.strerror(error.errno)
        raise UsageError(
            f"Nothing can listen at {host}, port {port} ({why}): take another with --host or --port."
        ) from None
    with opened:
        yield opened


async def run_server(
    application: "FastAPI", listening: socket.socket, began: Callable[[str], None] | None = None
) -> None:
    """Answer requests until a signal asks to stop; then those that are under way are answered, and no more.

    `began` is told the address when the first request can be answered.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            say(f"Setpoint answers at {_url(listening)}; Ctrl-C stops it.")
            if began is not None:
                began(_url(listening))

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            # They would be raised once more when all is over, as if we had not stopped by ourselves.
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                # Whoever started us may want it ignored, as nohup does.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    loop.add_signal_handler(number, self.handle_exit, number, None)
            # They stay with the loop: whoever asks twice must not kill us while we clean up behind us.
            yield

    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    await Server(config).serve(sockets=[listening])


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
