"""What is drawn once and shown often: complete reports never change, and their charts take seconds of computing."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from setpoint.app.http.state import Service

T = TypeVar("T")

MOST: Final = 32
"""Drawings that are kept; a whole report is half a megabyte."""

_kept: OrderedDict[Hashable, Any] = OrderedDict()


async def drawn(service: Service, key: Hashable, draw: Callable[[], T]) -> T:
    """What `draw` makes, kept under a key that holds all that it depends on: run, role, and what it links to.

    It is made in a thread while pages go on, one at a time. Whether the reader may see it is decided before.
    """
    if key not in _kept:
        async with service.drawing:
            # Whoever held the lock may have drawn the same.
            if key not in _kept:
                _kept[key] = await asyncio.to_thread(draw)
                while len(_kept) > MOST:
                    _kept.popitem(last=False)
    _kept.move_to_end(key)
    found: T = _kept[key]
    return found
