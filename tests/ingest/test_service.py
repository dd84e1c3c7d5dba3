"""Whole files into a real database: what a person who imports them would notice."""

import codecs
import csv
import gzip
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.conftest import WorkspaceFactory
from tests.ingest.importing import MESSAGE, Row, add_leads, everything, message, run, stored, write

from setpoint.domain.errors import FileUnreadable, UsageError
from setpoint.domain.spreadsheet import neutralise
from setpoint.ingest import service
from setpoint.ingest.schemas import ImportKind, ImportSummary, Progress
from setpoint.ingest.service import import_file
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

SAMPLE: dict[str, list[Row]] = {
    "campaigns": [
        {"external_id": "c1", "name": "Spring, 'early'", "channel": "email", "response_mode": "ai_auto_send"},
        {"external_id": "c2", "name": "", "channel": "sms", "response_mode": ""},
    ],
    "leads": [
        {
            "external_id": "lead-1",
            "email": "anna@example.test",
            "first_name": "Änna",
            "company": "=cmd|' /C calc'!A0",
            "campaign": "c1",
            "booked_hint": "Booked",
            "opted_out": "no",
            "created_at": "2026-01-01T01:00:00+01:00",
        },
        {"external_id": "lead-2", "booked_hint": "", "opted_out": "1"},
    ],
    "drafts": [
        {
            "external_id": "d1",
            "lead_external_id": "lead-1",
            "channel": "EMAIL",
            "auto_send_confidence": "0.1",
            "auto_send_threshold": "1",
            "auto_send_action": "send",
            "response_disposition": "auto_sent",
            "body": "Draft\twith a tab",
        },
        {"external_id": "d2", "lead_external_id": "lead-2", "channel": "sms", "body": ""},
    ],
    "messages": [
        message("m1", kind="message", status=" Delivered ", sent_by="ai", subject="Hi", body='One "two",\nthree\\n'),
        message("m2", lead_external_id="lead-2", channel="sms", direction="inbound", body=""),
        message("-m3", lead_external_id="lead-2", channel="linkedin", response_disposition="EDITED", body="'=1"),
    ],
    "appointments": [
        {"external_id": "a1", "lead_external_id": "lead-1", "booked_at": "2026-01-05T10:00:00Z", "status": ""},
        {
            "external_id": "a2",
            "lead_external_id": "lead-1",
            "booked_at": "2026-01-06T10:00:00Z",
            "status": "No_Show",
            "rescheduled_from": "a1",
        },
    ],
}


def counts(summary: ImportSummary) -> tuple[int, int, int, int]:
    """Inserted, updated, unchanged, rejected; they add up to the rows."""
    assert summary.accepted + summary.rejected + summary.unchanged == summary.rows
    return summary.inserted, summary.updated, summary.unchanged, summary.rejected


def complaints(summary: ImportSummary) -> list[tuple[int, str, str]]:
    return [(each.line, each.column, each.fault.reason.value) for each in summary.rejections]


@pytest.fixture
async def leads(database: Database, workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with lead-1 and lead-2."""
    await add_leads(database, workspace, tmp_path, "lead-1", "lead-2")
    return workspace


def spreadsheet_safe(rows: list[Row]) -> list[Row]:
    """What our CSV exports would write."""
    return [{name: neutralise(cell) for name, cell in row.items()} for row in rows]


async def import_sample(database: Database, workspace: Workspace, folder: Path, suffix: str) -> list[ImportSummary]:
    return [
        await run(
            database,
            workspace,
            kind,
            write(folder / f"{kind}{suffix}", spreadsheet_safe(rows) if "csv" in suffix else rows),
        )
        for kind, rows in SAMPLE.items()
    ]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet", ".parquet.gz"])
async def test_every_format_gives_the_same_tables_and_a_second_import_changes_nothing(
    database: Database, new_workspace: WorkspaceFactory, tmp_path: Path, suffix: str
) -> None:
    reference, workspace = await new_workspace(), await new_workspace()
    await import_sample(database, reference, tmp_path, ".csv")
    first = await import_sample(database, workspace, tmp_path, suffix)
    assert [counts(each) for each in first] == [(len(rows), 0, 0, 0) for rows in SAMPLE.values()]
    there = await everything(database, workspace)
    assert there == await everything(database, reference)
    again = await import_sample(database, workspace, tmp_path, suffix)
    assert [counts(each) for each in again] == [(0, 0, len(rows), 0) for rows in SAMPLE.values()]
    assert await everything(database, workspace) == there


async def test_values_are_kept_as_they_are_meant(database: Database, workspace: Workspace, tmp_path: Path) -> None:
    await import_sample(database, workspace, tmp_path, ".csv")
    there = await everything(database, workspace)
    first, second = there["leads"]
    assert (first["company"], first["first_name"]) == ("=cmd|' /C calc'!A0", "Änna")
    assert (first["booked_hint"], first["opted_out"]) == (True, False)
    assert first["created_at"].isoformat() == "2026-01-01T00:00:00+00:00"
    assert (second["booked_hint"], second["opted_out"], second["email"]) == (None, True, None)
    dash, plain, _ = there["messages"]
    assert (dash["external_id"], plain["status"], plain["channel"]) == ("-m3", "delivered", "email")
    assert there["message_texts"] == [
        {"external_id": "-m3", "subject": None, "body": "'=1"},
        {"external_id": "m1", "subject": "Hi", "body": 'One "two",\nthree\\n'},
    ]
    assert there["drafts"][0]["response_disposition"] == "AUTO_SENT"
    assert (there["drafts"][0]["auto_send_confidence"], there["drafts"][0]["auto_send_threshold"]) == (0.1, 1.0)
    assert there["draft_texts"] == [{"external_id": "d1", "body": "Draft\twith a tab"}]
    assert [each["status"] for each in there["appointments"]] == ["confirmed", "no_show"]


async def test_a_changed_row_is_updated_and_a_cleared_text_is_gone(
    database: Database, leads: Workspace, tmp_path: Path
) -> None:
    before = [message("m1", body="old"), message("m2", body="stays"), message("m3"), message("m4", subject="s")]
    await run(database, leads, "messages", write(tmp_path / "messages.csv", before))
    after = [
        message("m1", body="new"),
        message("m2", body="stays"),
        message("m3", body="came"),
        message("m4", subject="", lead_external_id="lead-2"),
        message("m5"),
    ]
    summary = await run(database, leads, "messages", write(tmp_path / "messages.csv", after))
    assert counts(summary) == (1, 3, 1, 0)
    rows = await stored(database, leads, "messages")
    assert [row["lead_external_id"] for row in rows] == ["lead-1", "lead-1", "lead-1", "lead-2", "lead-1"]
    texts = {
        row["external_id"]: (row["subject"], row["body"]) for row in await stored(database, leads, "message_texts")
    }
    assert texts == {"m1": (None, "new"), "m2": (None, "stays"), "m3": (None, "came"), "m4": (None, None)}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
async def test_a_column_that_the_file_lacks_stays_as_it_is(
    database: Database, leads: Workspace, tmp_path: Path, suffix: str
) -> None:
    for kind, rows in SAMPLE.items():
        await run(database, leads, kind, write(tmp_path / f"{kind}.jsonl", rows))
    there = await everything(database, leads)
    for kind, rows in SAMPLE.items():
        fewer = [{name: row[name] for name in MESSAGE if name in row} for row in rows]
        summary = await run(database, leads, kind, write(tmp_path / f"fewer-{kind}{suffix}", fewer))
        assert counts(summary) == (0, 0, len(rows), 0)
    assert await everything(database, leads) == there
    some = [message("m1", body=""), message("m4", body="new")]
    assert counts(await run(database, leads, "messages", write(tmp_path / f"some{suffix}", some))) == (1, 1, 0, 0)
    assert await stored(database, leads, "message_texts") == [
        {"external_id": "-m3", "subject": None, "body": "'=1"},
        {"external_id": "m1", "subject": "Hi", "body": None},
        {"external_id": "m4", "subject": None, "body": "new"},
    ]


async def test_bad_rows_are_told_with_line_column_and_reason_and_good_ones_go_in(
    database: Database, leads: Workspace, tmp_path: Path
) -> None:
    rows = [
        message("m1"),
        message("", body="no key"),
        message("m3", channel="pigeon"),
        message("m4", sent_at="2026-02-30T10:00:00Z"),
        message("m5", sent_at="2026-01-31T10:00:00"),
        message("m6", sent_at="31.01.2026"),
        message("m7", lead_external_id="nobody"),
        message("m1", body="again"),
        message("m9", direction=""),
        message("m10", body="a\0b"),
        message("m11", body="x" * 1_000_000),
        message("m7", body="the first m7 was no good"),
    ]
    rejects = tmp_path / "rejects.csv"
    summary = await run(database, leads, "messages", write(tmp_path / "messages.csv", rows), rejects)
    assert counts(summary) == (3, 0, 0, 9)
    assert complaints(summary) == [
        (3, "external_id", "missing"),
        (4, "channel", "unknown_value"),
        (5, "sent_at", "impossible_date"),
        (6, "sent_at", "no_offset"),
        (7, "sent_at", "not_an_instant"),
        (8, "lead_external_id", "unknown_lead"),
        (9, "external_id", "duplicate_key"),
        (10, "direction", "missing"),
        (11, "body", "nul_character"),
    ]
    assert summary.rejections[1].fault.message == "'pigeon' is none of email, sms, linkedin"
    assert summary.as_dict()["rejected_by_reason"] == {
        "duplicate_key": 1,
        "impossible_date": 1,
        "missing": 2,
        "no_offset": 1,
        "not_an_instant": 1,
        "nul_character": 1,
        "unknown_lead": 1,
        "unknown_value": 1,
    }
    with rejects.open(encoding="utf-8", newline="") as file:
        written = list(csv.reader(file))
    assert written[0] == ["line", "column", "reason", "key"]
    assert [(int(line), column) for line, column, _, _ in written[1:]] == [
        (line, column) for line, column, _ in complaints(summary)
    ]
    assert [key for *_, key in written[1:]] == ["", "m3", "m4", "m5", "m6", "m7", "m1", "m9", "m10"]
    assert {row["external_id"] for row in await stored(database, leads, "messages")} == {"m1", "m7", "m11"}
    assert sum(len(row["body"] or "") for row in await stored(database, leads, "message_texts")) > 1_000_000


async def test_the_first_good_row_of_a_key_stays(database: Database, leads: Workspace, tmp_path: Path) -> None:
    rows = [
        message("m1", lead_external_id="nobody"),
        message("m1", channel="sms"),
        message("m1", channel="linkedin"),
        message("m1", channel="sms"),
    ]
    summary = await run(database, leads, "messages", write(tmp_path / "messages.csv", rows))
    assert complaints(summary) == [
        (2, "lead_external_id", "unknown_lead"),
        (4, "external_id", "duplicate_key"),
        (5, "external_id", "duplicate_key"),
    ]
    assert "line 3" in summary.rejections[1].fault.message
    assert [row["channel"] for row in await stored(database, leads, "messages")] == ["sms"]


async def test_a_lead_of_another_workspace_is_unknown_here(
    database: Database, leads: Workspace, new_workspace: WorkspaceFactory, tmp_path: Path
) -> None:
    other = await new_workspace()
    path = write(tmp_path / "messages.csv", [message("m1")])
    assert counts(await run(database, leads, "messages", path)) == (1, 0, 0, 0)
    absent = await run(database, other, "messages", path)
    assert complaints(absent) == [(2, "lead_external_id", "unknown_lead")]
    await add_leads(database, other, tmp_path, "lead-1")
    assert counts(await run(database, other, "messages", path)) == (1, 0, 0, 0)
    assert len(await stored(database, leads, "messages")) == 1


async def test_a_file_with_an_error_of_its_own_takes_nothing_with_it(
    database: Database, leads: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "messages.csv.gz"
    # Noise does not compress, so that the damage lies far behind the first rows.
    rows = [message(f"m{number}", body=os.urandom(64).hex()) for number in range(5000)]
    data = bytearray(write(path, rows).read_bytes())
    data[-8] ^= 1
    path.write_bytes(data)
    with pytest.raises(FileUnreadable, match="not a sound gzip file"):
        await run(database, leads, "messages", path, tmp_path / "rejects.csv")
    assert await stored(database, leads, "messages") == []
    assert not (tmp_path / "rejects.csv").exists()


async def test_a_file_that_ends_in_the_middle_gives_the_rows_before(
    database: Database, leads: Workspace, tmp_path: Path
) -> None:
    rows = [message(f"m{number}", body=os.urandom(64).hex()) for number in range(2000)]
    path = write(tmp_path / "messages.csv.gz", rows)
    path.write_bytes(path.read_bytes()[:-20_000])
    summary = await run(database, leads, "messages", path)
    inserted, updated, unchanged, rejected = counts(summary)
    assert summary.truncated
    assert (updated, unchanged, rejected) == (0, 0, 1)
    assert complaints(summary) == [(inserted + 2, "", "cut_off")]
    assert 1000 < inserted < 2000
    write(path, rows)
    assert counts(await run(database, leads, "messages", path)) == (2000 - inserted, 0, inserted, 0)


@pytest.mark.parametrize(
    ("name", "content", "answer"),
    [
        ("empty.csv", b"", "is empty"),
        ("bom.csv", b"\xef\xbb\xbf", "is empty"),
        ("blank.jsonl", b"\n \n", "is empty"),
        ("empty.jsonl", b"", "is empty"),
        ("empty.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("empty.parquet", b"", "is empty"),
        ("cut.parquet", b"PAR1\0\0\0\0", "not a sound Parquet file"),
        ("messages.xlsx", b"PK\x03\x04", "must end in .csv, .jsonl or .parquet"),
        ("excel.csv", b"PK\x03\x04\0\0", "spreadsheet"),
        ("packed.csv", gzip.compress(b"external_id\n", mtime=0), "ends in .gz"),
        ("plain.csv.gz", b"external_id\n", "is not compressed with gzip"),
        ("utf16.csv", "external_id,lead_external_id\n".encode("utf-16"), "is UTF-16: save it as UTF-8"),
        ("utf32.csv", "external_id,lead_external_id\n".encode("utf-32"), "is UTF-32: save it as UTF-8"),
        ("utf32be.csv", codecs.BOM_UTF32_BE + "external_id\n".encode("utf-32-be"), "is UTF-32: save it as UTF-8"),
        ("utf16be.csv", "external_id,lead_external_id\n".encode("utf-16-be"), "is not UTF-8"),
        ("latin.csv", "external_id,größe\n".encode("latin-1"), "is not UTF-8"),
        ("semicolons.csv", b"external_id;lead_external_id;channel\n", "semicolons"),
        ("tabs.csv", b"external_id\tlead_external_id\n", "tabs"),
        ("headless.csv", b"m1,lead-1,email\nm2,lead-2,sms\n", "no column external_id, lead_external_id, channel"),
        ("twice.csv", b"external_id,lead_external_id,channel,channel,direction,sent_at\n", "more than once"),
        ("quote.csv", b'external_id,"lead_external_id\n', "begins with no header"),
    ],
)
async def test_a_file_that_is_none_is_refused_as_a_whole(
    database: Database, leads: Workspace, tmp_path: Path, name: str, content: bytes, answer: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileUnreadable, match=answer) as refusal:
        await run(database, leads, "messages", tmp_path / name)
    assert name in refusal.value.message
    assert "\n" not in refusal.value.message


async def test_a_directory_and_a_missing_file_are_refused(
    database: Database, leads: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(FileUnreadable, match="is a directory"):
        await run(database, leads, "messages", tmp_path / "folder.csv")
    with pytest.raises(FileUnreadable, match="does not exist"):
        await run(database, leads, "messages", tmp_path / "missing.csv")


async def test_a_header_alone_is_a_file_without_rows(database: Database, leads: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "messages.csv"
    path.write_text(",".join(MESSAGE))
    assert counts(await run(database, leads, "messages", path)) == (0, 0, 0, 0)


async def test_unknown_columns_are_told_once_and_kept_out(
    database: Database, leads: Workspace, tmp_path: Path
) -> None:
    rows = [message(f"m{number}", mood="sunny", **{"Lead Score": "3"}) for number in range(3)]
    for suffix in (".csv", ".jsonl", ".parquet"):
        summary = await run(database, leads, "messages", write(tmp_path / f"messages{suffix}", rows))
        assert [name.lower() for name in summary.unknown_columns] == ["mood", "lead score"]
        assert summary.rejected == 0


@pytest.mark.parametrize("bad", ["source", "folder", "nowhere"])
async def test_a_rejects_file_that_cannot_be_is_refused_before_any_work(
    database: Database, leads: Workspace, tmp_path: Path, bad: str
) -> None:
    path = write(tmp_path / "messages.csv", [message("m1")])
    places = {"source": path, "folder": tmp_path, "nowhere": tmp_path / "no" / "rejects.csv"}
    with pytest.raises(UsageError, match="--rejects"):
        await run(database, leads, "messages", path, places[bad])
    assert await stored(database, leads, "messages") == []
    assert path.exists()


async def test_the_caller_decides_whether_anything_stays(
    database: Database, leads: Workspace, tmp_path: Path
) -> None:
    path = write(tmp_path / "messages.csv", [message("m1")])

    class ChangeOfMind(Exception):
        pass

    async def import_and_stop() -> None:
        async with database.tenant(leads.client_id) as connection:
            assert (await import_file(connection, leads, ImportKind.MESSAGES, path)).inserted == 1
            raise ChangeOfMind

    with pytest.raises(ChangeOfMind):
        await import_and_stop()
    assert await stored(database, leads, "messages") == []


async def test_several_files_go_in_one_transaction(database: Database, workspace: Workspace, tmp_path: Path) -> None:
    async with database.tenant(workspace.client_id) as connection:
        for kind, rows in SAMPLE.items():
            path = write(tmp_path / f"{kind}.jsonl", rows)
            summary = await import_file(connection, workspace, ImportKind(kind), path)
            assert counts(summary) == (len(rows), 0, 0, 0)


async def test_progress_only_goes_forward_and_ends_at_the_end(
    database: Database, leads: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ROWS_OF_A_SLICE", 500)
    path = write(tmp_path / "messages.csv", [message(f"m{number}", body="x" * 100) for number in range(3000)])
    told: list[Progress] = []
    async with database.tenant(leads.client_id) as connection:
        await import_file(connection, leads, ImportKind.MESSAGES, path, progress=told.append)
    shares = [each.share for each in told]
    assert shares == sorted(shares)
    assert (told[0].phase, told[-1].phase, told[-1].share, told[-1].seconds_left) == ("reading", "done", 1.0, 0.0)
    assert len([each for each in told if each.phase == "saving"]) > 3
    assert told[-1].rows == 3000


@pytest.mark.parametrize("shuffle", [False, True])
async def test_slices_join_without_a_seam(
    database: Database, leads: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shuffle: bool
) -> None:
    """Old, new, changed and doubled keys, spread over many slices."""
    monkeypatch.setattr(service, "ROWS_OF_A_SLICE", 100)
    order: Callable[[int], int] = (lambda n: n * 7919 % 2000) if shuffle else (lambda n: n)
    before = [message(f"m{order(n):04}", body=f"{order(n)}") for n in range(0, 2000, 2)]
    assert counts(await run(database, leads, "messages", write(tmp_path / "a.csv", before))) == (1000, 0, 0, 0)
    after = [message(f"m{order(n):04}", body=f"{order(n) // 3}" * 20) for n in range(2000)]
    doubled = [message(f"m{n:04}") for n in range(0, 2000, 50)]
    summary = await run(database, leads, "messages", write(tmp_path / "b.csv", after + doubled))
    assert counts(summary) == (1000, 1000, 0, 40)
    assert counts(await run(database, leads, "messages", tmp_path / "b.csv")) == (0, 0, 2000, 40)
    texts = await stored(database, leads, "message_texts")
    assert [row["body"] for row in texts] == [f"{n // 3}" * 20 for n in range(2000)]


async def test_two_imports_of_a_kind_wait_for_each_other(
    database: Database, leads: Workspace, tmp_path: Path
) -> None:
    path = write(tmp_path / "messages.csv", [message("m1")])
    async with database.tenant(leads.client_id) as first, database.tenant(leads.client_id) as second:
        await import_file(first, leads, ImportKind.MESSAGES, path)
        await second.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(Exception, match="lock timeout"):
            await import_file(second, leads, ImportKind.MESSAGES, path)


CELL = st.sampled_from(["", "x", "é", "a,b", 'say "hi"', "two\nlines", "\\N", "=1+1", "'-", "\0", "tab\there", " "])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "external_id": st.sampled_from(["m1", "m2", "m3", "-m4", "", "é", "M1"]),
            "lead_external_id": st.sampled_from(["lead-1", "lead-2", "nobody", ""]),
            "channel": st.sampled_from(["email", " SMS ", "LinkedIn", "fax", ""]),
            "direction": st.sampled_from(["outbound", "Inbound", "sideways"]),
            "sent_at": st.sampled_from(
                [
                    "2026-01-31T09:30:00Z",
                    "2026-01-31 09:30:00.1234567+05:30",
                    "2026-02-30T09:30:00Z",
                    "2026-01-31T09:30:00",
                    "0001-01-01T00:00:00+01:00",
                    "",
                ]
            ),
            "subject": CELL,
            "body": CELL,
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
async def test_any_rows_add_up_and_change_nothing_the_second_time(
    database: Database, new_workspace: WorkspaceFactory, tmp_path: Path, rows: list[Row]
) -> None:
    there = []
    for suffix in (".csv", ".jsonl", ".parquet"):
        workspace = await new_workspace()
        await add_leads(database, workspace, tmp_path, "lead-1", "lead-2")
        content = spreadsheet_safe(rows) if suffix == ".csv" else rows
        path = write(tmp_path / f"messages{suffix}", content)
        first = await run(database, workspace, "messages", path)
        assert first.rows == len(rows)
        second = await run(database, workspace, "messages", path)
        assert counts(second) == (0, 0, first.accepted, first.rejected)
        there.append((await everything(database, workspace), counts(first), first.rejected_by_reason))
    assert there[0] == there[1] == there[2]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                b"m1,lead-1,email,outbound,2026-01-31T09:30:00Z",
                b"\n",
                b'"',
                b",",
                b"\r",
                b"\0",
                b"\xff",
                b"\xc3\xa9",
                b"'=",
            ]
        ),
        max_size=40,
    ).map(b"".join),
    suffix=st.sampled_from([".csv", ".jsonl", ".parquet", ".csv.gz", ".parquet.gz"]),
    headed=st.booleans(),
    packed=st.booleans(),
)
async def test_any_bytes_are_answered(
    database: Database, leads: Workspace, tmp_path: Path, data: bytes, suffix: str, headed: bool, packed: bool
) -> None:
    content = (",".join(MESSAGE).encode() + b"\n" if headed else b"") + data
    path = tmp_path / f"fuzz{suffix}"
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    # Anything but an error of ours fails the test.
    with suppress(FileUnreadable):
        summary = await run(database, leads, "messages", path, tmp_path / "rejects.csv")
        assert sum(counts(summary)) == summary.rows
        with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as file:
            assert len(list(csv.reader(file))) == summary.rejected + 1
