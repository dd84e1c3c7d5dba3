"""The tables of a pack in words: what a reader sees of a cell, a model reads, and an answer is held against. Pure."""

from collections.abc import Sequence
from typing import Any

from setpoint.reports.insights.schemas import Cell, ColumnKind, TableDocument
from setpoint.reports.presentation import count_text, points_digits, rate_text, signed_points_text


def cell_text(kind: str, cell: Cell) -> str:
    """A cell as a reader takes it: rates in percent, differences in points."""
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    if kind == ColumnKind.COUNT:
        return count_text(int(cell))
    if kind == ColumnKind.RATE:
        return rate_text(cell)
    if kind == ColumnKind.POINTS:
        return signed_points_text(cell, points_digits(cell))
    return f"{cell:.3g}"


def rows_text(table: TableDocument, rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Rows of a table, each cell as a reader takes it."""
    kinds = [column["kind"] for column in table["columns"]]
    return [[cell_text(kind, cell) for kind, cell in zip(kinds, row, strict=True)] for row in rows]


def as_read(table: TableDocument) -> dict[str, Any]:
    """A table as a model reads it: with the very numbers that it may repeat."""
    return {**table, "rows": rows_text(table, table["rows"])}
