"""Import files: which format by their name, and their bytes, block by block."""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import IO, Protocol, Self

from setpoint.domain.errors import FileUnreadable
from setpoint.ingest.schemas import Batch

BLOCK_BYTES = 1 << 20
MAX_LINE_BYTES = 16 << 20
BATCH_ROWS = 10_000
BATCH_BYTES = 8 << 20
_GZIP = b"\x1f\x8b"
# A header may name anything; what is told about it stays short.
MAX_UNKNOWN_COLUMNS = 50
MAX_COLUMN_NAME = 60


class Format(Enum):
    CSV = ".csv"
    JSONL = ".jsonl"
    PARQUET = ".parquet"


class Reader(Protocol):
    """An open import file. What it tells about its columns and its end is complete once the batches are through."""

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns that the file has and its kind knows."""

    @property
    def unknown_columns(self) -> list[str]:
        """Names of columns that the kind of file does not have."""

    @property
    def truncated(self) -> bool:
        """Whether the file visibly ends in the middle."""

    @property
    def share(self) -> float:
        """How much of the file was read, from 0 to 1."""

    def batches(self) -> Iterator[Batch]:
        """The rows, in the file's order; every row is in one batch, once. Raises FileUnreadable."""

    def close(self) -> None:
        """Let go of the file."""


def format_of(path: Path) -> tuple[Format, bool]:
    """The format that the name of a file tells, and whether it is compressed. Raises FileUnreadable."""
    name = path.name.lower()
    compressed = name.endswith(".gz")
    suffix = Path(name.removesuffix(".gz")).suffix
    try:
        return Format(suffix), compressed
    except ValueError:
        if path.is_dir():
            raise _is_directory(path) from None
        raise FileUnreadable(
            f"{path} is no import file by its name: it must end in .csv, .jsonl or .parquet, with or without .gz."
        ) from None


def _is_directory(path: Path) -> FileUnreadable:
    return FileUnreadable(f"{path} is a directory: name one file, such as {path / 'messages.csv'}.")


def unknown(names: list[str]) -> list[str]:
    """Names of columns as they may be shown."""
    shown = ["".join(c if c.isprintable() else "?" for c in name[:MAX_COLUMN_NAME]) for name in names]
    return shown[:MAX_UNKNOWN_COLUMNS]


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading. Raises FileUnreadable."""
    try:
        if path.is_dir():
            raise _is_directory(path)
        return path.open("rb")
    except FileNotFoundError:
        raise FileUnreadable(f"{path} does not exist.") from None
    except PermissionError:
        raise FileUnreadable(f"{path} may not be read by this user: change its permissions.") from None
    except (OSError, ValueError) as error:
        raise FileUnreadable(f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}.") from None


def check_file(path: Path) -> None:
    """Raise FileUnreadable where a file cannot be imported by its name, or cannot be opened: it is quickly known."""
    format_of(path)
    with suppress(OSError, ValueError):
        # Whoever writes into a pipe waits for its one reader.
        if path.is_fifo():
            return
    open_bytes(path).close()


class ByteSource:
    """The bytes of a file, unpacked where it is compressed, in one pass and bounded memory."""

    def __init__(self, path: Path, compressed: bool) -> None:
        self.path = path
        self.truncated = False
        self._raw = open_bytes(path)
        self._size = os.fstat(self._raw.fileno()).st_size
        self._unpacked = gzip.GzipFile(fileobj=self._raw, mode="rb") if compressed else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def share(self) -> float:
        """How much was read, as a share of the size on disk."""
        return min(1.0, self._raw.tell() / self._size) if self._size else 1.0

    def read(self) -> bytes:
        """The next bytes, none at the end. Raises FileUnreadable where they are damaged."""
        try:
            if self._unpacked is None:
                return self._raw.read(BLOCK_BYTES)
            # read1, because read would throw away what it has when the file breaks off.
            return self._unpacked.read1(BLOCK_BYTES)
        except EOFError:
            self.truncated = True
            return b""
        except (gzip.BadGzipFile, zlib.error):
            if not self._is_packed():
                raise FileUnreadable(
                    f"{self.path} is not compressed with gzip: give it a name that does not end in .gz."
                ) from None
            raise FileUnreadable(
                f"{self.path} is not a sound gzip file, so none of it was taken: make it or fetch it again."
            ) from None
        except OSError as error:
            raise FileUnreadable(f"{self.path} could not be read to its end: {error.strerror}.") from None

    def _is_packed(self) -> bool:
        with open_bytes(self.path) as file:
            return file.read(2) == _GZIP

    def blocks(self) -> Iterator[tuple[bytes, bool]]:
        """Blocks that end where a line ends, each with False; with True, the beginning of an overlong line.

        The rest of a line longer than MAX_LINE_BYTES is skipped. Only the last block may lack its line end.
        Raises FileUnreadable where the file is empty or in another encoding or format than its name says.
        """
        carry = b""
        start = True
        skipping = False
        while chunk := self.read():
            if start:
                # Compressed files may come in small pieces.
                while len(chunk) < 4 and (more := self.read()):
                    chunk += more
                self._check_beginning(chunk)
                chunk = chunk.removeprefix(b"\xef\xbb\xbf")
                start = False
            if skipping:
                end = _first_line_end(chunk)
                if not end:
                    continue
                chunk = chunk[end:]
                skipping = False
            data = carry + chunk
            end = _last_line_end(data)
            if end:
                yield data[:end], False
            carry = data[end:]
            if len(carry) > MAX_LINE_BYTES:
                yield carry, True
                carry, skipping = b"", True
        if start:
            raise self.is_empty()
        if carry:
            yield carry, False

    def is_empty(self) -> FileUnreadable:
        """The error for a file without a header or a row: a mistake that somebody should hear of."""
        if self.truncated:
            return FileUnreadable(f"{self.path} ends in the middle, before its first row: fetch it again.")
        return FileUnreadable(f"{self.path} is empty: it must have at least a header or a row.")

    def _check_beginning(self, data: bytes) -> None:
        # UTF-32 begins as UTF-16 does, and goes on with two more zeros.
        if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
            raise FileUnreadable(f"{self.path} is UTF-32: save it as UTF-8 and import that.")
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise FileUnreadable(f"{self.path} is UTF-16: save it as UTF-8 and import that.")
        if b"\0" in data[:2]:
            # The first letter of UTF-16 without a mark: no text begins so.
            raise FileUnreadable(f"{self.path} is not UTF-8: save it in that encoding and import that.")
        if data.startswith(_GZIP):
            raise FileUnreadable(f"{self.path} is compressed with gzip: give it a name that ends in .gz.")
        if data.startswith(b"PK\x03\x04"):
            raise FileUnreadable(f"{self.path} is a spreadsheet or a ZIP archive: save it as CSV in UTF-8.")
        if data.startswith(b"PAR1"):
            raise FileUnreadable(f"{self.path} is Parquet: give it a name that ends in .parquet.")

    def close(self) -> None:
        """Close the file."""
        if self._unpacked is not None:
            self._unpacked.close()
        self._raw.close()


def _last_line_end(data: bytes) -> int:
    """Where the last whole line ends; 0 where none does. A last carriage return may have its line feed to come."""
    return data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, len(data) - 1) + 1


def _first_line_end(data: bytes) -> int:
    return data.find(b"\n") + 1 or data.find(b"\r", 0, len(data) - 1) + 1
