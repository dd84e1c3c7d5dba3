"""Who may take up a run."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.vocabulary import RunStatus
from setpoint.reports.run_rules import LEASE, MAX_ATTEMPTS, Claim, claim

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("status", "attempt", "heartbeat_at", "decided"),
    [
        (RunStatus.QUEUED, 0, None, Claim.TAKEN),
        (RunStatus.QUEUED, 2, None, Claim.TAKEN),
        (RunStatus.QUEUED, 3, None, Claim.SPENT),
        (RunStatus.RUNNING, 1, AT - LEASE, Claim.HELD),
        (RunStatus.RUNNING, 1, AT - LEASE - SECOND, Claim.TAKEN),
        (RunStatus.RUNNING, 3, AT, Claim.HELD),
        (RunStatus.RUNNING, 3, AT - LEASE - SECOND, Claim.SPENT),
        # Begun by a version that had no heartbeats.
        (RunStatus.RUNNING, 0, None, Claim.TAKEN),
        (RunStatus.COMPLETE, 1, AT, Claim.ENDED),
        (RunStatus.FAILED, 3, None, Claim.ENDED),
    ],
)
def test_claims(status: RunStatus, attempt: int, heartbeat_at: datetime | None, decided: Claim) -> None:
    assert claim(status, attempt, heartbeat_at, AT) is decided


@given(st.lists(st.integers(0, 120), max_size=20))
def test_whatever_happens_a_run_is_begun_three_times_at_most(waits: list[int]) -> None:
    """Somebody comes by after so many seconds, again and again, and everybody who takes it up dies at once."""
    status, attempt, heartbeat_at, at = RunStatus.QUEUED, 0, None, AT
    for wait in waits:
        at += wait * SECOND
        match claim(status, attempt, heartbeat_at, at):
            case Claim.TAKEN:
                assert heartbeat_at is None or at - heartbeat_at > LEASE
                status, attempt, heartbeat_at = RunStatus.RUNNING, attempt + 1, at
            case Claim.SPENT:
                assert attempt == MAX_ATTEMPTS
                status = RunStatus.FAILED
    assert attempt <= MAX_ATTEMPTS
