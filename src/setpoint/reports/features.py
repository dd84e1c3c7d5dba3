"""Readable features of an outbound message: what a person would say about it without reading meaning into it."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

MESSAGE_COLUMNS: Final = pa.schema(
    [
        ("subject", pa.string()),
        ("body", pa.string()),
        ("first_name", pa.string()),
        ("company", pa.string()),
        ("touch", pa.int64()),
        ("wait_hours", pa.float64()),
        ("local_hour", pa.int64()),
        ("channel", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that can be told of a message. `values` stand in the order in which they are shown."""

    key: str
    label: str
    values: tuple[str, ...]
    definition: str


@dataclass(frozen=True, slots=True)
class Contrast:
    """Messages whose `feature` has `value`, against all others of which it can be told.

    `phrase` continues a sentence that begins with "Messages that".
    """

    key: str
    feature: str
    value: str
    label_exposed: str
    label_other: str
    phrase: str


def features_of(messages: pa.Table | pa.RecordBatch) -> pa.Table:
    """The features of messages: a column of texts for each Feature, null where it cannot be told, a row a message."""
    raise NotImplementedError


def contrasts() -> list[Contrast]:
    """Every contrast that patterns test."""
    raise NotImplementedError


def exposed(features: pa.Table, contrast: Contrast) -> pa.ChunkedArray:
    """Whether each message is on the contrast's side, as booleans; null where it cannot be told."""
    raise NotImplementedError
