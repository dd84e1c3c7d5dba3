"""The forms of packs and answers: plain mappings that JSON holds. Stored ones carry their version."""

from enum import StrEnum
from typing import Any, Final, Literal, TypedDict

PACK_VERSION: Final = 2
ANSWER_VERSION: Final = 1

Cell = str | int | float | None
"""None where there is no number; the row's words then say why."""


class ColumnKind(StrEnum):
    """What a column holds. A label names the row; words are sentences that may repeat its numbers.

    Rates and points are fractions; a point is a difference of two rates.
    """

    LABEL = "label"
    WORDS = "words"
    COUNT = "count"
    RATE = "rate"
    POINTS = "points"
    NUMBER = "number"


class ColumnDocument(TypedDict):
    """One column of a table."""

    key: str
    label: str
    kind: str


class TableDocument(TypedDict):
    """One named table of a pack.

    `key` is stable and is what an answer cites; `citations` names each row where it can be cited by itself, in the
    words of `setpoint.reports.citations`, else it is null there. `says` is the report's own sentence on it, null
    where it has none; `notes` say what a reader must know besides.
    """

    key: str
    title: str
    columns: list[ColumnDocument]
    rows: list[list[Cell]]
    citations: list[str | None]
    says: str | None
    notes: list[str]


class PackDocument(TypedDict):
    """What a report comes to, in tables that a question can be answered from."""

    version: int
    run_id: str
    workspace: str
    window: dict[str, str]
    parameters: dict[str, Any]
    tables: list[TableDocument]


class AnswerDocument(TypedDict):
    """An answer as it is kept. `citations` name tables and rows of the pack; `note` says where the answer is from.

    `source` is `model`; `tables` where the closest tables stand for an answer; `nothing` where none is close.
    """

    version: int
    source: Literal["model", "tables", "nothing"]
    text: str
    note: str
    citations: list[str]
    follow_ups: list[str]
    model: str | None
    prompt_key: str | None
    prompt_version: int | None
    prompt_hash: str | None
    call_id: str | None
    cached: bool
    failure: str | None
