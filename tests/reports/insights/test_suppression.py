"""That no number of a handful of leads is shown to setters, nor told by what is."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from setpoint.reports.insights.schemas import ColumnDocument, ColumnKind, TableDocument
from setpoint.reports.insights.suppression import FEWEST, SUMMED, SUPPRESSED, suppressed

LABELS = ("channel", "sender", "disposition")
PLACES = list(product(("email", "sms"), ("ai", "setter"), ("", "EDITED", "APPROVED")))
Counts = list[tuple[int, int]]


def table_of(counts: Counts) -> TableDocument:
    """Booked and not booked leads by channel, sender and disposition."""
    kinds = [*((name, ColumnKind.LABEL) for name in LABELS), *((n, ColumnKind.COUNT) for n in ("booked", "not"))]
    return TableDocument(
        key="segments",
        title="Segments",
        columns=[ColumnDocument(key=key, label=key, kind=kind.value) for key, kind in kinds],
        rows=[[*place, *held] for place, held in zip(PLACES, counts, strict=False)],
        citations=[None] * len(counts),
        says="3 leads booked.",
        notes=["Of all 3 leads."],
    )


def told_by_subtraction(table: TableDocument, counts: Counts) -> dict[tuple[int, int], int]:
    """The cells put away that whoever has the sums by `SUMMED` can work out, by row and column, one after another.

    A sum is known where a table that has it would show it: none of its counts is of a handful.
    """
    known = [[cell if cell != SUPPRESSED else None for cell in row[len(LABELS) :]] for row in table["rows"]]
    groups = []
    for labels in SUMMED:
        if labels < set(LABELS):
            keys = [tuple(place[LABELS.index(label)] for label in sorted(labels)) for place in PLACES[: len(counts)]]
            groups += [[n for n, key in enumerate(keys) if key == one] for one in set(keys)]
    found: dict[tuple[int, int], int] = {}
    while True:
        before = len(found)
        for group, column in product(groups, (0, 1)):
            sums = [sum(counts[n][each] for n in group) for each in (0, 1)]
            missing = [n for n in group if known[n][column] is None]
            if len(missing) == 1 and not any(0 < each < FEWEST for each in sums):
                rest = sum(int(str(known[n][column])) for n in group if n not in missing)
                known[missing[0]][column] = found[missing[0], column] = sums[column] - rest
        if len(found) == before:
            return found


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 60)), max_size=len(PLACES)))
def test_no_handful_is_shown_or_told_by_subtraction(counts: Counts) -> None:
    shown = suppressed(table_of(counts))
    for row in shown["rows"]:
        assert not any(isinstance(cell, int) and 0 < cell < FEWEST for cell in row)
    told = told_by_subtraction(shown, counts)
    assert not [cell for cell in told.values() if 0 < cell < FEWEST]


@given(st.lists(st.tuples(st.sampled_from([0, 5, 9]), st.sampled_from([0, 6, 50])), max_size=len(PLACES)))
def test_a_table_without_a_handful_stays(counts: Counts) -> None:
    assert suppressed(table_of(counts)) == table_of(counts)


def test_the_smallest_of_the_same_sum_goes_with_it_and_the_largest_stay() -> None:
    counts = [(3, 40), (9, 30), (20, 200), (30, 90), (40, 100), (0, 0)]
    shown = suppressed(table_of(counts))
    assert [row[3] == SUPPRESSED for row in shown["rows"]] == [True, True, False, False, False, False]
    assert shown["says"] is None
    (note,) = shown["notes"]
    assert note.startswith("A row in which a count is below 5 is shown without its numbers;")
