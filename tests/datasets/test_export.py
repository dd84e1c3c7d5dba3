"""An export is the whole dataset in a file of its owner's, or what was there before."""

import csv
import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.datasets.conftest import LOCAL_ENGINES, Facts, FactsFactory, small_files, store_texts
from tests.outcomes.specification import Appointment, Lead, Message

from setpoint.datasets.engine import Engine
from setpoint.datasets.export import Exported, check_target, export
from setpoint.datasets.rows import COLUMNS, TEXT_COLUMNS
from setpoint.datasets.service import DatasetRequest, extract
from setpoint.domain.errors import SetpointError, UsageError
from setpoint.domain.spreadsheet import restore
from setpoint.domain.vocabulary import Attribution
from setpoint.domain.windows import Window, format_instant
from setpoint.reports.performing import dataset_sha256

Cells = list[dict[str, str]]


def read_csv(path: Path) -> Cells:
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: restore(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def read_jsonl(path: Path) -> Cells:
    lines = path.read_bytes().splitlines()
    return [{name: text_of(value) for name, value in json.loads(line).items()} for line in lines]


def read_parquet(path: Path) -> Cells:
    return [{name: text_of(value) for name, value in row.items()} for row in pq.read_table(path).to_pylist()]


def text_of(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            assert value.microsecond == 0
            return format_instant(value)
        case _:
            return str(value)


READERS: dict[str, Callable[[Path], Cells]] = {".csv": read_csv, ".jsonl": read_jsonl, ".parquet": read_parquet}


async def exported(facts: Facts, window: Window, path: Path, engine: str = "postgres", **asked: Any) -> Exported:
    async with facts.engine(engine) as opened:
        return await export(await extract(opened, DatasetRequest(facts.workspace.slug, window)), path, **asked)


@pytest.mark.parametrize("name", LOCAL_ENGINES)
async def test_every_format_holds_the_same_cells(facts: Facts, window: Window, name: str, tmp_path: Path) -> None:
    held = []
    async with facts.engine(name) as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window))
        rows = sum(dataset.counts.cells.values())
        for suffix, read in READERS.items():
            written = await export(dataset, tmp_path / f"rows{suffix}")
            assert written.rows == rows > 200
            assert written.sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()
            held.append(read(written.path))
    assert held[0] == held[1] == held[2]
    assert list(held[0][0]) == COLUMNS.names
    assert len(held[0]) == rows
    assert {cells["workspace"] for cells in held[0]} == {facts.workspace.slug}


async def test_jsonl_and_parquet_have_booleans_and_parquet_has_instants(
    facts: Facts, window: Window, tmp_path: Path
) -> None:
    await exported(facts, window, tmp_path / "rows.jsonl")
    first = json.loads((tmp_path / "rows.jsonl").read_bytes().splitlines()[0])
    assert isinstance(first["ambiguous"], bool)
    assert isinstance(first["sent_at"], str)
    await exported(facts, window, tmp_path / "rows.parquet")
    assert pq.read_schema(tmp_path / "rows.parquet").equals(COLUMNS)


@pytest.mark.parametrize("name", LOCAL_ENGINES)
async def test_the_hash_of_the_csv_is_the_hash_of_the_report(
    facts: Facts, window: Window, name: str, tmp_path: Path
) -> None:
    async with facts.engine(name) as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window, max_leads=50))
        written = await export(dataset, tmp_path / "rows.csv")
        assert written.sha256 == await dataset_sha256(dataset)


@pytest.mark.parametrize("attribution", Attribution)
async def test_one_attribution_is_that_part_of_both(
    facts: Facts, window: Window, attribution: Attribution, tmp_path: Path
) -> None:
    await exported(facts, window, tmp_path / "both.csv")
    await exported(facts, window, tmp_path / "one.csv", attribution=attribution)
    part = [cells for cells in read_csv(tmp_path / "both.csv") if cells["attribution"] == attribution]
    assert read_csv(tmp_path / "one.csv") == part
    assert len(part) > 50


async def test_rows_are_sorted_as_bytes(facts: Facts, window: Window, tmp_path: Path) -> None:
    await exported(facts, window, tmp_path / "rows.csv")
    rows = read_csv(tmp_path / "rows.csv")
    keys = ("attribution", "lead_id", "channel", "message_id")
    assert rows == sorted(rows, key=lambda row: tuple(row[key].encode() for key in keys))


@pytest.mark.parametrize("suffix", READERS)
async def test_an_empty_dataset_is_a_file_with_no_rows(
    new_facts: FactsFactory, window: Window, suffix: str, tmp_path: Path
) -> None:
    facts = await new_facts([])
    for name in LOCAL_ENGINES:
        path = tmp_path / f"{name}{suffix}"
        assert (await exported(facts, window, path, name)).rows == 0
        assert READERS[suffix](path) == []
        if suffix == ".csv":
            assert path.read_text() == ",".join(COLUMNS.names) + "\n"


async def test_progress_counts_the_rows_written(
    facts: Facts, window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setpoint.datasets.on_postgres._CHUNK_BYTES", 4096)
    told: list[int] = []
    written = await exported(facts, window, tmp_path / "rows.csv", progress=told.append)
    assert told == sorted(told)
    assert len(told) > 5
    assert told[-1] == written.rows


# Text


async def test_text_is_that_of_the_credited_message(new_facts: FactsFactory, window: Window, tmp_path: Path) -> None:
    sent_at = window.start
    world = [
        Lead("a", messages=[Message("1", "email", sent_at), Message("2", "sms", sent_at.replace(hour=5))]),
        Lead("b", messages=[Message("3", "email", sent_at)]),
        Lead("c", booked_hint=True, messages=[Message("4", "email", sent_at)]),
    ]
    facts, other = await new_facts(world), await new_facts(world)
    texts: dict[str, tuple[str | None, str]] = {
        "1": ("Hello, you", 'He said "hi",\nand left'),
        "2": (None, "=cmd|' /C calc'!A0"),
        "4": ("never credited", "never credited"),
    }
    await store_texts(facts.database, facts.workspace, texts)
    await store_texts(other.database, other.workspace, dict.fromkeys("1234", ("foreign", "foreign")))
    held = []
    for suffix, read in READERS.items():
        path = tmp_path / f"rows{suffix}"
        await exported(facts, window, path, with_text=True)
        held.append(read(path))
    assert held[0] == held[1] == held[2]
    assert list(held[0][0]) == [*COLUMNS.names, *TEXT_COLUMNS.names]
    assert [(row["attribution"], row["message_id"], row["subject"], row["body"]) for row in held[0]] == [
        ("cross_channel", "2", "", "=cmd|' /C calc'!A0"),
        ("cross_channel", "3", "", ""),
        ("cross_channel", "", "", ""),
        ("within_channel", "1", "Hello, you", 'He said "hi",\nand left'),
        ("within_channel", "2", "", "=cmd|' /C calc'!A0"),
        ("within_channel", "3", "", ""),
    ]
    assert "'=cmd" in (tmp_path / "rows.csv").read_text()


async def test_text_goes_with_a_balanced_sample_too(new_facts: FactsFactory, window: Window, tmp_path: Path) -> None:
    world = [Lead(f"l{number}", messages=[Message(f"m{number}", "sms", window.start)]) for number in range(9)]
    facts = await new_facts(world)
    await store_texts(facts.database, facts.workspace, {f"m{number}": ("s", f"body {number}") for number in range(9)})
    await exported(facts, window, tmp_path / "rows.csv", balanced=4, with_text=True)
    rows = read_csv(tmp_path / "rows.csv")
    assert len(rows) == 8
    assert all(row["body"] == f"body {row['lead_id'][1:]}" for row in rows)


async def test_a_snapshot_has_no_text_to_give(facts: Facts, window: Window, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--with-text needs --engine postgres"):
        await exported(facts, window, tmp_path / "rows.csv", "duckdb", with_text=True)
    assert list(tmp_path.iterdir()) == []


async def test_without_being_asked_for_no_text_is_in_a_file(
    new_facts: FactsFactory, window: Window, tmp_path: Path
) -> None:
    lead = Lead("a", messages=[Message("1", "email", window.start)])
    lead.appointments.append(Appointment("x", booked_at=window.start))
    facts = await new_facts([lead])
    await store_texts(facts.database, facts.workspace, {"1": ("canary", "canary")})
    for suffix in READERS:
        await exported(facts, window, tmp_path / f"rows{suffix}")
        assert b"canary" not in (tmp_path / f"rows{suffix}").read_bytes()
    await exported(facts, window, tmp_path / "text.csv", with_text=True)
    assert b"canary" in (tmp_path / "text.csv").read_bytes()


# The file


@pytest.mark.parametrize("suffix", READERS)
async def test_only_its_owner_can_read_the_file(facts: Facts, window: Window, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_text("before")
    path.chmod(0o644)
    await exported(facts, window, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", LOCAL_ENGINES)
@pytest.mark.parametrize("suffix", READERS)
async def test_a_full_disk_leaves_what_was_there_and_the_engine_usable(
    facts: Facts, window: Window, name: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_text("before")
    async with facts.engine(name) as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window))
        with small_files(2000), pytest.raises(SetpointError, match="cannot be written: File too large"):
            await export(dataset, path)
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", READERS)
async def test_an_interruption_leaves_what_was_there(
    facts: Facts, window: Window, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setpoint.datasets.on_postgres._CHUNK_BYTES", 4096)
    path = tmp_path / f"rows{suffix}"
    path.write_text("before")

    def interrupt(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await exported(facts, window, path, progress=interrupt)
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["rows", "rows.txt", "rows.csv.gz", ".csv", "csv"])
def test_a_suffix_that_names_no_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"--out must end in \.csv, \.jsonl or \.parquet"):
        check_target(tmp_path / name)


@pytest.mark.parametrize("name", ["rows.csv", "ROWS.CSV", "rows.2026.jsonl", "é.parquet"])
def test_a_suffix_that_names_a_format_will_do(tmp_path: Path, name: str) -> None:
    check_target(tmp_path / name)


def test_a_place_where_no_file_can_be_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"folder\.csv is a directory"):
        check_target(tmp_path / "folder.csv")
    with pytest.raises(UsageError, match="There is no directory"):
        check_target(tmp_path / "missing" / "rows.csv")
    with pytest.raises(UsageError, match="There is no directory"):
        check_target(tmp_path / "file" / "rows.csv")


async def test_a_directory_that_cannot_be_written_is_named(
    facts: Facts, window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    with pytest.raises(SetpointError, match=r"rows\.csv cannot be written: Permission denied. Name another place."):
        await exported(facts, window, tmp_path / "rows.csv")


async def test_a_cell_that_is_a_formula_is_neutralised_in_the_csv_only(
    facts: Facts, window: Window, tmp_path: Path
) -> None:
    await exported(facts, window, tmp_path / "rows.csv")
    await exported(facts, window, tmp_path / "rows.jsonl")
    assert b",'=1+1," in (tmp_path / "rows.csv").read_bytes()
    assert b'"=1+1"' in (tmp_path / "rows.jsonl").read_bytes()
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


async def test_engines_write_the_same_csv_and_jsonl(facts: Facts, window: Window, tmp_path: Path) -> None:
    for suffix in (".csv", ".jsonl"):
        hashes = {(await exported(facts, window, tmp_path / f"{n}{suffix}", n)).sha256 for n in LOCAL_ENGINES}
        assert len(hashes) == 1


async def test_an_engine_serves_several_exports(facts: Facts, window: Window, tmp_path: Path) -> None:
    async def both(engine: Engine) -> list[str]:
        found = []
        for seed in ("a", "b"):
            request = DatasetRequest(facts.workspace.slug, window, max_leads=30, seed=seed)
            found.append((await export(await extract(engine, request), tmp_path / "rows.csv")).sha256)
        return found

    for name in LOCAL_ENGINES:
        async with facts.engine(name) as engine:
            first, second = await both(engine)
            assert [first, second] == await both(engine)
            assert first != second
