"""Whether the cells of an import file can be what their columns need. Pure, and column by column with Arrow.

What comes out is text that PostgreSQL reads as the same value, and null where nothing is known.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.ingest.schemas import (
    LAYOUTS,
    MAX_KEY_BYTES,
    MAX_TEXT_BYTES,
    OUT_OF_YEARS,
    Batch,
    Cell,
    Column,
    Fault,
    ImportKind,
    Layout,
    Reason,
    Rejection,
)

TRUE = ("true", "1", "yes", "t", "y")
FALSE = ("false", "0", "no", "f", "n")

_SHOWN_VALUE = 40
_INSTANT = pa.timestamp("us", tz="UTC")
_EARLIEST = pa.scalar(datetime.min.replace(tzinfo=UTC), _INSTANT)
_LATEST = pa.scalar(datetime.max.replace(tzinfo=UTC), _INSTANT)
# What PostgreSQL reads as it stands, given that it is a valid date.
_PLAIN_UTC = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$"
_LIKE_A_DATE = re.compile(r"\d{4}-(\d{2}|W\d{2})|\d{8}T")
_DAY_ALONE = re.compile(r"[\dW-]+")
_LEAP_SECOND = re.compile(r".{11}\d{2}:?\d{2}:?60")
_CONTROL = r"[\x00-\x1f\x7f-\x{9f}]"

_MISSING = Fault(Reason.MISSING, "is empty, and the row is of no use without it")
_NUL = Fault(Reason.NUL_CHARACTER, "has a NUL character, which no text can keep")
_ID_CONTROL = Fault(Reason.CONTROL_CHARACTER, "has a control character, such as a tab or a line break")
_ID_TOO_LONG = Fault(Reason.TOO_LONG, f"is longer than {MAX_KEY_BYTES} bytes")
_TEXT_TOO_LONG = Fault(Reason.TOO_LONG, f"is longer than {MAX_TEXT_BYTES >> 20} MiB")
_NOT_A_NUMBER = Fault(Reason.NOT_A_NUMBER, "is not a number: write it like 0.85")
_NOT_A_SHARE = Fault(Reason.OUT_OF_RANGE, "does not lie between 0 and 1")

Faults = dict[int, Fault]
Checked = tuple[pa.Array, Faults]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The rows of a batch that hold up by themselves, one column of texts for each of the layout, and the rest."""

    lines: pa.Array
    columns: list[pa.Array]
    rejections: list[Rejection]


def check(batch: Batch, layout: Layout) -> Accepted:
    """Check every cell; a row with a fault is rejected for the first of its columns that has one."""
    rows = len(batch.lines)
    columns: list[pa.Array] = []
    faults: dict[int, tuple[str, Fault]] = {}
    for column in layout.columns:
        cells = batch.cells.get(column.name)
        values, found = check_column(column, pa.nulls(rows, pa.string()) if cells is None else cells)
        columns.append(values)
        for row, fault in found.items():
            faults.setdefault(row, (column.name, fault))
    if not faults:
        return Accepted(batch.lines, columns, batch.rejections)
    keys = batch.cells["external_id"]
    rejections = [
        Rejection(batch.lines[row].as_py(), name, fault, keys[row].as_py() or "")
        for row, (name, fault) in sorted(faults.items())
    ]
    kept = pa.array([row for row in range(rows) if row not in faults], pa.int64())
    return Accepted(batch.lines.take(kept), [column.take(kept) for column in columns], batch.rejections + rejections)


def kind_by_columns(layout: Layout, names: frozenset[str]) -> ImportKind | None:
    """The kind of file that one with these columns is, where that is clearly not the layout's.

    That is a kind all of whose required columns are there, with at least two more of its columns than of the
    layout's: a single one, such as a lead's `channel`, may just be called so.
    """
    most, found = len(names.intersection(layout.names)) + 1, None
    for other in LAYOUTS.values():
        shared = len(names.intersection(other.names))
        if shared > most and names.issuperset(other.required):
            most, found = shared, other.kind
    return found


def check_column(column: Column, cells: pa.Array) -> Checked:
    """The values of a column as texts, null where unknown, and the faults by row. `cells` are strings or null."""
    if cells.null_count < len(cells):
        cells = pc.if_else(pc.equal(cells, ""), None, cells)
    if cells.null_count == len(cells):
        values, faults = cells, Faults()
    else:
        values, faults = _CHECKS[column.cell](column, cells)
    if column.default is not None:
        values = pc.fill_null(values, column.default)
    if column.required and values.null_count:
        faults = {**dict.fromkeys(_rows(pc.is_null(values)), _MISSING), **faults}
    return values, faults


def _rows(mask: pa.Array) -> list[int]:
    found: list[int] = pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist()
    return found


def _flagged(cells: pa.Array, mask: pa.Array, fault: Fault) -> Checked:
    if not pc.any(mask).as_py():
        return cells, {}
    return pc.if_else(mask, None, cells), dict.fromkeys(_rows(mask), fault)


def _quoted(value: str) -> str:
    """A value as a message may show it: the beginning of it, on one line."""
    shown = value if len(value) <= _SHOWN_VALUE else value[: _SHOWN_VALUE - 1] + "…"
    return repr(shown)


def _check_text(_: Column, cells: pa.Array) -> Checked:
    cells, faults = _flagged(cells, pc.match_substring(cells, "\0"), _NUL)
    if (pc.max(pc.binary_length(cells)).as_py() or 0) > MAX_TEXT_BYTES:
        cells, long = _flagged(cells, pc.greater(pc.binary_length(cells), MAX_TEXT_BYTES), _TEXT_TOO_LONG)
        faults |= long
    return cells, faults


def _check_label(column: Column, cells: pa.Array) -> Checked:
    cells, faults = _check_text(column, cells)
    cells = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    return pc.if_else(pc.equal(cells, ""), None, cells), faults


def _check_id(_: Column, cells: pa.Array) -> Checked:
    faults: Faults = {}
    if not pc.all(pc.ascii_is_printable(cells)).as_py():
        cells, faults = _flagged(cells, pc.match_substring_regex(cells, _CONTROL), _ID_CONTROL)
    if (pc.max(pc.binary_length(cells)).as_py() or 0) > MAX_KEY_BYTES:
        cells, long = _flagged(cells, pc.greater(pc.binary_length(cells), MAX_KEY_BYTES), _ID_TOO_LONG)
        faults |= long
    # Spaces alone name nothing; spaces around an id are part of it.
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(cells), ""), None, cells), faults


def _look_up(cells: pa.Array, values: dict[str, str]) -> tuple[pa.Array, pa.Array]:
    """What the cells stand for, spelled in lower case in `values`, and which of them stand for nothing."""
    spellings = pa.array([*values.values(), *values], pa.string())
    meanings = pa.array([*values.values(), *values.values()], pa.string())
    found = pc.index_in(cells, spellings, skip_nulls=True)
    if found.null_count > cells.null_count:
        plain = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
        cells = pc.if_else(pc.equal(plain, ""), None, cells)
        found = pc.index_in(plain, spellings, skip_nulls=True)
    return meanings.take(found), pc.and_(pc.is_null(found), pc.is_valid(cells))


def _check_choice(column: Column, cells: pa.Array) -> Checked:
    values, unknown = _look_up(cells, {choice.lower(): choice for choice in column.choices})
    allowed = ", ".join(column.choices)
    return values, {
        row: Fault(Reason.UNKNOWN_VALUE, f"{_quoted(cells[row].as_py())} is none of {allowed}")
        for row in _rows(unknown)
    }


def _check_flag(column: Column, cells: pa.Array) -> Checked:
    yes = (*TRUE, *column.also_true)
    values, unknown = _look_up(cells, {**dict.fromkeys(yes, "true"), **dict.fromkeys(FALSE, "false")})
    return values, {
        row: Fault(
            Reason.NOT_TRUE_OR_FALSE, f"{_quoted(cells[row].as_py())} is neither true nor false: write one of them"
        )
        for row in _rows(unknown)
    }


def _check_share(_: Column, cells: pa.Array) -> Checked:
    faults: Faults = {}
    try:
        numbers = cells.cast(pa.float64())
    except pa.ArrowInvalid:
        parsed: list[float | None] = []
        for row, text in enumerate(cells.to_pylist()):
            try:
                # Arrow's grammar and not Python's, which takes 1_000 and digits of any script.
                parsed.append(None if text is None else pa.scalar(text.strip()).cast(pa.float64()).as_py())
            except pa.ArrowInvalid:
                faults[row] = _NOT_A_NUMBER
                parsed.append(None)
        numbers = pa.array(parsed, pa.float64())
    strange = pc.invert(pc.is_finite(numbers))
    outside = pc.or_(pc.less(numbers, 0.0), pc.greater(numbers, 1.0))
    faults |= dict.fromkeys(_rows(outside), _NOT_A_SHARE) | dict.fromkeys(_rows(strange), _NOT_A_NUMBER)
    # Adding zero makes a negative zero a plain one.
    return pc.add(numbers, 0.0).cast(pa.string()), faults


def _check_instant(_: Column, cells: pa.Array) -> Checked:
    try:
        instants = cells.cast(_INSTANT)
    except pa.ArrowInvalid:
        return _check_instants_singly(cells)
    if not pc.all(pc.and_(pc.greater_equal(instants, _EARLIEST), pc.less_equal(instants, _LATEST))).as_py():
        return _check_instants_singly(cells)
    if pc.all(pc.match_substring_regex(cells, _PLAIN_UTC)).as_py():
        return cells, {}
    return instants.cast(pa.string()), {}


def _check_instants_singly(cells: pa.Array) -> Checked:
    faults: Faults = {}
    instants: list[datetime | None] = []
    for row, text in enumerate(cells.to_pylist()):
        parsed = None if text is None else read_instant(text.strip())
        if isinstance(parsed, Fault):
            faults[row] = parsed
            parsed = None
        instants.append(parsed)
    return pa.array(instants, _INSTANT).cast(pa.string()), faults


def read_instant(text: str) -> datetime | Fault | None:
    """An ISO 8601 instant with an offset, in UTC, cut to microseconds; None where there is no text."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        if not _LIKE_A_DATE.match(text):
            message = f"{_quoted(text)} is not an instant: write it like 2026-01-31T09:30:00Z"
            return Fault(Reason.NOT_AN_INSTANT, message)
        if _LEAP_SECOND.match(text):
            return Fault(Reason.IMPOSSIBLE_DATE, f"{_quoted(text)} is a leap second, which no clock of ours has")
        return Fault(
            Reason.IMPOSSIBLE_DATE, f"{_quoted(text)} does not exist, or is not written like 2026-01-31T09:30:00Z"
        )
    if _DAY_ALONE.fullmatch(text):
        return Fault(Reason.NO_OFFSET, f"{_quoted(text)} is a day without a time: write it like 2026-01-31T09:30:00Z")
    if instant.tzinfo is None:
        return Fault(
            Reason.NO_OFFSET, f"{_quoted(text)} has no offset from UTC: add Z, or one like +02:00, after the time"
        )
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        return OUT_OF_YEARS


_CHECKS: dict[Cell, Callable[[Column, pa.Array], Checked]] = {
    Cell.ID: _check_id,
    Cell.CHOICE: _check_choice,
    Cell.LABEL: _check_label,
    Cell.TEXT: _check_text,
    Cell.INSTANT: _check_instant,
    Cell.SHARE: _check_share,
    Cell.FLAG: _check_flag,
}
