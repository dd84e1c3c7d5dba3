r"""The row of the dataset, and its one spelling in bytes.

The SHA-256 of a dataset is that of its CSV, so the spelling is part of the contract: header, `\n` at the end of
every line, a cell quoted only where it holds a comma, a quote or a line break, empty where there is nothing.
"""

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.domain.spreadsheet import neutralise_column

_INSTANT = pa.timestamp("us", "UTC")

COLUMNS = pa.schema(
    [
        ("workspace", pa.string()),
        ("lead_id", pa.string()),
        ("message_id", pa.string()),
        ("sent_at", _INSTANT),
        ("channel", pa.string()),
        ("sender", pa.string()),
        ("sender_inferred", pa.bool_()),
        ("ai_draft_id", pa.string()),
        ("response_disposition", pa.string()),
        ("campaign", pa.string()),
        ("response_mode", pa.string()),
        ("outcome", pa.string()),
        ("attribution", pa.string()),
        ("booked_at", _INSTANT),
        ("ambiguous", pa.bool_()),
    ]
)
TEXT_COLUMNS = pa.schema([("subject", pa.string()), ("body", pa.string())])
ORDER = ("attribution", "lead_id", "channel", "message_id")


def whole_seconds(instants: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Instants with the fraction of their second cut off, towards the past also before 1970."""
    # Without its zone an instant is one of UTC, and no time zone database is asked.
    return pc.floor_temporal(instants.cast(pa.timestamp("us")), unit="second").cast(_INSTANT)


def spelled(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column as the texts of its cells: instants as `YYYY-MM-DDTHH:MM:SSZ` with fractions cut off, booleans as
    `true` and `false`, empty where there is nothing.
    """
    if pa.types.is_timestamp(column.type):
        # `YYYY-MM-DD HH:MM:SS`, up to the year 9999 as everywhere here; `strftime` takes ten times as long.
        text = whole_seconds(column).cast(pa.timestamp("s")).cast(pa.string())
        column = pc.binary_join_element_wise(pc.binary_replace_slice(text, 10, 11, "T"), "Z", "")
    return pc.fill_null(column.cast(pa.string()), "")


def _cell(column: pa.Array) -> pa.Array:
    text = spelled(column)
    if pa.types.is_timestamp(column.type) or pa.types.is_boolean(column.type):
        return text
    text = neutralise_column(text)
    special = pc.match_substring_regex(text, '[",\r\n]')
    if not pc.any(special).as_py():
        return text
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(special, quoted, text)


def csv_header(schema: pa.Schema) -> bytes:
    """The first line of the CSV."""
    return (",".join(schema.names) + "\n").encode()


def csv_lines(batch: pa.RecordBatch) -> bytes:
    """The rows of a batch as lines of CSV, safe to open in a spreadsheet (domain.spreadsheet)."""
    if batch.num_rows == 0:
        return b""
    lines = pc.binary_join_element_wise(*[_cell(column) for column in batch.columns], ",")
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\n")
    text: bytes = joined[0].as_buffer().to_pybytes()
    return text + b"\n"
