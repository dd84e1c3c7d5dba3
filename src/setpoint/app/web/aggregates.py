"""The tables of a report that every member may see, in words and, where small numbers leave enough, drawn. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Outcome, Role
from setpoint.reports import chart_senders, charts
from setpoint.reports.answer import answer_of
from setpoint.reports.chart_forest import ForestRow, forest
from setpoint.reports.chart_style import Picture
from setpoint.reports.definitions import CHANNEL_LABELS, OUTCOME_LABELS, SENDER_LABELS
from setpoint.reports.insights.schemas import Cell, ColumnKind, TableDocument
from setpoint.reports.insights.suppression import FEWEST, SUPPRESSED
from setpoint.reports.insights.table_text import cell_text
from setpoint.reports.presentation import Group, Row, count_text, difference_texts, interval_text, rate_text
from setpoint.reports.view_trend import WeekLine
from setpoint.stats.proportions import wilson

Tables = Mapping[str, TableDocument]

PUT_AWAY: Final = f"fewer than {FEWEST} leads in one of its numbers"
_TOO_SMALL: Final = (
    f"The verdict rests on numbers of fewer than {FEWEST} leads, which admins of the workspace see: ask one of them."
)
_QUESTIONS: Final = {
    "counts": "Outcomes",
    "comparison": "AI against setters, by channel",
    "segments:cross_channel": "Who books more, where",
    "segments:within_channel": "The same by the last message of each channel",
    "adjustment": "How sure, how confounded",
    "timing": "When they book",
    "trend": "Is it getting better",
    "patterns": "What booking messages share",
}
"""The tables that setters read at once, with the words above them; the others are folded below."""
_SENDERS: Final = {label: sender for sender, label in SENDER_LABELS.items()}
_ORDER: Final = {label: place for place, label in enumerate([*CHANNEL_LABELS.values(), *SENDER_LABELS.values()])}
_OUTCOMES: Final = {label: outcome for outcome, label in OUTCOME_LABELS.items()}
_FINDINGS: Final = {"books more": "triangle-up", "books less": "triangle-down"}
_WEEKS: Final = "How many leads book, by the week in which they were first written to?"
_ENDS: Final = frozenset({"low", "high", "refused"})


# What a report says first


@dataclass(frozen=True, slots=True)
class Said:
    """The verdict of a report in a sentence, how strong it is, and why."""

    verdict: str
    strength: str = ""
    reasons: Sequence[str] = ()


def said(document: Mapping[str, Any], tables: Tables, role: Role) -> Said:
    """The verdict of a complete report as an actor may see it, `tables` being what they may see of it.

    A setter reads the adjusted verdict where its table is whole, else that of all channels thrown together, else why
    there is none for them.
    """
    answer = answer_of(document)
    adjustment, comparison = tables.get("adjustment"), tables["comparison"]
    if role is Role.ADMIN or (
        answer.is_adjusted and adjustment is not None and answer.verdict in adjustment["notes"]
    ):
        return Said(answer.verdict, answer.strength, answer.reasons)
    if any(document["counts"][outcome] for outcome in Outcome):
        verdict = cells(comparison)[0]["verdict"]
        return Said(_TOO_SMALL if verdict == SUPPRESSED else str(verdict))
    return Said(answer.verdict)


# Tables in words


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as it is shown: columns and cells each with their class; a row without numbers has None for them.

    `sentences` are those that rows have of their own.
    """

    key: str
    title: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[tuple[str, str] | None]]
    sentences: Sequence[str]
    notes: Sequence[str]


def cells(table: TableDocument) -> list[dict[str, Cell]]:
    """The rows of a table by the keys of its columns."""
    keys = [column["key"] for column in table["columns"]]
    return [dict(zip(keys, row, strict=True)) for row in table["rows"]]


def _in_order(table: TableDocument) -> list[dict[str, Cell]]:
    """The rows of a table, those of channels and senders in the order that these have everywhere."""
    rows = cells(table)
    if not _has(table, "channel", "sender"):
        return rows
    return sorted(rows, key=lambda row: [_ORDER.get(str(row[key]), len(_ORDER)) for key in ("channel", "sender")])


def is_put_away(row: Mapping[str, Cell]) -> bool:
    """Whether the numbers of a row are kept from the reader."""
    return SUPPRESSED in row.values()


def table_view(table: TableDocument) -> TableView:
    """Arrange a table: an estimate and its interval stand side by side, or the reason why there is none."""
    told = _told_apart(table)
    estimate = next((key for key in ("value", "rate") if _has(table, key, "low", "high")), None)
    held = [column for column in table["columns"] if not (estimate and column["key"] in _ENDS)]
    sentences = [column["key"] for column in held if column["key"] in ("verdict", "sentence")]
    held = [column for column in held if column["key"] not in sentences]
    columns: list[tuple[str, str]] = []
    for column in held:
        columns.append((column["label"], _class(column["kind"])))
        if column["key"] == estimate:
            columns.append(("95% interval", ""))
    rows: list[list[tuple[str, str] | None]] = []
    for row in _in_order(table):
        line: list[tuple[str, str] | None] = []
        for column in held:
            key, kind = column["key"], column["kind"]
            if row[key] == SUPPRESSED and is_put_away(row):
                line += [None, None] if key == estimate else [None]
            elif key == estimate:
                line += _estimate_cells(row, key, kind)
            else:
                line.append((cell_text(kind, row[key]), _class(kind)))
        rows.append(line)
    return TableView(
        key=table["key"],
        title=table["title"],
        columns=columns,
        rows=rows,
        sentences=[
            str(row[key]) for row in told for key in sentences if row[key] is not None and not is_put_away(row)
        ],
        notes=table["notes"],
    )


def _told_apart(table: TableDocument) -> list[dict[str, Cell]]:
    rows = cells(table)
    return [row for row in rows if row["finding"] in _FINDINGS] if table["key"] == "patterns" else rows


def _has(table: TableDocument, *keys: str) -> bool:
    return set(keys) <= {column["key"] for column in table["columns"]}


def _class(kind: str) -> str:
    return {ColumnKind.LABEL: "left", ColumnKind.WORDS: "wrap"}.get(ColumnKind(kind), "")


def _estimate_cells(row: Mapping[str, Cell], key: str, kind: str) -> list[tuple[str, str] | None]:
    found = _measured(row, key)
    if isinstance(found, Refused):
        return [("–", "muted"), (found.reason, "muted wrap")]
    if kind == ColumnKind.POINTS:
        value, interval = difference_texts(found)
        return [(value, "strong"), (interval, "")]
    return [(rate_text(found.value), "strong"), (interval_text(found.low, found.high), "")]


def _measured(row: Mapping[str, Cell], key: str) -> Measured | Refused:
    if isinstance(row[key], str):
        return Refused(f"There are {PUT_AWAY}.")
    if row[key] is None:
        return Refused(str(row.get("refused") or "No lead has a settled outcome."))
    value, low, high = (float(row[name] or 0) for name in (key, "low", "high"))
    return Measured(value, low, high, 0.95)


# The same, drawn


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, or the reason why there is none."""

    question: str
    picture: Picture | None
    reason: str | None


def figures(tables: Tables) -> dict[str, Figure]:
    """The pictures that can be drawn from tables alone, by the key of their table, the same as in a whole report."""
    drawn: dict[str, tuple[str, Picture | Refused]] = {}
    if table := tables.get("counts"):
        drawn["counts"] = ("What became of the leads?", _outcomes(table))
    groups = channel_groups(tables["comparison"])
    drawn["comparison"] = (
        "Who books more, where, by the last message in any channel?",
        charts.booking_rates(groups, "Booking rate by channel and sender", "comparison", charts.rate_limit(groups)),
    )
    if table := tables.get("adjustment"):
        drawn["adjustment"] = ("How much of the difference is left?", _ladder(table))
    if table := tables.get("trend"):
        drawn["trend"] = (_WEEKS, _weeks(table))
    if table := tables.get("patterns"):
        drawn["patterns"] = ("What do messages that book have in common?", _effects(table))
    return {key: figure(question, picture) for key, (question, picture) in drawn.items()}


def trend_figure(table: TableDocument) -> Figure:
    """The weeks of a trend, drawn alone."""
    return figure(_WEEKS, _weeks(table))


def figure(question: str, picture: Picture | Refused) -> Figure:
    """A question and what answers it."""
    if isinstance(picture, Refused):
        return Figure(question, None, picture.reason)
    return Figure(question, picture, None)


def _weeks(table: TableDocument) -> Picture | Refused:
    return chart_senders.weeks(week_lines(table), "Booking rate by week", "trend")


def _outcomes(table: TableDocument) -> Picture | Refused:
    rows = [row for row in cells(table) if row["outcome"] in _OUTCOMES]
    if any(is_put_away(row) for row in rows):
        return Refused(f"One of the outcomes has fewer than {FEWEST} leads: the table has the others.")
    counts = {_OUTCOMES[str(row["outcome"])]: _count(row["leads"]) for row in rows}
    return charts.outcomes(counts, "Leads by outcome", "outcomes")


def channel_groups(comparison: TableDocument) -> list[Group]:
    """Mature leads by channel and sender, of the channels whose numbers are shown."""
    return [
        Group(
            str(row["channel"]),
            [
                Row(label, booked, mature - booked, 0, wilson(booked, mature))
                for label, sender in _SENDERS.items()
                for booked, mature in [(_count(row[f"{sender}_booked"]), _count(row[f"{sender}_n"]))]
            ],
        )
        for row in cells(comparison)[1:]
        if not is_put_away(row)
    ]


def week_lines(table: TableDocument) -> list[WeekLine]:
    """The weeks of the trend, of those whose numbers are shown."""
    return [
        WeekLine(
            start=str(row["week"]),
            sender=_SENDERS.get(str(row["sender"]), str(row["sender"])),
            booked=_count(row["booked"]),
            not_booked=_count(row["not_booked"]),
            pending=_count(row["pending"]),
            rate=_measured(row, "rate"),
            immature=row["settled"] != "settled",
            digits=1,
        )
        for row in cells(table)
        if not is_put_away(row)
    ]


def _ladder(table: TableDocument) -> Picture | Refused:
    rows = [
        ForestRow(
            f"{row['step']} ({row['unit']})",
            _measured(row, "value"),
            of=f"{count_text(_count(row['n']))} {row['unit']}",
        )
        for row in cells(table)
        if not is_put_away(row)
    ]
    title = "AI minus setters, from crude to most careful"
    axis = "AI minus setters, percentage points"
    return forest(rows, [], axis=axis, lines=("", ""), title=title, ident="adjustment")


def _effects(table: TableDocument) -> Picture | Refused:
    rows = [row for row in cells(table) if not is_put_away(row)]

    def drawn(row: Mapping[str, Cell]) -> ForestRow:
        finding = str(row["finding"])
        mark = _FINDINGS.get(finding, "circle")
        label = str(row["messages"]).removeprefix("Messages that ").capitalize()
        with_it, without = (
            f"{count_text(booked)} of {count_text(booked + _count(row[f'{side}_not_booked']))} booked"
            for side in ("with", "without")
            for booked in [_count(row[f"{side}_booked"])]
        )
        of = f"{with_it} with it, {without} without"
        return ForestRow(label, _measured(row, "value"), mark, finding == "books more", f", {finding}", of)

    return forest(
        [drawn(row) for row in rows if row["finding"] in _FINDINGS],
        [drawn(row) for row in rows if row["finding"] not in _FINDINGS],
        axis="Booking rate with it minus without it, percentage points",
        lines=("Above: told apart from chance", "Below: not told apart from chance"),
        title="Effect of each contrast on the booking rate",
        ident="patterns",
    )


def _count(cell: Cell) -> int:
    return int(cell or 0)


# All of it


@dataclass(frozen=True, slots=True)
class Part:
    """A table as setters read it, with its picture where there can be one."""

    title: str
    table: TableView
    figure: Figure | None


@dataclass(frozen=True, slots=True)
class Aggregates:
    """What setters read of a report: parts that stand open, and tables that are folded."""

    parts: Sequence[Part]
    folded: Sequence[TableView]


def aggregates(tables: Sequence[TableDocument]) -> Aggregates:
    """Arrange the tables that an actor may see, and draw them."""
    by_key = {table["key"]: table for table in tables}
    pictures = figures(by_key)
    return Aggregates(
        [
            Part(title, table_view(by_key[key]), pictures.get(key))
            for key, title in _QUESTIONS.items()
            if key in by_key
        ],
        [table_view(table) for table in tables if table["key"] not in _QUESTIONS],
    )
