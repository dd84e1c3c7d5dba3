"""Uniform and balanced samples by a seeded hash, alike on every engine and in every run."""

from collections.abc import Sequence
from itertools import zip_longest

import ibis
import ibis.expr.types as ir

from setpoint.domain.vocabulary import Attribution, Outcome

DEFAULT_SEED = "setpoint"


def _md5(text: str) -> str: ...  # type: ignore[empty-body]


# The engines' own MD5 in lower-case hexadecimal: here a source of even randomness, not of secrecy.
_hash = ibis.udf.scalar.builtin(_md5, name="md5")


def _draw(rows: ir.Table, seed: str) -> ir.StringColumn:
    return _hash(ibis.literal(seed + ":") + rows.lead_id)


def sample_leads(rows: ir.Table, leads: int, seed: str) -> ir.Table:
    """Keep the rows of a uniform sample of the cohort's leads: those with the smallest seeded hash of their
    external id. Dropped leads are not of the cohort and stay.
    """
    cohort = rows.filter(rows.dropped == "", rows.attribution == Attribution.CROSS_CHANNEL)
    chosen = (
        cohort.select("lead_id", draw=_draw(cohort, seed)).order_by("draw", "lead_id").limit(leads).select("lead_id")
    )
    kept = rows.filter(rows.dropped == "").semi_join(chosen, "lead_id")
    return ibis.union(kept, rows.filter(rows.dropped != ""))


def in_cells(rows: ir.Table) -> ir.Table:
    """The rows that a balanced sample is drawn from: mature, credited without ambiguity."""
    outcomes = [str(Outcome.BOOKED), str(Outcome.NOT_BOOKED)]
    return rows.filter(rows.dropped == "", rows.outcome.isin(outcomes), ~rows.ambiguous)


def balance(rows: ir.Table, per_cell: int, seed: str) -> ir.Table:
    """Keep at most `per_cell` rows of each attribution, sender and outcome, drawn by the seeded hash.

    Only what rates are made of is drawn from: BOOKED and NOT_BOOKED without ambiguity. The sample's booking rate
    is by design not the workspace's; the counts of the cells before sampling go beside it.
    """
    cells = in_cells(rows)
    drawn = cells.mutate(draw=_draw(cells, seed))
    place = ibis.row_number().over(
        ibis.window(
            group_by=[drawn.attribution, drawn.sender, drawn.outcome],
            order_by=[drawn.draw, drawn.lead_id, drawn.channel],
        )
    )
    placed = drawn.mutate(place=place)
    return placed.filter(placed.place < per_cell).drop("draw", "place")


def in_turn(*lists: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Message ids with their outcomes, one of each list in turn: who reads the first few reads some of each.

    A message stands once, with the first outcome given for it.
    """
    drawn: dict[str, str] = {}
    for turn in zip_longest(*lists):
        for one in turn:
            if one is not None:
                drawn.setdefault(*one)
    return drawn
