import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.domain.spreadsheet import neutralise, neutralise_column, restore, restore_column

CELLS = st.text(st.sampled_from("'=+-@\t\r\n\0a1é ") | st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\0"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    assert neutralise(start + "SUM(A1)") == "'" + start + "SUM(A1)"


@pytest.mark.parametrize("cell", ["", "plain", "a=b", "'quoted'", "2026-01-31T00:00:00Z", " =1", "\n=1"])
def test_everything_else_stays_as_it_is(cell: str) -> None:
    assert neutralise(cell) == cell
    assert restore(cell) == cell


def test_what_already_looks_neutralised_gets_one_apostrophe_more() -> None:
    assert neutralise("'=1") == "''=1"
    assert restore("''=1") == "'=1"


@given(CELLS)
def test_every_cell_comes_back_and_none_is_dangerous_on_the_way(cell: str) -> None:
    safe = neutralise(cell)
    assert restore(safe) == cell
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\0"))


@settings(deadline=None)  # Arrow loads its functions at the first call.
@given(st.lists(st.none() | CELLS))
def test_columns_go_the_way_of_their_cells(cells: list[str | None]) -> None:
    column = pa.array(cells, pa.string())
    safe = [None if cell is None else neutralise(cell) for cell in cells]
    assert neutralise_column(column).to_pylist() == safe
    assert restore_column(column).to_pylist() == [None if cell is None else restore(cell) for cell in cells]
    assert restore_column(neutralise_column(column)).to_pylist() == cells
