"""Reports are drawn in a process of their own: charts compute for seconds and let no other thread run meanwhile.

What is drawn of a complete report is kept, because it never changes.
"""

from collections.abc import Callable, Hashable
from typing import Any, Final, ParamSpec, TypeVar

from cachetools import LRUCache

from setpoint.app.http.state import Service
from setpoint.app.processes import Beside

P = ParamSpec("P")
T = TypeVar("T")


MOST: Final = 32
"""Drawings that are kept; a whole report is half a megabyte."""

_process = Beside()
_kept: LRUCache[Hashable, Any] = LRUCache(MOST)


async def draw(service: Service, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `make`, a function of a module, gives: one drawing at a time."""
    async with service.drawing:
        return await _process.run(make, *args, **kwargs)


async def drawn(service: Service, key: Hashable, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same, kept under a key that names all that it depends on: run, role, and what it links to.

    Whether the reader may see it is decided before.
    """
    if (found := _kept.get(key)) is None:
        async with service.drawing:
            # Whoever held the lock may have drawn the same.
            if (found := _kept.get(key)) is None:
                found = _kept[key] = await _process.run(make, *args, **kwargs)
    drawing: T = found
    return drawing
