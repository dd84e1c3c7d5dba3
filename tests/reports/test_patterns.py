"""Patterns on a real database: which messages take part, what is read of them, and the section that comes of it."""

import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc_csv
import pytest
import pytest_asyncio
from sqlalchemy import insert, update
from tests.conftest import WorkspaceFactory
from tests.datasets.conftest import store, store_texts
from tests.outcomes.specification import Appointment, Lead, Message, label_lead
from tests.outcomes.worlds import make_world

from setpoint.datasets.at_risk import at_risk, numbered, settled, with_texts
from setpoint.datasets.on_duckdb import DuckDBEngine
from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.service import Dataset, DatasetRequest, extract
from setpoint.datasets.snapshot import write_snapshot
from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import Window, make_window
from setpoint.ingest.schemas import ImportKind
from setpoint.ingest.service import import_file
from setpoint.reports.features import contrasts
from setpoint.reports.pattern_words import NO_BOOKINGS, NO_MESSAGES, NO_TEXT
from setpoint.reports.patterns import Patterns, patterns
from setpoint.samples.service import Sample, generate
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace, create_workspace

WINDOW = make_window("2026-03-01", "2026-03-20", "2026-03-23")
SETTLED = replace(WINDOW, as_of=datetime(2026, 5, 1, tzinfo=UTC))
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@asynccontextmanager
async def dataset_of(
    database: Database, workspace: Workspace, window: Window = SETTLED, channels: tuple[Channel, ...] = ()
) -> AsyncIterator[tuple[PostgresEngine, Dataset]]:
    async with (
        database.tenant(workspace.client_id) as connection,
        PostgresEngine(connection, workspace.client_id) as engine,
    ):
        yield engine, await extract(engine, DatasetRequest(workspace.slug, window, channels))


async def taking_part(engine: PostgresEngine, dataset: Dataset, texts: bool = False) -> list[dict[str, Any]]:
    leads = await engine.keep("leads", numbered(settled(dataset)))
    messages = at_risk(engine.facts, leads, dataset.request)
    if texts:
        messages = with_texts(await engine.keep("messages", messages), engine.client_id)
    return sorted(await engine.fetch(messages), key=lambda row: row["position"])


def specified(lead: Lead, window: Window, channels: tuple[str, ...]) -> list[tuple[object, ...]]:
    """Which messages of a lead are at risk, in plain words: the lead, the message, credited, touch, last word."""
    labelled = [row for row in label_lead(lead, window, channels)[0] if row["attribution"] == "cross_channel"]
    if not labelled or labelled[0]["outcome"] not in ("BOOKED", "NOT_BOOKED") or labelled[0]["ambiguous"]:
        return []
    row = labelled[0]
    rows: list[tuple[object, ...]] = []
    touch, word = 0, None
    for message in sorted(lead.messages, key=lambda message: (message.sent_at, message.external_id.encode())):
        if (
            not window.start - window.attribution
            <= message.sent_at
            < min(window.end, window.as_of + timedelta.resolution)
        ):
            continue
        if message.kind not in (None, "", "message"):
            continue
        if message.direction == "inbound":
            word = message.sent_at
            continue
        if message.status == "failed" or (channels and message.channel not in channels):
            continue
        touch += 1
        booked_at = row["booked_at"]
        if message.sent_at >= window.start and (not isinstance(booked_at, datetime) or message.sent_at <= booked_at):
            credited = row["outcome"] == "BOOKED" and message.external_id == row["message_id"]
            rows.append((lead.external_id, message.external_id, message.sender, credited, touch, word))
    return rows


@pytest.mark.parametrize(
    ("window", "channels"),
    [
        (WINDOW, ()),
        (SETTLED, (Channel.EMAIL, Channel.SMS)),
        (replace(WINDOW, as_of=WINDOW.end - timedelta(days=6)), ()),
    ],
    ids=["as usual", "two channels", "known before its end"],
)
async def test_the_messages_at_risk_are_those_that_the_words_say(
    world: tuple[Workspace, list[Lead]], database: Database, window: Window, channels: tuple[Channel, ...]
) -> None:
    workspace, leads = world
    names = tuple(map(str, channels))
    expected = [specified(lead, window, names) for lead in sorted(leads, key=lambda lead: lead.external_id.encode())]
    async with dataset_of(database, workspace, window, channels) as (engine, dataset):
        rows = await taking_part(engine, dataset)
        found = await patterns(dataset)
    columns = ("lead_id", "message_id", "sender", "credited", "touch", "last_word")
    assert [tuple(row[name] for name in columns) for row in rows] == [each for lead in expected for each in lead]
    assert len(rows) > (30 if window is SETTLED else 2)
    assert {row["lead"] for row in rows} == set(range(sum(map(bool, expected))))
    assert found.section["leads"] == found.section["leads_in_all"] == sum(map(bool, expected))
    assert found.section["messages"] == len(rows)
    assert not found.section["sampled"]


@pytest_asyncio.fixture(scope="module")
async def world(database: Database) -> tuple[Workspace, list[Lead]]:
    async with database.registry() as connection:
        workspace = await create_workspace(connection, "patterns-world")
    leads = make_world(Random(31), WINDOW, 250)
    await store(database, workspace, leads)
    return workspace, leads


def lead_with(
    number: int, booked: bool, sent_at: Sequence[datetime] = (NOON,), wrote: timedelta | None = None
) -> Lead:
    name = f"lead{number}"
    lead = Lead(name, messages=[Message(f"{name}.{i}", "email", at) for i, at in enumerate(sent_at)])
    if wrote is not None:
        lead.messages.append(Message(f"{name}.in", "email", sent_at[0] - wrote, "inbound"))
    if booked:
        lead.appointments.append(Appointment(f"{name}.a", booked_at=sent_at[-1] + HOUR))
    return lead


ODD_TEXTS = [
    "",
    " \n ",
    '"',
    'say "hi", now\r\nand\tthen',
    "\\.\n\\N\n",
    "\\N",
    "NULL",
    "x" * 100_000,
    "é" * 40_000 + "?",
    "🎲" * 30_000,
    "\u2028\u0085\u200b",
    "a,b\n\n\n,,,\n",
    "<p>" * 5000,
    "> quoted\n" * 3000,
    "%s %(x)s $1 ?",
    "e\u0301" * 20_000,
    "(" * 20_000,
]


async def test_no_text_breaks_it_and_each_comes_back_as_it_was(database: Database, workspace: Workspace) -> None:
    leads = [lead_with(number, booked=number % 3 == 0) for number in range(len(ODD_TEXTS))]
    await store(database, workspace, leads)
    await store_texts(
        database, workspace, {f"lead{n}.0": (text[:1000] or None, text) for n, text in enumerate(ODD_TEXTS)}
    )
    async with dataset_of(database, workspace) as (engine, dataset):
        rows = await taking_part(engine, dataset, texts=True)
        streamed = [
            row
            async for batch in engine.stream(with_texts(await _kept(engine, dataset), engine.client_id))
            for row in batch.to_pylist()
        ]
        found = await patterns(dataset)
    bodies = {row["message_id"]: row["body"] for row in rows}
    assert bodies == {f"lead{n}.0": text[:25_000] for n, text in enumerate(ODD_TEXTS)}
    assert {row["message_id"]: row["body"] for row in streamed} == bodies
    assert found.section["messages"] == len(ODD_TEXTS)
    assert found.section["with_text"] < len(ODD_TEXTS)


async def _kept(engine: PostgresEngine, dataset: Dataset) -> Any:
    leads = await engine.keep("leads", numbered(settled(dataset)))
    return await engine.keep("messages", at_risk(engine.facts, leads, dataset.request))


async def test_the_hour_is_the_leads_own_and_null_where_the_zone_is_none(
    database: Database, workspace: Workspace
) -> None:
    zones: dict[str | None, int | None] = {
        "UTC": 12,
        "America/New_York": 7,  # Before its clocks change on 8 March.
        "Asia/Kolkata": 17,
        "Pacific/Kiritimati": 2,
        "Mars/Olympus": None,
        "'; DROP TABLE leads": None,
        "": None,
        None: None,
    }
    await store(database, workspace, [lead_with(number, booked=False) for number in range(len(zones))])
    async with database.tenant(workspace.client_id) as connection:
        for number, zone in enumerate(zones):
            await connection.execute(
                update(tables.leads)
                .where(tables.leads.c.client_id == workspace.client_id, tables.leads.c.external_id == f"lead{number}")
                .values(timezone=zone)
            )
    async with dataset_of(database, workspace) as (engine, dataset):
        rows = await taking_part(engine, dataset, texts=True)
    assert [row["local_hour"] for row in rows] == list(zones.values())


async def test_the_time_since_the_leads_last_word_makes_its_features(
    database: Database, workspace: Workspace
) -> None:
    """A hundred leads wrote an hour before, a hundred five hours before, and two hundred never."""
    wrote = [HOUR] * 100 + [5 * HOUR] * 100 + [None] * 200
    await store(
        database, workspace, [lead_with(n, booked=n % 4 == 0, wrote=before) for n, before in enumerate(wrote)]
    )
    async with dataset_of(database, workspace) as (_, dataset):
        found = await patterns(dataset)
    tested = {finding["key"]: finding for finding in found.section["findings"]}
    assert sorted(tested) == ["unanswered", "within_day", "within_hour"]
    assert tested["unanswered"]["with_it"] == {"booked": 50, "not_booked": 150, "rate": 0.25}
    assert tested["within_hour"]["with_it"] == {"booked": 25, "not_booked": 75, "rate": 0.25}
    assert (tested["within_hour"]["leads"], tested["unanswered"]["leads"]) == (200, 400)


async def fill_with(database: Database, workspace: Workspace, sample: Sample, change: Callable[[Path], Path]) -> None:
    for kind, path in sample.paths.items():
        async with database.tenant(workspace.client_id) as connection:
            await import_file(connection, workspace, ImportKind(kind), change(path))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return generate(tmp_path_factory.mktemp("sample"), 400)


async def of_sample(database: Database, workspace: Workspace, sample: Sample, max_leads: int = 1000) -> Patterns:
    window = Window(sample.start, sample.end, sample.read_out)
    async with dataset_of(database, workspace, window) as (_, dataset):
        return await patterns(dataset, max_leads)


async def test_a_sample_workspace_gives_the_same_in_whatever_order_it_came(
    database: Database, new_workspace: WorkspaceFactory, sample: Sample, tmp_path: Path
) -> None:
    def shuffled(path: Path) -> Path:
        table = pc_csv.read_csv(
            path, convert_options=_TEXTS, parse_options=pc_csv.ParseOptions(newlines_in_values=True)
        )
        order = list(range(table.num_rows))
        random.Random(5).shuffle(order)
        pc_csv.write_csv(table.take(pa.array(order)), tmp_path / path.name)
        return tmp_path / path.name

    one, other = await new_workspace(), await new_workspace()
    await fill_with(database, one, sample, lambda path: path)
    await fill_with(database, other, sample, shuffled)
    found = await of_sample(database, one, sample)
    assert await of_sample(database, other, sample) == found

    section = found.section
    assert section["refused"] is None
    assert section["messages"] == section["with_text"] > 2000
    assert section["tested"] == len(section["findings"]) > 15
    assert section["tested"] + len(section["untested"]) == len(contrasts())
    assert sum(section["findings"][0][side]["booked"] for side in ("with_it", "without")) > 30
    for finding in section["findings"]:
        assert (finding["estimate"]["measured"] is None) != (finding["estimate"]["refused"] is None)
        assert re.search(r"\(95%: .*; [\d,]+ of [\d,]+ against [\d,]+ of [\d,]+\)", finding["sentence"])
    told = [finding["key"] for finding in section["findings"] if finding["kind"] != "none"]
    assert sorted(found.evidence) == sorted(told)
    assert {each for ids in found.evidence.values() for each in ids} == set(found.outcomes)

    fewer = await of_sample(database, one, sample, max_leads=150)
    assert (fewer.section["leads"], fewer.section["sampled"]) == (150, True)
    assert fewer.section["leads_in_all"] == section["leads"]
    assert any("sample of 150 leads of" in caveat for caveat in fewer.section["caveats"])


_TEXTS = pc_csv.ConvertOptions(strings_can_be_null=False)


async def test_a_workspace_without_anything_is_a_refusal(database: Database, workspace: Workspace) -> None:
    async with dataset_of(database, workspace) as (_, dataset):
        found = await patterns(dataset)
    assert found.section["refused"] == {"reason": NO_MESSAGES, "needed": None}
    assert (found.section["findings"], found.evidence) == ([], {})


async def test_where_all_are_pending_it_is_a_refusal(database: Database, workspace: Workspace) -> None:
    await store(database, workspace, [lead_with(n, booked=False, sent_at=(WINDOW.end - HOUR,)) for n in range(30)])
    async with dataset_of(database, workspace, WINDOW) as (_, dataset):
        assert dataset.counts.cohort_leads == 30
        found = await patterns(dataset)
    assert found.section["refused"] == {"reason": NO_MESSAGES, "needed": None}


@pytest.mark.parametrize("leads", [1, 40])
async def test_without_bookings_nothing_is_tested(database: Database, workspace: Workspace, leads: int) -> None:
    await store(database, workspace, [lead_with(n, booked=False, sent_at=(NOON, NOON + HOUR)) for n in range(leads)])
    async with dataset_of(database, workspace) as (_, dataset):
        found = await patterns(dataset)
    assert found.section["refused"] == {"reason": NO_BOOKINGS, "needed": None}
    assert (found.section["messages"], found.section["leads"]) == (2 * leads, leads)
    assert found.section["tested"] == 0
    assert len(found.section["untested"]) == len(contrasts())


async def test_without_texts_what_is_told_from_the_instant_is_still_tested(
    database: Database, workspace: Workspace
) -> None:
    leads = [lead_with(n, booked=n % 2 == 0, sent_at=(NOON, NOON + HOUR)) for n in range(60)]
    await store(database, workspace, leads)
    async with dataset_of(database, workspace) as (_, dataset):
        found = await patterns(dataset)
    assert (found.section["messages"], found.section["with_text"]) == (120, 0)
    assert [finding["key"] for finding in found.section["findings"]] == ["first_touch"]
    assert any("120 of 120 messages have no text" in caveat for caveat in found.section["caveats"])
    asking = next(each for each in found.section["untested"] if each["key"] == "question")
    assert asking["reason"] == "It cannot be told of any message."


async def test_on_an_engine_without_text_it_is_a_refusal(
    database: Database, workspace: Workspace, tmp_path: Path
) -> None:
    await store(database, workspace, [lead_with(1, booked=True)])
    async with dataset_of(database, workspace) as (engine, _):
        await write_snapshot(engine, workspace.slug, SETTLED, tmp_path / "snapshot")
    async with DuckDBEngine(tmp_path / "snapshot") as duckdb:
        found = await patterns(await extract(duckdb, DatasetRequest(workspace.slug, SETTLED)))
    assert found.section["refused"] == {"reason": NO_TEXT, "needed": None}


async def test_another_workspace_with_the_same_ids_changes_nothing(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    mine, theirs = await new_workspace(), await new_workspace()
    for workspace, body in ((mine, "Shall we talk?"), (theirs, "Buy now.")):
        await store(database, workspace, [lead_with(n, booked=n % 2 == 0) for n in range(40)])
        await store_texts(database, workspace, {f"lead{n}.0": (None, body) for n in range(40)})
    async with database.tenant(theirs.client_id) as connection:
        await connection.execute(
            insert(tables.leads), [{"client_id": theirs.client_id, "external_id": "more", "timezone": "UTC"}]
        )
    async with dataset_of(database, mine) as (engine, dataset):
        rows = await taking_part(engine, dataset, texts=True)
    assert [row["body"] for row in rows] == ["Shall we talk?"] * 40
