"""What a setter sees of a table: no numbers of a handful of leads, and none that subtracting would tell. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from setpoint.reports.insights.schemas import Cell, ColumnKind, TableDocument

FEWEST: Final = 5
"""Counts below it are not shown to setters. None at all is shown: it is nobody's."""
SUPPRESSED: Final = "suppressed"
SUMMED: Final = (
    frozenset({"channel", "sender", "disposition"}),
    frozenset({"channel", "sender"}),
    frozenset({"sender"}),
    frozenset({"what"}),
    frozenset[str](),
)
"""By which labels other tables, or a row of the same one, have the sums of a table's rows."""
_NOTE: Final = (
    f"A row in which a count is below {FEWEST} is shown without its numbers; where that is one row alone, the next"
    " smallest goes with it."
)
_NAMING: Final = ColumnKind.LABEL.value
_COUNTING: Final = ColumnKind.COUNT.value


def suppressed(table: TableDocument) -> TableDocument:
    """The table with every number of a row put away where one of its counts is of fewer than FEWEST leads.

    All of the row goes, its words too: a rate, an interval or a sentence would tell the count. Wherever rows have a
    sum that is known (SUMMED) and one of them alone is put away, the smallest other one goes with it, or the sum less
    the rest would give it away.
    """
    kinds = [column["kind"] for column in table["columns"]]
    counts = [place for place, kind in enumerate(kinds) if kind == _COUNTING]
    rows = table["rows"]
    away = {n for n, row in enumerate(rows) if any(0 < _count(row[place]) < FEWEST for place in counts)}
    if not away:
        return table
    groups = list(_groups(table))
    before = 0
    while len(away) > before:
        before = len(away)
        for group in groups:
            for place in counts:
                held = [n for n in group if _count(rows[n][place])]
                left = [n for n in held if n not in away]
                if len(held) - len(left) == 1 and left:
                    away.add(min(left, key=lambda n: (_count(rows[n][place]), n)))
    # What is said of the whole table may be said of one row of it.
    shown = [_put_away(kinds, row) if n in away else row for n, row in enumerate(rows)]
    return {**table, "rows": shown, "says": None, "notes": [_NOTE]}


def _groups(table: TableDocument) -> Iterator[list[int]]:
    """The rows whose sum is known, by their places: those that are alike in some of the labels."""
    naming = {column["key"]: n for n, column in enumerate(table["columns"]) if column["kind"] == _NAMING}
    for labels in SUMMED:
        if labels < naming.keys():
            found: dict[tuple[Cell, ...], list[int]] = {}
            for n, row in enumerate(table["rows"]):
                found.setdefault(tuple(row[naming[label]] for label in sorted(labels)), []).append(n)
            yield from found.values()


def _count(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0


def _put_away(kinds: Sequence[str], row: Sequence[Cell]) -> list[Cell]:
    return [cell if kind == _NAMING else SUPPRESSED for kind, cell in zip(kinds, row, strict=True)]
