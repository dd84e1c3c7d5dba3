"""JSON Lines: one object a line; numbers and booleans are taken as their text."""

import codecs
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from setpoint.ingest.files import (
    BATCH_BYTES,
    BATCH_ROWS,
    MAX_LINE_BYTES,
    MAX_UNKNOWN_COLUMNS,
    ByteSource,
    unknown,
)
from setpoint.ingest.schemas import Batch, Fault, Layout, Reason, Rejection

_decoder = codecs.getincrementaldecoder("utf-8")
_LARGEST_EXACT = 2**53
_MOST_DIGITS = 20

_NOT_JSON = Fault(Reason.NOT_JSON, "is not valid JSON: every line must hold one object")
_NOT_AN_OBJECT = Fault(Reason.NOT_JSON, "is not a JSON object: every line must hold one")
_NOT_UTF8 = Fault(Reason.NOT_UTF8, "is not UTF-8: save the file in that encoding")
_TOO_LONG = Fault(Reason.TOO_LONG, f"is longer than {MAX_LINE_BYTES >> 20} MiB")
_CUT_OFF = Fault(Reason.CUT_OFF, "the file ends in the middle of this row")
_NESTED = Fault(Reason.NOT_TEXT, "holds a list or an object: write a text, a number, true or false")
_TOO_DEEP = Fault(Reason.NOT_TEXT, "holds lists or objects nested too deep: write a text, a number, true or false")
_INEXACT = Fault(Reason.NOT_TEXT, "is a number too large to be kept exactly: write it as text, in quotes")


class JsonlReader:
    """An open JSON Lines file. Raises FileUnreadable."""

    def __init__(self, path: Path, compressed: bool, layout: Layout) -> None:
        self._source = ByteSource(path, compressed)
        self._layout = layout
        self._seen: set[str] = set()
        self._unknown: list[str] = []
        self._cut_off = False

    @property
    def columns(self) -> frozenset[str]:
        """The columns that at least one object names: one that lacks them has empty cells there."""
        return frozenset(self._seen.intersection(self._layout.names))

    @property
    def unknown_columns(self) -> list[str]:
        """The names of what no column takes, in the order in which they were met."""
        return unknown(self._unknown)

    @property
    def truncated(self) -> bool:
        """Whether the file visibly ends in the middle."""
        return self._source.truncated or self._cut_off

    @property
    def share(self) -> float:
        """How much of the file was read, from 0 to 1."""
        return self._source.share

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def batches(self) -> Iterator[Batch]:
        """The rows of the file, in its order."""
        objects: list[dict[str, object]] = []
        lines: list[int] = []
        rejections: list[Rejection] = []
        size = 0
        seen_any = False
        for number, line, overlong in self._read_lines():
            if not line.strip():
                continue
            seen_any = True
            size += len(line)
            parsed = _TOO_LONG if overlong else self._parse(line)
            if isinstance(parsed, Fault):
                rejections.append(Rejection(number, "", parsed))
            else:
                objects.append(parsed)
                lines.append(number)
            if len(objects) + len(rejections) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield self._batch(lines, objects, rejections)
                objects, lines, rejections, size = [], [], [], 0
        if objects or rejections:
            yield self._batch(lines, objects, rejections)
        if not seen_any:
            raise self._source.is_empty()

    def _read_lines(self) -> Iterator[tuple[int, bytes, bool]]:
        number = 0
        for block, overlong in self._source.blocks():
            for line in [block] if overlong else block.splitlines(keepends=True):
                number += 1
                yield number, line, overlong

    def _parse(self, line: bytes) -> dict[str, object] | Fault:
        ended = line.endswith((b"\n", b"\r"))
        if self._source.truncated and not ended:
            return _CUT_OFF
        try:
            parsed = orjson.loads(line)
        except orjson.JSONDecodeError:
            try:
                # What was cut off may end inside a letter.
                _decoder().decode(line, final=ended)
            except UnicodeDecodeError:
                return _NOT_UTF8
            if not ended and line.lstrip().startswith(b"{"):
                self._cut_off = True
                return _CUT_OFF
            parsed = _read_patiently(line)
        if isinstance(parsed, Fault):
            return parsed
        if not isinstance(parsed, dict):
            return _NOT_AN_OBJECT
        if not parsed.keys() <= self._seen:
            self._note_names(parsed)
        return parsed

    def _note_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._layout.names:
                self._seen.add(name)
            elif name not in self._seen and len(self._unknown) < MAX_UNKNOWN_COLUMNS:
                self._seen.add(name)
                self._unknown.append(name)

    def _batch(self, lines: list[int], objects: list[dict[str, object]], rejections: list[Rejection]) -> Batch:
        cells: dict[str, pa.Array] = {}
        bad: dict[int, Rejection] = {}
        for name in self._layout.names:
            values = [each.get(name) for each in objects]
            try:
                cells[name] = pa.array(values, pa.string())
            except pa.ArrowTypeError:
                texts = [_as_text(value) for value in values]
                for at, text in enumerate(texts):
                    if isinstance(text, Fault):
                        bad.setdefault(at, Rejection(lines[at], name, text, _key_of(objects[at])))
                cells[name] = pa.array([None if isinstance(text, Fault) else text for text in texts], pa.string())
        if bad:
            rejections += bad.values()
            kept = pa.array([at for at in range(len(lines)) if at not in bad], pa.int64())
            return Batch(
                pa.array(lines, pa.int64()).take(kept),
                {name: column.take(kept) for name, column in cells.items()},
                rejections,
            )
        return Batch(pa.array(lines, pa.int64()), cells, rejections)


def _read_patiently(line: bytes) -> Any:
    """What orjson refuses and is JSON all the same: numbers beyond every float, which become infinite, and depth."""
    if not line.lstrip().startswith(b"{"):
        return _NOT_AN_OBJECT
    try:
        parsed = json.loads(line.decode(), parse_int=_as_number, parse_constant=_refuse)
        # Half of a surrogate pair is no text, and orjson was right.
        json.dumps(parsed, ensure_ascii=False).encode()
    except RecursionError:
        return _TOO_DEEP
    except ValueError:
        return _NOT_JSON
    return parsed


def _as_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _as_text(value: object) -> str | Fault | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # Whole numbers beyond 64 bits arrive here too, and have lost digits.
        return _INEXACT if abs(value) >= _LARGEST_EXACT else repr(value)
    return _NESTED


def _key_of(row: dict[str, object]) -> str:
    key = _as_text(row.get("external_id"))
    return key if isinstance(key, str) else ""
