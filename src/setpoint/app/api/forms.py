"""The forms of requests and answers that several routes share."""

import base64
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from setpoint.datasets.sampling import DEFAULT_SEED
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import UsageError
from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import DEFAULT_ATTRIBUTION_DAYS, DEFAULT_MATURITY_DAYS, make_window
from setpoint.storage.positions import Position

T = TypeVar("T")

MOST: Final = 100
_WRONG_CURSOR: Final = "cursor is none of ours: take next_cursor of the page before, or leave it out."

Cursor = Annotated[
    str | None, Query(description="`next_cursor` of the page before; without it, the first.", max_length=200)
]
Limit = Annotated[int, Query(description="The most that a page has.", ge=1, le=MOST)]


class Form(BaseModel):
    """A body that has no fields but those it is known to have."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Page(BaseModel, Generic[T]):
    """A part of a list, the newest first. `next_cursor` asks for the part that follows; null at the end."""

    items: list[T]
    next_cursor: str | None


class WindowForm(Form):
    """What a report or a dataset is asked for. Days are midnights of UTC; instants have an offset."""

    start: str = Field(alias="from", description="First day or instant.", examples=["2026-03-01"], max_length=40)
    end: str = Field(alias="to", description="Where it ends, not included.", examples=["2026-06-01"], max_length=40)
    as_of: str | None = Field(None, description="Nothing after it is known; default: `to`.", max_length=40)
    attribution_days: int = Field(DEFAULT_ATTRIBUTION_DAYS, description="How far back a booking credits a message.")
    maturity_days: int = Field(DEFAULT_MATURITY_DAYS, description="How long a lead stays pending.")
    channels: list[Channel] = Field([], description="Only messages on these; none means all.", max_length=10)
    max_leads: int | None = Field(None, description="Cap the cohort by a uniform sample.", ge=1, le=10**9)
    seed: str = Field(DEFAULT_SEED, description="Seed of the sample's hash.", max_length=100)

    def request(self, workspace: str) -> DatasetRequest:
        """The same in the terms of datasets. Raises UsageError where it makes no sense."""
        window = make_window(self.start, self.end, self.as_of, self.attribution_days, self.maturity_days)
        return DatasetRequest(workspace, window, tuple(dict.fromkeys(self.channels)), self.max_leads, self.seed)


def cursor_of(position: Position) -> str:
    """A position as a text that says nothing to whoever gets it."""
    return _packed([position.created_at.isoformat(), str(position.id)])


def position_of(cursor: str | None) -> Position | None:
    """Where a cursor says that a list was left off. Raises UsageError where it is none of ours."""
    if cursor is None:
        return None
    try:
        at, number = _unpacked(cursor)
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError
        return Position(instant, UUID(number))
    except (ValueError, TypeError, AttributeError):
        raise UsageError(_WRONG_CURSOR) from None


def day_cursor(day: date, shown: int) -> str:
    """The day that a list by days was left off at, and how much of that day was shown."""
    return _packed([day.isoformat(), shown])


def day_of(cursor: str | None) -> tuple[date, int] | None:
    """What `day_cursor` was given. Raises UsageError where it is none of ours."""
    if cursor is None:
        return None
    try:
        day, shown = _unpacked(cursor)
        if type(shown) is not int or not 0 <= shown < 1_000_000:
            raise ValueError
        return date.fromisoformat(day), shown
    except (ValueError, TypeError):
        raise UsageError(_WRONG_CURSOR) from None


def _packed(parts: Sequence[object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


def _unpacked(cursor: str) -> Any:
    if not cursor.isascii():
        raise ValueError
    found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    if not isinstance(found, list):
        raise ValueError
    return found
