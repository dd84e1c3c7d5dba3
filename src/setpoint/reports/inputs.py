"""The hash of what a section of a report was made from: what the dataset's own hash does not cover.

Counted rows are hashed as they were counted, in whatever order an engine gave them; messages column by column. So
a hash is the same on every engine, and costs what reading its rows once costs.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def hash_of_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """The SHA-256 of counted rows, whatever their order. They hold texts, whole numbers, truths and nulls."""
    spelled = sorted(json.dumps(row, sort_keys=True, separators=(",", ":")) for row in rows)
    return hashlib.sha256("\n".join(spelled).encode("ascii")).hexdigest()


def hash_of_arrays(arrays: Iterable[npt.NDArray[Any]]) -> str:
    """The SHA-256 of columns of whole numbers or truths, in the order of their rows."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{len(array)};".encode())
        digest.update(array.astype("<i8").tobytes())
    return digest.hexdigest()


def hash_of_table(table: pa.Table) -> str:
    """The SHA-256 of a table of texts, whole numbers and truths, in the order of its rows.

    A text is hashed once, however many rows have it: the same values in another dictionary have the same hash.
    """
    digest = hashlib.sha256()
    for name in sorted(table.column_names):
        digest.update(f"{name};{table.num_rows};".encode())
        values, numbers = _numbered(table[name].combine_chunks())
        digest.update(json.dumps(values, separators=(",", ":")).encode("ascii"))
        digest.update(numbers.astype("<i8").tobytes())
    return digest.hexdigest()


def _numbered(column: pa.Array) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """The distinct values of a column in their order, and for each row the number of its own; -1 for null."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    held = np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(), dtype=np.int64)
    used = np.unique(held[held >= 0])
    values = encoded.dictionary.take(pa.array(used))
    order = np.asarray(pc.array_sort_indices(values).to_numpy(), dtype=np.int64)
    place = np.full(len(encoded.dictionary) + 1, -1, dtype=np.int64)
    place[used[order]] = np.arange(len(used))
    return values.take(pa.array(order)).to_pylist(), place[held]
