"""Tables of a terminal that cut nothing off."""

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

_WIDEST = 1000


class _Whole(Table):
    """A table that does not shrink: on a narrow terminal a line that wraps is better than a number cut off."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.update(width=_WIDEST)
        needed = self.__rich_measure__(console, room).maximum
        return super().__rich_console__(console, options.update(width=max(needed, options.max_width)))


def table(title: str, label: str, *numbers: str) -> Table:
    """A table with a title, a column of labels, and columns of numbers."""
    held = _Whole(
        title=Text(title, style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    held.add_column(label, no_wrap=True)
    for name in numbers:
        held.add_column(name, justify="right", no_wrap=True)
    return held
