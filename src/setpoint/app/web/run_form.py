"""The form that a report is asked for by: what it begins with, and what is wrong with each field. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from setpoint.datasets.sampling import DEFAULT_SEED
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import UsageError
from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import (
    DEFAULT_ATTRIBUTION_DAYS,
    DEFAULT_MATURITY_DAYS,
    MAX_DAYS,
    Window,
    exact_instant,
    parse_instant,
)
from setpoint.reports.service import Run

T = TypeVar("T")

DAYS: Final = 90
"""How many days a new report looks at where nobody says otherwise."""
AT_WORK_DAYS: Final = 7
"""A workspace that has sent something within so many days still sends; what is older was brought in as it was."""
_MOST_LEADS: Final = 10**9
_DAY: Final = timedelta(days=1)
_LABELS: Final = {
    "from": "From",
    "to": "Up to",
    "as_of": "As of",
    "attribution_days": "Attribution window",
    "maturity_days": "Maturity buffer",
    "max_leads": "Most leads",
    "seed": "Seed",
}


@dataclass(frozen=True, slots=True)
class RunFields:
    """The fields as they were written. `start` and `end` are called `from` and `to` in the form."""

    start: str = ""
    end: str = ""
    as_of: str = ""
    channels: tuple[str, ...] = ()
    attribution_days: str = str(DEFAULT_ATTRIBUTION_DAYS)
    maturity_days: str = str(DEFAULT_MATURITY_DAYS)
    max_leads: str = ""
    model: bool = True
    seed: str = DEFAULT_SEED

    def all(self) -> list[tuple[str, str]]:
        """The fields as a form sends them."""
        return [
            ("from", self.start),
            ("to", self.end),
            ("as_of", self.as_of),
            *(("channels", channel) for channel in self.channels),
            ("attribution_days", self.attribution_days),
            ("maturity_days", self.maturity_days),
            ("max_leads", self.max_leads),
            ("model", "yes" if self.model else "no"),
            ("seed", self.seed),
        ]

    def query(self) -> list[tuple[str, str]]:
        """The same as parts of an address, without those that are as they begin in every workspace."""
        usual = RunFields(attribution_days="", maturity_days="").all()
        return [each for each in self.all() if each[1] and each not in usual]


class Wrong(Exception):
    """What is wrong with the fields: `faults` has a sentence for each, by its name."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("Some fields are wrong.")
        self.faults = faults


def first_fields(span: tuple[datetime, datetime] | None, now: datetime) -> RunFields:
    """The fields of a new report, so that it is never empty, where the messages of `span` are the first and the last.

    It looks at the last days before today, which is not over. Where the last message is older than a week, it ends
    with the day of that one: what became of leads since then may not be known here.
    """
    if span is None:
        return RunFields()
    first, last, today = (instant.replace(hour=0, minute=0, second=0, microsecond=0) for instant in (*span, now))
    end = today if last < today <= last + timedelta(days=AT_WORK_DAYS) else last + _DAY
    start = max(first, end - timedelta(days=DAYS))
    return RunFields(start.date().isoformat(), end.date().isoformat())


def fields_of(run: Run) -> RunFields:
    """The fields that ask for a run once more."""
    asked = run.parameters
    start, end, as_of = (exact_instant(parse_instant(asked[name], name)) for name in ("from", "to", "as_of"))
    return RunFields(
        start,
        end,
        "" if as_of == end else as_of,
        tuple(asked["channels"]),
        str(asked["attribution_days"]),
        str(asked["maturity_days"]),
        "" if asked["max_leads"] is None else str(asked["max_leads"]),
        run.with_model,
        asked["seed"],
    )


def request_in(fields: RunFields, workspace: str, now: datetime) -> DatasetRequest:
    """What the fields ask for. Raises Wrong, with all that is wrong with single fields."""
    faults: dict[str, str] = {}

    def read(name: str, make: Callable[[], T], instead: T) -> T:
        try:
            return make()
        except UsageError as error:
            faults[name] = _told(error.message)
            return instead

    start = read("from", lambda: _instant(fields.start, "from"), now)
    end = read("to", lambda: _instant(fields.end, "to"), now)
    as_of = read("as_of", lambda: _instant(fields.as_of, "as_of"), now) if fields.as_of.strip() else end
    attribution = read("attribution_days", lambda: _days(fields.attribution_days), _DAY)
    maturity = read("maturity_days", lambda: _days(fields.maturity_days), _DAY)
    max_leads = read("max_leads", lambda: _leads(fields.max_leads), None)
    channels = read("channels", lambda: _channels(fields.channels), tuple(Channel))
    if as_of > now + _DAY:
        name = "as_of" if fields.as_of.strip() else "to"
        faults[name] = "This lies in the future: what happens until then is not known yet. Today is the latest."
    if not {"from", "to"} & faults.keys() and start >= end:
        faults["from"] = "From must lie before Up to."
    if faults:
        raise Wrong(faults)
    try:
        window = Window(start, end, as_of, attribution, maturity)
        return DatasetRequest(workspace, window, channels, max_leads, fields.seed)
    except UsageError as error:
        named = re.search("--([a-z-]+)", error.message)
        raise Wrong({named[1].replace("-", "_") if named else "from": _told(error.message)}) from None


def _told(message: str) -> str:
    """The sentence with the fields' labels in place of a command's options."""

    def label(found: re.Match[str]) -> str:
        name = found[1].replace("-", "_")
        return _LABELS.get(name, name)

    return re.sub("--([a-z-]+)", label, message)


def _instant(text: str, name: str) -> datetime:
    if not text.strip():
        raise UsageError(f"{_LABELS[name]} is missing: choose a day.")
    return parse_instant(text.strip(), f"--{name.replace('_', '-')}")


def _whole(text: str, least: int, most: int) -> int:
    if not re.fullmatch("[0-9]{1,10}", text.strip()) or not least <= int(text) <= most:
        raise UsageError(f"Write a whole number from {least} to {most:,}.")
    return int(text)


def _days(text: str) -> timedelta:
    return timedelta(days=_whole(text, 0, MAX_DAYS))


def _leads(text: str) -> int | None:
    return _whole(text.replace(",", ""), 1, _MOST_LEADS) if text.strip() else None


def _channels(chosen: tuple[str, ...]) -> tuple[Channel, ...]:
    try:
        found = tuple(Channel(each) for each in dict.fromkeys(chosen))
    except ValueError:
        raise UsageError("There is no such channel: choose among those that are shown.") from None
    return () if len(found) == len(Channel) else found
