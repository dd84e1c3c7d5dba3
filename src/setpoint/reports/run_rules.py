"""Who may take up a report run. Pure."""

from datetime import datetime, timedelta
from enum import Enum, auto

from setpoint.domain.vocabulary import RunStatus

LEASE = timedelta(seconds=30)
"""How long a run is its worker's after the last heartbeat; whoever carries one out writes one every few seconds."""

MAX_ATTEMPTS = 3
"""How often a run is begun before it is given up."""

BROKE_OFF = "It broke off: whoever ran it is gone."
SPENT = f"It was begun {MAX_ATTEMPTS} times and broke off each time: whoever ran it was gone before it was done."


class Claim(Enum):
    """What becomes of a run that somebody wants to take up."""

    TAKEN = auto()
    """It is theirs."""
    HELD = auto()
    """Somebody else is at it."""
    ENDED = auto()
    """It is complete, or failed."""
    SPENT = auto()
    """It broke off too often to be begun again."""


def claim(status: RunStatus, attempt: int, heartbeat_at: datetime | None, at: datetime) -> Claim:
    """Decide on a run that was begun `attempt` times and whose last heartbeat was at `heartbeat_at`."""
    if status in (RunStatus.COMPLETE, RunStatus.FAILED):
        return Claim.ENDED
    if status is RunStatus.RUNNING and heartbeat_at is not None and heartbeat_at >= at - LEASE:
        return Claim.HELD
    return Claim.TAKEN if attempt < MAX_ATTEMPTS else Claim.SPENT
