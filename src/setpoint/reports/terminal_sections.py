"""The later sections of a report in a terminal, each in a few lines: the page has all of them."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from setpoint.reports.terminal_tables import table
from setpoint.reports.view_adjustment import adjustment_view
from setpoint.reports.view_patterns import patterns_view
from setpoint.reports.view_synthesis import synthesis_view
from setpoint.reports.view_timing import timing_view
from setpoint.reports.view_trend import trend_view

_TOP: Final = 8
_LABEL: Final = 34
_PHRASE: Final = 40


def recommendations(document: Mapping[str, Any]) -> list[RenderableType]:
    """What the report comes to and what to do, where it says so."""
    view = synthesis_view(document)
    if view is None:
        return []
    parts: list[RenderableType] = [Text("What to do", style="bold")]
    parts += [Text(f"- {claim.text}") for claim in view.summary]
    for n, held in enumerate(view.recommendations, 1):
        details = [Text(held.action), Text(f"Expected: {held.expected}", style="dim")]
        parts += [Text(f"{n}. {held.title} [{held.safety_label}]", style="bold"), _indented(Group(*details))]
    if not view.recommendations:
        parts.append(Text("Nothing can be recommended from this report."))
    parts.append(Text(f"Confidence: {view.confidence.lower()}. {view.confidence_reason}", style="dim"))
    parts.append(Text(view.source, style="dim"))
    return [Group(*parts)]


def later_sections(document: Mapping[str, Any], digits: int) -> list[RenderableType]:
    """How sure, when, week by week and patterns, as far as the report has them."""
    parts = [_ladder(document), _timing(document, digits), _trend(document, digits), _patterns(document)]
    return [part for part in parts if part is not None]


def _indented(held: RenderableType) -> RenderableType:
    return Padding(held, (0, 0, 0, 3))


def _ladder(document: Mapping[str, Any]) -> RenderableType | None:
    view = adjustment_view(document.get("adjustment"))
    if view is None:
        return None
    held = table(
        "How sure, how confounded: AI minus setters, points", "Estimate", "Rests on", "Points", "95% interval"
    )
    reasons = []
    for line in view.ladder:
        held.add_row(
            Text(line.label),
            Text(line.rests_on),
            Text(line.value),
            Text(line.interval if line.value else "cannot be told"),
        )
        if not line.value and line.interval not in reasons:
            reasons.append(line.interval)
    texts = [*reasons, view.used, *view.sensitivity[:1]]
    return Group(held, *(Text(text, style="dim") for text in texts if text))


def _timing(document: Mapping[str, Any], digits: int) -> RenderableType | None:
    view = timing_view(document.get("timing"), digits)
    if view is None:
        return None
    held = table("When they book", "Sender", "Booked", "95% interval", "At risk")
    reasons = []
    for day, lines in view.days:
        held.add_row(Text(f"Within {day} days", style="bold"))
        for line in lines:
            interval = line.interval if line.value else "cannot be told"
            held.add_row(Text(f"  {line.sender}"), Text(line.value), Text(interval), Text(line.at_risk))
            if not line.value and line.interval not in reasons:
                reasons.append(line.interval)
    return Group(held, *(Text(reason, style="dim") for reason in reasons), Text(view.verdict))


def _trend(document: Mapping[str, Any], digits: int) -> RenderableType | None:
    view = trend_view(document.get("trend"), digits)
    return None if view is None else Group(Text("Is it getting better", style="bold"), Text(view.verdict))


def _patterns(document: Mapping[str, Any]) -> RenderableType | None:
    view = patterns_view(document.get("patterns"))
    if view is None:
        return None
    title = "What booking messages share: the effect in points"
    if view.refused:
        return Group(Text(title, style="bold"), Text(view.refused))
    if not view.told:
        return Group(Text(title, style="bold"), Text("No contrast of messages could be told apart from chance."))
    held = table(title, "Messages that", "Points", "95% interval", "q")
    for line in view.told[:_TOP]:
        held.add_row(Text(_short(line.phrase, _PHRASE)), Text(line.value), Text(line.interval), Text(line.q))
    fails = [
        Text(f"Messages that {line.phrase}: it fails to hold with {line.fails}.", style="dim")
        for line in view.told
        if line.fails
    ]
    more = len(view.told) - _TOP
    rest = [Text(f"{more} more are told: the page has all of them.", style="dim")] if more > 0 else []
    return Group(held, *fails, *rest, Text(view.promise, style="dim"))


def _short(label: str, longest: int = _LABEL) -> str:
    return label if len(label) <= longest else label[: longest - 3].rstrip() + "..."
