"""What a setter sees of a table: no numbers of a handful of leads. Pure."""

from collections.abc import Sequence
from typing import Final

from setpoint.reports.insights.schemas import Cell, ColumnKind, TableDocument

FEWEST: Final = 5
"""Counts below it are not shown to setters. None at all is shown: it is nobody's."""
SUPPRESSED: Final = "suppressed"
_NOTE: Final = f"Rows with fewer than {FEWEST} leads are shown without their numbers."
_NAMING: Final = ColumnKind.LABEL.value
_COUNTING: Final = ColumnKind.COUNT.value


def suppressed(table: TableDocument) -> TableDocument:
    """The table with every number of a row put away where one of its counts is of fewer than FEWEST leads.

    All of the row goes, its words too: a rate, an interval or a sentence would tell the count. Where that leaves
    one row alone, the next smallest goes with it, or a total elsewhere would give it away.
    """
    kinds = [column["kind"] for column in table["columns"]]
    sizes: list[list[int]] = [
        [cell for kind, cell in zip(kinds, row, strict=True) if kind == _COUNTING and isinstance(cell, int)]
        for row in table["rows"]
    ]
    small = {place for place, counts in enumerate(sizes) if any(0 < count < FEWEST for count in counts)}
    if not small:
        return table
    others = [place for place, counts in enumerate(sizes) if place not in small and any(counts)]
    if len(small) == 1 and others:
        small.add(min(others, key=lambda place: (sum(sizes[place]), place)))
    rows = [_put_away(kinds, row) if place in small else row for place, row in enumerate(table["rows"])]
    # What is said of the whole table may be said of one row of it.
    return {**table, "rows": rows, "notes": [_NOTE]}


def _put_away(kinds: Sequence[str], row: Sequence[Cell]) -> list[Cell]:
    return [cell if kind == _NAMING else SUPPRESSED for kind, cell in zip(kinds, row, strict=True)]
