"""The import files of the contract, and what an import tells about them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType

import pyarrow as pa

from setpoint.domain.vocabulary import (
    AppointmentStatus,
    Channel,
    Direction,
    Disposition,
    MessageKind,
    ResponseMode,
    Sender,
)

MAX_KEY_BYTES = 512
MAX_TEXT_BYTES = 10 << 20
SHOWN_REJECTIONS = 20
SHOWN_LINES = 3


class ImportKind(StrEnum):
    """The kinds of import files, in the order in which they are imported: leads before what belongs to them."""

    CAMPAIGNS = "campaigns"
    LEADS = "leads"
    DRAFTS = "drafts"
    MESSAGES = "messages"
    APPOINTMENTS = "appointments"


class Cell(Enum):
    """What a cell may hold."""

    ID = "id"  # An external id: at most MAX_KEY_BYTES, no control characters.
    CHOICE = "choice"  # One of a closed vocabulary, however it is capitalised.
    LABEL = "label"  # A free word, kept in lower case.
    TEXT = "text"  # Anything up to MAX_TEXT_BYTES.
    INSTANT = "instant"  # ISO 8601 with an offset.
    SHARE = "share"  # A number from 0 to 1.
    FLAG = "flag"  # True or false.


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an import file. An empty cell means `default`, or unknown."""

    name: str
    cell: Cell = Cell.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None
    also_true: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """An import file and where its rows go: `texts` to the table `text_table`, all else to the table of the kind."""

    kind: ImportKind
    columns: tuple[Column, ...]
    texts: tuple[str, ...] = ()
    text_table: str = ""
    # Columns of the table that begin as a copy of another column.
    copies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def table(self) -> str:
        return self.kind.value

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def facts(self) -> tuple[str, ...]:
        """The columns that the table of the kind keeps, the key first."""
        return tuple(name for name in self.names if name not in self.texts)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)

    @property
    def belongs_to_lead(self) -> bool:
        return "lead_external_id" in self.names


_KEY = Column("external_id", Cell.ID, required=True)
_LEAD = Column("lead_external_id", Cell.ID, required=True)


def _choice(name: str, choices: type[StrEnum], required: bool = False, default: str | None = None) -> Column:
    return Column(name, Cell.CHOICE, required, tuple(choices), default)


LAYOUTS = {
    layout.kind: layout
    for layout in (
        Layout(
            ImportKind.LEADS,
            (
                _KEY,
                Column("email"),
                Column("phone"),
                Column("first_name"),
                Column("last_name"),
                Column("company"),
                Column("timezone"),
                Column("campaign", Cell.ID),
                Column("booked_hint", Cell.FLAG, also_true=("booked",)),
                Column("opted_out", Cell.FLAG),
                Column("created_at", Cell.INSTANT),
            ),
        ),
        Layout(
            ImportKind.MESSAGES,
            (
                _KEY,
                _LEAD,
                _choice("channel", Channel, required=True),
                _choice("direction", Direction, required=True),
                _choice("kind", MessageKind),
                Column("status", Cell.LABEL),
                Column("sent_at", Cell.INSTANT, required=True),
                _choice("sent_by", Sender),
                Column("sender_email"),
                Column("ai_draft_external_id", Cell.ID),
                _choice("response_disposition", Disposition),
                Column("subject"),
                Column("body"),
            ),
            texts=("subject", "body"),
            text_table="message_texts",
        ),
        Layout(
            ImportKind.APPOINTMENTS,
            (
                _KEY,
                _LEAD,
                Column("provider"),
                _choice("status", AppointmentStatus, default=AppointmentStatus.CONFIRMED.value),
                Column("booked_at", Cell.INSTANT),
                Column("starts_at", Cell.INSTANT),
                Column("canceled_at", Cell.INSTANT),
                Column("rescheduled_from", Cell.ID),
            ),
            # Right for every appointment without a chain; ingest.bookings follows the chains.
            copies=MappingProxyType({"booking_instant": "booked_at"}),
        ),
        Layout(
            ImportKind.CAMPAIGNS,
            (
                _KEY,
                Column("name"),
                _choice("channel", Channel, required=True),
                _choice("response_mode", ResponseMode),
            ),
        ),
        Layout(
            ImportKind.DRAFTS,
            (
                _KEY,
                _LEAD,
                _choice("channel", Channel, required=True),
                Column("created_at", Cell.INSTANT),
                Column("auto_send_confidence", Cell.SHARE),
                Column("auto_send_action"),
                Column("auto_send_threshold", Cell.SHARE),
                _choice("response_disposition", Disposition),
                Column("body"),
            ),
            texts=("body",),
            text_table="draft_texts",
        ),
    )
}


class Reason(StrEnum):
    """Why a row was rejected, for counting."""

    CELL_COUNT = "cell_count"
    BROKEN_QUOTES = "broken_quotes"
    TOO_LONG = "too_long"
    CUT_OFF = "cut_off"
    NOT_JSON = "not_json"
    NOT_UTF8 = "not_utf8"
    NOT_TEXT = "not_text"
    NUL_CHARACTER = "nul_character"
    CONTROL_CHARACTER = "control_character"
    MISSING = "missing"
    UNKNOWN_VALUE = "unknown_value"
    NOT_AN_INSTANT = "not_an_instant"
    NO_OFFSET = "no_offset"
    IMPOSSIBLE_DATE = "impossible_date"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    NOT_TRUE_OR_FALSE = "not_true_or_false"
    UNKNOWN_LEAD = "unknown_lead"
    DUPLICATE_KEY = "duplicate_key"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell or a row. `message` completes the sentence "this cell ..."."""

    reason: Reason
    message: str


OUT_OF_YEARS = Fault(Reason.IMPOSSIBLE_DATE, "lies outside the years 1 to 9999, counted in UTC")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was not taken: its line (of a Parquet file its row, from 1), the column, if it is one, and why."""

    line: int
    column: str
    fault: Fault
    key: str = ""


@dataclass(slots=True)
class RejectionGroup:
    """The rejections of one column for one reason: the first of them, how many, and the first SHOWN_LINES lines."""

    first: Rejection
    rows: int = 0
    lines: list[int] = field(default_factory=list)
    alike: bool = True  # Whether all of them say what the first says.

    def add(self, rejection: Rejection) -> None:
        """Take note of one more, further down in the file."""
        self.rows += 1
        self.alike = self.alike and rejection.fault == self.first.fault
        if len(self.lines) < SHOWN_LINES:
            self.lines.append(rejection.line)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file. `cells` has an Arrow array for each known column the file has, `lines` their lines.

    Rows that could not be told apart from each other or taken apart are in `rejections` instead.
    """

    lines: pa.Array
    cells: dict[str, pa.Array]
    rejections: list[Rejection]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is. `share` (0 to 1) covers all phases; `seconds_left` is None where nobody can tell yet."""

    phase: str
    rows: int
    share: float
    rows_per_second: float
    seconds_left: float | None


@dataclass(slots=True)
class ImportSummary:
    """What became of the rows of a file: `accepted + rejected + unchanged == rows`, always."""

    kind: ImportKind
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected_by_reason: Counter[Reason] = field(default_factory=Counter)
    rejections: list[Rejection] = field(default_factory=list)  # The first SHOWN_REJECTIONS, by line.
    groups: list[RejectionGroup] = field(default_factory=list)  # All of them, by the first line of each group.
    unknown_columns: list[str] = field(default_factory=list)
    truncated: bool = False  # The file visibly ends in the middle; the rows before that were taken.

    @property
    def accepted(self) -> int:
        return self.inserted + self.updated

    @property
    def rejected(self) -> int:
        return self.rejected_by_reason.total()

    def as_dict(self) -> dict[str, object]:
        """The JSON document of `setpoint import --json`."""
        return {
            "kind": self.kind.value,
            "rows": self.rows,
            "accepted": self.accepted,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "rejected_by_reason": {reason.value: n for reason, n in sorted(self.rejected_by_reason.items())},
            "rejections": [
                {"line": each.line, "column": each.column, "reason": each.fault.message, "key": each.key}
                for each in self.rejections
            ],
            "unknown_columns": self.unknown_columns,
            "truncated": self.truncated,
        }
