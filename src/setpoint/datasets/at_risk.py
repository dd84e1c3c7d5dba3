"""Messages at risk of being credited with a booking, and what they say: what patterns are told from.

A message is at risk up to its lead's booking: it could still have been the one that is credited.
"""

from datetime import datetime

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from setpoint.datasets.evidence import BODY_CHARACTERS
from setpoint.datasets.service import Dataset, DatasetRequest
from setpoint.domain.vocabulary import CREDITED, Attribution, Direction, MessageKind, Outcome, Sender
from setpoint.outcomes.attribution import described
from setpoint.outcomes.facts import INSTANT, Facts


def _timezone(zone: str, instant: datetime) -> datetime: ...  # type: ignore[empty-body]


# PostgreSQL's own `instant AT TIME ZONE zone`. It fails on a zone that it does not know.
_in_zone = ibis.udf.scalar.builtin(
    _timezone, name="timezone", signature=((dt.string, dt.dtype(INSTANT)), dt.timestamp)
)


def told_of(dataset: Dataset) -> ir.Table:
    """The labelled rows of the leads that patterns rest on: booked, not booked or pending, credited without ambiguity
    (cross-channel), with a message in the window.

    Pending leads belong to it: without them whatever was sent lately would go to leads that booked, and to few
    others. It is the message that must be old enough (`at_risk`). A lead has a message in the window exactly where
    its credited one was sent in it or later: who booked after it is in the cohort only for a message in it.
    """
    rows = dataset.labelled
    start = ibis.literal(dataset.request.window.start, type=INSTANT)
    return rows.filter(
        rows.dropped == "",
        rows.attribution == Attribution.CROSS_CHANNEL,
        rows.outcome.isin([str(outcome) for outcome in CREDITED]),
        ~rows.ambiguous,
        rows.sent_at >= start,
    )


def numbered(leads: ir.Table) -> ir.Table:
    """`lead_id, lead, campaign, outcome, booked_at, credited_id`: the leads numbered in the order of their ids."""
    return leads.select(
        "lead_id",
        "campaign",
        "outcome",
        "booked_at",
        credited_id=leads.message_id,
        lead=ibis.row_number().over(ibis.window(order_by=leads.lead_id)),
    )


def at_risk(facts: Facts, leads: ir.Table, request: DatasetRequest) -> ir.Table:
    """The counting messages of numbered leads in the window, up to the lead's booking, whose maturity buffer is over:
    those sent before it are as settled as a lead that was last written to then.

    `touch` counts the lead's counting messages up to each, `last_word` is when the lead had last written, on any
    channel. Both look back to the attribution window before the window, as credit does. `position` is the place in
    the order of lead, `sent_at` and external id.
    """
    window = request.window
    sent = described(facts.messages, facts.drafts)
    counting = sent.counts
    if request.channels:
        counting = counting & sent.channel.isin([str(channel) for channel in request.channels])
    word = (sent.direction == Direction.INBOUND) & (sent.kind.isnull() | (sent.kind == MessageKind.MESSAGE))
    known = sent.filter(
        sent.sent_at >= ibis.literal(window.start - window.attribution, type=INSTANT),
        sent.sent_at < ibis.literal(window.end, type=INSTANT),
        sent.sent_at <= ibis.literal(window.as_of, type=INSTANT),
        counting | word,
    )
    rows = known.join(leads, known.lead_external_id == leads.lead_id)
    in_order = [rows.sent_at, rows.external_id]
    so_far = ibis.cumulative_window(group_by=rows.lead, order_by=in_order)
    outbound = rows.direction == Direction.OUTBOUND
    told = rows.select(
        "lead_id",
        "lead",
        "campaign",
        "outcome",
        "channel",
        "sent_at",
        "booked_at",
        message_id=rows.external_id,
        outbound=outbound,
        sender=ibis.ifelse(rows.by_ai, str(Sender.AI), str(Sender.SETTER)),
        credited=(rows.outcome == Outcome.BOOKED) & (rows.external_id == rows.credited_id),
        touch=ibis.ifelse(outbound, 1, 0).sum().over(so_far).cast("int64"),
        last_word=ibis.ifelse(outbound, ibis.null(INSTANT), rows.sent_at).max().over(so_far),
        position=ibis.row_number().over(ibis.window(order_by=[rows.lead, *in_order])),
    )
    return told.filter(
        told.outbound,
        told.sent_at >= ibis.literal(window.start, type=INSTANT),
        told.sent_at < ibis.literal(window.as_of - window.maturity, type=INSTANT),
        told.booked_at.isnull() | (told.sent_at <= told.booked_at),
    ).drop("outbound", "booked_at")


def with_texts(messages: ir.Table, client_id: int) -> ir.Table:
    """The messages at risk with subject and body, the lead's first name and company, and the hour in the lead's time
    zone, null where the zone is unknown or none.
    """

    def stored(name: str, *columns: str) -> ir.Table:
        table = ibis.table({"client_id": "int32", **dict.fromkeys(columns, "string")}, name=name)
        return table.filter(table.client_id == client_id).select(*columns)

    texts = stored("message_texts", "external_id", "subject", "body")
    people = stored("leads", "external_id", "first_name", "company", "timezone")
    zones = ibis.table({"name": "string"}, name="pg_timezone_names")
    # Zones are looked up before anything else is joined: by the lead and not by the message.
    people = people.left_join(zones, people.timezone == zones.name).select(
        "first_name", "company", lead_id=people.external_id, zone=zones.name
    )
    texts = texts.select("subject", message_id="external_id", body=texts.body.left(BODY_CHARACTERS))
    joined = messages.left_join(texts, "message_id").left_join(people, "lead_id")
    return joined.select(
        *[column for column in messages.columns if column != "lead_id"],
        "subject",
        "body",
        "first_name",
        "company",
        local_hour=_in_zone(joined.zone, joined.sent_at).hour().cast("int64"),
    )
