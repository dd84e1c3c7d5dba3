"""What a fair comparison of AI and setters needs to know of the leads, counted on the engine.

Leads are credited without ambiguity, across channels. Pending ones are counted beside: among settled leads alone
there are more of the young ones who booked than of those who did not. What is held equal is what was known of a lead
at its *entry*: its first counting message in the window, at or before its booking. Nothing before the window's start
less the attribution window is looked at, which is as far back as a snapshot reaches.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, fields
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from setpoint.datasets.sampling import sample_leads
from setpoint.datasets.service import Dataset
from setpoint.domain.vocabulary import Attribution, Channel, Direction, MessageKind, Outcome, ResponseMode, Sender
from setpoint.domain.windows import Window
from setpoint.outcomes.attribution import CREDITED, described
from setpoint.outcomes.facts import INSTANT, Facts

CAMPAIGN_LEADS = 50
"""Campaigns with fewer leads than this are thrown together."""

CAMPAIGNS = 30
"""And so are all but the largest so many: each is a parameter of the models."""

MAX_MESSAGE_LEADS = 50_000
"""Messages are compared over a uniform sample of so many leads, where there are more."""

STAGES = ("new", "contacted", "written")
TOUCHES = ("1", "2-3", "4-6", "7+")

_CHANNELS = tuple(map(str, Channel))
_MODES = ("", *map(str, ResponseMode))
# A message in one number: its lead, its stratum, whether AI sent it, whether it is credited with a booking.
_LEAD_BITS, _STRATUM_BITS = 9, 2


@dataclass(frozen=True, slots=True)
class LeadCell:
    """`n` mature leads that are alike, `booked` of them booked; and `pending` ones that are like them.

    Of all of them, `aged` entered at least the attribution window before `as_of`, and `aged_booked` of these booked
    within it from their entry: a share that does not depend on how long ago a lead came.

    Known at entry, and empty where the lead has none (it booked on a message from before the window): the `channel`
    of the first message, `stage` and `touches_before` it. `campaign` is None where rare ones are thrown together. At
    the credited message: its channel, which touch it was, whether the lead had written before it, and whether both AI
    and setters had written by then.
    """

    sender: Sender
    entered: bool
    channel: str
    response_mode: str
    campaign: str | None
    stage: str
    touches_before: str
    credit_channel: str
    credit_touch: str
    credit_written: bool
    both_wrote: bool
    n: int
    booked: int
    pending: int = 0
    aged: int = 0
    aged_booked: int = 0


_COUNTS = ("n", "booked", "pending", "aged", "aged_booked")
_KEYS = tuple(field.name for field in fields(LeadCell) if field.name not in _COUNTS)


@dataclass(frozen=True, slots=True, eq=False)
class MessageRows:
    """Counting messages in the window up to the booking whose maturity buffer is over, a row each, in an order that
    is the same on every engine. Those to pending leads belong to it: it is the message that must be old enough.

    `booked` says that it is the credited message of a booked lead, `by_ai` who sent it. `stratum` numbers channel,
    response mode, touch band and whether the lead had written before; `lead` numbers the leads.
    """

    booked: npt.NDArray[np.bool_]
    by_ai: npt.NDArray[np.bool_]
    stratum: npt.NDArray[np.int_]
    lead: npt.NDArray[np.int_]
    leads: int
    sampled: bool


async def fetch_comparison(
    dataset: Dataset, max_message_leads: int = MAX_MESSAGE_LEADS
) -> tuple[list[LeadCell], MessageRows]:
    """The cells of a dataset's leads, and their messages row by row. Both are the same on every engine."""
    engine, window, channels = dataset.engine, dataset.request.window, dataset.request.channels
    histories = await engine.keep("histories", lead_histories(engine.facts, dataset.labelled, window, channels))
    cells = [_cell(row) for row in await engine.fetch(_cells(histories))]
    leads = sum(cell.n + cell.pending for cell in cells)
    sampled = leads > max_message_leads
    if sampled:
        chosen = sample_leads(_in_cohort(dataset.labelled), max_message_leads, dataset.request.seed)
        histories = histories.semi_join(chosen, histories.lead == chosen.lead_id)
        leads = max_message_leads
    async with aclosing(engine.stream(_message_codes(engine.facts, histories, window, channels))) as batches:
        parts = [batch["code"].to_numpy() async for batch in batches]
    codes = np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)
    stratum = (codes >> _STRATUM_BITS) & ((1 << (_LEAD_BITS - _STRATUM_BITS)) - 1)
    messages = MessageRows((codes & 1) > 0, (codes & 2) > 0, stratum, codes >> _LEAD_BITS, leads, sampled)
    return sorted(cells, key=_order), messages


def lead_histories(facts: Facts, labelled: ir.Table, window: Window, channels: Sequence[Channel] = ()) -> ir.Table:
    """One row a lead, pending ones too: all of a LeadCell but with its own campaign, whether it is `booked`,
    `pending`, `aged` and `aged_booked`, and the instants and the message that its messages are held against.
    """
    cohort = _in_cohort(labelled)
    cohort = cohort.select(
        "sender",
        "response_mode",
        "campaign",
        "booked_at",
        lead=cohort.lead_id,
        booked=cohort.outcome == Outcome.BOOKED,
        pending=cohort.outcome == Outcome.PENDING,
        credited=cohort.message_id,
        credited_at=cohort.sent_at,
        credit_channel=cohort.channel,
    )
    sent = _messages(facts, window, channels)
    met = sent.inner_join(cohort.select("lead", "booked_at", "credited_at"), sent.of_lead == cohort.lead)
    start = ibis.literal(window.start, type=INSTANT)
    entering = met.counting & _until_booking(met, window)
    by_credit = met.counting & (met.sent_at <= met.credited_at)
    summary = met.group_by("lead").agg(
        **{f"entry_{c}": met.sent_at.min(where=entering & (met.channel == c)) for c in _CHANNELS},
        before=ibis.ifelse(met.counting & (met.sent_at < start), 1, 0).sum(),
        first_word=met.sent_at.min(where=~met.counting),
        touch=ibis.ifelse(by_credit, 1, 0).sum(),
        ai_wrote=(by_credit & met.by_ai).any(),
        setter_wrote=(by_credit & ~met.by_ai).any(),
    )
    rows = cohort.inner_join(summary, "lead")
    rows = rows.mutate(entry=ibis.least(*[rows[f"entry_{c}"] for c in _CHANNELS]))
    entered = rows.entry.notnull()
    aged = (rows.entry <= ibis.literal(window.as_of - window.attribution, type=INSTANT)).fill_null(False)
    horizon = ibis.interval(seconds=int(window.attribution.total_seconds()))
    # Any counting message before the entry is one from before the window: the entry is the first that is in it.
    stage = ibis.cases(
        (~entered, ""),
        ((rows.first_word < rows.entry).fill_null(False), "written"),
        (rows.before > 0, "contacted"),
        else_="new",
    )
    return rows.select(
        "lead",
        "sender",
        "response_mode",
        "campaign",
        "booked",
        "pending",
        "booked_at",
        "credited",
        "first_word",
        "credit_channel",
        aged=aged,
        aged_booked=aged & (rows.booked_at <= rows.entry + horizon).fill_null(False),
        entered=entered,
        channel=ibis.cases(*[((rows[f"entry_{c}"] == rows.entry).fill_null(False), c) for c in _CHANNELS], else_=""),
        stage=stage,
        touches_before=ibis.cases(
            (~entered, ""), (rows.before == 0, "0"), (rows.before == 1, "1"), (rows.before <= 3, "2-3"), else_="4+"
        ),
        credit_touch=ibis.cases(
            (rows.touch <= 1, "1"), (rows.touch <= 3, "2-3"), (rows.touch <= 6, "4-6"), else_="7+"
        ),
        credit_written=(rows.first_word < rows.credited_at).fill_null(False),
        both_wrote=rows.ai_wrote & rows.setter_wrote,
    )


def _in_cohort(labelled: ir.Table) -> ir.Table:
    return labelled.filter(
        labelled.dropped == "",
        labelled.attribution == Attribution.CROSS_CHANNEL,
        labelled.outcome.isin([str(outcome) for outcome in CREDITED]),
        ~labelled.ambiguous,
    )


def _messages(facts: Facts, window: Window, channels: Sequence[Channel]) -> ir.Table:
    """What counts, and what leads wrote (`counting` is then false), as far back as a snapshot reaches."""
    sent = facts.messages if "counts" in facts.messages.columns else described(facts.messages, facts.drafts)
    counting = sent.counts & (sent.channel.isin([str(c) for c in channels]) if channels else ibis.literal(True))
    written = (sent.direction == Direction.INBOUND) & (sent.kind.isnull() | (sent.kind == MessageKind.MESSAGE))
    reaches = sent.filter(
        sent.sent_at >= ibis.literal(window.start - window.attribution, type=INSTANT),
        sent.sent_at <= ibis.literal(window.as_of, type=INSTANT),
        counting | written,
    )
    return reaches.select(
        "channel",
        "sent_at",
        "by_ai",
        of_lead=reaches.lead_external_id,
        message=reaches.external_id,
        counting=counting,
    )


def _until_booking(messages: ir.Table, window: Window) -> ir.BooleanValue:
    start, end = (ibis.literal(instant, type=INSTANT) for instant in (window.start, window.end))
    return (
        (messages.sent_at >= start)
        & (messages.sent_at < end)
        & (messages.booked_at.isnull() | (messages.sent_at <= messages.booked_at))
    )


def _cells(histories: ir.Table) -> ir.Table:
    campaigns = (
        histories.filter(histories.campaign != "", ~histories.pending).group_by("campaign").agg(leads=ibis._.count())
    )
    campaigns = campaigns.filter(campaigns.leads >= CAMPAIGN_LEADS)
    large = campaigns.order_by(ibis.desc("leads"), "campaign").limit(CAMPAIGNS).select(large="campaign")
    rows = histories.left_join(large, histories.campaign == large.large)
    rows = rows.mutate(campaign=ibis.ifelse(rows.campaign == "", "", rows.large))
    counted = {"n": ~rows.pending, **{name: rows[name] for name in _COUNTS[1:]}}
    return rows.group_by(*_KEYS).agg(
        **{name: ibis.ifelse(flag, 1, 0).sum().cast("int64") for name, flag in counted.items()}
    )


def _cell(row: dict[str, Any]) -> LeadCell:
    # DuckDB sums to a decimal.
    return LeadCell(**row | {"sender": Sender(row["sender"])} | {name: int(row[name]) for name in _COUNTS})


def _order(cell: LeadCell) -> tuple[object, ...]:
    known = [getattr(cell, name) for name in _KEYS if name != "campaign"]
    return (*known, cell.campaign is None, cell.campaign or "")


def _message_codes(facts: Facts, histories: ir.Table, window: Window, channels: Sequence[Channel]) -> ir.Table:
    numbered = histories.select(
        "lead",
        "booked",
        "booked_at",
        "credited",
        "first_word",
        "response_mode",
        number=ibis.row_number().over(ibis.window(order_by=[histories.lead])),
    )
    sent = _messages(facts, window, channels)
    rows = sent.filter(sent.counting).inner_join(numbered, sent.of_lead == numbered.lead)
    # Touches are numbered from 0, and counted before those outside of the window are left out.
    in_order = ibis.window(group_by=[rows.number], order_by=[rows.sent_at, rows.message])
    rows = rows.mutate(touch=ibis.row_number().over(in_order))
    settled_before = ibis.literal(window.as_of - window.maturity, type=INSTANT)
    rows = rows.filter(_until_booking(rows, window), rows.sent_at < settled_before)
    stratum = ibis.cases(*[(rows.channel == c, i) for i, c in enumerate(_CHANNELS)], else_=0)
    stratum = stratum * len(_MODES) + ibis.cases(
        *[(rows.response_mode == mode, i) for i, mode in enumerate(_MODES)], else_=0
    )
    stratum = stratum * len(TOUCHES) + ibis.cases(
        (rows.touch <= 0, 0), (rows.touch <= 2, 1), (rows.touch <= 5, 2), else_=3
    )
    stratum = stratum * 2 + ibis.ifelse((rows.first_word < rows.sent_at).fill_null(False), 1, 0)
    code = (
        rows.number.cast("int64") * (1 << _LEAD_BITS)
        + stratum.cast("int64") * (1 << _STRATUM_BITS)
        + ibis.ifelse(rows.by_ai, 2, 0)
        + ibis.ifelse(rows.booked & (rows.message == rows.credited), 1, 0)
    )
    return rows.select(code=code.cast("int64"))
