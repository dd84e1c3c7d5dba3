"""Postgres, DuckDB and Spark give the same bytes, on facts made to tell them apart."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import ibis
import pyarrow as pa
import pytest
from tests.datasets.conftest import LOCAL_ENGINES, ODD_IDS, SPARK, Facts
from tests.outcomes.specification import in_order, label_lead
from tests.outcomes.worlds import DRAFT_DISPOSITIONS, RESPONSE_MODES

from setpoint.datasets import engine as engine_module
from setpoint.datasets.engine import Engine
from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.rows import COLUMNS, csv_header, csv_lines
from setpoint.datasets.service import DatasetRequest, extract
from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import Window
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

# What some engine's SQL could take for an escape, a parameter, a variable or the end of a text.
ODD_SEED = "100% 'é\\' ${env:HOME} %s :x ? $1 -- \""


async def csv_of(engine: Engine, request: DatasetRequest) -> bytes:
    dataset = await extract(engine, request)
    lines = [csv_lines(batch.cast(COLUMNS)) async for batch in engine.stream(dataset.rows())]
    return csv_header(COLUMNS) + b"".join(lines)


@pytest.mark.parametrize(
    ("name", "channels"),
    [(name, channels) for name in LOCAL_ENGINES for channels in [(), (Channel.SMS,)]]
    + [pytest.param("spark", (), marks=SPARK.marks)],
)
async def test_the_rows_are_those_of_the_specification(
    facts: Facts, window: Window, name: str, channels: tuple[Channel, ...]
) -> None:
    request = DatasetRequest(facts.workspace.slug, window, channels)
    async with facts.engine(name) as engine:
        dataset = await extract(engine, request)
        batches = [batch.cast(COLUMNS) async for batch in engine.stream(dataset.rows())]
    got = pa.Table.from_batches(batches, schema=COLUMNS).drop(["workspace"]).to_pylist()

    expected, dropped = [], Counter({"booked_before_window": 1})  # BOOKED_ON_THE_FIRST_DAY
    for lead in facts.world:
        rows, reason = label_lead(lead, window, tuple(map(str, channels)), RESPONSE_MODES, DRAFT_DISPOSITIONS)
        expected += rows
        if reason is not None:
            dropped[reason] += 1
    assert got == in_order(expected)
    assert dataset.counts.dropped == dropped
    assert {row["outcome"] for row in got} == {
        "BOOKED",
        "NOT_BOOKED",
        "PENDING",
        "BOOKED_NO_TIMESTAMP",
        "UNATTRIBUTED",
    }
    assert {row["lead_id"] for row in got} > set(ODD_IDS)


@pytest.mark.parametrize(
    ("name", "asked"), [("duckdb", "all"), ("duckdb", "capped"), pytest.param("spark", "capped", marks=SPARK.marks)]
)
async def test_other_engines_give_the_bytes_of_postgres(facts: Facts, window: Window, name: str, asked: str) -> None:
    request = DatasetRequest(facts.workspace.slug, window, seed=ODD_SEED)
    if asked == "capped":
        request = replace(request, max_leads=40)
    async with facts.engine("postgres") as engine:
        reference = await csv_of(engine, request)
    async with facts.engine(name) as engine:
        assert await csv_of(engine, request) == reference
    assert len(reference) > 1000


@pytest.mark.parametrize(
    ("attribution", "maturity"), [(3, 7), (0, 7), (14, 0), (0, 0)], ids=lambda days: f"{days} days"
)
async def test_a_snapshot_answers_every_window_that_it_covers(
    facts: Facts, window: Window, attribution: int, maturity: int
) -> None:
    inside = replace(
        window,
        end=window.end - timedelta(days=2),
        attribution=timedelta(days=attribution),
        maturity=timedelta(days=maturity),
    )
    request = DatasetRequest(facts.workspace.slug, inside)
    async with facts.engine("postgres") as engine:
        reference = await csv_of(engine, request)
    async with facts.engine("duckdb") as engine:
        assert await csv_of(engine, request) == reference
    assert len(reference) > 1000


async def test_a_kept_table_is_never_taken_for_the_partition_of_a_workspace(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers of a process that has run for long reach those of the workspaces."""
    monkeypatch.setattr(engine_module, "_numbers", itertools.count(workspace.client_id))
    async with (
        database.tenant(workspace.client_id) as connection,
        PostgresEngine(connection, workspace.client_id) as engine,
    ):
        kept = await engine.keep("messages", ibis.range(7, 8).unnest().name("number").as_table())
        assert await engine.fetch(kept) == [{"number": 7}]
