"""The attribution expression: facts in, one labelled row per lead and attribution out, on any engine.

It follows the specification line by line (docs/attribution.md); tests/outcomes/specification.py is the same in
slow, obvious Python, and property tests hold the two against each other.
"""

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from setpoint.domain.vocabulary import (
    CREDITED,
    AppointmentStatus,
    Attribution,
    Channel,
    Direction,
    Disposition,
    DropReason,
    MessageKind,
    Outcome,
    Sender,
    Standing,
)
from setpoint.domain.windows import Window
from setpoint.outcomes.facts import INSTANT, Facts

# A rank is a message's position among all, with what the counts need to know of it in the low bits: the greatest
# rank is the last message, and tells its sender and disposition without looking the message up again.
_DISPOSITIONS = ("", *map(str, Disposition))
_INFERRED, _BY_AI, _POSITION = 4, 8, 16


def _instant(value: datetime) -> ir.TimestampScalar:
    return ibis.literal(value, type=INSTANT)


def standing(messages: ir.Table, window: Window, channels: Sequence[Channel] = ()) -> ir.StringValue:
    """Whether a message counts, and if not, the first reason why it is left out."""
    cases = [
        (messages.direction != Direction.OUTBOUND, str(Standing.INBOUND)),
        ((messages.kind == MessageKind.SYSTEM).fill_null(False), str(Standing.SYSTEM)),
        ((messages.kind == MessageKind.INTERNAL).fill_null(False), str(Standing.INTERNAL)),
        ((messages.status == "failed").fill_null(False), str(Standing.FAILED)),
        (messages.sent_at > _instant(window.as_of), str(Standing.AFTER_AS_OF)),
    ]
    if channels:
        cases.append(
            (messages.channel.notin([str(channel) for channel in channels]), str(Standing.CHANNEL_NOT_SELECTED))
        )
    return ibis.cases(*cases, else_=str(Standing.COUNTING))


def messages_by_standing(facts: Facts, window: Window, channels: Sequence[Channel] = ()) -> ir.Table:
    """`standing, n`: the messages sent in `[from, to)`, counted by whether, and why not, they count."""
    sent = facts.messages.filter(
        facts.messages.sent_at >= _instant(window.start), facts.messages.sent_at < _instant(window.end)
    )
    return sent.group_by(standing=standing(sent, window, channels)).agg(n=ibis._.count())


def bookings(facts: Facts, window: Window) -> ir.Table:
    """`lead, live, booking`: leads with an appointment on record; whether one is live, and the lead's booking."""
    made = facts.appointments
    after = ibis.coalesce(made.booked_at, made.booking_instant) > _instant(window.as_of)
    canceled = (made.status == AppointmentStatus.CANCELED) & (
        made.canceled_at.isnull() | (made.canceled_at <= _instant(window.as_of))
    )
    live = ~after.fill_null(False) & ~canceled
    return made.group_by(lead=made.lead_external_id).agg(
        live=live.any(), booking=made.booking_instant.min(where=live)
    )


def described(messages: ir.Table, drafts: ir.Table) -> ir.Table:
    """Add to messages what follows from each alone: whether it `counts` at all, who sent it (`by_ai`, `inferred`),
    and its `disposition`, which is that of the draft behind it where it has none of its own.
    """
    known = drafts.filter(drafts.response_disposition.notnull()).select(
        draft_id="external_id", draft_disposition="response_disposition"
    )
    # A null finds no draft, and costs the engines nothing to look for.
    wanted = ibis.ifelse(messages.response_disposition.isnull(), messages.ai_draft_external_id, ibis.null(str))
    rows = messages.left_join(known, wanted == known.draft_id)
    return rows.select(
        *messages.columns,
        counts=(rows.direction == Direction.OUTBOUND)
        & (rows.kind.isnull() | (rows.kind == MessageKind.MESSAGE))
        & (rows.status.isnull() | (rows.status != "failed")),
        by_ai=ibis.ifelse(rows.sent_by.notnull(), rows.sent_by == Sender.AI, rows.ai_draft_external_id.notnull()),
        inferred=rows.sent_by.isnull(),
        disposition=ibis.coalesce(rows.response_disposition, rows.draft_disposition),
    )


def _candidates(facts: Facts, booked: ir.Table, window: Window, channels: Sequence[Channel]) -> ir.Table:
    """The counting messages that lie in the window or can be credited, each with which of the two it is."""
    sent = facts.messages if "counts" in facts.messages.columns else described(facts.messages, facts.drafts)
    sent = sent.filter(
        sent.sent_at >= _instant(window.start - window.attribution),
        sent.sent_at <= _instant(window.as_of),
        sent.counts,
        *([sent.channel.isin([str(channel) for channel in channels])] if channels else []),
    )
    credit = booked.filter(booked.booking.notnull()).select(
        "lead",
        "booking",
        credit_from=booked.booking - ibis.interval(seconds=int(window.attribution.total_seconds())),
    )
    joined = sent.left_join(credit, sent.lead_external_id == credit.lead)
    in_window = (joined.sent_at >= _instant(window.start)) & (joined.sent_at < _instant(window.end))
    candidate = ibis.ifelse(
        joined.booking.notnull(),
        (joined.sent_at >= joined.credit_from) & (joined.sent_at <= joined.booking),
        in_window,
    )
    rows = joined.select(
        *[column for column in ("position",) if column in joined.columns],
        "channel",
        "sent_at",
        "by_ai",
        "inferred",
        "disposition",
        lead=joined.lead_external_id,
        message=joined.external_id,
        draft=joined.ai_draft_external_id,
        in_window=in_window,
        candidate=candidate,
    )
    return rows.filter(rows.in_window | rows.candidate)


def _ranked(candidates: ir.Table) -> ir.Table:
    """The candidates with their `position`, in the order of lead, instant and external id, and their `rank`."""
    rows = candidates
    if "position" not in rows.columns:
        in_order = ibis.window(order_by=[rows.lead, rows.sent_at, rows.message])
        rows = rows.mutate(position=ibis.row_number().over(in_order))
    code = ibis.cases(
        *[(rows.disposition == disposition, i) for i, disposition in enumerate(_DISPOSITIONS) if disposition],
        else_=0,
    )
    rank = (
        rows.position * _POSITION
        + ibis.ifelse(rows.by_ai, _BY_AI, 0)
        + ibis.ifelse(rows.inferred, _INFERRED, 0)
        + code
    )
    return rows.mutate(rank=rank.cast("int64"))


def _by_lead(rows: ir.Table) -> ir.Table:
    """One row per lead: whether it has anything in the window; per channel the rank of the last candidate; per
    channel and sender the instant of the last candidate. Everything else about a lead follows from these.
    """
    summary: dict[str, ir.Value] = {"seen": rows.in_window.any()}
    for channel in Channel:
        here = rows.candidate & (rows.channel == channel)
        summary[f"rank_{channel}"] = rows["rank"].max(where=here)
        summary[f"{channel}_{Sender.AI}"] = rows.sent_at.max(where=here & rows.by_ai)
        summary[f"{channel}_{Sender.SETTER}"] = rows.sent_at.max(where=here & ~rows.by_ai)
    return rows.group_by("lead").agg(**summary)


def _outcomes(facts: Facts, booked: ir.Table, summary: ir.Table, window: Window) -> ir.Table:
    """Every lead of the workspace with its outcome, or the reason why it is dropped."""
    leads, campaigns = facts.leads, facts.campaigns
    joined = (
        leads.left_join(booked, leads.external_id == booked.lead)
        .left_join(summary, leads.external_id == summary.lead)
        .left_join(campaigns, leads.campaign == campaigns.external_id)
    )
    instants = [joined[f"{channel}_{sender}"] for channel in Channel for sender in Sender]
    rows = joined.select(
        *[column for column in summary.columns if column not in ("lead", "seen")],
        "booking",
        lead=leads.external_id,
        campaign=leads.campaign.fill_null(""),
        response_mode=joined.response_mode.fill_null(""),
        seen=joined.seen.fill_null(False),
        undated=ibis.ifelse(
            booked.lead.isnull(), joined.booked_hint.fill_null(False), joined.live & joined.booking.isnull()
        ),
        last=ibis.greatest(*instants),
        rank=ibis.greatest(*[joined[f"rank_{channel}"] for channel in Channel]),
    )
    start, end = _instant(window.start), _instant(window.end)
    mature_before = _instant(window.as_of - window.maturity)
    dropped = ibis.cases(
        (rows.undated & rows.seen, ""),
        (rows.undated, str(DropReason.NO_OUTBOUND_IN_WINDOW)),
        (rows.booking < start, str(DropReason.BOOKED_BEFORE_WINDOW)),
        (rows.booking < end, ""),
        (~rows.seen, str(DropReason.NO_OUTBOUND_IN_WINDOW)),
        else_="",
    )
    outcome = ibis.cases(
        (dropped != "", ""),
        (rows.undated, str(Outcome.BOOKED_NO_TIMESTAMP)),
        (rows.booking.notnull() & rows["rank"].notnull(), str(Outcome.BOOKED)),
        (rows.booking.notnull(), str(Outcome.UNATTRIBUTED)),
        (rows["last"] >= mature_before, str(Outcome.PENDING)),
        else_=str(Outcome.NOT_BOOKED),
    )
    return rows.mutate(dropped=dropped, outcome=outcome)


def _row(
    leads: ir.Table,
    attribution: Attribution,
    rank: ir.IntegerValue,
    channel: ir.StringValue,
    ambiguous: ir.BooleanValue,
) -> ir.Table:
    """The rows of one attribution as far as a lead and the rank of the credited message tell; rank may be null."""
    code = rank.fill_null(0)
    booked = leads.outcome.isin([str(Outcome.BOOKED), str(Outcome.UNATTRIBUTED)])
    return leads.select(
        attribution=ibis.literal(str(attribution)),
        lead_id=leads.lead,
        channel=channel,
        sender=ibis.cases((rank.isnull(), ""), ((code & _BY_AI) != 0, str(Sender.AI)), else_=str(Sender.SETTER)),
        sender_inferred=(code & _INFERRED) != 0,
        response_disposition=ibis.cases(
            *[((code & 3) == i, disposition) for i, disposition in enumerate(_DISPOSITIONS) if disposition], else_=""
        ),
        campaign=leads.campaign,
        response_mode=leads.response_mode,
        outcome=leads.outcome,
        booked_at=ibis.ifelse(booked, leads.booking, ibis.null(INSTANT)),
        ambiguous=ambiguous,
        dropped=leads.dropped,
        position=rank >> 4,
    )


def _credits(leads: ir.Table) -> ir.Table:
    """One cross-channel row per lead, dropped ones included; one within-channel row per lead and channel that has
    a candidate, where the outcome credits any.
    """
    credited = leads.outcome.isin([str(outcome) for outcome in CREDITED])
    sharing = sum(
        (
            ibis.ifelse(leads[f"{channel}_{sender}"] == leads["last"], 1, 0)
            for channel in Channel
            for sender in Sender
        ),
        start=ibis.literal(0),
    )
    rank = ibis.ifelse(credited, leads["rank"], ibis.null("int64"))
    newest = ibis.cases(*[(rank == leads[f"rank_{channel}"], str(channel)) for channel in Channel], else_="")
    parts = [_row(leads, Attribution.CROSS_CHANNEL, rank, newest, credited & (sharing > 1))]
    for channel in Channel:
        here = leads.filter(credited & leads[f"rank_{channel}"].notnull())
        shared = (here[f"{channel}_{Sender.AI}"] == here[f"{channel}_{Sender.SETTER}"]).fill_null(False)
        parts.append(
            _row(here, Attribution.WITHIN_CHANNEL, here[f"rank_{channel}"], ibis.literal(str(channel)), shared)
        )
    return ibis.union(parts[0], *parts[1:])


def credit(facts: Facts, window: Window, channels: Sequence[Channel] = ()) -> ir.Table:
    """Label every lead and say which sender, channel and disposition its credit goes to, without looking up the
    message: all that counts need.

    Returns the rows of the dataset but for `message_id`, `sent_at` and `ai_draft_id`, and one cross-channel row
    for each dropped lead, with `dropped` saying why and no outcome. Texts are empty where there is nothing. With
    `channels`, messages on other channels do not count.
    """
    return _label(facts, window, channels)[0].drop("position")


def label(facts: Facts, window: Window, channels: Sequence[Channel] = ()) -> ir.Table:
    """The rows of `credit` with the message that each credits: `message_id` and `ai_draft_id`, empty where there
    is none, and `sent_at`, null where there is none.
    """
    rows, candidates = _label(facts, window, channels)
    sent = candidates.select("position", "message", "sent_at", "draft")
    joined = rows.left_join(sent, "position")
    return joined.select(
        *[column for column in rows.columns if column != "position"],
        message_id=joined.message.fill_null(""),
        sent_at=joined.sent_at,
        ai_draft_id=joined.draft.fill_null(""),
    )


def _label(facts: Facts, window: Window, channels: Sequence[Channel]) -> tuple[ir.Table, ir.Table]:
    booked = bookings(facts, window)
    candidates = _ranked(_candidates(facts, booked, window, channels))
    return _credits(_outcomes(facts, booked, _by_lead(candidates), window)), candidates
