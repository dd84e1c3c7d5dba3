"""An answer and the tables it cites, for a terminal."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from setpoint.reports.insights.schemas import AnswerDocument, ColumnKind, TableDocument
from setpoint.reports.insights.suppression import SUPPRESSED
from setpoint.reports.insights.table_text import cell_text
from setpoint.reports.presentation import count_text

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
        for note in [*_sentences(table), *table["notes"]]:
            console.print(Text(note, style="dim"))
    if answer["follow_ups"]:
        console.print()
        console.print(Text("Ask as well:", style="dim"))
        for question in answer["follow_ups"]:
            console.print(Text(f"    {question}"))


def _drawn(table: TableDocument) -> Table:
    """A table without the columns that are empty in all of it, and without sentences where it has numbers."""
    drawn = Table(box=None, pad_edge=False)
    sentences = {column["kind"] for column in table["columns"]}.isdisjoint(_NUMBERS)
    places = [
        place
        for place, column in enumerate(table["columns"])
        if any(row[place] not in (None, "") for row in table["rows"])
        and (sentences or column["kind"] != ColumnKind.WORDS)
    ]
    for place in places:
        column = table["columns"][place]
        drawn.add_column(column["label"], justify="right" if column["kind"] in _NUMBERS else "left", overflow="fold")
    for row in table["rows"][:_MOST_ROWS]:
        drawn.add_row(*(Text(cell_text(table["columns"][place]["kind"], row[place])) for place in places))
    return drawn


def _sentences(table: TableDocument) -> list[str]:
    """What the rows say in words, each once, where the table has numbers beside it."""
    kinds = [column["kind"] for column in table["columns"]]
    if _NUMBERS.isdisjoint(kinds):
        return []
    words = [
        str(cell)
        for row in table["rows"][:_MOST_ROWS]
        for kind, cell in zip(kinds, row, strict=True)
        if kind == ColumnKind.WORDS and cell not in (None, "", SUPPRESSED)
    ]
    return list(dict.fromkeys(words))
