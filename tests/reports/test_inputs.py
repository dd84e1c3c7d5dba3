"""The hash of what a section was made from: the same for the same, however it came, and another where it differs."""

import numpy as np
import pyarrow as pa
import pytest

from setpoint.reports.inputs import hash_of_arrays, hash_of_rows, hash_of_table

ROWS: list[dict[str, str | int | None]] = [
    {"sender": "ai", "state": "lost", "hours": 40, "leads": 3},
    {"sender": "", "state": "no_timestamp", "hours": None, "leads": 1},
]
TABLE = pa.table({"lead": [0, 0, 1], "length": ["short", None, "long"], "credited": [True, False, False]})


def test_counted_rows_have_one_hash_in_any_order() -> None:
    assert hash_of_rows(ROWS) == hash_of_rows(reversed([dict(reversed(row.items())) for row in ROWS]))
    assert hash_of_rows(ROWS) != hash_of_rows([ROWS[0] | {"leads": 4}, ROWS[1]])
    assert hash_of_rows(ROWS) != hash_of_rows(ROWS[:1]) != hash_of_rows([])


def test_columns_have_the_hash_of_their_numbers_whatever_their_width() -> None:
    lead, booked = np.array([0, 0, 1]), np.array([True, False, False])
    assert hash_of_arrays([lead, booked]) == hash_of_arrays([lead.astype(np.int32), booked.astype(np.int8)])
    assert hash_of_arrays([lead, booked]) != hash_of_arrays([booked, lead])
    assert hash_of_arrays([lead[:2], booked[:1]]) != hash_of_arrays([lead[:1], booked[:2]])


@pytest.mark.parametrize(
    "same",
    [
        TABLE.select(["credited", "length", "lead"]),
        pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)]),
        TABLE.set_column(1, "length", TABLE["length"].dictionary_encode()),
        TABLE.set_column(
            1, "length", pa.DictionaryArray.from_arrays(pa.array([2, None, 0]), pa.array(["long", "unused", "short"]))
        ),
    ],
    ids=["other order of columns", "in pieces", "encoded", "another dictionary"],
)
def test_a_table_has_one_hash_however_it_is_held(same: pa.Table) -> None:
    assert hash_of_table(same) == hash_of_table(TABLE)


@pytest.mark.parametrize(
    "other",
    [
        TABLE.set_column(1, "length", pa.array(["short", "long", "long"])),
        TABLE.set_column(1, "length", pa.array(["short", None, "short"])),
        TABLE.set_column(2, "credited", pa.array([True, False, True])),
        TABLE.take(pa.array([1, 0, 2])),
        TABLE.rename_columns(["lead", "reading", "credited"]),
        TABLE.slice(0, 2),
    ],
    ids=["null", "value", "truth", "order of rows", "name", "fewer rows"],
)
def test_whatever_differs_in_a_table_changes_its_hash(other: pa.Table) -> None:
    assert hash_of_table(other) != hash_of_table(TABLE)
