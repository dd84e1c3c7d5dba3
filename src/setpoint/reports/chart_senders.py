"""AI and setters side by side: how alike their leads are, when they book, and how that goes from week to week."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Sender
from setpoint.reports import svg
from setpoint.reports.chart_style import WIDE, Layout, Picture, configured, draw_both, telling
from setpoint.reports.definitions import SENDER_LABELS
from setpoint.reports.presentation import count_text, leads_text, rate_text
from setpoint.reports.schemas import OverlapDocument, SenderTiming, TimingSection
from setpoint.reports.view_trend import WeekLine

_SENDERS: Final = [SENDER_LABELS[sender] for sender in Sender]
_PLOT: Final = {"wide": 500, "narrow": 262}
_HEIGHT: Final = 220


def _colour() -> alt.Scale:
    return alt.Scale(domain=_SENDERS, range=[svg.AI, svg.SETTER])


def _inside() -> alt.Scale:
    return alt.Scale(domain=_SENDERS, range=[svg.AI, svg.SURFACE])


def _shape() -> alt.Scale:
    return alt.Scale(domain=_SENDERS, range=["circle", "square"])


def _percent(title: str, limit: float) -> alt.Y:
    return alt.Y(
        "value:Q",
        title=title,
        scale=alt.Scale(domain=[0, limit], nice=4),
        axis=alt.Axis(format="~%", tickCount=4),
    )


def overlap(section: OverlapDocument, title: str, ident: str) -> Picture | Refused:
    """Draw the leads of AI upwards and those of setters downwards, by how likely AI was to get them.

    Refused when a side has no lead.
    """
    ai, setter = sum(section["ai"]), sum(section["setter"])
    if not ai or not setter:
        return Refused("Only one of the two has leads, so there is no overlap to draw.")
    description = "; ".join(
        f"{rate_text(low, 0)} to {rate_text(high, 0)}: {count_text(of_ai)} of AI, {count_text(of_setter)} of setters"
        for low, high, of_ai, of_setter in zip(
            section["edges"], section["edges"][1:], section["ai"], section["setter"], strict=False
        )
    )
    return draw_both(lambda layout: overlap_specification(section, layout), title, description, ident)


def overlap_specification(section: OverlapDocument, layout: Layout = WIDE) -> dict[str, Any]:
    """Return the Vega-Lite specification behind `overlap`."""
    edges = section["edges"]
    values: list[dict[str, Any]] = [
        {
            "sender": label,
            "low": edges[i],
            "high": edges[i + 1],
            "share": way * counts[i] / (sum(counts) or 1),
            svg.TOLD: _told_of_bin(label, edges[i], edges[i + 1], counts[i], sum(counts)),
        }
        for label, counts, way in zip(_SENDERS, (section["ai"], section["setter"]), (1, -1), strict=True)
        for i in range(len(counts))
    ]
    reach = max(abs(value["share"]) for value in values)
    bars = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(strokeWidth=1.25, binSpacing=2)
        .encode(
            x=alt.X(
                "low:Q",
                title="How likely AI was to get the lead",
                scale=alt.Scale(domain=[edges[0], edges[-1]], nice=False),
                axis=alt.Axis(format="~%", tickCount=2 if layout.is_narrow else 5, grid=False),
                bin="binned",
            ),
            x2="high:Q",
            description=telling(),
            y=alt.Y(
                "share:Q",
                title="Share of the sender's leads",
                scale=alt.Scale(domain=[-reach, reach], nice=4),
                axis=alt.Axis(labelExpr="format(abs(datum.value), '~%')", tickCount=5),
            ),
            fill=alt.Fill("sender:N", scale=_inside(), legend=None),
            stroke=alt.Stroke("sender:N", scale=_colour(), legend=None),
        )
    )
    names = [
        alt.Chart(alt.Data(values=[{}]))
        .mark_text(align="left", fontWeight=600)
        .encode(x=alt.value(_PLOT[layout.name] + 8), y=alt.value(y), text=alt.value(text))
        for text, y in (("AI", 45), ("Setter", 155))
    ]
    zero = alt.Chart(alt.Data(values=[{}])).mark_rule(color=svg.INK).encode(y=alt.datum(0))
    return configured(alt.layer(bars, zero, *names).properties(width=_PLOT[layout.name], height=200))


def _told_of_bin(label: str, low: float, high: float, count: int, total: int) -> str:
    share = rate_text(count / (total or 1))
    between = f"{rate_text(low, 0)} to {rate_text(high, 0)}"
    return f"{label}: {leads_text(count)} that AI was {between} likely to get, {share} of {count_text(total)}"


def incidence(section: TimingSection, title: str, ident: str) -> Picture | Refused:
    """Draw the share of leads that booked by each day, as steps with bands, and how many were at risk.

    Refused when no sender has a curve.
    """
    senders = [sender for sender in section["senders"] if sender["curve"]]
    if not senders:
        return Refused("No lead was watched for long enough, so there is no curve to draw.")
    description = "; ".join(
        f"{SENDER_LABELS[Sender(sender['sender'])]} by day {day['day']}: {_spoken(day['estimate']['measured'])}"
        for sender in senders
        for day in sender["days"]
    )
    return draw_both(lambda layout: incidence_specification(section, layout), title, description, ident)


def _spoken(measured: Mapping[str, Any] | None) -> str:
    if measured is None:
        return "cannot be told"
    value, low, high = (rate_text(measured[name]) for name in ("value", "low", "high"))
    return f"{value} booked, interval {low} to {high}"


def incidence_specification(section: TimingSection, layout: Layout = WIDE) -> dict[str, Any]:
    """Return the Vega-Lite specification behind `incidence`."""
    plot = _PLOT[layout.name] - (20 if layout.is_narrow else 0)
    senders = [sender for sender in section["senders"] if sender["curve"]]
    horizon = section["horizon_days"]
    curves = [point for sender in senders for point in _steps(sender, horizon)]
    days = sorted({0, horizon, *(day["day"] for sender in senders for day in sender["days"])})
    limit = max([0.001, *(point["high"] for point in curves)])
    x = alt.X(
        "day:Q",
        title="Days since the first message",
        scale=alt.Scale(domain=[0, horizon], nice=False),
        axis=alt.Axis(values=[day for day in days if day <= horizon], grid=True),
    )
    base = alt.Chart(alt.Data(values=curves)).encode(x=x)
    sender_colour = alt.Color("sender:N", scale=_colour(), legend=None)
    bands = base.mark_area(interpolate="step-after", opacity=0.16).encode(
        y=alt.Y("low:Q", title=None), y2="high:Q", color=sender_colour
    )
    lines = base.mark_line(interpolate="step-after", strokeWidth=2).encode(
        y=_percent("Leads that booked", limit),
        color=sender_colour,
        strokeDash=alt.StrokeDash("sender:N", scale=alt.Scale(domain=_SENDERS, range=[[1, 0], [6, 3]]), legend=None),
    )
    marks = (
        alt.Chart(alt.Data(values=_asked(senders)))
        .mark_point(size=75, opacity=1, strokeWidth=2)
        .encode(
            x="day:Q",
            y="value:Q",
            description=telling(),
            shape=alt.Shape("sender:N", scale=_shape(), legend=None),
            fill=alt.Fill("sender:N", scale=_inside(), legend=None),
            stroke=alt.Stroke("sender:N", scale=_colour(), legend=None),
        )
    )
    ends = alt.Chart(alt.Data(values=_end_labels(senders, limit))).mark_text(align="left", fontWeight=600)
    names = ends.encode(x=alt.value(plot + 12), y="value:Q", text="label:N")
    layers = [bands, lines, marks, names, *_at_risk(senders, horizon)]
    return configured(alt.layer(*layers).properties(width=plot, height=_HEIGHT))


def _steps(sender: SenderTiming, horizon: int) -> list[dict[str, Any]]:
    label = SENDER_LABELS[Sender(sender["sender"])]
    points: list[dict[str, Any]] = [
        {"sender": label, "day": p["day"], "value": p["value"], "low": p["low"], "high": p["high"]}
        for p in sender["curve"]
        if p["day"] <= horizon
    ]
    if points and points[0]["day"] > 0:
        points.insert(0, {"sender": label, "day": 0, "value": 0.0, "low": 0.0, "high": 0.0})
    return points


def _asked(senders: Sequence[SenderTiming]) -> list[dict[str, Any]]:
    return [
        {
            "sender": SENDER_LABELS[Sender(sender["sender"])],
            "day": day["day"],
            "value": day["estimate"]["measured"]["value"],
            svg.TOLD: (
                f"{SENDER_LABELS[Sender(sender['sender'])]} by day {day['day']}: "
                f"{_spoken(day['estimate']['measured'])}, {count_text(day['at_risk'])} of "
                f"{leads_text(sender['leads'])} still at risk"
            ),
        }
        for sender in senders
        for day in sender["days"]
        if day["estimate"]["measured"]
    ]


def _end_labels(senders: Sequence[SenderTiming], limit: float) -> list[dict[str, Any]]:
    """The names of the curves at their ends, moved apart where they would lie on each other."""
    ends = sorted((sender["curve"][-1]["value"], SENDER_LABELS[Sender(sender["sender"])]) for sender in senders)
    labels: list[dict[str, Any]] = [{"label": label, "value": value} for value, label in ends]
    gap = limit * 0.09
    if len(labels) == 2 and ends[1][0] - ends[0][0] < gap:
        middle = (ends[0][0] + ends[1][0]) / 2
        labels = [{"label": labels[i]["label"], "value": middle + gap * (i - 0.5)} for i in range(2)]
    return labels


def _at_risk(senders: Sequence[SenderTiming], horizon: int) -> list[alt.Chart]:
    """Under the axis: leads who had neither booked nor left before the days that are asked for."""
    texts = [
        {"day": day, "row": i, "text": count_text(n)}
        for i, sender in enumerate(senders)
        for day, n in [(0, sender["leads"]), *((day["day"], day["at_risk"]) for day in sender["days"])]
        if day <= horizon
    ]
    charts = []
    for i, sender in enumerate(senders):
        y = alt.value(_HEIGHT + 72 + 20 * i)
        row = alt.Chart(alt.Data(values=[text for text in texts if text["row"] == i]))
        charts.append(row.mark_text(fontSize=12).encode(x="day:Q", y=y, text="text:N"))
        name = alt.Chart(alt.Data(values=[{}])).mark_text(align="right", fontSize=12)
        charts.append(name.encode(x=alt.value(-28), y=y, text=alt.value(SENDER_LABELS[Sender(sender["sender"])])))
    head = alt.Chart(alt.Data(values=[{}])).mark_text(align="left", fontSize=12, color=svg.MUTED)
    charts.append(head.encode(x=alt.value(-28), y=alt.value(_HEIGHT + 54), text=alt.value("At risk")))
    return charts


def weeks(lines: Sequence[WeekLine], title: str, ident: str) -> Picture | Refused:
    """Draw the booking rate by week and sender; weeks that are too young to be read are hatched.

    Refused when no week has a rate.
    """
    if not any(isinstance(line.rate, Measured) for line in lines):
        return Refused("No week has a lead with a settled outcome yet, so there is no booking rate to draw.")
    description = "; ".join(map(_told_of_week, lines))
    return draw_both(lambda layout: weeks_specification(lines, layout), title, description, ident)


def _told_of_week(line: WeekLine) -> str:
    young = ", too young to be read" if line.immature else ""
    return f"{line.label_of_sender}, week of {line.start}: {line.spoken}{young}"


def weeks_specification(lines: Sequence[WeekLine], layout: Layout = WIDE) -> dict[str, Any]:
    """Return the Vega-Lite specification behind `weeks`."""
    # A week of a few leads has an interval that would press all others flat: it is cut off at twice the highest rate.
    rates = [line.rate for line in lines if isinstance(line.rate, Measured)]
    limit = min(max(rate.high for rate in rates), 2 * max(rate.value for rate in rates)) or 1.0
    weeks_in_order = sorted({line.start for line in lines})
    senders = [label for label in _SENDERS if any(line.label_of_sender == label for line in lines)]
    values = [
        {
            "sender": line.label_of_sender,
            "week": line.start,
            "value": line.rate.value if isinstance(line.rate, Measured) else None,
            "low": line.rate.low if isinstance(line.rate, Measured) else None,
            "high": line.rate.high if isinstance(line.rate, Measured) else None,
            "immature": line.immature,
            svg.TOLD: _told_of_week(line),
        }
        for line in lines
    ]
    few = max(1, -(-len(weeks_in_order) // (4 if layout.is_narrow else 9)))
    x = alt.X(
        "week:N",
        title="Week of the first message, from",
        sort=weeks_in_order,
        scale=alt.Scale(type="band", padding=0),
        axis=alt.Axis(
            labelAngle=0,
            values=weeks_in_order[::few],
            ticks=False,
            labelExpr="utcFormat(utcParse(datum.value, '%Y-%m-%d'), '%-d %b')",
        ),
    )
    base = alt.Chart(alt.Data(values=values)).encode(x=x)
    young = (
        base.transform_filter("datum.immature")
        .mark_bar(fill=svg.IMMATURE, width=alt.RelativeBandSize(band=1))
        .encode(y=alt.value(0), y2=alt.value(90))
    )
    rated = base.transform_filter("datum.value !== null")
    interval = rated.mark_rule(strokeWidth=2, clip=True).encode(
        y=alt.Y("low:Q", title="Booking rate"),
        y2="high:Q",
        description=telling(),
        color=alt.Color("sender:N", scale=_colour(), legend=None),
    )
    dot = rated.mark_point(size=70, opacity=1, strokeWidth=2).encode(
        y=_percent("Booking rate", limit),
        description=telling(),
        shape=alt.Shape("sender:N", scale=_shape(), legend=None),
        fill=alt.Fill("sender:N", scale=_inside(), legend=None),
        stroke=alt.Stroke("sender:N", scale=_colour(), legend=None),
    )
    header = alt.Header(labelOrient="top", labelAnchor="start", labelPadding=4)
    return configured(
        alt.layer(young, interval, dot)
        .properties(width=_PLOT[layout.name], height=90)
        .facet(row=alt.Row("sender:N", title=None, sort=senders, header=header), spacing=8)
    )
