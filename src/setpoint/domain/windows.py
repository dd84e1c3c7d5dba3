"""The window of a report: which messages, known when, credited how far back."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from setpoint.domain.errors import UsageError

DEFAULT_ATTRIBUTION_DAYS = 14
DEFAULT_MATURITY_DAYS = 7
MAX_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Window:
    """`[start, end)` as known at `as_of`, with the attribution window and the maturity buffer. All UTC.

    Raises UsageError where the instants or lengths make no sense.
    """

    start: datetime
    end: datetime
    as_of: datetime
    attribution: timedelta = timedelta(days=DEFAULT_ATTRIBUTION_DAYS)
    maturity: timedelta = timedelta(days=DEFAULT_MATURITY_DAYS)

    def __post_init__(self) -> None:
        for instant in (self.start, self.end, self.as_of):
            if instant.tzinfo is None or instant.utcoffset() != timedelta(0):
                raise UsageError("The instants of a window must be in UTC.")
        if not self.start < self.end:
            raise UsageError("--from must lie before --to.")
        for name, length in (("--attribution-days", self.attribution), ("--maturity-days", self.maturity)):
            if not timedelta(0) <= length <= timedelta(days=MAX_DAYS):
                raise UsageError(f"{name} must lie between 0 and {MAX_DAYS}.")
        try:
            _ = self.start - self.attribution, self.as_of - self.maturity
        except OverflowError:
            raise UsageError("The window reaches back before the year 1: choose a later one.") from None

    @property
    def known_until(self) -> datetime:
        """The latest instant from which facts can matter."""
        return max(self.end, self.as_of)


def parse_instant(text: str, option: str) -> datetime:
    """Read a date (midnight UTC) or an ISO 8601 instant with an offset, as given to a command.

    Raises UsageError naming `option` where the text is neither.
    """
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise UsageError(f"{option} {text!r} has no offset: write a date, or an instant that ends in Z.")
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text!r} is not a date: write it like 2026-01-31.") from None


def format_instant(instant: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`, the one spelling of an instant in exports and reports; fractions are cut off."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def exact_instant(instant: datetime) -> str:
    """The shortest text that means exactly this instant, and that `parse_instant` reads."""
    if instant == instant.replace(hour=0, minute=0, second=0, microsecond=0):
        return instant.date().isoformat()
    return instant.isoformat().replace("+00:00", "Z")


def make_window(
    start: str,
    end: str,
    as_of: str | None = None,
    attribution_days: int = DEFAULT_ATTRIBUTION_DAYS,
    maturity_days: int = DEFAULT_MATURITY_DAYS,
) -> Window:
    """Build a window from the texts of a command or request. `as_of` defaults to the end of the window.

    Raises UsageError.
    """
    until = parse_instant(end, "--to")
    for name, days in (("--attribution-days", attribution_days), ("--maturity-days", maturity_days)):
        if not 0 <= days <= MAX_DAYS:
            raise UsageError(f"{name} must lie between 0 and {MAX_DAYS}.")
    return Window(
        start=parse_instant(start, "--from"),
        end=until,
        as_of=parse_instant(as_of, "--as-of") if as_of else until,
        attribution=timedelta(days=attribution_days),
        maturity=timedelta(days=maturity_days),
    )
