"""Mondays, and the weeks before them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.jobs.rules import last_due, weekly_window

INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-11-23T05:00:00Z", "2026-11-23T05:00:00Z"),
        ("2026-11-23T04:59:59Z", "2026-11-16T05:00:00Z"),
        ("2026-11-29T23:59:59Z", "2026-11-23T05:00:00Z"),
        ("2026-01-01T00:00:00Z", "2025-12-29T05:00:00Z"),
        # A Monday in Auckland, and a Sunday in UTC.
        ("2026-11-23T09:00:00+13:00", "2026-11-16T05:00:00Z"),
    ],
)
def test_the_last_monday(at: str, due: str) -> None:
    assert last_due(instant(at)) == instant(due)


@given(INSTANTS, st.integers(-12, 12))
def test_exactly_one_monday_is_the_last(at: datetime, hours: int) -> None:
    due = last_due(at.astimezone(timezone(timedelta(hours=hours))))
    assert (due.utcoffset(), due.weekday(), due.hour, due.minute, due.second) == (timedelta(0), 0, 5, 0, 0)
    assert due <= at < due + timedelta(weeks=1)


def test_two_full_weeks() -> None:
    window = weekly_window(instant("2026-11-23T05:00:00Z"), 14)
    assert (window.start, window.end) == (instant("2026-11-09T00:00:00Z"), instant("2026-11-23T00:00:00Z"))
    assert window.as_of == instant("2026-11-23T05:00:00Z")


@given(INSTANTS, st.integers(1, 520))
def test_a_window_has_whole_weeks_and_nothing_later(at: datetime, weeks: int) -> None:
    due = last_due(at)
    window = weekly_window(due, 7 * weeks)
    assert window.end - window.start == timedelta(weeks=weeks)
    assert (window.start.weekday(), window.start.hour) == (0, 0)
    assert timedelta(0) <= due - window.end < timedelta(days=1)
    assert window.as_of == due
