"""The one entry point to the dataset: a workspace, a window, and every control over what is in it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir

from setpoint.datasets import sampling
from setpoint.datasets.engine import Engine
from setpoint.datasets.rows import COLUMNS, ORDER
from setpoint.domain.errors import UsageError
from setpoint.domain.vocabulary import Attribution, Channel, DropReason, Standing
from setpoint.domain.windows import Window
from setpoint.outcomes.attribution import credit, label, messages_by_standing

# What the rows of a dataset can be counted by; every segment and bucket of a report is a sum over these.
CELL = (
    "attribution",
    "outcome",
    "sender",
    "channel",
    "response_disposition",
    "response_mode",
    "ambiguous",
    "sender_inferred",
)


@dataclass(frozen=True)
class DatasetRequest:
    """What is asked for. `channels` empty means all; `max_leads` caps the cohort by a uniform sample of leads."""

    workspace: str
    window: Window
    channels: tuple[Channel, ...] = ()
    max_leads: int | None = None
    seed: str = sampling.DEFAULT_SEED

    def __post_init__(self) -> None:
        if self.max_leads is not None and self.max_leads < 1:
            raise UsageError("--max-leads must be at least 1.")
        # It is stored and shown again: no NUL, no bytes that were not UTF-8, nothing that a terminal would obey.
        if not self.seed.isprintable():
            raise UsageError("--seed must be plain text.")


@dataclass(frozen=True)
class Counts:
    """A dataset in numbers: `cells` counts rows by the values of CELL, after the cap; `dropped` counts leads, and
    `messages` what was sent in the window by standing, both before it.
    """

    cells: Counter[tuple[str | bool, ...]]
    dropped: dict[str, int]
    messages: dict[str, int]
    cohort_leads: int
    capped: bool


@dataclass(frozen=True)
class Dataset:
    """A labelled dataset, kept on its engine until the run ends."""

    request: DatasetRequest
    counts: Counts
    engine: Engine
    labelled: ir.Table = field(repr=False)

    def rows(self, attribution: Attribution | None = None, balanced: int | None = None) -> ir.Table:
        """The rows in their order, of one attribution or both, whole or as a balanced sample."""
        rows = self.labelled.filter(self.labelled.dropped == "")
        if attribution is not None:
            rows = rows.filter(rows.attribution == attribution)
        if balanced is not None:
            if balanced < 1:
                raise UsageError("--balanced must be at least 1.")
            rows = sampling.balance(rows, balanced, self.request.seed)
        rows = rows.mutate(workspace=ibis.literal(self.request.workspace))
        return rows.select(*COLUMNS.names).order_by(*ORDER)

    def parts(self, attribution: Attribution | None = None, balanced: int | None = None) -> list[ir.Table]:
        """`rows` in tables to read one after the other: Postgres then sorts by leads, not by attributions first."""
        wanted = sorted(Attribution) if attribution is None else [attribution]
        return [self.rows(each, balanced) for each in wanted]

    async def cells(self) -> list[dict[str, Any]]:
        """The sizes of the cells that a balanced sample draws from: `attribution, sender, outcome, n`."""
        rows = sampling.in_cells(self.labelled)
        return await self.engine.fetch(rows.group_by("attribution", "sender", "outcome").agg(n=rows.count()))


async def count(engine: Engine, request: DatasetRequest) -> Counts:
    """Count what a request would give, without its rows: the dry run. One pass on the engine."""
    if request.max_leads is not None:
        return (await extract(engine, request)).counts
    return await _counts(engine, request, credit(engine.facts, request.window, request.channels))


async def labelled_leads(engine: Engine, request: DatasetRequest) -> ir.Table:
    """The labelled rows of a request, kept on the engine: counted only where a cap needs it."""
    if request.max_leads is not None:
        return (await extract(engine, request)).labelled
    return await engine.keep("labelled", label(engine.facts, request.window, request.channels))


async def extract(engine: Engine, request: DatasetRequest) -> Dataset:
    """Label the workspace's leads on the engine, apply the cap, and count."""
    labelled = await engine.keep("labelled", label(engine.facts, request.window, request.channels))
    counts = await _counts(engine, request, labelled)
    if request.max_leads is not None and counts.cohort_leads > request.max_leads:
        sample = sampling.sample_leads(labelled, request.max_leads, request.seed)
        labelled = await engine.keep("labelled_sample", sample)
        sampled = await _counts(engine, request, labelled)
        counts = Counts(sampled.cells, counts.dropped, counts.messages, counts.cohort_leads, capped=True)
    return Dataset(request, counts, engine, labelled)


async def count_cells(engine: Engine, labelled: ir.Table) -> list[dict[str, Any]]:
    """How many rows there are of each kind: the values of CELL, `dropped`, and `n`."""
    return await engine.fetch(labelled.group_by(*CELL, "dropped").agg(n=labelled.count()))


async def _counts(engine: Engine, request: DatasetRequest, labelled: ir.Table) -> Counts:
    counted = await count_cells(engine, labelled)
    sent = await engine.fetch(messages_by_standing(engine.facts, request.window, request.channels))
    cells: Counter[tuple[str | bool, ...]] = Counter()
    dropped = dict.fromkeys(map(str, DropReason), 0)
    for row in counted:
        if row["dropped"]:
            dropped[row["dropped"]] += row["n"]
        else:
            cells[tuple(row[column] for column in CELL)] += row["n"]
    return Counts(
        cells=cells,
        dropped=dropped,
        messages=dict.fromkeys(map(str, Standing), 0) | {row["standing"]: row["n"] for row in sent},
        cohort_leads=sum(n for cell, n in cells.items() if cell[0] == Attribution.CROSS_CHANNEL),
        capped=False,
    )
