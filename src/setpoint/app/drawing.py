"""Reports are drawn in a process of their own: charts compute for seconds and let no other thread run meanwhile.

What is drawn of a complete report is kept, because it never changes.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import Any, Final, ParamSpec, TypeVar

from setpoint.app.http.state import Service

P = ParamSpec("P")
T = TypeVar("T")


MOST: Final = 32
"""Drawings that are kept; a whole report is half a megabyte."""

_kept: OrderedDict[Hashable, Any] = OrderedDict()


async def draw(service: Service, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `make` gives, one drawing at a time. It is a function of a module, and what it takes and gives is pickled.

    The process is started for the first drawing and stays; one that was killed is replaced.
    """
    async with service.drawing:
        return await _carry_out(make, *args, **kwargs)


async def drawn(service: Service, key: Hashable, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same, kept under a key that names all that it depends on: run, role, and what it links to.

    Whether the reader may see it is decided before.
    """
    if key not in _kept:
        async with service.drawing:
            # Whoever held the lock may have drawn the same.
            if key not in _kept:
                _kept[key] = await _carry_out(make, *args, **kwargs)
                while len(_kept) > MOST:
                    _kept.popitem(last=False)
    _kept.move_to_end(key)
    found: T = _kept[key]
    return found


async def _carry_out(make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.wrap_future(_pool().submit(make, *args, **kwargs))
    except BrokenProcessPool:
        _pool.cache_clear()
        return await asyncio.wrap_future(_pool().submit(make, *args, **kwargs))


@cache
def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """In the new process: Ctrl-C is the server's, and it takes us along however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
