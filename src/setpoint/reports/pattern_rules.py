"""Which features of messages go with bookings: every contrast, tested among messages that are alike. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.datasets.sampling import in_turn
from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Channel, Outcome, Sender
from setpoint.reports.definitions import CHANNEL_LABELS, SENDER_LABELS
from setpoint.reports.features import Contrast, contrasts, exposed
from setpoint.reports.pattern_words import finding_sentence, one_sided, too_little
from setpoint.reports.schemas import PatternDocument, PatternPart, SideTable, estimate_document
from setpoint.stats.clustered import ClusteredDifference, RowCounts, clustered_difference, count_rows
from setpoint.stats.discovery import benjamini_hochberg

FALSE_DISCOVERY_RATE: Final = 0.05
"""A contrast is told where its q-value is at most this: of those told, one in twenty may be chance."""

EVIDENCE_PER_CELL: Final = 6
"""Messages kept of each side and outcome of a told contrast."""

ROW_COLUMNS: Final = pa.schema(
    [
        ("lead", pa.int64()),
        ("message_id", pa.string()),
        ("channel", pa.string()),
        ("sender", pa.string()),
        ("campaign", pa.string()),
        ("outcome", pa.string()),
        ("credited", pa.bool_()),
    ]
)
"""What is known of a message besides its features. Leads are numbered from 0; `outcome` is that of the lead."""

Kind = Literal["pattern", "anti_pattern", "none"]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_PARTS: Final[Mapping[Literal["sender", "channel"], Mapping[str, str]]] = {
    "sender": {sender: SENDER_LABELS[sender] for sender in Sender},
    "channel": {channel: CHANNEL_LABELS[channel] for channel in Channel},
}


def held_equal(contrast: Contrast) -> tuple[str, ...]:
    """The columns that make the strata of a contrast: what the messages that it compares have in common.

    A campaign has its own templates and its own leads: without it, what its templates say would be told for what its
    leads do. A later message, and an answer to a lead who wrote, book more or less whatever they say. So touch and
    the time since the lead's last word are held equal too, each but where the contrast is about it. How fast an
    answer came is compared among messages to leads who had written.
    """
    always = ("channel", "sender", "campaign")
    if contrast.feature == "touch":
        return (*always, "wait")
    if contrast.feature == "wait":
        return (*always, "touch", *(() if contrast.value == "none" else ("written",)))
    return (*always, "touch", "wait")


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Of which rows a contrast can be told (`told`), and which of them are on its side (`with_it`)."""

    told: Bools
    with_it: Bools


class Rows:
    """Messages at risk with their features, and what many contrasts share of them.

    `table` has ROW_COLUMNS and the columns of `features_of`, a row a message, ordered by lead.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.credited = _bools(table["credited"])
        self.lead = np.asarray(table["lead"].to_numpy(), dtype=np.int64)
        self._strata: dict[tuple[str, ...], Ints] = {}
        self._values: dict[tuple[str, str], Bools] = {}
        self._counts: dict[tuple[object, ...], RowCounts] = {}

    def sides(self, contrast: Contrast) -> Sides:
        """Which rows are on the contrast's side, and of which it can be told."""
        side = exposed(self.table, contrast)
        return Sides(_bools(pc.is_valid(side)), _bools(side))

    def being(self, column: str, value: str) -> Bools:
        """Which rows have a value."""
        if (column, value) not in self._values:
            self._values[column, value] = _bools(pc.equal(self.table[column], value))
        return self._values[column, value]

    def compare(self, contrast: Contrast, sides: Sides, among: Bools | None = None) -> ClusteredDifference | Refused:
        """Estimate a contrast with what is held equal, among all rows or some of them."""
        rows = sides.told if among is None else sides.told & among
        names = held_equal(contrast)
        y, stratum, lead, with_it = self.credited, self._stratum(names), self.lead, sides.with_it
        if not rows.all():
            y, stratum, lead, with_it = y[rows], stratum[rows], lead[rows], with_it[rows]
        if with_it.all() or not with_it.any():
            return one_sided(len(y), bool(with_it.any()))
        # Many features are told of the same messages.
        key = (names, hashlib.sha256(np.packbits(rows).tobytes()).digest())
        if key not in self._counts:
            self._counts[key] = count_rows(y, stratum, lead)
        result = clustered_difference(y, with_it, stratum, lead, counts=self._counts[key])
        if not isinstance(result, Refused):
            return result
        trials = self._counts[key].trials
        met = np.bincount(stratum[with_it], minlength=len(trials))
        return too_little(result, shared=bool(((met > 0) & (met < trials)).any()))

    def _stratum(self, names: tuple[str, ...]) -> Ints:
        if names not in self._strata:
            number = np.zeros(len(self.lead), dtype=np.int64)
            for name in names:
                column = pc.not_equal(self.table["wait"], "none") if name == "written" else self.table[name]
                levels, codes = np.unique(_numbers(column), return_inverse=True)
                number = number * len(levels) + codes
            self._strata[names] = np.unique(number, return_inverse=True)[1].astype(np.int64)
        return self._strata[names]


@dataclass(frozen=True, slots=True)
class Tested:
    """The contrasts that could be tested with their estimates, the surest first, and why the others could not."""

    found: list[tuple[Contrast, ClusteredDifference, float]]
    refused: list[tuple[Contrast, Refused]]


def run_tests(rows: Rows) -> Tested:
    """Test every contrast; each that could be comes with its q-value among all of them."""
    results = [(contrast, rows.compare(contrast, rows.sides(contrast))) for contrast in contrasts()]
    found = [(contrast, result) for contrast, result in results if isinstance(result, ClusteredDifference)]
    q_values = benjamini_hochberg([result.p_value for _, result in found])
    ranked = [(contrast, result, q) for (contrast, result), q in zip(found, q_values, strict=True)]
    return Tested(
        found=sorted(ranked, key=lambda each: each[1].p_value),
        refused=[(contrast, result) for contrast, result in results if isinstance(result, Refused)],
    )


def kind_of(result: ClusteredDifference, q_value: float) -> Kind:
    """Which way a told effect points."""
    if q_value > FALSE_DISCOVERY_RATE:
        return "none"
    return "pattern" if result.difference.value > 0 else "anti_pattern"


def holds(part: Measured | Refused, whole: Measured) -> bool | None:
    """Whether a told effect is there in one part of the messages as well.

    True where the part's interval lies on the same side of zero. False where the part points the other way and its
    interval leaves out the estimate of the whole: there was enough to see that effect. None where neither can be
    told.
    """
    if isinstance(part, Refused):
        return None
    sign = 1 if whole.value > 0 else -1
    near, far = sorted((sign * part.low, sign * part.high))
    if near > 0:
        return True
    return False if sign * part.value <= 0 and far < sign * whole.value else None


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of a section, and the messages behind each that was told.

    `evidence` lists ids by the finding's key: those that have the feature first, booked and not booked in turn.
    `outcomes` says BOOKED for a message that is credited with a booking and NOT_BOOKED for one to a lead that did not
    book.
    """

    findings: list[PatternDocument]
    untested: list[dict[str, str]]
    evidence: dict[str, list[str]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)


def find(table: pa.Table, seed: str) -> Findings:
    """Test every contrast over messages at risk (`Rows`), and choose the evidence by a seeded hash of message ids.

    A pure function of its arguments: the same rows in the same order give the same findings to the last bit.
    """
    rows = Rows(table)
    tested = run_tests(rows)
    findings = Findings(
        findings=[],
        untested=[
            {
                "key": contrast.key,
                "feature": contrast.feature,
                "label": contrast.label_exposed,
                "phrase": contrast.phrase,
                "reason": refused.reason,
            }
            for contrast, refused in tested.refused
        ],
    )
    draw = _Draw(rows, seed)
    for contrast, result, q_value in tested.found:
        sides = rows.sides(contrast)
        kind = kind_of(result, q_value)
        findings.findings.append(_finding(rows, contrast, sides, result, q_value, kind))
        if kind != "none":
            drawn = draw.evidence(sides)
            findings.evidence[contrast.key] = list(drawn)
            findings.outcomes.update(drawn)
    return findings


def _finding(
    rows: Rows, contrast: Contrast, sides: Sides, result: ClusteredDifference, q_value: float, kind: Kind
) -> PatternDocument:
    parts = _parts(rows, contrast, sides, None if kind == "none" else result.difference)
    with_it = _side(result.exposed_successes, result.exposed_trials)
    without = _side(result.other_successes, result.other_trials)
    return {
        "key": contrast.key,
        "feature": contrast.feature,
        "label_with": contrast.label_exposed,
        "label_without": contrast.label_other,
        "phrase": contrast.phrase,
        "sentence": finding_sentence(
            contrast.phrase, held_equal(contrast), result.difference, kind != "none", with_it, without
        ),
        "kind": kind,
        "with_it": with_it,
        "without": without,
        "leads": result.clusters,
        "estimate": estimate_document(result.difference),
        "p_value": result.p_value,
        "q_value": q_value,
        "parts": parts,
        "fails_to_hold": [part["label"] for part in parts if part["holds"] is False],
    }


def _side(booked: int, messages: int) -> SideTable:
    return {"booked": booked, "not_booked": messages - booked, "rate": booked / messages if messages else None}


def _parts(rows: Rows, contrast: Contrast, sides: Sides, whole: Measured | None) -> list[PatternPart]:
    """The contrast within each sender and channel, where there are several; `whole` is the effect if it was told."""
    parts: list[PatternPart] = []
    for by, labels in _PARTS.items():
        among = {value: rows.being(by, value) for value in labels}
        present = [value for value, these in among.items() if these.any()]
        for value in present if len(present) > 1 else ():
            result = rows.compare(contrast, sides, among[value])
            outcome = result if isinstance(result, Refused) else result.difference
            parts.append(
                {
                    "by": by,
                    "value": str(value),
                    "label": labels[value],
                    "estimate": estimate_document(outcome),
                    "holds": None if whole is None else holds(outcome, whole),
                }
            )
    return parts


class _Draw:
    """The order in which messages are drawn: by the hash of the seed and their id."""

    def __init__(self, rows: Rows, seed: str) -> None:
        self._rows, self._seed = rows, seed
        self._place: Ints | None = None

    def evidence(self, sides: Sides) -> dict[str, str]:
        """Message ids and their outcomes: those with the feature, then those without, booked and not in turn."""
        unbooked = self._rows.being("outcome", Outcome.NOT_BOOKED)
        drawn: dict[str, str] = {}
        for side in (sides.with_it, sides.told & ~sides.with_it):
            booked, others = (self._first(side & cell) for cell in (self._rows.credited, unbooked))
            drawn |= in_turn(
                [(one, str(Outcome.BOOKED)) for one in booked], [(one, str(Outcome.NOT_BOOKED)) for one in others]
            )
        return drawn

    def _first(self, cell: Bools) -> list[str]:
        if self._place is None:
            ids = self._rows.table["message_id"].to_pylist()
            # A source of even randomness here, and not of secrecy.
            digests = [hashlib.md5(f"{self._seed}:{each}".encode(), usedforsecurity=False).digest() for each in ids]
            self._place = np.argsort(np.argsort(np.array(digests, dtype="S16"), kind="stable"), kind="stable")
        members = np.flatnonzero(cell)
        places = self._place[members]
        if len(members) > EVIDENCE_PER_CELL:
            nearest = np.argpartition(places, EVIDENCE_PER_CELL)[:EVIDENCE_PER_CELL]
            members, places = members[nearest], places[nearest]
        chosen: list[str] = self._rows.table["message_id"].take(pa.array(members[np.argsort(places)])).to_pylist()
        return chosen


def _bools(values: pa.ChunkedArray | pa.Array) -> Bools:
    return np.asarray(pc.fill_null(values, False).to_numpy(), dtype=np.bool_)


def _numbers(column: pa.ChunkedArray) -> Ints:
    """A number for each value of a column, in the order of the values, nulls being one of them."""
    encoded = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    return np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(), dtype=np.int64)
