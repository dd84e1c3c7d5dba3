"""The report in a terminal, in the order of the page: the answer, what to do, outcomes, rates, and what is behind."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from setpoint.domain.measured import Measured
from setpoint.domain.vocabulary import Attribution, Outcome
from setpoint.reports.answer import answer_of
from setpoint.reports.definitions import (
    ATTRIBUTION_LABELS,
    CHANNEL_LABELS,
    DROP_LABELS,
    LEFT_OUT_LABELS,
    OUTCOME_LABELS,
)
from setpoint.reports.presentation import (
    Row,
    Segment,
    arrange_by_channel,
    channel_verdicts,
    count_text,
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
from setpoint.reports.terminal_sections import later_sections, recommendations
from setpoint.reports.terminal_tables import table


def print_report(document: Mapping[str, Any], console: Console) -> None:
    """Print a report document as tables that fit 80 columns and say the same without colour.

    Nothing of the document is read as markup, and no character of it can give the terminal an order.
    """
    document = readable(document)
    digits = rate_digits(document)
    parts = [
        _head(document),
        _answer(document),
        *recommendations(document),
        _outcomes(document),
        *(_segments(ATTRIBUTION_LABELS[attribution], document[attribution], digits) for attribution in Attribution),
        _meaning(document, "Booking rate"),
        *later_sections(document, digits),
        _left_out(document),
        _reproduce(document),
    ]
    for part in parts:
        console.print(part, crop=False)
        console.print()


def _head(document: Mapping[str, Any]) -> RenderableType:
    window = document["window"]
    channels = [label_of(CHANNEL_LABELS, channel) for channel in document["parameters"]["channels"]]
    total = sum(document["counts"][outcome] for outcome in Outcome)
    lines = [
        Text(f"Which messages book meetings: {document['workspace']}", style="bold"),
        Text(
            f"[{instant_text(window['from'])}, {instant_text(window['to'])}) as of "
            f"{instant_text(window['as_of'])}, UTC; {listed(channels) if channels else 'all channels'}; "
            f"{leads_text(total)}",
            style="dim",
        ),
    ]
    if document["capped"]:
        cohort = leads_text(document["cohort_leads"])
        lines.append(Text(f"A uniform sample: {count_text(total)} of {cohort}. Counts are those of the sample."))
    return Group(*lines)


def _answer(document: Mapping[str, Any]) -> RenderableType:
    answer = answer_of(document)
    parts = [Text(answer.verdict, style="bold")]
    if answer.strength:
        parts.append(Text(answer.strength))
    parts += [Text(f"- {line}") for line in (*answer.reasons, *answer.lines)]
    if answer.is_adjusted:
        parts += [Text(), Text("By channel, not adjusted:", style="bold")]
        parts += [Text(f"- {verdict}") for verdict in channel_verdicts(document["comparison"])] or [
            Text(f"- {document['comparison']['overall']['verdict']}")
        ]
    if answer.caveats:
        parts += [Text(), *(Text(caveat, style="dim") for caveat in answer.caveats)]
    if answer.missing:
        again = "it" if len(answer.missing) == 1 else "them"
        without = listed(answer.missing, "or")
        parts += [Text(), Text(f"Made without {without}: run it again to have {again}.", style="dim")]
    return Group(*parts)


def _segments(label: str, segments: Sequence[Segment], digits: int) -> RenderableType:
    title = f"Who books more, where: {label.lower()}"
    groups = arrange_by_channel(segments)
    if not groups:
        return Group(Text(title, style="bold"), Text("No lead is credited."))
    held = table(title, "Sender", "Booked", "Not booked", "Pending", "Rate", "95% interval")
    for group in groups:
        held.add_row(Text(group.label, style="bold"))
        for row in group.rows:
            held.add_row(*_cells(row, digits), style="dim" if row.is_part else None)
        held.add_section()
    return held


def _cells(row: Row, digits: int) -> list[Text]:
    indent = "    " if row.is_part else "  "
    counts = [Text(count_text(count)) for count in (row.booked, row.not_booked, row.pending)]
    rate = (
        [
            Text(rate_text(row.rate.value, digits)),
            Text(interval_text(row.rate.low, row.rate.high, digits)),
        ]
        if isinstance(row.rate, Measured)
        else [Text(), Text("no mature lead")]
    )
    return [Text(indent + row.label), *counts, *rate]


def _meaning(document: Mapping[str, Any], term: str) -> RenderableType:
    texts = [definition["text"] for definition in document["definitions"] if definition["term"] == term]
    return Text(f"{term}: {listed(texts)}" if texts else "", style="dim")


def _outcomes(document: Mapping[str, Any]) -> RenderableType:
    counts, rows = document["counts"], document["counts_within_channel"]
    total = sum(counts[outcome] for outcome in Outcome)
    held = table("Outcomes", "Outcome", "Leads", "Share", "Within-channel rows")
    for outcome in Outcome:
        held.add_row(
            OUTCOME_LABELS[outcome],
            count_text(counts[outcome]),
            rate_text(counts[outcome] / total) if total else "",
            count_text(rows[outcome]) if outcome in rows else "never",
        )
    ambiguous = count_text(counts["ambiguous"]), "", count_text(rows["ambiguous"])
    held.add_row("  of these ambiguous", *ambiguous, style="dim")
    return held


def _left_out(document: Mapping[str, Any]) -> RenderableType:
    messages = document["messages"]
    leads = table("Leads not in the report", "Reason", "Leads")
    for label, count in labelled(DROP_LABELS, document["dropped"]):
        leads.add_row(Text(label), count_text(count))
    left_out = table("Messages left out", "Reason", "Messages")
    for label, count in labelled(LEFT_OUT_LABELS, messages["left_out"]):
        left_out.add_row(Text(label), count_text(count))
    counting, sent = count_text(messages["counting"]), count_text(messages["in_window"])
    sentence = f"{counting} of {sent} messages in the window count."
    return Group(leads, Text(), left_out, Text(sentence, style="dim"))


def _reproduce(document: Mapping[str, Any]) -> RenderableType:
    if document.get("dry_run"):
        return Group(
            Text("A dry run: counts only, nothing was kept.", style="bold"),
            Text("To run the report and keep it:"),
            Text(document["reproduce"], overflow="fold"),
        )
    return Group(
        Text("The same report again", style="bold"),
        Text(document["reproduce"], overflow="fold"),
        Text(f"Dataset SHA-256 {document['dataset_sha256']}", style="dim", overflow="fold"),
        *(
            Text(f"{label}: made from SHA-256 {sha256}", style="dim", overflow="fold")
            for label, sha256 in input_hashes(document)
        ),
        Text(
            f"Setpoint {document['code_version']}, engine {document['engine']}, by {document['author']} at "
            f"{document['created_at']}",
            style="dim",
        ),
    )
