"""Processes beside the server: what computes for long there lets no page wait for the interpreter."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Beside:
    """One process for one kind of work. It starts with the first piece of it and stays; one that dies is replaced."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `make` gives or raises: a function of a module, which changes nothing, so that it may be run again.

        What it takes, gives and raises is pickled.
        """
        try:
            return await asyncio.wrap_future(self._started().submit(make, *args, **kwargs))
        except BrokenProcessPool:
            self._pool = None
            return await asyncio.wrap_future(self._started().submit(make, *args, **kwargs))

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_begin)
        return self._pool


def _begin() -> None:
    """In the new process: Ctrl-C is the server's, and it takes us along however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
