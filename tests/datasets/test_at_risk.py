"""Which messages are at risk, held against plain words, and what is read of each: any text, the lead's own hour."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import ibis.expr.types as ir
import pytest
import pytest_asyncio
from sqlalchemy import insert, update
from tests.conftest import WorkspaceFactory
from tests.datasets.conftest import store, store_texts
from tests.outcomes.specification import Lead, Message, label_lead
from tests.outcomes.worlds import make_world

from setpoint.datasets.at_risk import at_risk, numbered, told_of, with_texts
from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.service import Dataset, DatasetRequest, extract
from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import Window, make_window
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace, create_workspace

WINDOW = make_window("2026-03-01", "2026-03-20", "2026-03-23")
SETTLED = replace(WINDOW, as_of=datetime(2026, 5, 1, tzinfo=UTC))
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


@asynccontextmanager
async def dataset_of(
    database: Database, workspace: Workspace, window: Window = SETTLED, channels: tuple[Channel, ...] = ()
) -> AsyncIterator[tuple[PostgresEngine, Dataset]]:
    async with (
        database.tenant(workspace.client_id) as connection,
        PostgresEngine(connection, workspace.client_id) as engine,
    ):
        yield engine, await extract(engine, DatasetRequest(workspace.slug, window, channels))


async def messages_of(engine: PostgresEngine, dataset: Dataset) -> ir.Table:
    leads = await engine.keep("leads", numbered(told_of(dataset)))
    return await engine.keep("messages", at_risk(engine.facts, leads, dataset.request))


async def rows_of(engine: PostgresEngine, table: ir.Table) -> list[dict[str, Any]]:
    return sorted(await engine.fetch(table), key=lambda row: row["position"])


def one_message_each(leads: int) -> list[Lead]:
    return [Lead(f"lead{n:02}", messages=[Message(f"m{n:02}", "email", NOON)]) for n in range(leads)]


@pytest_asyncio.fixture(scope="module")
async def world(database: Database) -> tuple[Workspace, list[Lead]]:
    async with database.registry() as connection:
        workspace = await create_workspace(connection, "messages-at-risk")
    leads = make_world(Random(31), WINDOW, 250)
    await store(database, workspace, leads)
    return workspace, leads


def specified(lead: Lead, window: Window, channels: tuple[str, ...]) -> list[tuple[object, ...]]:
    """Which messages of a lead are at risk, in plain words, and what is told of each besides its text."""
    labelled = [row for row in label_lead(lead, window, channels)[0] if row["attribution"] == "cross_channel"]
    if not labelled or labelled[0]["outcome"] not in ("BOOKED", "NOT_BOOKED", "PENDING") or labelled[0]["ambiguous"]:
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
        told = window.start <= message.sent_at < window.as_of - window.maturity
        if told and (not isinstance(booked_at, datetime) or message.sent_at <= booked_at):
            credited = row["outcome"] == "BOOKED" and message.external_id == row["message_id"]
            rows.append(
                (lead.external_id, lead.campaign or "", message.external_id, message.sender, credited, touch, word)
            )
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
        leads_in_all = await engine.fetch(told_of(dataset).agg(n=told_of(dataset).count()))
        rows = await rows_of(engine, await messages_of(engine, dataset))
    columns = ("lead_id", "campaign", "message_id", "sender", "credited", "touch", "last_word")
    assert [tuple(row[name] for name in columns) for row in rows] == [each for lead in expected for each in lead]
    assert len(rows) > (30 if window is SETTLED else 2)
    assert len({row["lead"] for row in rows}) == sum(map(bool, expected))
    assert {row["lead"] for row in rows} <= set(range(leads_in_all[0]["n"]))


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


async def test_each_text_comes_as_it_was_up_to_its_limit(database: Database, workspace: Workspace) -> None:
    await store(database, workspace, one_message_each(len(ODD_TEXTS)))
    texts = {f"m{n:02}": (text[:1000] or None, text) for n, text in enumerate(ODD_TEXTS)}
    await store_texts(database, workspace, texts)
    async with dataset_of(database, workspace) as (engine, dataset):
        messages = with_texts(await messages_of(engine, dataset), engine.client_id)
        streamed = [row async for batch in engine.stream(messages) for row in batch.to_pylist()]
    expected = {message: (subject, body[:25_000]) for message, (subject, body) in texts.items()}
    assert {row["message_id"]: (row["subject"], row["body"]) for row in streamed} == expected


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
    await store(database, workspace, one_message_each(len(zones)))
    async with database.tenant(workspace.client_id) as connection:
        for number, zone in enumerate(zones):
            await connection.execute(
                update(tables.leads)
                .where(
                    tables.leads.c.client_id == workspace.client_id, tables.leads.c.external_id == f"lead{number:02}"
                )
                .values(timezone=zone)
            )
    async with dataset_of(database, workspace) as (engine, dataset):
        rows = await rows_of(engine, with_texts(await messages_of(engine, dataset), engine.client_id))
    assert [row["local_hour"] for row in rows] == list(zones.values())


async def test_another_workspace_with_the_same_ids_changes_nothing(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    mine, theirs = await new_workspace(), await new_workspace()
    for workspace, body in ((mine, "Shall we talk?"), (theirs, "Buy now.")):
        await store(database, workspace, one_message_each(40))
        await store_texts(database, workspace, {f"m{n:02}": (None, body) for n in range(40)})
    async with database.tenant(theirs.client_id) as connection:
        await connection.execute(
            insert(tables.leads), [{"client_id": theirs.client_id, "external_id": "more", "timezone": "UTC"}]
        )
    async with dataset_of(database, mine) as (engine, dataset):
        rows = await rows_of(engine, with_texts(await messages_of(engine, dataset), engine.client_id))
    assert [row["body"] for row in rows] == ["Shall we talk?"] * 40
