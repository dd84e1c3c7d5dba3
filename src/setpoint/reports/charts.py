"""The pictures of a report, specified in Vega-Lite through Altair. Each stands beside its table.

Every picture can be read without colour: senders differ in shape, outcomes in pattern, and each row carries
its numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Outcome, Sender
from setpoint.reports import svg
from setpoint.reports.chart_style import WIDE, Layout, Picture, configured, count_ticks, draw_both, telling
from setpoint.reports.definitions import OUTCOME_LABELS, SENDER_LABELS
from setpoint.reports.presentation import Group, Row, count_text, interval_text, leads_text, rate_text

_SENDERS = [SENDER_LABELS[sender] for sender in Sender]
_ROW_HEIGHT = 26


def rate_limit(*attributions: Sequence[Group]) -> float:
    """Return where the rate axis must reach, for charts of several attributions to share it."""
    rows = [row for groups in attributions for row in _wholes(groups)]
    return max((row.rate.high for row in rows if isinstance(row.rate, Measured)), default=1.0)


def booking_rates(
    groups: Sequence[Group], title: str, ident: str, limit: float, digits: int = 1
) -> Picture | Refused:
    """Draw who books more, where: dot and interval per sender and channel, on a rate axis from 0 to `limit`.

    `ident` begins the ids within the page. Refused when no lead has a settled outcome.
    """
    if not any(isinstance(row.rate, Measured) for row in _wholes(groups)):
        return Refused("No lead has a settled outcome yet, so there is no booking rate to draw.")
    description = "; ".join(
        f"{group.label}, {row.label}: {_spoken(row, digits)}" for group in groups for row in group.wholes
    )

    return draw_both(
        lambda layout: booking_rates_specification(groups, limit, layout, digits), title, description, ident
    )


def outcomes(counts: Mapping[str, int], title: str, ident: str) -> Picture | Refused:
    """Draw the leads of the report by outcome. Refused when there is none."""
    total = sum(counts[outcome] for outcome in Outcome)
    if total == 0:
        return Refused("No lead is in the report: nothing was sent in this window, or nothing that counts.")
    description = "; ".join(f"{OUTCOME_LABELS[o]}: {leads_text(counts[o])}" for o in Outcome)

    return draw_both(lambda layout: outcomes_specification(counts, layout), title, description, ident)


def booking_rates_specification(
    groups: Sequence[Group], limit: float, layout: Layout = WIDE, digits: int = 1
) -> dict[str, Any]:
    """Return the Vega-Lite specification behind `booking_rates`."""
    values = [
        {
            "channel": group.label,
            "sender": row.label,
            "rate": row.rate.value if isinstance(row.rate, Measured) else None,
            "low": row.rate.low if isinstance(row.rate, Measured) else None,
            "high": row.rate.high if isinstance(row.rate, Measured) else None,
            "numbers": _numbers(row, layout, digits),
            svg.TOLD: f"{group.label}, {row.label}: {_spoken(row, digits)}",
        }
        for group in groups
        for row in group.wholes
    ]
    ticks = 3 if layout.is_narrow else 6
    base = alt.Chart(alt.Data(values=values)).encode(y=_rows("sender", _SENDERS))
    known = base.transform_filter("datum.rate !== null")
    colour = alt.Scale(domain=_SENDERS, range=[svg.AI, svg.SETTER])
    inside = alt.Scale(domain=_SENDERS, range=[svg.AI, svg.SURFACE])
    shape = alt.Scale(domain=_SENDERS, range=["circle", "square"])
    interval = known.mark_rule(strokeWidth=2).encode(
        x=alt.X(
            "low:Q",
            title="Booking rate",
            scale=alt.Scale(domain=[0, limit], nice=ticks),
            axis=alt.Axis(format="~%", tickCount=ticks, labelFlush=False),
        ),
        x2="high:Q",
        description=telling(),
        color=alt.Color("sender:N", scale=colour, legend=None),
    )
    dot = known.mark_point(size=85, opacity=1, strokeWidth=2).encode(
        x="rate:Q",
        description=telling(),
        shape=alt.Shape("sender:N", scale=shape, legend=None),
        fill=alt.Fill("sender:N", scale=inside, legend=None),
        stroke=alt.Stroke("sender:N", scale=colour, legend=None),
    )
    header = alt.Header(labelOrient="top", labelAnchor="start", labelPadding=4)
    return configured(
        alt.layer(interval, dot, _numbers_column(base, layout))
        .properties(width=layout.plot, height=alt.Step(_ROW_HEIGHT))
        .facet(
            row=alt.Row("channel:N", title=None, sort=[group.label for group in groups], header=header),
            spacing=8,
        )
        .resolve_scale(y="independent")
    )


def outcomes_specification(counts: Mapping[str, int], layout: Layout = WIDE) -> dict[str, Any]:
    """Return the Vega-Lite specification behind `outcomes`."""
    total = sum(counts[outcome] for outcome in Outcome)
    ticks = count_ticks(max(counts[outcome] for outcome in Outcome), 3 if layout.is_narrow else 6)
    labels = [OUTCOME_LABELS[outcome] for outcome in Outcome]
    values = [
        {
            "outcome": OUTCOME_LABELS[outcome],
            "leads": counts[outcome],
            "numbers": f"{count_text(counts[outcome])} ({rate_text(counts[outcome] / total)})",
            svg.TOLD: (
                f"{OUTCOME_LABELS[outcome]}: {leads_text(counts[outcome])} of {count_text(total)}, "
                f"{rate_text(counts[outcome] / total)}"
            ),
        }
        for outcome in Outcome
    ]
    scale = alt.Scale(domain=labels, range=[svg.OUTCOMES[outcome] for outcome in Outcome])
    base = alt.Chart(alt.Data(values=values)).encode(y=_rows("outcome", labels))
    bars = base.mark_bar(height=15, strokeWidth=1.25).encode(
        x=alt.X(
            "leads:Q",
            title="Leads",
            scale=alt.Scale(domain=[0, ticks[-1]], nice=False),
            axis=alt.Axis(format=",d", values=ticks),
        ),
        description=telling(),
        fill=alt.Fill("outcome:N", scale=scale, legend=None),
        stroke=alt.Stroke("outcome:N", scale=scale, legend=None),
    )
    return configured(
        alt.layer(bars, _numbers_column(base, layout)).properties(width=layout.plot, height=alt.Step(_ROW_HEIGHT))
    )


def _rows(field: str, order: list[str]) -> alt.Y:
    axis = alt.Axis(ticks=False, domain=False, labelPadding=8)
    return alt.Y(f"{field}:N", title=None, sort=order, axis=axis)


def _numbers_column(base: alt.Chart, layout: Layout) -> alt.Chart:
    column: alt.Chart = base.mark_text(align="left").encode(x=alt.value(layout.plot + 14), text="numbers:N")
    return column


def _wholes(groups: Sequence[Group]) -> list[Row]:
    return [row for group in groups for row in group.wholes]


def _numbers(row: Row, layout: Layout, digits: int) -> str:
    if isinstance(row.rate, Refused):
        return "none mature" if layout.is_narrow else "no mature lead"
    of = "/" if layout.is_narrow else " of "
    return f"{rate_text(row.rate.value, digits)} ({count_text(row.booked)}{of}{count_text(row.mature)})"


def _spoken(row: Row, digits: int) -> str:
    if isinstance(row.rate, Refused):
        return "no mature lead"
    return (
        f"{rate_text(row.rate.value, digits)}, {count_text(row.booked)} of {leads_text(row.mature)}, "
        f"interval {interval_text(row.rate.low, row.rate.high, digits)}"
    )
