"""An answer and the tables it cites, for a terminal."""

import textwrap
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from setpoint.reports.insights.schemas import AnswerDocument, ColumnKind, TableDocument
from setpoint.reports.insights.suppression import SUPPRESSED
from setpoint.reports.insights.table_text import rows_text
from setpoint.reports.presentation import count_text

_MOST_ROWS: Final = 20
# The least width of a column of words, in characters, and what is too long to say which row it is.
_NARROW: Final = 16
_LONG: Final = 40
_GAP: Final = 1
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
        drawn, left_out = _drawn(table, console.width)
        console.print(drawn)
        if left_out:
            words = f"Left out for want of room, and in --json: {', '.join(left_out)}."
            console.print(Text(words, style="dim"))
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


def _drawn(table: TableDocument, room: int) -> tuple[Table, list[str]]:
    """As many columns of a table as have room, and the names of those that have none.

    Numbers are never wrapped, and words only between words. Columns that are empty are not drawn, nor sentences
    beside numbers.
    """
    columns = table["columns"]
    cells = rows_text(table, table["rows"][:_MOST_ROWS])
    sentences = {column["kind"] for column in columns}.isdisjoint(_NUMBERS)
    places = [
        place
        for place, column in enumerate(columns)
        if any(row[place] not in (None, "") for row in table["rows"])
        and (sentences or column["kind"] != ColumnKind.WORDS)
    ]
    full = {place: max(len(row[place]) for row in cells) for place in places}
    least = {}
    for place in places:
        words = columns[place]["label"].split()
        if columns[place]["kind"] in _NUMBERS:
            least[place] = max(full[place], *map(len, words))
        else:
            words += [word for row in cells for word in row[place].split()]
            least[place] = max(min(full[place], _NARROW), *map(len, words))

    def last(place: int) -> int:
        kind = columns[place]["kind"]
        if kind in (ColumnKind.POINTS, ColumnKind.RATE):
            return 1
        return 2 if kind in _NUMBERS else 3 * (place > 0 and full[place] > _LONG)

    kept: list[int] = []
    spare = room
    for place in sorted(places, key=last):
        if not kept or least[place] + _GAP <= spare:
            kept.append(place)
            spare -= least[place] + _GAP
    drawn = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for place in (place for place in places if place in kept):
        number = columns[place]["kind"] in _NUMBERS
        more = 0 if number else max(0, min(spare, full[place] - least[place]))
        spare -= more
        width = least[place] + more
        header = textwrap.fill(columns[place]["label"], max(width, 1))
        drawn.add_column(header, justify="right" if number else "left", width=width, no_wrap=number, overflow="fold")
    for row in cells:
        drawn.add_row(*(Text(row[place]) for place in places if place in kept))
    return drawn, [columns[place]["label"] for place in places if place not in kept]


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
