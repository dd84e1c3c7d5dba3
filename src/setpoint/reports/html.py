"""The report as one HTML file that needs nothing else: no script, no font, no request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Attribution, Outcome, Sender
from setpoint.reports import chart_senders, charts
from setpoint.reports.answer import answer_of
from setpoint.reports.chart_forest import ForestRow, forest
from setpoint.reports.chart_style import Picture
from setpoint.reports.citations import pattern_citation, segment_citation
from setpoint.reports.definitions import (
    ATTRIBUTION_LABELS,
    CHANNEL_LABELS,
    DROP_LABELS,
    LEFT_OUT_LABELS,
    OUTCOME_LABELS,
    SENDER_LABELS,
)
from setpoint.reports.presentation import (
    Group,
    about,
    anchor,
    arrange_by_channel,
    arrange_by_response_mode,
    channel_verdicts,
    count_text,
    difference_texts,
    input_hashes,
    instant_text,
    interval_text,
    label_of,
    labelled,
    leads_text,
    listed,
    rate_digits,
    rate_text,
    readable,
)
from setpoint.reports.schemas import SideTable
from setpoint.reports.view_adjustment import AdjustmentView, adjustment_view
from setpoint.reports.view_patterns import KINDS, PatternLine, PatternsView, patterns_view
from setpoint.reports.view_synthesis import synthesis_facts, synthesis_view
from setpoint.reports.view_timing import timing_view
from setpoint.reports.view_trend import trend_view

_TEMPLATES: Final = Path(__file__).parent / "templates"
_QUESTIONS: Final = {
    Attribution.CROSS_CHANNEL: "Who books more, where, by the last message in any channel?",
    Attribution.WITHIN_CHANNEL: "Who books more, where, by the last message of each channel?",
}
_PATTERN_MARKS: Final = {"pattern": "triangle-up", "anti_pattern": "triangle-down"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, or the reason why there is none."""

    picture: Picture | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class AttributionView:
    """One attribution as it is shown: the picture and the table beside it."""

    name: str
    label: str
    question: str
    figure: Figure
    groups: Sequence[Group]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A line of the comparison of AI with the setters."""

    label: str
    ai: Mapping[str, Any]
    setter: Mapping[str, Any]
    difference: str
    interval: str
    address: str


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """A line of the outcomes: leads, and rows of the within-channel attribution where there can be any."""

    key: str
    label: str
    leads: int
    share: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class EvidenceLink:
    """Where the messages are that something rests on, and how many."""

    address: str
    messages: int


def render_html(document: Mapping[str, Any]) -> str:
    """Render a report document as a self-contained HTML page.

    The answer comes first, then the pictures beside their tables, then the definitions and how to make the
    same report again. A section that the document does not have is not shown. Everything that the document holds
    is escaped, and characters that nobody sees are left out.
    """
    return _render(document, "report.html.j2", {})


def render_body(document: Mapping[str, Any], evidence: Mapping[str, EvidenceLink] | None = None) -> Markup:
    """What stands in the page of `render_html`, for a page that has a head, and `report_style`, of its own.

    `evidence` has, by citation, where the messages are that it rests on.
    """
    return Markup(_render(document, "report_body.html.j2", evidence or {}))  # noqa: S704 - the template escapes what it is given.


def _render(document: Mapping[str, Any], template: str, evidence: Mapping[str, EvidenceLink]) -> str:
    document = readable(document)
    digits = rate_digits(document)
    by_response_mode = document["by_response_mode"]
    return (
        _environment(document, digits, evidence)
        .get_template(template)
        .render(
            report=document,
            answer=answer_of(document),
            total=sum(document["counts"][outcome] for outcome in Outcome),
            channels=[label_of(CHANNEL_LABELS, channel) for channel in document["parameters"]["channels"]],
            attributions=_attributions(document, digits),
            outcomes=_outcomes(document),
            outcomes_figure=_figure(charts.outcomes(document["counts"], "Leads by outcome", "outcomes")),
            channel_verdicts=channel_verdicts(document["comparison"]),
            comparisons=_comparisons(document["comparison"]),
            response_modes=[
                (ATTRIBUTION_LABELS[attribution], arrange_by_response_mode(by_response_mode[attribution]))
                for attribution in Attribution
            ],
            dropped=labelled(DROP_LABELS, document["dropped"]),
            left_out=labelled(LEFT_OUT_LABELS, document["messages"]["left_out"]),
            synthesis=synthesis_view(document),
            synthesis_facts=synthesis_facts(document),
            input_hashes=input_hashes(document),
            **_later_sections(document, digits),
        )
    )


def report_style() -> str:
    """The style of a report, for pages that show one."""
    return (_TEMPLATES / "report.css").read_text("utf-8")


def _environment(document: Mapping[str, Any], digits: int, evidence: Mapping[str, EvidenceLink]) -> Environment:
    terms = {definition["term"]: definition["text"] for definition in document["definitions"]}
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=count_text,
        instant=instant_text,
        percent=lambda rate: rate_text(rate, digits),
        leads=leads_text,
        listed=listed,
    )
    environment.tests["measured"] = lambda value: isinstance(value, Measured)
    environment.globals.update(
        interval=lambda low, high: interval_text(low, high, digits),
        define=lambda term: terms.get(term, ""),
        anchor=anchor,
        evidence=evidence.get,
        pattern_citation=pattern_citation,
        segment_citation=segment_citation,
        senders={SENDER_LABELS[sender]: sender.value for sender in Sender},
        sender_label=lambda sender: label_of(SENDER_LABELS, sender),
    )
    return environment


def _later_sections(document: Mapping[str, Any], digits: int) -> dict[str, Any]:
    """The sections that a report may be without, each arranged or None, and their pictures."""
    adjustment, timing = adjustment_view(document.get("adjustment")), timing_view(document.get("timing"), digits)
    patterns, trend = patterns_view(document.get("patterns")), trend_view(document.get("trend"), digits)
    found: dict[str, Any] = {"adjustment": adjustment, "timing": timing, "patterns": patterns, "trend": trend}
    if adjustment:
        overlap = document["adjustment"]["overlap"]
        found["adjustment_figure"] = _figure(_ladder(adjustment))
        found["overlap_figure"] = (
            _figure(chart_senders.overlap(overlap, "Leads by how likely AI was to get them", "overlap"))
            if overlap
            else Figure(None, "How likely AI was to get a lead could not be computed.")
        )
    if timing:
        drawn = chart_senders.incidence(document["timing"], "Share of leads booked by each day", "timing")
        found["timing_figure"] = _figure(drawn)
    if trend:
        found["trend_figure"] = _figure(chart_senders.weeks(trend.lines, "Booking rate by week", "trend"))
    if patterns:
        found["patterns_figure"] = _figure(_effects(patterns))
    return found


def _ladder(view: AdjustmentView) -> Picture | Refused:
    rows = [
        ForestRow(
            f"{line.label} ({line.unit})"
            if line.unit == "messages" and "message" not in line.label.lower()
            else line.label,
            line.estimate,
            mark="diamond" if line.unit == "messages" else "circle",
            solid=line.key == "adjusted",
            of=line.rests_on,
        )
        for line in view.ladder
    ]
    return forest(
        rows,
        [],
        axis="AI minus setters, percentage points",
        lines=("", ""),
        title="AI minus setters, from crude to most careful",
        ident="adjustment",
    )


def _effects(view: PatternsView) -> Picture | Refused:
    def row(line: PatternLine) -> ForestRow:
        mark = _PATTERN_MARKS.get(line.kind, "circle")
        of = f"{_booked(line.with_it)} with it, {_booked(line.without)} without"
        return ForestRow(line.label, line.estimate, mark, line.kind == "pattern", f", {KINDS.get(line.kind, '')}", of)

    return forest(
        [row(line) for line in view.told],
        [row(line) for line in view.untold],
        axis="Booking rate with it minus without it, percentage points",
        lines=(f"Above: told, at most {view.rate} of these by chance", "Below: not told apart from chance"),
        title="Effect of each contrast on the booking rate",
        ident="patterns",
    )


def _booked(side: SideTable) -> str:
    return f"{count_text(side['booked'])} of {count_text(side['booked'] + side['not_booked'])} booked"


def _attributions(document: Mapping[str, Any], digits: int) -> list[AttributionView]:
    arranged = {attribution: arrange_by_channel(document[attribution]) for attribution in Attribution}
    limit = charts.rate_limit(*arranged.values())
    views = []
    for attribution, groups in arranged.items():
        label = ATTRIBUTION_LABELS[attribution]
        drawn = charts.booking_rates(groups, f"Booking rate, {label.lower()}", attribution.value, limit, digits)
        views.append(AttributionView(attribution.value, label, _QUESTIONS[attribution], _figure(drawn), groups))
    return views


def _figure(drawn: Picture | Refused) -> Figure:
    return Figure(None, drawn.reason) if isinstance(drawn, Refused) else Figure(drawn, None)


def _outcomes(document: Mapping[str, Any]) -> list[OutcomeView]:
    counts, rows = document["counts"], document["counts_within_channel"]
    total = sum(counts[outcome] for outcome in Outcome)
    return [
        OutcomeView(
            outcome.lower().replace("_", "-"),
            OUTCOME_LABELS[outcome],
            counts[outcome],
            rate_text(counts[outcome] / total) if total else "",
            rows.get(outcome),
        )
        for outcome in Outcome
    ]


def _comparisons(section: Mapping[str, Any]) -> list[ComparisonView]:
    overall = _comparison("All channels", "", section["overall"])
    return [
        overall,
        *(
            _comparison(label_of(CHANNEL_LABELS, line["channel"]), anchor("comparison", line["channel"]), line)
            for line in section["by_channel"]
        ),
    ]


def _comparison(label: str, address: str, line: Mapping[str, Any]) -> ComparisonView:
    difference = line["difference"]
    if difference is None:
        needed = line["refused"]["needed"]
        text = f"needs about {count_text(about(needed))} more leads" if needed else "no comparison"
        return ComparisonView(label, line["ai"], line["setter"], "", text, address)
    value, interval = difference_texts(Measured(**difference))
    return ComparisonView(label, line["ai"], line["setter"], value, interval, address)
