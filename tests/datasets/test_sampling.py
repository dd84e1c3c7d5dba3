"""Samples are uniform, the same everywhere, and leave the counts what they are."""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from scipy.stats import chisquare
from tests.datasets.conftest import LOCAL_ENGINES, Facts

from setpoint.datasets.engine import Engine, compiled
from setpoint.datasets.sampling import balance, in_turn, sample_leads
from setpoint.datasets.service import DatasetRequest, count, extract
from setpoint.domain.errors import UsageError
from setpoint.domain.vocabulary import Attribution
from setpoint.domain.windows import Window

ROWS = ibis.table(
    {
        "lead_id": "string",
        "channel": "string",
        "attribution": "string",
        "sender": "string",
        "outcome": "string",
        "ambiguous": "boolean",
        "dropped": "string",
        "number": "int64",
    },
    name="made_up",
)
LEADS = 20_000


@pytest.fixture(scope="module")
def run() -> Iterator[Any]:
    """Run an expression over a cohort of numbered leads, the newest with the greatest number, every third booked."""
    numbers = range(LEADS)
    cohort = pa.table(
        {
            "lead_id": [f"lead-{number:06}" for number in numbers],
            "channel": ["email"] * LEADS,
            "attribution": ["cross_channel"] * LEADS,
            "sender": ["ai" if number % 2 else "setter" for number in numbers],
            "outcome": ["NOT_BOOKED" if number % 3 else "BOOKED" for number in numbers],
            "ambiguous": [False] * LEADS,
            "dropped": [""] * LEADS,
            "number": list(numbers),
        }
    )
    with duckdb.connect() as connection:
        connection.register("made_up", cohort)

        def rows(table: ir.Table) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = connection.sql(compiled(table, "duckdb")).to_arrow_table().to_pylist()
            return found

        yield rows
        connection.unregister("made_up")


@pytest.mark.parametrize("seed", ["setpoint", "1", "another"])
def test_old_and_new_leads_are_drawn_alike(run: Any, seed: str) -> None:
    drawn = [row["number"] for row in run(sample_leads(ROWS, 2000, seed))]
    assert len(set(drawn)) == 2000
    by_age = Counter(number * 10 // LEADS for number in drawn)
    assert chisquare([by_age[decile] for decile in range(10)]).pvalue > 0.001


@pytest.mark.parametrize("seed", ["setpoint", "1", "another"])
def test_the_sample_books_as_the_cohort_does(run: Any, seed: str) -> None:
    kinds = Counter((row["sender"], row["outcome"]) for row in run(sample_leads(ROWS, 3000, seed)))
    expected = {("ai", "BOOKED"): 500, ("ai", "NOT_BOOKED"): 1000, ("setter", "BOOKED"): 500}
    expected["setter", "NOT_BOOKED"] = 1000
    assert chisquare([kinds[kind] for kind in expected], list(expected.values())).pvalue > 0.001


def test_every_lead_is_drawn_as_often_as_any_other(run: Any) -> None:
    times = Counter[int]()
    for seed in range(60):
        times.update(row["number"] for row in run(sample_leads(ROWS, LEADS // 2, str(seed))))
    # The variance of a binomial, 60 × 1/2 × 1/2, within five standard errors.
    mean = sum(times.values()) / LEADS
    variance = sum((times[number] - mean) ** 2 for number in range(LEADS)) / LEADS
    assert mean == 30
    assert variance == pytest.approx(15, abs=5 * 15 * (2 / LEADS) ** 0.5)


@pytest.mark.parametrize("seed", ["setpoint", "1", "another"])
def test_a_balanced_sample_draws_old_and_new_alike(run: Any, seed: str) -> None:
    drawn = run(balance(ROWS, 500, seed))
    assert set(Counter((row["sender"], row["outcome"]) for row in drawn).values()) == {500}
    by_age = Counter(row["number"] * 10 // LEADS for row in drawn)
    assert chisquare([by_age[decile] for decile in range(10)]).pvalue > 0.001


async def rows_of(engine: Engine, table: ir.Table) -> list[dict[str, Any]]:
    return [row async for batch in engine.stream(table) for row in batch.to_pylist()]


def leads_of(rows: list[dict[str, Any]]) -> set[str]:
    return {row["lead_id"] for row in rows}


@pytest.mark.parametrize("name", LOCAL_ENGINES)
@pytest.mark.parametrize("cap", [1, 40])
async def test_a_cap_keeps_exactly_so_many_leads_with_all_their_rows(
    facts: Facts, window: Window, name: str, cap: int
) -> None:
    async with facts.engine(name) as engine:
        whole = await extract(engine, DatasetRequest(facts.workspace.slug, window))
        everything = await rows_of(engine, whole.rows())
        capped = await extract(engine, DatasetRequest(facts.workspace.slug, window, max_leads=cap))
        kept = await rows_of(engine, capped.rows())
    assert len(leads_of(kept)) == cap
    assert kept == [row for row in everything if row["lead_id"] in leads_of(kept)]
    assert sum(capped.counts.cells.values()) == len(kept)


@pytest.mark.parametrize("name", LOCAL_ENGINES)
async def test_a_cap_leaves_the_counts_of_the_whole_beside_it(facts: Facts, window: Window, name: str) -> None:
    async with facts.engine(name) as engine:
        whole = await count(engine, DatasetRequest(facts.workspace.slug, window))
        capped = await count(engine, DatasetRequest(facts.workspace.slug, window, max_leads=10))
    assert (whole.capped, capped.capped) == (False, True)
    assert capped.dropped == whole.dropped
    assert capped.messages == whole.messages
    assert capped.cohort_leads == whole.cohort_leads > 10
    across = [n for cell, n in capped.cells.items() if cell[0] == Attribution.CROSS_CHANNEL]
    assert sum(across) == 10


@pytest.mark.parametrize("name", LOCAL_ENGINES)
@pytest.mark.parametrize("more", [0, 1, 10**30])
async def test_a_cap_that_nobody_hits_changes_nothing(facts: Facts, window: Window, name: str, more: int) -> None:
    async with facts.engine(name) as engine:
        whole = await extract(engine, DatasetRequest(facts.workspace.slug, window))
        request = DatasetRequest(facts.workspace.slug, window, max_leads=whole.counts.cohort_leads + more)
        capped = await extract(engine, request)
        assert capped.counts == whole.counts
        assert not capped.counts.capped
        assert await rows_of(engine, capped.rows()) == await rows_of(engine, whole.rows())


async def test_a_seed_draws_the_same_leads_in_every_run_and_another_seed_others(facts: Facts, window: Window) -> None:
    drawn: dict[str, list[set[str]]] = {"a": [], "b": []}
    for seed, name in itertools.product(drawn, [*LOCAL_ENGINES, *LOCAL_ENGINES]):
        async with facts.engine(name) as engine:
            request = DatasetRequest(facts.workspace.slug, window, max_leads=40, seed=seed)
            drawn[seed].append(leads_of(await rows_of(engine, (await extract(engine, request)).rows())))
    assert all(leads == drawn["a"][0] for leads in drawn["a"])
    assert all(leads == drawn["b"][0] for leads in drawn["b"])
    # Two draws of 40 among some 200 share about 8.
    assert len(drawn["a"][0] & drawn["b"][0]) < 20


async def test_a_greater_sample_holds_the_smaller_one(facts: Facts, window: Window) -> None:
    drawn = []
    async with facts.engine("duckdb") as engine:
        for cap in (5, 20, 80):
            dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window, max_leads=cap))
            drawn.append(leads_of(await rows_of(engine, dataset.rows())))
    assert drawn[0] < drawn[1] < drawn[2]


BalancedCell = tuple[str, str, str]


def cell_of(row: dict[str, Any]) -> BalancedCell:
    return row["attribution"], row["sender"], row["outcome"]


@pytest.mark.parametrize("name", LOCAL_ENGINES)
@pytest.mark.parametrize("attribution", [None, *Attribution])
async def test_a_balanced_sample_has_at_most_so_many_rows_of_each_kind(
    facts: Facts, window: Window, name: str, attribution: Attribution | None
) -> None:
    async with facts.engine(name) as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window))
        everything = await rows_of(engine, dataset.rows())
        sizes = {cell_of(cell): cell["n"] for cell in await dataset.cells()}
        balanced = await rows_of(engine, dataset.rows(attribution, balanced=7))
        generous = await rows_of(engine, dataset.rows(attribution, balanced=10_000))

    usable = [row for row in everything if row["outcome"] in ("BOOKED", "NOT_BOOKED") and not row["ambiguous"]]
    assert sizes == Counter(map(cell_of, usable))
    wanted = [row for row in usable if attribution in (None, row["attribution"])]
    assert Counter(map(cell_of, balanced)) == {cell: min(7, n) for cell, n in Counter(map(cell_of, wanted)).items()}
    assert all(row in wanted for row in balanced)
    assert balanced == sorted(balanced, key=wanted.index)
    assert generous == wanted
    assert min(sizes.values()) <= 7 < max(sizes.values())


async def test_a_balanced_sample_is_the_same_on_every_engine(facts: Facts, window: Window) -> None:
    drawn = []
    for name in LOCAL_ENGINES:
        for seed in ("a", "b"):
            async with facts.engine(name) as engine:
                dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window, seed=seed))
                drawn.append(await rows_of(engine, dataset.rows(balanced=5)))
    assert drawn[0] == drawn[2]
    assert drawn[1] == drawn[3]
    assert drawn[0] != drawn[1]


async def test_a_balanced_sample_of_a_capped_run_is_drawn_from_its_leads(facts: Facts, window: Window) -> None:
    async with facts.engine("duckdb") as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window, max_leads=60))
        kept = await rows_of(engine, dataset.rows())
        balanced = await rows_of(engine, dataset.rows(balanced=2))
    assert balanced
    assert all(row in kept for row in balanced)


@pytest.mark.parametrize("balanced", [0, -1])
async def test_a_balanced_sample_of_nothing_is_refused(facts: Facts, window: Window, balanced: int) -> None:
    async with facts.engine("duckdb") as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window))
        with pytest.raises(UsageError, match="--balanced"):
            dataset.rows(balanced=balanced)


def test_who_reads_the_first_messages_reads_both_outcomes() -> None:
    booked, not_booked = (
        [("a", "BOOKED"), ("b", "BOOKED"), ("c", "BOOKED")],
        [("d", "NOT_BOOKED"), ("a", "NOT_BOOKED")],
    )

    assert list(in_turn(booked, not_booked).items()) == [booked[0], not_booked[0], booked[1], booked[2]]
    assert in_turn() == {}
