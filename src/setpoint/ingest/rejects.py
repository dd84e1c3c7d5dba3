"""Rejected rows: counted, the first ones kept for the summary, and all of them written to a file if asked for."""

import csv
import heapq
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import IO

from setpoint.domain.errors import SetpointError, UsageError
from setpoint.domain.spreadsheet import neutralise
from setpoint.ingest.schemas import SHOWN_REJECTIONS, ImportSummary, Reason, Rejection, RejectionGroup

HEADER = ("line", "column", "reason", "key")
_SHOWN_KEY = 200


class Stage(IntEnum):
    """Who rejects. The rejections of each come in the order of their lines."""

    FILE = 0
    DATABASE = 1


@contextmanager
def gather_rejects(summary: ImportSummary, path: Path | None, source: Path | None = None) -> Iterator["Rejects"]:
    """The rejections of one import of `source`, for its summary and, where `path` is given, for a CSV file.

    Raises UsageError where the file cannot be written.
    """
    if path is None:
        yield Rejects(summary, None, ())
        return
    if path.is_dir():
        raise UsageError(f"--rejects {path} is a directory: name a file.")
    if path.exists() and not path.is_file():
        # It would be replaced by our file, not written to.
        raise UsageError(f"--rejects {path} is a device or a pipe: name a file.")
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise UsageError("--rejects names the file that is imported: name another.")
    with ExitStack() as stack:
        try:
            # It is better to know before the import than after it.
            tempfile.TemporaryFile(dir=path.parent).close()
            spools = [stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="")) for _ in Stage]
        except OSError as error:
            raise UsageError(f"--rejects {path} cannot be written: {error.strerror}.") from None
        yield Rejects(summary, path, spools)


class Rejects:
    """The rejections of one import so far.

    The file of them is ordered by line, safe to open with a spreadsheet, and appears whole with `finish`, or not
    at all.
    """

    def __init__(self, summary: ImportSummary, path: Path | None, spools: Sequence[IO[str]]) -> None:
        self._summary = summary
        self._path = path
        self._spools = spools
        self._first: tuple[list[Rejection], list[Rejection]] = ([], [])
        self._groups: dict[tuple[str, Reason], RejectionGroup] = {}

    def add(self, stage: Stage, rejections: Sequence[Rejection]) -> None:
        """Take note of some rejections, their lines behind those that this stage had before. Raises SetpointError."""
        if not rejections:
            return
        self._summary.rejected_by_reason.update(each.fault.reason for each in rejections)
        for each in rejections:
            key = (each.column, each.fault.reason)
            if key not in self._groups:
                self._groups[key] = RejectionGroup(_shown(each))
            self._groups[key].add(each)
        first = self._first[stage]
        first += [_shown(each) for each in rejections[: SHOWN_REJECTIONS - len(first)]]
        if self._spools:
            try:
                csv.writer(self._spools[stage]).writerows(map(_as_row, rejections))
            except OSError as error:
                raise self._unwritable(error) from None

    def finish(self) -> None:
        """Complete the summary, and put the file in its place. Raises SetpointError where the disk is full."""
        merged = heapq.merge(*self._first, key=lambda each: each.line)
        self._summary.rejections = list(itertools.islice(merged, SHOWN_REJECTIONS))
        self._summary.groups = sorted(self._groups.values(), key=lambda each: each.first.line)
        if self._path is None:
            return
        try:
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", newline="", dir=self._path.parent, delete=False
            ) as file:
                unfinished = Path(file.name)
                try:
                    writer = csv.writer(file)
                    writer.writerow(HEADER)
                    rows = heapq.merge(*map(_read_back, self._spools), key=_line)
                    writer.writerows(rows)
                    file.close()
                    unfinished.replace(self._path)
                except BaseException:
                    unfinished.unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> SetpointError:
        return SetpointError(f"--rejects {self._path} could not be written: {error.strerror}. Nothing was imported.")


def _line(row: list[str]) -> int:
    return int(row[0])


def _shown(rejection: Rejection) -> Rejection:
    """The rejection with its key on one line, and not endless."""
    key = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in rejection.key[:_SHOWN_KEY])
    return Rejection(rejection.line, rejection.column, rejection.fault, key)


def _as_row(rejection: Rejection) -> tuple[str, ...]:
    shown = _shown(rejection)
    return (str(shown.line), shown.column, neutralise(shown.fault.message), neutralise(shown.key))


def _read_back(spool: IO[str]) -> Iterator[list[str]]:
    spool.seek(0)
    return csv.reader(spool)
