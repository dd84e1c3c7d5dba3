"""The work of a report run: label, count, hash and measure. It writes nothing.

What it loads takes seconds, and who lists runs or queues one needs none of it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

from setpoint.datasets.clocks import clocks
from setpoint.datasets.engine import Engine
from setpoint.datasets.evidence import sample_evidence
from setpoint.datasets.rows import COLUMNS, csv_header, csv_lines
from setpoint.datasets.sampling import in_turn
from setpoint.datasets.service import Dataset, DatasetRequest, extract
from setpoint.domain.vocabulary import Attribution
from setpoint.reports.adjustment import adjustment
from setpoint.reports.citations import pattern_citation, segment_citation
from setpoint.reports.document import report_document
from setpoint.reports.patterns import patterns
from setpoint.reports.service import Run
from setpoint.reports.timing import timing
from setpoint.reports.trend import trend

Progress: TypeAlias = Callable[[str, int | None], None]
"""Is told what a run is at, in words, and how many rows of that are done where rows count."""

EVIDENCE_PER_CELL = 25
"""Messages that are kept of each sender and outcome."""


def no_progress(step: str, rows: int | None) -> None:
    """For who does not watch."""


@dataclass(frozen=True, slots=True)
class Performed:
    """What a run came to: the document as far as numbers go, and the messages behind its parts.

    `evidence` has, for what a citation names, the ids of messages and the outcomes of their leads.
    """

    document: dict[str, Any]
    evidence: Mapping[str, Sequence[tuple[str, str]]]


async def perform(engine: Engine, request: DatasetRequest, run: Run, progress: Progress = no_progress) -> Performed:
    """Label, count, hash and measure: the work of a run, which writes nothing."""
    progress("labelling leads", None)
    dataset = await extract(engine, request)
    sha256 = await dataset_sha256(dataset, lambda rows: progress("hashing the dataset", rows))
    progress("comparing setter and AI", None)
    adjusted = await adjustment(dataset)
    progress("measuring time to booking", None)
    of_leads = await engine.keep("clocks", clocks(dataset))
    sections: dict[str, Any] = {
        "adjustment": adjusted,
        "timing": await timing(dataset, of_leads),
        "trend": await trend(dataset, of_leads),
    }
    progress("looking for patterns", None)
    found = await patterns(dataset)
    sections["patterns"] = found.section
    document = report_document(
        request,
        dataset.counts,
        run_id=str(run.id),
        author=run.author,
        created_at=run.created_at,
        engine=engine.name,
        dataset_sha256=sha256,
        sections=sections,
    )
    of_patterns = {
        pattern_citation(key): [(message_id, found.outcomes[message_id]) for message_id in ids]
        for key, ids in found.evidence.items()
    }
    return Performed(document, await _segments_evidence(dataset) | of_patterns)


async def _segments_evidence(dataset: Dataset) -> dict[str, list[tuple[str, str]]]:
    """Messages of each sender and channel, of leads that booked and of leads that did not in turn.

    A sender's are as many of each outcome as there are, over all channels.
    """
    drawn = sample_evidence(dataset.labelled, EVIDENCE_PER_CELL, dataset.request.seed)
    held: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for row in await dataset.engine.fetch(drawn):
        citation = segment_citation(Attribution.CROSS_CHANNEL, row["channel"], row["sender"])
        held.setdefault(citation, {}).setdefault(row["outcome"], []).append((row["message_id"], row["outcome"]))
    return {citation: list(in_turn(*by_outcome.values()).items()) for citation, by_outcome in held.items()}


async def dataset_sha256(dataset: Dataset, progress: Callable[[int], None] | None = None) -> str:
    """The SHA-256 of the dataset's CSV, both attributions: the one that `dataset export` writes."""
    digest = hashlib.sha256(csv_header(COLUMNS))
    rows = 0
    for part in dataset.parts():
        async with aclosing(dataset.engine.stream(part)) as batches:
            async for batch in batches:
                digest.update(csv_lines(batch.cast(COLUMNS)))
                rows += batch.num_rows
                if progress is not None:
                    progress(rows)
    return digest.hexdigest()
