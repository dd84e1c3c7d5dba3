"""From the document of a report to the tables of a pack. Pure; sections that a document has not give no table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from setpoint.domain.vocabulary import Attribution
from setpoint.reports.citations import comparison_citation, pattern_citation, segment_citation
from setpoint.reports.definitions import (
    ATTRIBUTION_LABELS,
    CHANNEL_LABELS,
    DISPOSITION_LABELS,
    DROP_LABELS,
    LEFT_OUT_LABELS,
    OUTCOME_LABELS,
    RESPONSE_MODE_LABELS,
    SENDER_LABELS,
)
from setpoint.reports.insights.schemas import (
    PACK_VERSION,
    Cell,
    ColumnDocument,
    ColumnKind,
    PackDocument,
    TableDocument,
)
from setpoint.reports.pattern_words import told_sentence
from setpoint.reports.presentation import count_text, instant_text, label_of, labelled, listed
from setpoint.reports.schemas import TimingSection
from setpoint.reports.view_timing import days_sentence

Document = Mapping[str, Any]
Row = Sequence[Cell]

_OUTCOMES = {**OUTCOME_LABELS, "ambiguous": "Of these ambiguous"}
_AT_95 = "Intervals are at 95%."
_ESTIMATE = (
    ("value", "AI minus setters", ColumnKind.POINTS),
    ("low", "Low", ColumnKind.POINTS),
    ("high", "High", ColumnKind.POINTS),
)
_REFUSED = ("refused", "Why there is no number", ColumnKind.WORDS)
_OF_SEGMENT = (
    ("channel", "Channel", ColumnKind.LABEL),
    ("sender", "Sender", ColumnKind.LABEL),
    ("disposition", "Disposition", ColumnKind.LABEL),
)
_RATE = (
    ("booked", "Booked", ColumnKind.COUNT),
    ("not_booked", "Not booked", ColumnKind.COUNT),
    ("pending", "Pending", ColumnKind.COUNT),
    ("rate", "Booking rate", ColumnKind.RATE),
    ("low", "Low", ColumnKind.RATE),
    ("high", "High", ColumnKind.RATE),
)


def pack_document(document: Document) -> PackDocument:
    """The pack of a complete report."""
    return PackDocument(
        version=PACK_VERSION,
        run_id=document["id"],
        workspace=document["workspace"],
        window=document["window"],
        parameters=document["parameters"],
        tables=[table for table in _tables(document) if table["rows"]],
    )


def _tables(document: Document) -> Iterable[TableDocument]:
    yield _comparison(document["comparison"])
    if section := document.get("adjustment"):
        yield _adjustment(section)
        yield _balance(section)
    for attribution in Attribution:
        yield _segments(attribution, document[attribution])
    for attribution in Attribution:
        yield _by_response_mode(attribution, document["by_response_mode"][attribution])
    if section := document.get("timing"):
        yield _timing(section)
    if section := document.get("patterns"):
        yield _patterns(section)
        yield _pattern_parts(section)
    if section := document.get("trend"):
        yield _trend(section)
    yield _table(
        "counts",
        "Leads by outcome",
        [("outcome", "Outcome", ColumnKind.LABEL), ("leads", "Leads", ColumnKind.COUNT)],
        labelled(_OUTCOMES, document["counts"]),
    )
    yield _table(
        "dropped",
        "Leads that are not in the report, by reason",
        [("reason", "Reason", ColumnKind.LABEL), ("leads", "Leads", ColumnKind.COUNT)],
        labelled(DROP_LABELS, document["dropped"]),
    )
    yield _messages(document["messages"])
    yield _about(document)
    yield _table(
        "definitions",
        "What the words of a report mean",
        [("term", "Term", ColumnKind.LABEL), ("meaning", "Meaning", ColumnKind.WORDS)],
        [(each["term"], each["text"]) for each in document["definitions"]],
        citations=[f"definition:{each['term'].lower().replace(' ', '_')}" for each in document["definitions"]],
    )


def _table(
    key: str,
    title: str,
    columns: Iterable[tuple[str, str, ColumnKind]],
    rows: Iterable[Row],
    *,
    citations: Sequence[str | None] | None = None,
    says: str | None = None,
    notes: Iterable[str] = (),
) -> TableDocument:
    held = [list(row) for row in rows]
    return TableDocument(
        key=key,
        title=title,
        columns=[ColumnDocument(key=name, label=label, kind=kind.value) for name, label, kind in columns],
        rows=held,
        citations=list(citations) if citations is not None else [None] * len(held),
        says=says,
        notes=[note for note in notes if note],
    )


def _estimate(estimate: Mapping[str, Any]) -> tuple[Cell, Cell, Cell, Cell]:
    measured, refused = estimate["measured"], estimate["refused"]
    if measured is None:
        return None, None, None, refused["reason"]
    return measured["value"], measured["low"], measured["high"], None


def _comparison(section: Mapping[str, Any]) -> TableDocument:
    lines = [("All channels", "comparison", section["overall"])] + [
        (label_of(CHANNEL_LABELS, line["channel"]), comparison_citation(line["channel"]), line)
        for line in section["by_channel"]
    ]
    sides = [
        (f"{side}_{name}", f"{label}: {words}", kind)
        for side, label in (("ai", "AI"), ("setter", "Setters"))
        for name, words, kind in (
            ("booked", "booked", ColumnKind.COUNT),
            ("n", "mature leads", ColumnKind.COUNT),
            ("rate", "booking rate", ColumnKind.RATE),
        )
    ]
    rows = []
    for label, _, line in lines:
        arms = [line[side][name] for side in ("ai", "setter") for name in ("booked", "n", "rate")]
        estimate = _estimate({"measured": line["difference"], "refused": line["refused"]})
        rows.append([label, *arms, *estimate, line["verdict"]])
    return _table(
        "comparison",
        "Setter against AI: booking rates, all channels and each channel",
        [
            ("channel", "Channel", ColumnKind.LABEL),
            *sides,
            *_ESTIMATE,
            _REFUSED,
            ("verdict", "Verdict", ColumnKind.WORDS),
        ],
        rows,
        citations=[citation for _, citation, _ in lines],
        says=section["overall"]["verdict"],
        notes=[_AT_95, *section["caveats"]],
    )


def _adjustment(section: Mapping[str, Any]) -> TableDocument:
    rows = [
        [step["label"], *_estimate(step["estimate"]), step["n"], step["unit"], step["note"]]
        for step in section["ladder"]
    ]
    return _table(
        "adjustment",
        "Setter against AI with what is known of the leads held equal, from crude to most careful",
        [
            ("step", "Estimate", ColumnKind.LABEL),
            *_ESTIMATE,
            _REFUSED,
            ("n", "Rests on", ColumnKind.COUNT),
            ("unit", "Counts", ColumnKind.LABEL),
            ("note", "How it is made", ColumnKind.LABEL),
        ],
        rows,
        says=section["verdict"],
        notes=[section["verdict"], *section["reasons"], _AT_95],
    )


def _balance(section: Mapping[str, Any]) -> TableDocument:
    rows = [
        [each["label"], level["label"], level["ai"], level["setter"]]
        for each in section["balance"]
        for level in each["levels"]
    ]
    return _table(
        "adjustment_balance",
        "How the leads of AI and of setters differ in what is known of them",
        [
            ("what", "What is known", ColumnKind.LABEL),
            ("level", "Value", ColumnKind.LABEL),
            ("ai", "AI: leads", ColumnKind.COUNT),
            ("setter", "Setters: leads", ColumnKind.COUNT),
        ],
        rows,
    )


def _segments(attribution: Attribution, segments: Sequence[Mapping[str, Any]]) -> TableDocument:
    return _table(
        f"segments:{attribution}",
        f"Booking rates by channel, sender and what became of the draft ({ATTRIBUTION_LABELS[attribution].lower()})",
        [*_OF_SEGMENT, *_RATE],
        [_segment(each) for each in segments],
        # The report names a sender's leads in a channel; with several dispositions a row is a part of that.
        citations=[segment_citation(attribution, each["channel"], each["sender"]) for each in segments],
        notes=[_AT_95],
    )


def _by_response_mode(attribution: Attribution, segments: Sequence[Mapping[str, Any]]) -> TableDocument:
    return _table(
        f"response_mode:{attribution}",
        f"Booking rates by the campaign's response mode ({ATTRIBUTION_LABELS[attribution].lower()})",
        [("response_mode", "Response mode", ColumnKind.LABEL), *_OF_SEGMENT, *_RATE],
        [[label_of(RESPONSE_MODE_LABELS, each["response_mode"]), *_segment(each)] for each in segments],
        notes=[_AT_95],
    )


def _segment(segment: Mapping[str, Any]) -> list[Cell]:
    return [
        label_of(CHANNEL_LABELS, segment["channel"]),
        label_of(SENDER_LABELS, segment["sender"]),
        label_of(DISPOSITION_LABELS, segment["disposition"]),
        *(segment[name] for name, _, _ in _RATE),
    ]


def _timing(section: TimingSection) -> TableDocument:
    rows = [
        [
            label_of(SENDER_LABELS, sender["sender"]),
            f"by day {day['day']}",
            *_estimate(day["estimate"]),
            day["at_risk"],
            sender["leads"],
            sender["booked"],
        ]
        for sender in section["senders"]
        for day in sender["days"]
    ]
    return _table(
        "timing",
        "Time to booking: the share of leads that booked by a day, for AI and setters",
        [
            ("sender", "Sender", ColumnKind.LABEL),
            ("day", "Day", ColumnKind.LABEL),
            ("rate", "Booked by then", ColumnKind.RATE),
            ("low", "Low", ColumnKind.RATE),
            ("high", "High", ColumnKind.RATE),
            _REFUSED,
            ("at_risk", "Leads still open then", ColumnKind.COUNT),
            ("leads", "Leads", ColumnKind.COUNT),
            ("booked", "Booked", ColumnKind.COUNT),
        ],
        rows,
        says=section["verdict"],
        notes=[section["verdict"], days_sentence(section), *section["caveats"], _AT_95],
    )


def _patterns(section: Mapping[str, Any]) -> TableDocument:
    says = {"pattern": "books more", "anti_pattern": "books less", "none": "not told apart"}
    rows = [
        [
            f"Messages that {each['phrase']}",
            says.get(each["kind"], each["kind"]),
            *(each[side][name] for side in ("with_it", "without") for name in ("booked", "not_booked", "rate")),
            each["leads"],
            *_estimate(each["estimate"]),
            each["q_value"],
            each["sentence"],
        ]
        for each in section["findings"]
    ]
    refused = section["refused"]
    return _table(
        "patterns",
        "What messages that book have in common, and what those that do not (patterns and anti-patterns)",
        [
            ("messages", "Messages", ColumnKind.LABEL),
            ("finding", "Finding", ColumnKind.LABEL),
            ("with_booked", "With it: booked", ColumnKind.COUNT),
            ("with_not_booked", "With it: not booked", ColumnKind.COUNT),
            ("with_rate", "With it: booking rate", ColumnKind.RATE),
            ("without_booked", "Without: booked", ColumnKind.COUNT),
            ("without_not_booked", "Without: not booked", ColumnKind.COUNT),
            ("without_rate", "Without: booking rate", ColumnKind.RATE),
            ("leads", "Leads", ColumnKind.COUNT),
            ("value", "Difference", ColumnKind.POINTS),
            ("low", "Low", ColumnKind.POINTS),
            ("high", "High", ColumnKind.POINTS),
            _REFUSED,
            ("q_value", "q", ColumnKind.NUMBER),
            ("sentence", "In words", ColumnKind.WORDS),
        ],
        rows,
        citations=[pattern_citation(each["key"]) for each in section["findings"]],
        says=told_sentence(section),
        notes=[refused["reason"] if refused else "", *section["caveats"], _AT_95],
    )


def _pattern_parts(section: Mapping[str, Any]) -> TableDocument:
    holds = {True: "holds", False: "does not hold", None: "cannot be told"}
    parts = [(each, part) for each in section["findings"] for part in each["parts"]]
    return _table(
        "pattern_parts",
        "Where each pattern of messages holds: within each sender and channel",
        [
            ("messages", "Messages", ColumnKind.LABEL),
            ("within", "Within", ColumnKind.LABEL),
            ("holds", "Holds", ColumnKind.LABEL),
            ("value", "Difference", ColumnKind.POINTS),
            ("low", "Low", ColumnKind.POINTS),
            ("high", "High", ColumnKind.POINTS),
            _REFUSED,
        ],
        [
            [f"Messages that {each['phrase']}", part["label"], holds[part["holds"]], *_estimate(part["estimate"])]
            for each, part in parts
        ],
        citations=[pattern_citation(each["key"]) for each, _ in parts],
        notes=[_AT_95],
    )


def _trend(section: Mapping[str, Any]) -> TableDocument:
    rows = [
        [
            week["start"],
            label_of(SENDER_LABELS, week["sender"]),
            week["booked"],
            week["not_booked"],
            week["pending"],
            *_estimate(week["estimate"]),
            "not all settled yet" if week["immature"] else "settled",
        ]
        for week in section["weeks"]
    ]
    return _table(
        "trend",
        "The booking rate from week to week, for AI and setters",
        [
            ("week", "Week from", ColumnKind.LABEL),
            ("sender", "Sender", ColumnKind.LABEL),
            *_RATE,
            _REFUSED,
            ("settled", "Settled", ColumnKind.LABEL),
        ],
        rows,
        says=section["verdict"],
        notes=[section["verdict"], *section["caveats"], _AT_95],
    )


def _messages(section: Mapping[str, Any]) -> TableDocument:
    rows = [("Sent in the window", section["in_window"]), ("Counting", section["counting"])]
    rows += [(f"Left out: {label}", count) for label, count in labelled(LEFT_OUT_LABELS, section["left_out"])]
    return _table(
        "messages",
        "Messages sent in the window: those that count, and those left out by reason",
        [("messages", "Messages", ColumnKind.LABEL), ("count", "Number", ColumnKind.COUNT)],
        rows,
    )


def _about(document: Document) -> TableDocument:
    window, parameters = document["window"], document["parameters"]
    channels = [label_of(CHANNEL_LABELS, channel) for channel in parameters["channels"]]
    return _table(
        "about",
        "What the report is about: its window, its parameters, its cohort",
        [("what", "What", ColumnKind.LABEL), ("value", "Value", ColumnKind.LABEL)],
        [
            ("From", instant_text(window["from"])),
            ("To, not included", instant_text(window["to"])),
            ("As of", instant_text(window["as_of"])),
            ("Attribution window", f"{parameters['attribution_days']} days"),
            ("Maturity buffer", f"{parameters['maturity_days']} days"),
            ("Channels", listed(channels) if channels else "all"),
            ("Labelled leads", f"{count_text(document['cohort_leads'])}"),
            ("A sample of them", "yes" if document["capped"] else "no"),
        ],
    )
