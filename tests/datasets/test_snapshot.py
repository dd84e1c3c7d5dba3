"""A snapshot holds one workspace's facts, whole, without any text; or there is none."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import update
from tests.datasets.conftest import Facts, FactsFactory, small_files, store_texts
from tests.outcomes.specification import Lead, Message
from tests.outcomes.worlds import make_world

from setpoint.datasets import snapshot as snapshots
from setpoint.datasets.on_duckdb import DuckDBEngine
from setpoint.datasets.service import DatasetRequest, extract
from setpoint.datasets.snapshot import Manifest, parquet_files, read_manifest, write_snapshot
from setpoint.domain.errors import Conflict, FileUnreadable, SetpointError, UsageError
from setpoint.domain.windows import Window, make_window
from setpoint.outcomes.facts import COLUMNS, DERIVED
from setpoint.storage import tables


def table_of(snapshot: Path, name: str) -> list[dict[str, Any]]:
    return [
        row for path in parquet_files(snapshot, name) for row in pq.read_table(path, partitioning=None).to_pylist()
    ]


async def take(facts: Facts, window: Window, out: Path) -> Manifest:
    async with facts.postgres() as engine:
        return await write_snapshot(engine, facts.workspace.slug, window, out)


def copy_of(facts: Facts, directory: Path) -> Path:
    """A snapshot that a test may damage."""
    return Path(shutil.copytree(facts.snapshot, directory / "copy"))


# What it holds


def test_it_has_the_columns_of_the_analysis_and_no_other(facts: Facts) -> None:
    for name, columns in COLUMNS.items():
        for path in parquet_files(facts.snapshot, name):
            expected = [*columns, *DERIVED] if name == "messages" else list(columns)
            assert pq.read_schema(path).names == expected


def test_messages_lie_in_the_folder_of_their_month(facts: Facts, window: Window) -> None:
    months = set()
    for path in parquet_files(facts.snapshot, "messages"):
        found = {f"month={row['sent_at']:%Y-%m}" for row in pq.read_table(path, partitioning=None).to_pylist()}
        assert found == {path.parent.name}
        months |= found
    assert months == {"month=2026-02", "month=2026-03"}


def test_it_has_the_messages_of_its_window_in_their_order(facts: Facts, window: Window) -> None:
    stored = [
        (lead.external_id, message.sent_at, message.external_id)
        for lead in facts.world
        for message in lead.messages
        if window.start - window.attribution <= message.sent_at <= window.known_until
    ]
    stored.append(("first day", window.start, "fd"))
    rows = sorted(table_of(facts.snapshot, "messages"), key=lambda row: int(row["position"]))
    kept = [(row["lead_external_id"], row["sent_at"], row["external_id"]) for row in rows]
    assert kept == sorted(stored, key=lambda key: (key[0].encode(), key[1], key[2].encode()))
    assert [row["position"] for row in rows] == list(range(len(rows)))


def test_it_has_all_other_facts_of_the_workspace_and_nobody_elses(facts: Facts) -> None:
    stored = {"first day", *(lead.external_id for lead in facts.world)}
    assert {row["external_id"] for row in table_of(facts.snapshot, "leads")} == stored
    appointments = {"fda", *(a.external_id for lead in facts.world for a in lead.appointments)}
    assert {row["external_id"] for row in table_of(facts.snapshot, "appointments")} == appointments


def test_the_manifest_says_what_it_holds(facts: Facts, window: Window) -> None:
    manifest = read_manifest(facts.snapshot)
    assert manifest.workspace == facts.workspace.slug
    assert manifest.covers_from == window.start - window.attribution
    assert manifest.covers_until == window.as_of
    assert manifest.rows == {name: len(table_of(facts.snapshot, name)) for name in COLUMNS}
    stored = json.loads((facts.snapshot / "snapshot.json").read_text())
    assert stored["version"] == 3


async def test_nothing_that_a_person_wrote_is_in_it(new_facts: FactsFactory, window: Window, tmp_path: Path) -> None:
    facts = await new_facts(make_world(Random(1), window, 20))
    canary = "canary-7f3a"
    named = dict.fromkeys(("email", "phone", "first_name", "last_name", "company", "timezone"), canary)
    async with facts.database.tenant(facts.workspace.client_id) as connection:
        await connection.execute(update(tables.leads).values(**named))
        await connection.execute(update(tables.messages).values(sender_email=canary))
        await connection.execute(update(tables.campaigns).values(name=canary))
        await connection.execute(update(tables.appointments).values(provider=canary))
        await connection.execute(update(tables.drafts).values(auto_send_action=canary))
        drafts = [{"client_id": facts.workspace.client_id, "external_id": "d0", "body": canary}]
        await connection.execute(tables.draft_texts.insert(), drafts)
    messages = [message.external_id for lead in facts.world for message in lead.messages]
    await store_texts(facts.database, facts.workspace, dict.fromkeys(messages, (canary, canary)))
    # Told apart by a canary that must be found: the same text as an id.
    async with facts.database.tenant(facts.workspace.client_id) as connection:
        await connection.execute(update(tables.leads).values(campaign="planted-7f3a"))
    manifest = await take(facts, window, tmp_path / "snapshot")
    files = [path.read_bytes() for path in (tmp_path / "snapshot").rglob("*") if path.is_file()]
    assert len(files) > len(COLUMNS)
    assert manifest.rows["messages"] > 0
    assert sum(b"canary-7f3a" in content for content in files) == 0
    assert sum(b"planted-7f3a" in content for content in files) == 1


async def test_months_from_all_of_the_calendar(new_facts: FactsFactory, tmp_path: Path) -> None:
    instants = [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
    ]
    messages = [Message(f"m{number}", "sms", instant) for number, instant in enumerate(instants)]
    # Leads that come in another order than their months.
    world = [Lead(f"l{9 - number}", messages=[message]) for number, message in enumerate(messages)]
    window = make_window("0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999999Z", 0, 0)
    facts = await new_facts(world, window)
    folders = [path.parent.name for path in parquet_files(facts.snapshot, "messages")]
    assert folders == ["month=0001-01", "month=1969-12", "month=1970-01", "month=9999-12"]
    assert sorted(row["sent_at"] for row in table_of(facts.snapshot, "messages")) == sorted(instants)
    results = []
    for name in ("postgres", "duckdb"):
        async with facts.engine(name) as engine:
            results.append((await extract(engine, DatasetRequest(facts.workspace.slug, window))).counts)
    assert results[0] == results[1]
    assert results[0].messages["counting"] == 4
    assert results[0].cohort_leads == 4


async def test_row_groups_are_cut_by_size_and_lose_nothing(
    facts: Facts, window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_ROW_GROUP", 10)
    monkeypatch.setattr("setpoint.datasets.on_postgres._CHUNK_BYTES", 500)
    await take(facts, window, tmp_path / "snapshot")
    (leads,) = parquet_files(tmp_path / "snapshot", "leads")
    assert pq.ParquetFile(leads).num_row_groups > 10
    for name in COLUMNS:
        assert table_of(tmp_path / "snapshot", name) == table_of(facts.snapshot, name)


async def test_progress_is_told_by_table(facts: Facts, window: Window, tmp_path: Path) -> None:
    told: dict[str, int] = {}
    async with facts.postgres() as engine:
        manifest = await write_snapshot(
            engine, facts.workspace.slug, window, tmp_path / "snapshot", lambda name, rows: told.update({name: rows})
        )
    assert told == manifest.rows


# Where it goes


async def test_an_empty_directory_will_do_and_parents_are_made(facts: Facts, window: Window, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    await take(facts, window, tmp_path / "empty")
    await take(facts, window, tmp_path / "not" / "yet" / "there")
    assert read_manifest(tmp_path / "empty") == read_manifest(tmp_path / "not" / "yet" / "there")


async def test_the_current_directory_will_do(
    facts: Facts, window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    await take(facts, window, Path("."))
    assert read_manifest(tmp_path / "here").workspace == facts.workspace.slug


async def test_only_its_owner_can_read_it(facts: Facts, window: Window, tmp_path: Path) -> None:
    await take(facts, window, tmp_path / "snapshot")
    assert (tmp_path / "snapshot").stat().st_mode & 0o777 == 0o700


async def test_what_is_there_already_is_left_alone(facts: Facts, window: Window, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("full", "file"):
        with pytest.raises(Conflict, match="name a new directory"):
            await take(facts, window, tmp_path / name)
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]


async def test_a_place_that_cannot_be_written_is_named(facts: Facts, window: Window, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetpointError, match="snapshot cannot be written: "):
        await take(facts, window, tmp_path / "file" / "snapshot")


@pytest.mark.parametrize("table", ["leads", "messages"])
async def test_a_failure_leaves_nothing_and_the_connection_usable(
    facts: Facts, window: Window, tmp_path: Path, table: str
) -> None:
    (tmp_path / "empty").mkdir()
    async with facts.postgres() as engine:
        limit = small_files(1000 if table == "leads" else 6000)
        with limit, pytest.raises(SetpointError, match=r"could not be written: .*File too large"):
            await write_snapshot(engine, facts.workspace.slug, window, tmp_path / "empty" / "snapshot")
    assert list((tmp_path / "empty").iterdir()) == []


async def test_an_interruption_leaves_nothing(facts: Facts, window: Window, tmp_path: Path) -> None:
    def interrupt(name: str, rows: int) -> None:
        if name == "messages":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        async with facts.postgres() as engine:
            await write_snapshot(engine, facts.workspace.slug, window, tmp_path / "snapshot", interrupt)
    assert list(tmp_path.iterdir()) == []


# What it answers


def test_it_answers_windows_that_it_covers(facts: Facts, window: Window) -> None:
    manifest = read_manifest(facts.snapshot)
    day = timedelta(days=1)
    manifest.check(facts.workspace.slug, window)
    manifest.check(facts.workspace.slug, replace(window, start=window.start + day))
    manifest.check(facts.workspace.slug, replace(window, start=window.start - day, attribution=13 * day))
    manifest.check(facts.workspace.slug, replace(window, maturity=30 * day))
    manifest.check(facts.workspace.slug, replace(window, end=window.as_of))


@pytest.mark.parametrize(
    "change",
    [
        lambda window: replace(window, start=window.start - timedelta(microseconds=1)),
        lambda window: replace(window, attribution=window.attribution + timedelta(days=1)),
        lambda window: replace(window, as_of=window.as_of + timedelta(microseconds=1)),
        lambda window: replace(window, end=window.as_of + timedelta(days=1)),
    ],
    ids=["start", "attribution", "as_of", "end"],
)
def test_it_refuses_windows_that_it_does_not_cover(
    facts: Facts, window: Window, change: Callable[[Window], Window]
) -> None:
    with pytest.raises(UsageError, match=r"from 2026-02-15T00:00:00Z to 2026-03-23T00:00:00Z"):
        read_manifest(facts.snapshot).check(facts.workspace.slug, change(window))


def test_it_refuses_another_workspace(facts: Facts, window: Window) -> None:
    with pytest.raises(UsageError, match=f"of the workspace '{facts.workspace.slug}', not of 'other'"):
        read_manifest(facts.snapshot).check("other", window)


# What is none


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"version": 3}',
        '{"version": 3, "workspace": "w", "covers_from": 5, "covers_until": "2026-01-01", "rows": {}}',
        '{"version": 3, "workspace": "w", "covers_from": "soon", "covers_until": "2026-01-01", "rows": {}}',
        '{"version": 3, "workspace": "w", "covers_from": "2026-01-01", "covers_until": "2026-01-02", "rows": {}}',
        '{"version": 3, "workspace": "w", "covers_from": "2026-01-01", "covers_until": "2026-01-02", "rows": 5}',
    ],
)
def test_a_damaged_manifest_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "snapshot.json").write_text(text)
    with pytest.raises(FileUnreadable, match="is not a snapshot"):
        read_manifest(tmp_path)


def test_a_manifest_that_is_no_text_is_none(tmp_path: Path) -> None:
    (tmp_path / "snapshot.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileUnreadable, match="is not a snapshot"):
        read_manifest(tmp_path)


def test_another_directory_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(FileUnreadable, match="setpoint dataset snapshot"):
            read_manifest(path)


def test_a_snapshot_of_another_version_says_so(tmp_path: Path) -> None:
    (tmp_path / "snapshot.json").write_text('{"version": 2}')
    with pytest.raises(FileUnreadable, match="version 2, this Setpoint reads 3"):
        read_manifest(tmp_path)


def remove(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def drop_a_column(path: Path) -> None:
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.drop_columns(table.column_names[-1]), path)


def drop_a_row(path: Path) -> None:
    pq.write_table(pq.read_table(path, partitioning=None).slice(1), path)


@pytest.mark.parametrize("damage", [remove, cut, empty, drop_a_column, drop_a_row])
@pytest.mark.parametrize("file", ["leads/part-0.parquet", "messages/month=2026-03/part-0.parquet"])
async def test_a_snapshot_that_is_not_whole_is_refused(
    facts: Facts, tmp_path: Path, damage: Callable[[Path], None], file: str
) -> None:
    damaged = copy_of(facts, tmp_path)
    damage(damaged / file)
    with pytest.raises(FileUnreadable, match="take a new one"):
        async with DuckDBEngine(damaged):
            pass


async def test_a_directory_may_have_any_name(facts: Facts, window: Window, tmp_path: Path) -> None:
    odd = tmp_path / "a [1] *?{x} 'q' \"é\" %20 #"
    shutil.copytree(facts.snapshot, odd)
    async with DuckDBEngine(odd) as engine:
        counts = (await extract(engine, DatasetRequest(facts.workspace.slug, window))).counts
    async with facts.postgres() as postgres:
        assert counts == (await extract(postgres, DatasetRequest(facts.workspace.slug, window))).counts
