"""A server with its worker that a test may kill: processes that are forked from one in which everything is loaded.

The two are joined as `setpoint serve` joins them, by the worker's standard input; only their start is quicker.
"""

import asyncio
import os
import sys
from multiprocessing.connection import Connection

from setpoint.app.cli.common import run_async
from setpoint.app.cli.serve import listen, run_server
from setpoint.app.cli.worker import _work
from setpoint.app.http.config import HttpConfig
from setpoint.app.http.server import create_app
from setpoint.jobs.application import QUEUES
from setpoint.storage.database import connect


def run(url: str, told: Connection) -> None:
    """Serve until killed, and tell the worker's process id and the port."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    os.environ["SETPOINT_DATABASE_URL"] = url
    read, write = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(write)
        sys.stdin = os.fdopen(read)
        try:
            run_async(_work(None, QUEUES, 1, False, True))
        finally:
            os._exit(0)
    os.close(read)
    with listen("127.0.0.1", 0) as listening:
        told.send((worker, listening.getsockname()[1]))
        app = create_app(connect(url, 5), HttpConfig())
        asyncio.run(run_server(app, listening))
