"""`setpoint worker`."""

import asyncio
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Annotated

import typer

from setpoint.app.cli.common import DataDir, Stopped, command_app, run_async, say
from setpoint.domain.errors import UsageError

app = command_app()


@app.command(short_help="Carry out what waits in the queue.")
def worker(
    queues: Annotated[
        str, typer.Option(help="Which queues, separated by commas: reports, schedule.")
    ] = "reports,schedule",
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="How many jobs at once.")] = 1,
    once: Annotated[bool, typer.Option("--once", help="End when nothing waits any more.")] = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
    data_dir: DataDir = None,
) -> None:
    """Carry out report runs that wait in the queue, and queue the weekly ones, until Ctrl-C.

    There may be any number of workers, on any machines that reach the database. What one of them leaves undone,
    another takes up.
    """
    # Nobody reads what a worker beside a server says when it is ended before it began.
    with suppress(Stopped) if with_parent else nullcontext():
        run_async(_work(data_dir, tuple(dict.fromkeys(queues.split(","))), concurrency, once, with_parent))


async def _work(
    data_dir: Path | None, queues: tuple[str, ...], concurrency: int, once: bool, with_parent: bool
) -> None:
    from setpoint.app.beside import until_parent_ends
    from setpoint.app.wiring import Settings, open_database
    from setpoint.app.worker import work
    from setpoint.jobs.application import QUEUES

    unknown = [name for name in queues if name not in QUEUES]
    if unknown:
        raise UsageError(f"There is no queue {unknown[0]!r}: choose from {', '.join(QUEUES)}.")
    # Beside the server pages go first, in the database too.
    async with open_database(Settings.read(data_dir), stands_back=with_parent, stays=not once) as database:
        if not once and not with_parent:
            say(f"working on {' and '.join(queues)}; Ctrl-C ends it.")
        working = asyncio.current_task()
        parent = asyncio.create_task(until_parent_ends()) if with_parent else None
        if parent is not None and working is not None:
            parent.add_done_callback(lambda _: working.cancel())
        try:
            await work(database, queues, concurrency, once=once)
        except asyncio.CancelledError:
            # To be told to stop is how a worker ends well: what it had to give back waits for the next.
            if not with_parent:
                say("stopped; what was not done is in the queue again.")
