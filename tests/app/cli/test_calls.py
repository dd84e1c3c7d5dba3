"""The table of `setpoint calls` in terminals of several widths."""

import io

from rich.console import Console

from setpoint.app.cli.calls import calls_table

ROW = [
    "insights.answer v1",
    "openai:a-model-of-some-length",
    "1,204",
    "96",
    "6,102,331",
    "410,118",
    "at least 12.5310",
]
ROW += ["1,840", "12,402", "3 timeout, 11 invalid_output"]


def drawn(width: int) -> tuple[str, list[str]]:
    console = Console(file=io.StringIO(), width=width)
    table, left_out = calls_table([ROW], width)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue(), left_out


def test_in_80_columns_no_number_is_broken_and_what_is_left_out_is_named() -> None:
    text, left_out = drawn(80)
    assert max(map(len, text.splitlines())) <= 80
    assert "1,204" in text
    assert "at least 12.5310" in text
    assert left_out == ["Cached", "Tokens in", "Tokens out", "p50 ms", "p95 ms"]


def test_a_wide_terminal_has_all_of_it() -> None:
    text, left_out = drawn(180)
    assert left_out == []
    assert all(cell in text for cell in ROW)
