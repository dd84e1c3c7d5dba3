"""A worker in a process of its own beside the server: what it computes keeps no page waiting."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from setpoint.storage.urgency import stand_back

STOP_SECONDS: Final = 15.0
"""How long the worker has for giving back what it is at. It needs a few seconds itself."""

_AGAIN_SECONDS: Final = 5.0


@asynccontextmanager
async def worker_beside(data_dir: Path | None) -> AsyncIterator[None]:
    """Keep a worker running while a block lasts; one that dies is started again."""
    keeping = asyncio.create_task(_keep(data_dir))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def until_parent_ends() -> None:
    """Wait for the end of standard input, which comes when whoever started this process is gone, however it ended."""
    stand_back(os.getpid())
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass


async def _keep(data_dir: Path | None) -> None:
    options = [] if data_dir is None else ["--data-dir", str(data_dir)]
    while True:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "setpoint.app.cli.main", "worker", "--with-parent", *options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            # A Ctrl-C at the terminal is ours: we end it in order, when the last request was answered.
            start_new_session=True,
        )
        try:
            await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        await asyncio.sleep(_AGAIN_SECONDS)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
