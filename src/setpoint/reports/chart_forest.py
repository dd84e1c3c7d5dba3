"""Differences one under the other: dot and interval per row, with the line of no difference through all of them."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt

from setpoint.domain.measured import Measured, Refused
from setpoint.reports import svg
from setpoint.reports.chart_style import WIDE, Layout, Picture, configured, draw_both, telling
from setpoint.reports.presentation import difference_texts

_LABELS: Final = 180
_NUMBERS: Final = 152
_PLOT: Final = {"wide": 268, "narrow": 316}
_LETTERS: Final = {"wide": 23, "narrow": 17}
_LINE: Final = 17
_SEPARATOR: Final = 46


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One difference: its label, its estimate as a fraction or why there is none, and the mark that stands for it.

    `mark` is a shape of Vega; a `solid` one is filled. `tells` is how a screen reader hears which kind it is, and
    `of` what the difference is made of.
    """

    label: str
    estimate: Measured | Refused
    mark: str = "circle"
    solid: bool = False
    tells: str = ""
    of: str = ""


def forest(
    above: Sequence[ForestRow],
    below: Sequence[ForestRow],
    *,
    axis: str,
    lines: tuple[str, str],
    title: str,
    ident: str,
) -> Picture | Refused:
    """Draw rows of differences; where there are rows `below`, a line parts them from those `above`.

    `axis` names the differences and `lines` what stands over and under the parting line. Refused when no row has
    a number.
    """
    rows = [*above, *below]
    if not any(isinstance(row.estimate, Measured) for row in rows):
        return Refused("No difference could be measured, so there is none to draw.")
    description = "; ".join(f"{row.label}{row.tells}: {_spoken(row.estimate)}" for row in rows)
    return draw_both(
        lambda layout: forest_specification(above, below, axis, lines, layout), title, description, ident
    )


def forest_specification(
    above: Sequence[ForestRow],
    below: Sequence[ForestRow],
    axis: str,
    lines: tuple[str, str],
    layout: Layout = WIDE,
) -> dict[str, Any]:
    """Return the Vega-Lite specification behind `forest`."""
    plot = _PLOT[layout.name]
    values: list[dict[str, Any]] = []
    top = 0
    parting = None
    for i, row in enumerate([*above, *below]):
        if i == len(above):
            parting = top + _SEPARATOR // 2
            top += _SEPARATOR
        label = textwrap.wrap(row.label, _LETTERS[layout.name]) or [""]
        if layout.is_narrow:
            words = _LINE * len(label)
            values.append(_value(row, label, top + words + 15, top + 12, top + words + 5, top + words + 25))
            top += words + 30
        else:
            height = 11 + _LINE * len(label)
            middle = top + height / 2
            values.append(_value(row, label, middle, middle - _LINE * (len(label) - 1) / 2, top, top + height))
            top += height
    base = alt.Chart(alt.Data(values=values)).encode(y=_y("y", top))
    known = base.transform_filter("datum.value !== null")
    sign = "(datum.value > 0 ? '+' : datum.value < 0 ? '\u2212' : '') + format(abs(datum.value), '~g')"
    x = alt.X(
        "low:Q",
        title=textwrap.wrap(axis, 44),
        scale=alt.Scale(domain=_reach(values), nice=4 if layout.is_narrow else 5),
        axis=alt.Axis(labelExpr=sign, tickCount=4 if layout.is_narrow else 5, labelFlush=False),
    )
    layers = [
        base.mark_rule(color=svg.INK, strokeWidth=1.25).encode(
            x=alt.datum(0), y=_y("line_from", top), y2="line_to:Q"
        ),
        known.mark_rule(strokeWidth=2, color=svg.INK).encode(x=x, x2="high:Q", description=telling()),
        known.mark_point(size=80, opacity=1, strokeWidth=2, stroke=svg.INK).encode(
            x="value:Q",
            description=telling(),
            shape=alt.Shape("mark:N", scale=None),
            fill=alt.Fill("fill:N", scale=None),
        ),
        *_lettering(base, layout, plot),
        _room(layout, plot),
    ]
    if parting is not None:
        layers += _parting(parting, lines, layout, plot, top)
    return configured(alt.layer(*layers).properties(width=plot, height=top))


def _y(field: str, height: float) -> alt.Y:
    """Places from the top, in pixels."""
    return alt.Y(f"{field}:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False, zero=False))


def _value(
    row: ForestRow, label: list[str], y: float, label_y: float, line_from: float, line_to: float
) -> dict[str, Any]:
    """A row at `y`, its label from `label_y` on, and from where to where the line of no difference is drawn."""
    estimate = row.estimate
    points = (
        {"value": estimate.value * 100, "low": estimate.low * 100, "high": estimate.high * 100}
        if isinstance(estimate, Measured)
        else {"value": None, "low": None, "high": None}
    )
    return {
        **points,
        "y": y,
        "label_y": label_y,
        "line_from": line_from,
        "line_to": line_to,
        "label": label,
        "mark": row.mark,
        "fill": svg.INK if row.solid else svg.SURFACE,
        "numbers": _numbers(estimate),
        svg.TOLD: f"{row.label}{row.tells}: {_spoken(estimate)}{f', {row.of}' if row.of else ''}",
    }


def _lettering(base: alt.Chart, layout: Layout, plot: int) -> list[alt.Chart]:
    label_y = alt.Y("label_y:Q", axis=None)
    if layout.is_narrow:
        return [
            base.mark_text(align="left", fontWeight=600, lineHeight=_LINE).encode(
                x=alt.value(0), y=label_y, text="label:N"
            ),
            base.mark_text(align="right").encode(x=alt.value(plot), y=label_y, text="numbers:N"),
        ]
    return [
        base.mark_text(align="right", lineHeight=_LINE).encode(x=alt.value(-12), y=label_y, text="label:N"),
        base.mark_text(align="left").encode(x=alt.value(plot + 14), text="numbers:N"),
    ]


def _sides(layout: Layout, plot: int) -> tuple[int, int]:
    return (0, plot) if layout.is_narrow else (-_LABELS, plot + _NUMBERS)


def _room(layout: Layout, plot: int) -> alt.Chart:
    """Nothing, as wide as labels and numbers may get in any font: all charts of a page have one scale."""
    left, right = _sides(layout, plot)
    nothing: alt.Chart = (
        alt.Chart(alt.Data(values=[{}]))
        .mark_rule(opacity=0)
        .encode(x=alt.value(left), x2=alt.value(right), y=alt.value(0))
    )
    return nothing


def _parting(y: float, lines: tuple[str, str], layout: Layout, plot: int, height: int) -> list[alt.Chart]:
    left, right = _sides(layout, plot)
    line = alt.Chart(alt.Data(values=[{"y": y}])).encode(y=_y("y", height))
    texts = [
        line.mark_text(align="left", fontSize=12, color=svg.MUTED, dy=dy).encode(
            x=alt.value(left), text=alt.value(text)
        )
        for text, dy in zip(lines, (-10, 12), strict=True)
    ]
    rule = line.mark_rule(color=svg.INK, strokeDash=[6, 3], strokeWidth=1.25).encode(
        x=alt.value(left), x2=alt.value(right)
    )
    return [rule, *texts]


def _reach(values: Sequence[dict[str, Any]]) -> list[float]:
    bounds = [value[name] for value in values for name in ("low", "high") if value[name] is not None]
    return [min([0.0, *bounds]), max([0.0, *bounds])]


def _numbers(estimate: Measured | Refused) -> str:
    if isinstance(estimate, Refused):
        return "cannot be told"
    value, interval = difference_texts(estimate)
    return f"{value} ({interval})"


def _spoken(estimate: Measured | Refused) -> str:
    if isinstance(estimate, Refused):
        return "cannot be told"
    value, interval = difference_texts(estimate)
    return f"{value} points, interval {interval}"
