import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from setpoint.domain.errors import FileUnreadable
from setpoint.ingest.parquet_file import ParquetReader
from setpoint.ingest.schemas import LAYOUTS, ImportKind, Rejection

INSTANT = pa.timestamp("us", "UTC")


Cells = dict[str, list[str | None]]


def read(
    path: Path, columns: dict[str, pa.Array], kind: str = "drafts", group: int = 100_000
) -> tuple[Cells, list[Rejection]]:
    """The cells that come of the columns of a file, and the rejections."""
    rows = len(next(iter(columns.values())))
    complete = {
        "external_id": pa.array([f"d{row}" for row in range(rows)]),
        "lead_external_id": pa.array(["lead"] * rows),
        "channel": pa.array(["sms"] * rows),
        **columns,
    }
    pq.write_table(pa.table(complete), path, row_group_size=group)
    reader = ParquetReader(path, False, LAYOUTS[ImportKind(kind)])
    cells: Cells = {name: [] for name in columns}
    rejections: list[Rejection] = []
    for batch in reader.batches():
        for name in columns:
            cells[name] += batch.cells[name].to_pylist()
        rejections += batch.rejections
    assert reader.share == 1.0
    reader.close()
    return cells, rejections


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "drafts.parquet"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array(["a", None]), ["a", None]),
        (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([b"a", b"\xc3\xa9"], pa.binary()), ["a", "é"]),
        (pa.array([1, None]), ["1", None]),
        (pa.array([1.0, float("nan")]), ["1", None]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array([Decimal("1.50"), None]), ["1.50", None]),
        (pa.array([uuid.UUID(int=5).bytes, None], pa.uuid()), ["00000000-0000-0000-0000-000000000005", None]),
        (pa.nulls(2), [None, None]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_columns_of_any_plain_type_become_text(path: Path, values: pa.Array, texts: list[str | None]) -> None:
    assert read(path, {"body": values}) == ({"body": texts}, [])


def test_instants_keep_their_microseconds(path: Path) -> None:
    moments = [datetime(2026, 1, 31, 9, 30, 0, 123456, UTC), datetime(1, 1, 1, tzinfo=UTC), None]
    cells, _ = read(path, {"created_at": pa.array(moments, INSTANT)})
    assert [text and datetime.fromisoformat(text) for text in cells["created_at"]] == moments
    cells, _ = read(path, {"created_at": pa.array([1_500_000_001_999, -1], pa.timestamp("ns", "Europe/Berlin"))})
    assert cells["created_at"] == ["1970-01-01 00:25:00.000001Z", "1969-12-31 23:59:59.999999Z"]


def test_instants_beyond_the_year_9999_are_rejected(path: Path) -> None:
    # The last one is in the year 65536 + 2000, which Arrow spells as the year 2000.
    far = [253_402_300_800_000, -62_135_596_800_001, 2_068_116_710_400_000 + 946_684_800_000]
    _, rejections = read(path, {"created_at": pa.array([0, *far], pa.timestamp("ms", "UTC"))})
    assert [(each.line, each.column, each.fault.reason.value) for each in rejections] == [
        (2, "created_at", "impossible_date"),
        (3, "created_at", "impossible_date"),
        (4, "created_at", "impossible_date"),
    ]


def test_instants_without_an_offset_stay_without_one(path: Path) -> None:
    cells, _ = read(path, {"created_at": pa.array([datetime(2026, 1, 31, 9, 30)])})  # noqa: DTZ001
    assert cells["created_at"] == ["2026-01-31 09:30:00.000000"]
    cells, _ = read(path, {"created_at": pa.array([date(2026, 1, 31)])})
    assert cells["created_at"] == ["2026-01-31"]


def test_values_without_a_text_are_rejected_by_row(path: Path) -> None:
    cells, rejections = read(
        path,
        {
            "body": pa.array([b"a", b"\xff", b"c"], pa.binary()).cast(pa.binary()),
            "auto_send_action": pa.array([1.0, 2.0, 2.0**53]),
        },
    )
    assert cells == {"body": ["a"], "auto_send_action": ["1"]}
    assert [(each.line, each.column, each.key) for each in rejections] == [
        (2, "body", "d1"),
        (3, "auto_send_action", "d2"),
    ]


def test_rows_are_numbered_through_row_groups(path: Path) -> None:
    values = pa.array([b"x" if row != 2500 else b"\xff" for row in range(3000)], pa.binary())
    cells, rejections = read(path, {"body": values}, group=700)
    assert len(cells["body"]) == 2999
    assert [each.line for each in rejections] == [2501]


@pytest.mark.parametrize("values", [pa.array([["a"]]), pa.array([{"a": 1}])], ids=["list", "struct"])
def test_lists_and_structures_are_refused(path: Path, values: pa.Array) -> None:
    with pytest.raises(FileUnreadable, match="in the column body: store them as text"):
        read(path, {"body": values})


def test_a_missing_column_is_refused(path: Path) -> None:
    with pytest.raises(FileUnreadable, match="has no column direction, sent_at"):
        read(path, {"body": pa.array(["a"])}, kind="messages")


def test_damage_inside_is_refused(path: Path) -> None:
    table = pa.table({name: pa.array(["x" * 50] * 2000) for name in ("external_id", "lead_external_id", "channel")})
    pq.write_table(table, path, compression="none", use_dictionary=False, write_page_checksum=True)
    data = bytearray(path.read_bytes())
    data[1000] ^= 255
    path.write_bytes(data)
    reader = ParquetReader(path, False, LAYOUTS[ImportKind.DRAFTS])
    with pytest.raises(FileUnreadable, match="not a sound Parquet file"):
        list(reader.batches())
    reader.close()


def test_an_empty_file_is_called_so(path: Path) -> None:
    path.touch()
    with pytest.raises(FileUnreadable, match="is empty"):
        ParquetReader(path, False, LAYOUTS[ImportKind.DRAFTS])
