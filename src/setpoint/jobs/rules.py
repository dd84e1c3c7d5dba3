"""When the weekly report is due, and what it is about. Pure."""

from datetime import UTC, datetime, time, timedelta

from setpoint.domain.windows import Window

WEEKLY_CRON = "0 5 * * 1"
"""Mondays at 05:00 UTC, for all workspaces."""

_MONDAY_AT = time(5, tzinfo=UTC)


def last_due(at: datetime) -> datetime:
    """The last Monday, 05:00 UTC, that is not after `at`."""
    day = at.astimezone(UTC).date()
    due = datetime.combine(day - timedelta(days=day.weekday()), _MONDAY_AT)
    return due if due <= at else due - timedelta(weeks=1)


def weekly_window(due: datetime, days: int) -> Window:
    """The full weeks, Monday to Sunday in UTC, that were over at `due`, as many as there are in `days`.

    It is as known at `due`, whenever it is carried out, so that it can be made again.
    """
    midnight = due.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = midnight - timedelta(days=midnight.weekday())
    return Window(end - timedelta(weeks=days // 7), end, due)
