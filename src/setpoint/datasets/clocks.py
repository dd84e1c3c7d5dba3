"""The clock of each lead: when it starts, who starts it, and what stops it, counted on the engine.

A clock starts with the lead's first counting message in the window and belongs to the sender of that message. The
sender of the credited message would not do: which message is credited follows from when the lead booked.
"""

from typing import Final

import ibis
import ibis.expr.types as ir

from setpoint.datasets.service import Dataset
from setpoint.domain.vocabulary import Attribution, Outcome, Sender
from setpoint.outcomes.attribution import described
from setpoint.outcomes.facts import INSTANT

HOUR: Final = 3600
_WEEK: Final = 7 * 24 * HOUR
# The week in which instants are counted from began on a Thursday; those of the calendar begin on Mondays.
_FIRST_MONDAY: Final = 4 * 24 * HOUR

BOOKED, LOST, OPEN = "booked", "lost", "open"
NO_TIMESTAMP, BOOKED_BEFORE, TWO_SENDERS = "no_timestamp", "booked_before", "two_senders"


def by_hours(dataset: Dataset, last_hour: int) -> ir.Table:
    """`sender, state, hours, leads`: how the leads of a dataset's cohort fared, by the length of their clocks.

    `state` is `booked`, `lost` (opted out, at the last counting message that is known) or `open` (at `as_of`), and
    `hours` the whole hours of the clock, begun ones counted whole; all beyond `last_hour` are the hour after it. The
    leads without a usable clock are in it too, with null hours and no sender, under the reason for it:
    `no_timestamp` (booked, nobody knows when), `booked_before` (booked before the first message in the window, or
    without any in it) and `two_senders` (AI and a setter both wrote at the first instant).
    """
    leads = _clocks(dataset)
    runs = leads.state.isin([BOOKED, LOST, OPEN])
    stop = ibis.cases(
        (leads.state == BOOKED, leads.booked_at),
        (leads.state == LOST, leads.last),
        else_=ibis.literal(dataset.request.window.as_of, type=INSTANT),
    )
    begun = (_seconds(stop) - _seconds(leads.start) + (HOUR - 1)) // HOUR
    rows = leads.select(
        sender=leads.sender,
        state=leads.state,
        hours=ibis.ifelse(runs, ibis.least(begun, last_hour + 1), ibis.null("int64")).cast("int64"),
    )
    return rows.group_by("sender", "state", "hours").agg(leads=rows.count())


def by_week(dataset: Dataset) -> ir.Table:
    """`sender, week, outcome, ambiguous, earlier, soon, young, leads`: leads with a usable clock, by its first week.

    `week` counts the weeks (Monday to Sunday, UTC) since Monday, 5 January 1970; `outcome` and `ambiguous` are those
    of the lead's cross-channel row. `earlier` are leads that had counting messages within the attribution window
    before `from` already, `soon` those that booked within it from the start of their clock, and `young` those whose
    clock began less than it before `as_of`.
    """
    window = dataset.request.window
    leads = _clocks(dataset)
    leads = leads.filter(leads.state.isin([BOOKED, LOST, OPEN]))
    rows = leads.select(
        "sender",
        "outcome",
        "ambiguous",
        week=((_seconds(leads.start) - _FIRST_MONDAY) // _WEEK).cast("int64"),
        earlier=leads.earlier,
        soon=(
            leads.booked_at <= leads.start + ibis.interval(seconds=int(window.attribution.total_seconds()))
        ).fill_null(False),
        young=leads.start > ibis.literal(window.as_of - window.attribution, type=INSTANT),
    )
    keys = ("sender", "week", "outcome", "ambiguous", "earlier", "soon", "young")
    return rows.group_by(*keys).agg(leads=rows.count())


def _clocks(dataset: Dataset) -> ir.Table:
    """The leads of the cohort with the `start` and `sender` of their clock and the `state` that it is in."""
    facts, window = dataset.engine.facts, dataset.request.window
    rows = dataset.labelled
    cohort = rows.filter(rows.dropped == "", rows.attribution == Attribution.CROSS_CHANNEL).select(
        "lead_id", "outcome", "ambiguous", "booked_at"
    )
    sent = facts.messages if "counts" in facts.messages.columns else described(facts.messages, facts.drafts)
    sent = sent.filter(
        sent.sent_at >= ibis.literal(window.start - window.attribution, type=INSTANT),
        sent.sent_at <= ibis.literal(window.as_of, type=INSTANT),
        sent.counts,
        *(
            [sent.channel.isin([str(channel) for channel in dataset.request.channels])]
            if dataset.request.channels
            else []
        ),
    )
    start, end = ibis.literal(window.start, type=INSTANT), ibis.literal(window.end, type=INSTANT)
    in_window = (sent.sent_at >= start) & (sent.sent_at < end)
    written = sent.group_by(lead=sent.lead_external_id).agg(
        first_ai=sent.sent_at.min(where=in_window & sent.by_ai),
        first_setter=sent.sent_at.min(where=in_window & ~sent.by_ai),
        earlier=(sent.sent_at < start).any(),
        last=sent.sent_at.max(),
    )
    gone = facts.leads.filter(facts.leads.opted_out.fill_null(False)).select(gone="external_id")
    joined = cohort.left_join(written, cohort.lead_id == written.lead).left_join(gone, cohort.lead_id == gone.gone)
    leads = joined.select(
        "outcome",
        "ambiguous",
        "booked_at",
        "last",
        "earlier",
        start=ibis.least(joined.first_ai, joined.first_setter),
        by_ai=joined.first_ai.notnull() & (joined.first_setter.isnull() | (joined.first_ai < joined.first_setter)),
        tied=(joined.first_ai == joined.first_setter).fill_null(False),
        lost=joined.gone.notnull(),
    )
    state = ibis.cases(
        (leads.outcome == Outcome.BOOKED_NO_TIMESTAMP, NO_TIMESTAMP),
        (leads.start.isnull() | (leads.booked_at < leads.start).fill_null(False), BOOKED_BEFORE),
        (leads.tied, TWO_SENDERS),
        (leads.booked_at.notnull(), BOOKED),
        (leads.lost, LOST),
        else_=OPEN,
    )
    leads = leads.mutate(state=state)
    runs = leads.state.isin([BOOKED, LOST, OPEN])
    return leads.mutate(sender=ibis.cases((~runs, ""), (leads.by_ai, str(Sender.AI)), else_=str(Sender.SETTER)))


def _seconds(instant: ir.TimestampValue) -> ir.IntegerValue:
    # Engines round fractions of a second differently; a whole one they all take the same.
    return instant.truncate("s").epoch_seconds().cast("int64")
