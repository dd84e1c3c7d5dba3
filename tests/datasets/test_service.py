"""What a request gives on every engine: its counts, its limits, and one workspace's leads only."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from tests.datasets.conftest import LOCAL_ENGINES, SPARK, Facts, FactsFactory
from tests.datasets.test_engines import csv_of
from tests.outcomes.specification import Appointment, Lead, Message, label_lead
from tests.outcomes.worlds import DRAFT_DISPOSITIONS, RESPONSE_MODES, make_world

from setpoint.datasets.service import CELL, Counts, DatasetRequest, count, extract
from setpoint.domain.errors import UsageError
from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import Window


def specified_cells(world: list[Lead], window: Window, channels: tuple[str, ...]) -> Counter[tuple[object, ...]]:
    rows = [
        row for lead in world for row in label_lead(lead, window, channels, RESPONSE_MODES, DRAFT_DISPOSITIONS)[0]
    ]
    return Counter(tuple(row[name] for name in CELL) for row in rows)


def standing_of(message: Message, window: Window, channels: tuple[str, ...]) -> str:
    if message.direction == "inbound":
        return "inbound"
    if message.kind in ("system", "internal"):
        return message.kind
    if message.status == "failed":
        return "failed"
    if message.sent_at > window.as_of:
        return "after_as_of"
    return "channel_not_selected" if channels and message.channel not in channels else "counting"


@pytest.mark.parametrize("name", LOCAL_ENGINES)
@pytest.mark.parametrize("channels", [(), (Channel.EMAIL,), (Channel.LINKEDIN, Channel.SMS)])
@pytest.mark.parametrize("known", [timedelta(), timedelta(days=-9)], ids=["late", "early"])
async def test_a_dry_run_counts_what_the_run_gives_and_the_specification_says(
    facts: Facts, window: Window, name: str, channels: tuple[Channel, ...], known: timedelta
) -> None:
    window = replace(window, as_of=window.as_of + known)
    request = DatasetRequest(facts.workspace.slug, window, channels)
    async with facts.engine(name) as engine:
        counted = await count(engine, request)
        assert counted == (await extract(engine, request)).counts
    selected = tuple(map(str, channels))
    assert counted.cells == specified_cells(facts.world, window, selected)
    sent = [m for lead in facts.world for m in lead.messages if window.start <= m.sent_at < window.end]
    standings = Counter(standing_of(message, window, selected) for message in sent)
    standings["counting" if not channels or Channel.EMAIL in channels else "channel_not_selected"] += 1  # first day
    assert {standing: n for standing, n in counted.messages.items() if n} == standings
    assert counted.messages.keys() == {
        "counting",
        "inbound",
        "system",
        "internal",
        "failed",
        "after_as_of",
        "channel_not_selected",
    }
    assert (counted.messages["after_as_of"] > 0) == bool(known)


@pytest.mark.parametrize("name", LOCAL_ENGINES)
async def test_a_dry_run_with_a_cap_counts_what_the_run_gives(facts: Facts, window: Window, name: str) -> None:
    request = DatasetRequest(facts.workspace.slug, window, max_leads=10)
    async with facts.engine(name) as engine:
        counted = await count(engine, request)
        assert counted == (await extract(engine, request)).counts
    assert counted.capped


async def test_a_window_in_which_nothing_happened(facts: Facts, window: Window) -> None:
    day = timedelta(days=1)
    empty = replace(window, start=window.start - 10 * day, end=window.start - 10 * day + timedelta(seconds=1))
    empty = replace(empty, as_of=empty.end, attribution=day)
    results = []
    for name in LOCAL_ENGINES:
        async with facts.engine(name) as engine:
            results.append(await count(engine, DatasetRequest(facts.workspace.slug, empty)))
    assert results[0] == results[1]
    assert sum(results[0].messages.values()) == 0
    assert results[0].dropped["no_outbound_in_window"] > 100


@pytest.mark.parametrize("name", [*LOCAL_ENGINES, SPARK])
async def test_a_workspace_without_facts(new_facts: FactsFactory, window: Window, name: str) -> None:
    facts = await new_facts([])
    request = DatasetRequest(facts.workspace.slug, window, max_leads=1)
    async with facts.engine(name) as engine:
        dataset = await extract(engine, request)
        assert [batch.num_rows async for batch in engine.stream(dataset.rows()) if batch.num_rows] == []
        assert await dataset.cells() == []
    assert dataset.counts == Counts(
        cells=Counter(),
        dropped={"booked_before_window": 0, "no_outbound_in_window": 0},
        messages=dict.fromkeys(dataset.counts.messages, 0),
        cohort_leads=0,
        capped=False,
    )


async def test_workspaces_with_the_same_ids_never_mix(new_facts: FactsFactory, window: Window) -> None:
    worlds = [make_world(Random(seed), window, 60) for seed in (21, 22)]
    for world in worlds:
        for number, lead in enumerate(world):
            lead.external_id = f"lead{number}"
            for i, message in enumerate(lead.messages):
                message.external_id = f"lead{number}m{i}"
            for i, appointment in enumerate(lead.appointments):
                appointment.external_id = f"lead{number}a{i}"
    both = [await new_facts(world) for world in worlds]
    for facts in both:
        for name in LOCAL_ENGINES:
            async with facts.engine(name) as engine:
                counts = await count(engine, DatasetRequest(facts.workspace.slug, window))
            assert counts.cells == specified_cells(facts.world, window, ())
    assert specified_cells(worlds[0], window, ()) != specified_cells(worlds[1], window, ())


SEEDS = ["", "100%", "%s %d %(x)s", "it's", '"', "\\", "\\'", "a\\b%'\"", "é 🎲", "x" * 5000]


async def test_a_seed_is_only_a_seed(facts: Facts, window: Window) -> None:
    draws = []
    async with facts.engine("postgres") as postgres, facts.engine("duckdb") as duckdb:
        for seed in SEEDS:
            request = DatasetRequest(facts.workspace.slug, window, max_leads=20, seed=seed)
            draws.append(await csv_of(postgres, request))
            assert draws[-1] == await csv_of(duckdb, request)
    assert len(set(draws)) == len(SEEDS)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"max_leads": 0}, "--max-leads must be at least 1."),
        ({"max_leads": -5}, "--max-leads must be at least 1."),
        ({"seed": "a\0b"}, "--seed must be plain text."),
        ({"seed": "a\x1b[31m"}, "--seed must be plain text."),
        ({"seed": "two\nlines"}, "--seed must be plain text."),
        ({"seed": "a\udcffb"}, "--seed must be plain text."),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(window: Window, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        DatasetRequest("w", window, **asked)
    assert refused.value.message == message


@pytest.mark.parametrize("name", LOCAL_ENGINES)
async def test_instants_are_compared_to_the_microsecond(new_facts: FactsFactory, window: Window, name: str) -> None:
    tick = timedelta(microseconds=1)
    world = [
        Lead("in", messages=[Message("1", "sms", window.start)]),
        Lead("before", messages=[Message("2", "sms", window.start - tick)]),
        Lead("last", messages=[Message("3", "sms", window.end - tick)]),
        Lead("after", messages=[Message("4", "sms", window.end)]),
        Lead("mature", messages=[Message("5", "sms", window.as_of - window.maturity - tick)]),
        Lead("fresh", messages=[Message("6", "sms", window.as_of - window.maturity)]),
        Lead(
            "far",
            messages=[Message("7", "sms", window.start)],
            appointments=[Appointment("a", booked_at=window.start + window.attribution)],
        ),
        Lead(
            "too far",
            messages=[Message("8", "sms", window.start)],
            appointments=[Appointment("b", booked_at=window.start + window.attribution + tick)],
        ),
    ]
    facts = await new_facts(world)
    async with facts.engine(name) as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window))
        batches = [batch.to_pylist() async for batch in engine.stream(dataset.rows())]
    outcomes = {
        row["lead_id"]: row["outcome"] for batch in batches for row in batch if row["attribution"] == "cross_channel"
    }
    assert outcomes == {
        "in": "NOT_BOOKED",
        "last": "PENDING",
        "mature": "NOT_BOOKED",
        "fresh": "PENDING",
        "far": "BOOKED",
        "too far": "UNATTRIBUTED",
    }
