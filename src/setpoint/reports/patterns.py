"""The `patterns` of a report, and the messages behind each: fetched in bounded memory, then decided purely."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.sampling import sample_leads
from setpoint.datasets.service import Dataset
from setpoint.domain.measured import Refused
from setpoint.reports.features import MESSAGE_COLUMNS, features_of
from setpoint.reports.pattern_queries import at_risk, numbered, settled, with_texts
from setpoint.reports.pattern_rules import FALSE_DISCOVERY_RATE, ROW_COLUMNS, Findings, find
from setpoint.reports.pattern_words import NO_BOOKINGS, NO_MESSAGES, NO_TEXT, NOTHING_TESTED, section_caveats
from setpoint.reports.schemas import PatternsSection, refusal_document

MAX_LEADS: Final = 100_000
"""Leads that patterns rest on at most; of more, a uniform sample. More say little more and take longer."""

_HOUR = np.timedelta64(1, "h")
_CODES = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Patterns:
    """The section, and for each told finding the ids of messages that show it.

    `evidence` lists ids by the finding's key: those that have the feature first, booked and not booked in turn.
    `evidence_with` lists those of them that have it; `outcomes` says of each id whether it was credited with a
    booking (BOOKED) or went to a lead that did not book (NOT_BOOKED).
    """

    section: PatternsSection
    evidence: dict[str, list[str]] = field(default_factory=dict)
    evidence_with: dict[str, list[str]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)


async def patterns(dataset: Dataset, max_leads: int = MAX_LEADS) -> Patterns:
    """What messages that are credited with a booking have in common, among messages that are otherwise alike.

    Counted are the counting messages in the window, up to the lead's booking, to mature leads whose cross-channel
    credit is not ambiguous. Each contrast of `features.contrasts` is the difference in the share of messages that
    are credited, held equal as `pattern_rules.held_equal` says and clustered by lead; Benjamini-Hochberg over all
    (setpoint.stats). Memory is bounded by `max_leads`; texts are read in batches and not kept. The same dataset
    gives the same result. On an engine without text the section is a refusal.
    """
    engine = dataset.engine
    if not isinstance(engine, PostgresEngine):
        return Patterns(_section(refused=NO_TEXT))
    leads = settled(dataset)
    leads_in_all = (await engine.fetch(leads.agg(n=leads.count())))[0]["n"]
    if not leads_in_all:
        return Patterns(_section(refused=NO_MESSAGES))
    if leads_in_all > max_leads:
        leads = sample_leads(leads, max_leads, dataset.request.seed)
    kept = await engine.keep("pattern_leads", numbered(leads))
    messages = await engine.keep("pattern_messages", at_risk(engine.facts, kept, dataset.request))
    rows = await _rows(engine, with_texts(messages, engine.client_id))
    found = await asyncio.to_thread(find, rows, dataset.request.seed)
    return Patterns(
        _found_section(dataset, rows, leads_in_all, found), found.evidence, found.evidence_with, found.outcomes
    )


async def _rows(engine: PostgresEngine, messages: ir.Table) -> pa.Table:
    """The rows that contrasts are tested over, in the order of lead, instant and id: features in the place of texts."""
    batches = []
    async with aclosing(engine.stream(messages)) as stream:
        async for batch in stream:
            batches.append(await asyncio.to_thread(_told, pa.Table.from_batches([batch])))
    table = pa.concat_tables(batches).unify_dictionaries()
    order = np.argsort(table["position"].to_numpy())
    return table.drop_columns("position").take(pa.array(order)).combine_chunks()


def _told(batch: pa.Table) -> pa.Table:
    """One batch with its features, each value once."""
    sent, word = (batch[name].cast(pa.timestamp("us")).to_numpy() for name in ("sent_at", "last_word"))
    wait = pa.array((sent - word) / _HOUR, from_pandas=True, type=pa.float64())
    told = features_of(batch.append_column("wait_hours", wait).select(MESSAGE_COLUMNS.names))
    columns = {name: batch[name].cast(kind) for name, kind in zip(ROW_COLUMNS.names, ROW_COLUMNS.types, strict=True)}
    columns |= {name: told[name].cast(pa.string()) for name in told.column_names}
    for name in ("channel", "sender", "outcome", *told.column_names):
        columns[name] = columns[name].dictionary_encode().cast(_CODES)
    return pa.table({"position": batch["position"], **columns})


def _found_section(dataset: Dataset, rows: pa.Table, leads_in_all: int, found: Findings) -> PatternsSection:
    leads = int(pc.max(rows["lead"]).as_py()) + 1
    with_text = rows.num_rows - rows["question"].null_count
    section = _section()
    section["messages"], section["with_text"] = rows.num_rows, with_text
    section["leads"], section["leads_in_all"], section["sampled"] = leads, leads_in_all, leads < leads_in_all
    section["tested"] = len(found.findings)
    section["findings"], section["untested"] = found.findings, found.untested
    section["caveats"] = section_caveats(
        messages=rows.num_rows,
        with_text=with_text,
        leads=leads,
        leads_in_all=leads_in_all,
        look_back_days=dataset.request.window.attribution.days,
        told=sum(finding["kind"] != "none" for finding in found.findings),
    )
    if not found.findings:
        booked = pc.any(rows["credited"]).as_py()
        section["refused"] = refusal_document(Refused(NOTHING_TESTED if booked else NO_BOOKINGS))
    return section


def _section(refused: str | None = None) -> PatternsSection:
    return {
        "messages": 0,
        "leads": 0,
        "leads_in_all": 0,
        "sampled": False,
        "with_text": 0,
        "tested": 0,
        "false_discovery_rate": FALSE_DISCOVERY_RATE,
        "findings": [],
        "untested": [],
        "caveats": [],
        "refused": None if refused is None else refusal_document(Refused(refused)),
    }
