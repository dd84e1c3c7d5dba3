"""What the pictures of a report share: their two layouts, their lettering, and the ticks of counts."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import altair as alt

from setpoint.reports import svg

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Layout:
    """How wide the plot is, in pixels without its labels, and whether the labels must be short."""

    name: str
    plot: int
    is_narrow: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """The same chart for a wide and for a narrow page, each a complete `<svg>` element."""

    wide: str
    narrow: str


WIDE: Final = Layout("wide", 470, is_narrow=False)
NARROW: Final = Layout("narrow", 172, is_narrow=True)


def draw_both(specify: Callable[[Layout], dict[str, Any]], title: str, description: str, ident: str) -> Picture:
    """Draw a specification in both layouts. `ident` begins every id within the page."""
    wide, narrow = (
        svg.draw(specify(layout), title, description, f"{ident}-{layout.name}") for layout in (WIDE, NARROW)
    )
    return Picture(wide, narrow)


def configured(chart: alt.LayerChart | alt.FacetChart) -> dict[str, Any]:
    """The Vega-Lite specification of a chart in the lettering and the greys of the page."""
    styled = chart.configure(
        background="transparent",
        font=_FONT,
        padding={"left": 12, "right": 24, "top": 2, "bottom": 2},
        axis=alt.AxisConfig(
            labelColor=svg.INK,
            labelFontSize=13,
            titleColor=svg.MUTED,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=svg.GRID,
            domainColor=svg.GRID,
            tickColor=svg.GRID,
        ),
        header=alt.HeaderConfig(labelColor=svg.INK, labelFontSize=13, labelFontWeight=600),
        text=alt.MarkConfig(color=svg.INK, fontSize=13),
        view=alt.ViewConfig(stroke=None),
    )
    specification: dict[str, Any] = styled.to_dict()
    return specification


def telling() -> alt.Description:
    """What a mark says to who points at it or comes to it by key, from its data."""
    return alt.Description(f"{svg.TOLD}:N")


def count_ticks(largest: int, about: int) -> list[int]:
    """Whole numbers from 0 to at least `largest`, in steps of 1, 2 or 5 times a power of ten, about so many."""
    if largest < 1:
        return [0, 1]
    rough = largest / max(1, about)
    power = 10 ** max(0, math.floor(math.log10(rough))) if rough >= 1 else 1
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough)
    return list(range(0, largest + step, step))
