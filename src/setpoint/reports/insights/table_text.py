"""The tables of a pack in words: what a reader sees of a cell, a model reads, and an answer is held against. Pure."""

from collections.abc import Sequence
from typing import Any

from setpoint.reports.insights.schemas import Cell, ColumnKind, TableDocument
from setpoint.reports.presentation import count_text, points_digits, rate_text, signed_points_text


def cell_text(kind: str, cell: Cell, digits: int | None = None) -> str:
    """A cell as a reader takes it: rates in percent, differences in points, with the decimals given or needed."""
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    if kind == ColumnKind.COUNT:
        return count_text(int(cell))
    if kind == ColumnKind.RATE:
        return rate_text(cell)
    if kind == ColumnKind.POINTS:
        return signed_points_text(cell, points_digits(cell) if digits is None else digits)
    return f"{cell:.3g}"


def rows_text(table: TableDocument, rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Rows of a table, each cell as a reader takes it; a difference and its interval have the same decimals."""
    kinds = [column["kind"] for column in table["columns"]]
    told = []
    for row in rows:
        cells = list(zip(kinds, row, strict=True))
        points = [cell for kind, cell in cells if kind == ColumnKind.POINTS and isinstance(cell, int | float)]
        told.append([cell_text(kind, cell, points_digits(*points)) for kind, cell in cells])
    return told


def as_read(table: TableDocument) -> dict[str, Any]:
    """A table as a model reads it: with the very numbers that it may repeat."""
    return {**table, "rows": rows_text(table, table["rows"])}
