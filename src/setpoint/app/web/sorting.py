"""Tables that are sorted by what stands in the address, so that a view can be shared and the back button works."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlencode

from setpoint.domain.errors import UsageError

Row = TypeVar("Row")

DESCENDING: Final = "-"


@dataclass(frozen=True, slots=True)
class Sorting:
    """How a table is sorted: `asked` is a column's key, with a minus before it where the largest comes first.

    Empty is the table's usual order. `path` and `query` are the page and what else its address asks for.
    """

    asked: str
    path: str
    query: Mapping[str, str]

    @property
    def key(self) -> str:
        """The column."""
        return self.asked.removeprefix(DESCENDING)

    @property
    def is_descending(self) -> bool:
        """Whether the largest comes first."""
        return self.asked.startswith(DESCENDING)

    def state(self, key: str) -> Literal["ascending", "descending"] | None:
        """What `aria-sort` says of a column; None where the table is not sorted by it."""
        if key != self.key:
            return None
        return "descending" if self.is_descending else "ascending"

    def address(self, key: str, largest_first: bool) -> str:
        """Where a column's head leads: its usual order first, then the other one."""
        state = self.state(key)
        descending = largest_first if state is None else state == "ascending"
        asked = DESCENDING + key if descending else key
        return f"{self.path}?{urlencode({**self.query, 'sort': asked})}"


def in_order(rows: Sequence[Row], columns: Mapping[str, Callable[[Row], Any]], sorting: Sorting) -> Sequence[Row]:
    """The rows as asked; those without a value last, and equal ones in their usual order.

    Raises UsageError where no column has the name.
    """
    if not sorting.asked:
        return rows
    if sorting.key not in columns:
        raise UsageError(f"The table is sorted by one of: {', '.join(columns)}.")
    value = columns[sorting.key]
    known = [row for row in rows if value(row) is not None]
    return [
        *sorted(known, key=value, reverse=sorting.is_descending),
        *(row for row in rows if value(row) is None),
    ]
