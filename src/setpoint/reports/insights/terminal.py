"""An answer and the tables it cites, for a terminal."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from setpoint.reports.insights.schemas import AnswerDocument, Cell, ColumnKind, TableDocument
from setpoint.reports.presentation import count_text, points_digits, rate_text, signed_points_text

_MOST_ROWS: Final = 20
_NUMBERS: Final = {ColumnKind.COUNT, ColumnKind.RATE, ColumnKind.POINTS, ColumnKind.NUMBER}


def print_answer(answer: AnswerDocument, tables: Sequence[TableDocument], console: Console) -> None:
    """Print the answer, where it is from, what it cites, and what else can be asked."""
    console.print(Text(answer["text"]))
    console.print(Text(answer["note"], style="dim"))
    if answer["citations"]:
        console.print(Text(f"Rests on: {', '.join(answer['citations'])}", style="dim"))
    for table in tables:
        console.print()
        console.print(Text(table["title"], style="bold"))
        console.print(_drawn(table))
        left = len(table["rows"]) - _MOST_ROWS
        if left > 0:
            console.print(Text(f"and {count_text(left)} more rows: --json has them.", style="dim"))
        for note in table["notes"]:
            console.print(Text(note, style="dim"))
    if answer["follow_ups"]:
        console.print()
        console.print(Text("Ask as well:", style="dim"))
        for question in answer["follow_ups"]:
            console.print(Text(f"    {question}"))


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


def _drawn(table: TableDocument) -> Table:
    """A table without the columns that are empty in all of it."""
    shown = table["rows"][:_MOST_ROWS]
    drawn = Table(box=None, pad_edge=False)
    places = [
        place for place in range(len(table["columns"])) if any(row[place] not in (None, "") for row in table["rows"])
    ]
    for place in places:
        column = table["columns"][place]
        drawn.add_column(column["label"], justify="right" if column["kind"] in _NUMBERS else "left", overflow="fold")
    for row in shown:
        drawn.add_row(*(Text(cell_text(table["columns"][place]["kind"], row[place])) for place in places))
    return drawn
