"""Whoever computes for long lets those go first for whom somebody waits."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

LESS_URGENT: Final = 10
"""A nice value that leaves about a tenth of a busy core: enough to tell of being alive, and to let go soon of a lock
inside PostgreSQL that others wait for."""

_TRIES, _AGAIN_SECONDS = 5, 0.11


def stand_back(pid: int) -> None:
    """Have a process of this user stand back behind all others, as far as the system lets us.

    Linux weighs sessions before it weighs processes (sched(7), "The autogroup feature"), and each backend of
    PostgreSQL is a session of its own, so that a nice value alone would do nothing there.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, LESS_URGENT)
    group = Path(f"/proc/{pid}/autogroup")
    for _ in range(_TRIES):
        try:
            group.write_text(str(LESS_URGENT), encoding="ascii")
        except BlockingIOError:
            # It takes one of them in a tenth of a second.
            time.sleep(_AGAIN_SECONDS)
        except OSError:
            return
        else:
            return
