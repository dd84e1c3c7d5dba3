from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.ingest.rules import check, check_column, kind_by_columns, read_instant
from setpoint.ingest.schemas import (
    LAYOUTS,
    MAX_TEXT_BYTES,
    Batch,
    Cell,
    Column,
    Fault,
    ImportKind,
    Reason,
    Rejection,
)

COLUMNS = {column.name: column for layout in LAYOUTS.values() for column in layout.columns}
Outcome = list[str | Reason | None]


def outcomes(column: Column | str, *cells: str | None) -> Outcome:
    """For each cell its value, or the reason against it."""
    spec = COLUMNS[column] if isinstance(column, str) else column
    values, faults = check_column(spec, pa.array(cells, pa.string()))
    return [faults[row].reason if row in faults else value for row, value in enumerate(values.to_pylist())]


def test_choices_are_found_however_they_are_written() -> None:
    assert outcomes("channel", "email", " SMS", "LinkedIn\t", "fax", "", None) == [
        "email",
        "sms",
        "linkedin",
        Reason.UNKNOWN_VALUE,
        Reason.MISSING,
        Reason.MISSING,
    ]
    assert outcomes("response_disposition", "auto_sent", "Approved", "EDITED", " ") == [
        "AUTO_SENT",
        "APPROVED",
        "EDITED",
        None,
    ]


def test_a_message_shows_the_beginning_of_a_strange_value_and_what_is_allowed() -> None:
    _, faults = check_column(COLUMNS["sent_by"], pa.array(["robot\n" * 30]))
    assert faults[0].message == repr(("robot\n" * 30)[:39] + "…") + " is none of ai, setter"


def test_an_appointment_without_a_status_is_confirmed() -> None:
    column = next(each for each in LAYOUTS[ImportKind.APPOINTMENTS].columns if each.name == "status")
    assert outcomes(column, "", None, " ", "Canceled") == ["confirmed", "confirmed", "confirmed", "canceled"]


def test_an_id_has_no_control_character_of_either_set() -> None:
    for character in map(chr, (*range(0x20), *range(0x7F, 0xA0))):
        assert outcomes("external_id", f"a{character}b") == [Reason.CONTROL_CHARACTER]
    assert outcomes("external_id", "a b", "a\u00a0b", "é", "a\u200db") == ["a b", "a\u00a0b", "é", "a\u200db"]


def test_flags() -> None:
    yes, no = ["true", "1", "YES", "t", " y"], ["False", "0", "no", "F", "n"]
    assert outcomes("opted_out", *yes, *no) == ["true"] * 5 + ["false"] * 5
    assert outcomes("opted_out", "", "booked", "2") == [None, Reason.NOT_TRUE_OR_FALSE, Reason.NOT_TRUE_OR_FALSE]
    assert outcomes("booked_hint", "Booked") == ["true"]


def test_shares_are_numbers_from_zero_to_one() -> None:
    good = ["0", "1", "0.5", ".25", "1e-3", " 0.75 ", "-0", "1e-400"]
    assert [float(str(value)) for value in outcomes("auto_send_confidence", *good)] == [
        0, 1, 0.5, 0.25, 0.001, 0.75, 0, 0,
    ]  # fmt: skip
    outside = ["1.01", "-0.1", "85"]
    assert outcomes("auto_send_confidence", *outside) == [Reason.OUT_OF_RANGE] * len(outside)
    strange = ["nan", "inf", "-inf", "1e400", "85%", "1_0", "x"]
    assert outcomes("auto_send_confidence", *strange) == [Reason.NOT_A_NUMBER] * len(strange)
    assert outcomes("auto_send_confidence", "0.1", "") == ["0.1", None]


@given(st.lists(st.floats(0, 1) | st.none()))
def test_a_share_keeps_every_bit(numbers: list[float | None]) -> None:
    cells = [None if number is None else repr(number) for number in numbers]
    values, faults = check_column(COLUMNS["auto_send_threshold"], pa.array(cells, pa.string()))
    assert not faults
    assert [None if value is None else float(value) for value in values.to_pylist()] == numbers


def test_ids_are_kept_byte_for_byte_and_have_limits() -> None:
    assert outcomes("lead_external_id", " a ", "é\u200b", "\\N", "-1") == [" a ", "é\u200b", "\\N", "-1"]
    assert outcomes("lead_external_id", "a\tb", "a\nb", "\0", "a\x7f", "é" * 257, "  ") == [
        Reason.CONTROL_CHARACTER,
        Reason.CONTROL_CHARACTER,
        Reason.CONTROL_CHARACTER,
        Reason.CONTROL_CHARACTER,
        Reason.TOO_LONG,
        Reason.MISSING,
    ]
    assert outcomes("campaign", "é" * 256, "", "  ") == ["é" * 256, None, None]


def test_texts_have_limits_too() -> None:
    body = Column("body")
    assert outcomes(body, "a\tb\n", "\0", "x" * MAX_TEXT_BYTES, "x" * (MAX_TEXT_BYTES + 1), "") == [
        "a\tb\n",
        Reason.NUL_CHARACTER,
        "x" * MAX_TEXT_BYTES,
        Reason.TOO_LONG,
        None,
    ]
    assert outcomes("status", " Delivered ", " ", "") != ["delivered", None, None]
    assert outcomes(Column("status", Cell.LABEL), " Delivered ", " ", "") == ["delivered", None, None]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00+00:00"),
        ("2026-01-31 09:30:00.5+05:30", "2026-01-31T04:00:00.500000+00:00"),
        ("2026-01-31T09:30-08", "2026-01-31T17:30:00+00:00"),
        (" 20260131T093000Z ", "2026-01-31T09:30:00+00:00"),
        ("2026-01-31T09:30:00.123456789Z", "2026-01-31T09:30:00.123456+00:00"),
        ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_instants_are_read(text: str, meant: str) -> None:
    # Alone it goes the quick way, if it can; beside a strange one it goes the slow way.
    for cells in ([text], [text, "nonsense"]):
        value = outcomes("created_at", *cells)[0]
        assert isinstance(value, str)
        assert datetime.fromisoformat(value) == datetime.fromisoformat(meant)


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        ("2026-01-31T09:30:00", Reason.NO_OFFSET, "add Z"),
        ("2026-01-31", Reason.NO_OFFSET, "is a day without a time: write it like"),
        ("2026-02-29T09:30:00Z", Reason.IMPOSSIBLE_DATE, "does not exist"),
        ("2026-13-01T09:30:00Z", Reason.IMPOSSIBLE_DATE, "does not exist"),
        ("2026-01-31T25:00:00Z", Reason.IMPOSSIBLE_DATE, "does not exist"),
        ("2026-01-31T09:30:00+24:00", Reason.IMPOSSIBLE_DATE, "does not exist"),
        ("0000-01-01T00:00:00Z", Reason.IMPOSSIBLE_DATE, "does not exist"),
        ("2016-12-31T23:59:60Z", Reason.IMPOSSIBLE_DATE, "leap second"),
        ("0001-01-01T00:00:00+01:00", Reason.IMPOSSIBLE_DATE, "years 1 to 9999"),
        ("9999-12-31T23:59:59-01:00", Reason.IMPOSSIBLE_DATE, "years 1 to 9999"),
        ("31.01.2026 09:30", Reason.NOT_AN_INSTANT, "write it like"),
        ("1769851800", Reason.NOT_AN_INSTANT, "write it like"),
        ("yesterday", Reason.NOT_AN_INSTANT, "write it like"),
    ],
)
def test_instants_that_are_none_say_why(text: str, reason: Reason, hint: str) -> None:
    _, faults = check_column(COLUMNS["sent_at"], pa.array(["2026-01-01T00:00:00Z", text]))
    assert list(faults) == [1]
    assert faults[1].reason is reason
    assert hint in faults[1].message


OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


ALMOST_INSTANTS = st.from_regex(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9](:[0-6][0-9]){1,2}(\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:?[0-6][0-9])?",
    fullmatch=True,
)
INSTANTS = st.datetimes(timezones=OFFSETS).map(datetime.isoformat)
NOISE = st.text(st.sampled_from("0123456789-:TZ+. W"), max_size=26)


@given(st.lists(INSTANTS | ALMOST_INSTANTS | NOISE, min_size=1))
def test_quick_and_slow_ways_agree_about_instants(texts: list[str]) -> None:
    """In bulk, with Arrow where it can, an instant is what Python's datetime makes of it."""
    for cells in (texts, *([text] for text in texts)):
        values, faults = check_column(COLUMNS["created_at"], pa.array(cells, pa.string()))
        for row, text in enumerate(cells):
            expected = read_instant(text.strip())
            if isinstance(expected, Fault):
                assert faults[row] == expected
            else:
                value = values[row].as_py()
                assert (None if value is None else datetime.fromisoformat(value)) == expected
                assert row not in faults


def test_a_row_is_rejected_for_its_first_fault_and_the_others_stay() -> None:
    layout = LAYOUTS[ImportKind.APPOINTMENTS]
    before = Rejection(3, "", Fault(Reason.CELL_COUNT, "has 1 cell"))
    batch = Batch(
        pa.array([2, 4, 5], pa.int64()),
        {
            "external_id": pa.array(["a1", "a2", "a3"]),
            "lead_external_id": pa.array(["lead", "", "lead"]),
            "booked_at": pa.array(["2026-01-05T10:00:00Z", "soon", "soon"]),
        },
        [before],
    )
    accepted = check(batch, layout)
    assert accepted.lines.to_pylist() == [2]
    row = dict(zip(layout.names, (column.to_pylist() for column in accepted.columns), strict=True))
    assert (row["external_id"], row["status"], row["starts_at"]) == (["a1"], ["confirmed"], [None])
    assert datetime.fromisoformat(row["booked_at"][0]) == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert accepted.rejections[0] == before
    assert [(each.line, each.column, each.key) for each in accepted.rejections[1:]] == [
        (4, "lead_external_id", "a2"),
        (5, "booked_at", "a3"),
    ]


@pytest.mark.parametrize(
    ("kind", "columns", "found"),
    [
        ("leads", "external_id email", None),
        ("leads", "external_id channel source owner", None),
        ("leads", "external_id email lead_external_id", None),
        ("leads", "external_id lead_external_id channel direction sent_at", "messages"),
        ("leads", "external_id name channel response_mode", "campaigns"),
        ("campaigns", "external_id lead_external_id channel created_at", "drafts"),
        ("drafts", "external_id lead_external_id channel direction sent_at", "messages"),
        ("appointments", "external_id lead_external_id", None),
        ("appointments", "external_id lead_external_id booked_at channel created_at", None),
        ("appointments", "external_id lead_external_id channel direction sent_at status", "messages"),
        ("appointments", "external_id lead_external_id channel body created_at", "drafts"),
        ("messages", "external_id lead_external_id channel direction sent_at booked_at canceled_at starts_at", None),
    ],
)
def test_columns_tell_the_kind_where_they_are_clearly_those_of_another(
    kind: str, columns: str, found: str | None
) -> None:
    assert kind_by_columns(LAYOUTS[ImportKind(kind)], frozenset(columns.split())) == found


def test_the_columns_of_every_kind_tell_that_kind() -> None:
    for layout in LAYOUTS.values():
        assert kind_by_columns(layout, frozenset(layout.names)) is None
