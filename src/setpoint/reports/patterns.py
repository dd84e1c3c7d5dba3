"""The `patterns` of a report, and the messages behind each: fetched in bounded memory, then decided purely."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.datasets.at_risk import at_risk, numbered, told_of, with_texts
from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.sampling import sample_leads
from setpoint.datasets.service import Dataset
from setpoint.domain.measured import Refused
from setpoint.reports.features import MESSAGE_COLUMNS, features_of
from setpoint.reports.inputs import hash_of_table
from setpoint.reports.pattern_rules import FALSE_DISCOVERY_RATE, ROW_COLUMNS, Findings, find
from setpoint.reports.pattern_words import NO_BOOKINGS, NO_MESSAGES, NO_TEXT, NOTHING_TESTED, section_caveats
from setpoint.reports.schemas import PatternsSection, refusal_document

MAX_LEADS: Final = 25_000
"""Leads that patterns rest on at most; of more, a uniform sample. More would say little more and take longer."""

_HOUR = np.timedelta64(1, "h")
_CODES = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Patterns:
    """The section, and for each told finding the ids of messages that show it.

    `evidence` lists ids by the finding's key: those that have the feature first, booked and not booked in turn.
    `outcomes` says of each id whether it was credited with a booking (BOOKED) or went to a lead that did not book
    (NOT_BOOKED).
    """

    section: PatternsSection
    evidence: dict[str, list[str]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)


async def patterns(dataset: Dataset, max_leads: int = MAX_LEADS) -> Patterns:
    """What messages that are credited with a booking have in common, among messages that are otherwise alike.

    Counted are the counting messages in the window, up to the lead's booking and older than the maturity buffer, to
    leads whose cross-channel credit is not ambiguous. Each contrast of `features.contrasts` is the difference in the
    share of messages that are credited, held equal as `pattern_rules.held_equal` says and clustered by lead;
    Benjamini-Hochberg over all (setpoint.stats). Memory is bounded by `max_leads`; texts are read in batches and not
    kept. The same rows with the same texts give the same result. On an engine without text the section is a refusal.
    """
    engine = dataset.engine
    if not isinstance(engine, PostgresEngine):
        return Patterns(_section(refused=NO_TEXT))
    leads = told_of(dataset)
    leads_in_all = (await engine.fetch(leads.agg(n=leads.count())))[0]["n"]
    if not leads_in_all:
        return Patterns(_section(refused=NO_MESSAGES))
    if leads_in_all > max_leads:
        leads = sample_leads(leads, max_leads, dataset.request.seed)
    kept = await engine.keep("pattern_leads", numbered(leads))
    messages = await engine.keep("pattern_messages", at_risk(engine.facts, kept, dataset.request))
    if not (await engine.fetch(messages.agg(n=messages.count())))[0]["n"]:
        return Patterns(_section(refused=NO_MESSAGES))
    rows = await _rows(engine, with_texts(messages, engine.client_id))
    found = await asyncio.to_thread(find, rows, dataset.request.seed)
    section = _found_section(dataset, rows, leads_in_all, leads_in_all > max_leads, found)
    return Patterns(section, found.evidence, found.outcomes)


async def _rows(engine: PostgresEngine, messages: ir.Table) -> pa.Table:
    """The rows that contrasts are tested over: features in the place of texts, by lead, instant and id."""
    async with engine.looking_up(), aclosing(engine.stream(messages)) as stream:
        batches = [await asyncio.to_thread(_told, pa.Table.from_batches([batch])) async for batch in stream]
    table = pa.concat_tables(batches).unify_dictionaries()
    order = np.argsort(table["position"].to_numpy())
    return table.drop_columns("position").take(order).combine_chunks()


def _told(batch: pa.Table) -> pa.Table:
    """One batch with its features, each value once."""
    sent, word = (batch[name].cast(pa.timestamp("us")).to_numpy() for name in ("sent_at", "last_word"))
    wait = pa.array((sent - word) / _HOUR, from_pandas=True, type=pa.float64())
    told = features_of(batch.append_column("wait_hours", wait).select(MESSAGE_COLUMNS.names))
    columns = {name: batch[name].cast(kind) for name, kind in zip(ROW_COLUMNS.names, ROW_COLUMNS.types, strict=True)}
    columns |= {name: told[name].cast(pa.string()) for name in told.column_names}
    for name in ("channel", "sender", "campaign", "outcome", *told.column_names):
        columns[name] = columns[name].dictionary_encode().cast(_CODES)
    return pa.table({"position": batch["position"], **columns})


def _found_section(
    dataset: Dataset, rows: pa.Table, leads_in_all: int, sampled: bool, found: Findings
) -> PatternsSection:
    leads = pc.count_distinct(rows["lead"]).as_py()
    with_text = rows.num_rows - rows["question"].null_count
    section = _section()
    section["messages"], section["with_text"] = rows.num_rows, with_text
    section["leads"], section["leads_in_all"], section["sampled"] = leads, leads_in_all, sampled
    section["tested"] = len(found.findings)
    section["input_sha256"] = hash_of_table(rows)
    section["findings"], section["untested"] = found.findings, found.untested
    section["caveats"] = section_caveats(
        messages=rows.num_rows,
        with_text=with_text,
        leads=leads,
        leads_in_all=leads_in_all,
        sampled=sampled,
        look_back_days=dataset.request.window.attribution.days,
        buffer_days=dataset.request.window.maturity.days,
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
        "input_sha256": None,
    }
