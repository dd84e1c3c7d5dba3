"""Answers without a model to questions that a few rows of a report answer: a count, a channel, a pattern in it. Pure.

What is put away from a setter is a word in place of a number, and then there is no such answer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from setpoint.domain.vocabulary import Channel
from setpoint.reports.definitions import CHANNEL_LABELS
from setpoint.reports.insights.schemas import Cell, TableDocument
from setpoint.reports.insights.suppression import SUPPRESSED
from setpoint.reports.presentation import count_text, label_of, rate_text

_CHANNEL_WORDS: Final = {
    Channel.EMAIL: re.compile(r"\b(e-?mails?|mail)\b"),
    Channel.SMS: re.compile(r"\b(sms|text messages?|texting)\b"),
    Channel.LINKEDIN: re.compile(r"\blinked ?in\b"),
}
_WHO: Final = re.compile(r"\b(who|ai|bot|setters?)\b.*\b(better|best|more|wins?)\b")
_MESSAGES: Final = re.compile(r"\b(messages?|patterns?|wording|write|say)\b")
_RATE: Final = re.compile(r"\b(rates?|book|booked|bookings?|convert)\b")
_WHICH_CHANNEL: Final = re.compile(r"\b(which|what) channels?\b")
_SEGMENTS: Final = "segments:cross_channel"


@dataclass(frozen=True, slots=True)
class Direct:
    """What the rows say in a sentence or two, and what it rests on."""

    text: str
    citations: list[str]


def direct(question: str, tables: Mapping[str, TableDocument]) -> Direct | None:
    """The answer that stands in a few rows of these tables, by their keys; None where the question is another one."""
    asked = question.lower()
    if asked.startswith("how many"):
        return _count(asked, tables.get("counts"))
    segments = tables.get(_SEGMENTS)
    if _WHICH_CHANNEL.search(asked):
        return _channels(segments)
    named = [channel for channel, words in _CHANNEL_WORDS.items() if words.search(asked)]
    if len(named) != 1:
        return None
    label = label_of(CHANNEL_LABELS, named[0])
    if _WHO.search(asked):
        return _verdict(label, tables.get("comparison"))
    if _MESSAGES.search(asked):
        return _patterns(label, tables)
    return _rates(label, segments) if _RATE.search(asked) else None


def _records(table: TableDocument | None) -> list[tuple[dict[str, Cell], str | None]]:
    if table is None:
        return []
    names = [column["key"] for column in table["columns"]]
    return [
        (dict(zip(names, row, strict=True)), citation)
        for row, citation in zip(table["rows"], table["citations"], strict=True)
    ]


def _count(asked: str, table: TableDocument | None) -> Direct | None:
    found = [
        (str(row["outcome"]), row["leads"])
        for row, _ in _records(table)
        if isinstance(row["leads"], int) and re.search(rf"\b{re.escape(str(row['outcome']).lower())}\b", asked)
    ]
    if not found:
        return None
    # Of "booked" and "not booked", the longer one is meant.
    outcome, leads = max(found, key=lambda each: len(each[0]))
    words = "lead is" if leads == 1 else "leads are"
    return Direct(f"{count_text(leads)} {words} {outcome.lower()}.", ["counts"])


def _verdict(label: str, table: TableDocument | None) -> Direct | None:
    for row, citation in _records(table):
        if row["channel"] == label and citation is not None and row["verdict"] not in (None, "", SUPPRESSED):
            return Direct(f"{label}: {row['verdict']}", [citation])
    return None


def _rates(label: str, table: TableDocument | None) -> Direct | None:
    rows = [(row, citation) for row, citation in _records(table) if row["channel"] == label]
    told = _by(rows, "sender")
    if not told:
        return None
    citations = [citation for _, citation in rows if citation is not None]
    return Direct(f"Booking rates on {label}: {told}.", list(dict.fromkeys(citations)))


def _channels(table: TableDocument | None) -> Direct | None:
    told = _by(_records(table), "channel")
    if not told:
        return None
    return Direct(
        f"Booking rates by channel: {told}. Leads are not put into channels by chance, so this does not tell which"
        " channel works best.",
        [_SEGMENTS],
    )


def _by(rows: Sequence[tuple[dict[str, Cell], str | None]], name: str) -> str:
    """The booking rates of rows that share a label, from their summed counts; empty where a count is put away."""
    sums: dict[str, tuple[int, int]] = {}
    for row, _ in rows:
        booked, not_booked = row["booked"], row["not_booked"]
        if not isinstance(booked, int) or not isinstance(not_booked, int):
            return ""
        before, mature = sums.get(str(row[name]), (0, 0))
        sums[str(row[name])] = before + booked, mature + booked + not_booked
    return "; ".join(
        f"{label} {rate_text(booked / mature)} ({count_text(booked)} of {count_text(mature)} settled leads)"
        if mature
        else f"{label} none settled yet"
        for label, (booked, mature) in sums.items()
    )


def _patterns(label: str, tables: Mapping[str, TableDocument]) -> Direct | None:
    if "patterns" not in tables:
        return None
    sentences = {citation: row["sentence"] for row, citation in _records(tables["patterns"])}
    finding = {citation: row["finding"] for row, citation in _records(tables["patterns"])}
    held = [
        citation
        for row, citation in _records(tables.get("pattern_parts"))
        if citation is not None
        and row["holds"] == "holds"
        and label in str(row["within"])
        and finding.get(citation) in ("books more", "books less")
        and sentences.get(citation) not in (None, "", SUPPRESSED)
    ]
    citations = list(dict.fromkeys(held))
    shown = [*_records(tables["patterns"]), *_records(tables.get("pattern_parts"))]
    if not citations and any(SUPPRESSED in row.values() for row, _ in shown):
        # One may have been put away.
        return None
    if not citations:
        return Direct(f"No pattern of messages was told on {label}.", ["patterns"])
    told = " ".join(str(sentences[citation]) for citation in citations)
    return Direct(f"These patterns, of all channels together, hold on {label} too: {told}", citations)
