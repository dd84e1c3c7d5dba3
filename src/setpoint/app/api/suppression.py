"""What a setter sees of counts and reports: no numbers of a handful of leads. Pure."""

from collections.abc import Mapping
from typing import Any

from setpoint.reports.insights.suppression import FEWEST


def suppressed_counts(counts: Mapping[str, int]) -> dict[str, int | None]:
    """The counts with those of fewer than FEWEST put away as null.

    Where that is one alone, the next smallest goes with it, or a total elsewhere would give it away.
    """
    small = {name for name, count in counts.items() if 0 < count < FEWEST}
    others = [name for name, count in counts.items() if count >= FEWEST]
    if len(small) == 1 and others:
        small.add(min(others, key=lambda name: (counts[name], name)))
    return {name: None if name in small else count for name, count in counts.items()}


def suppressed_dry_run(document: Mapping[str, Any]) -> dict[str, Any]:
    """The totals of a dry run, without its segments and comparisons."""
    messages = document["messages"]
    return {
        **{name: document[name] for name in ("workspace", "window", "parameters", "capped")},
        "cohort_leads": None if 0 < document["cohort_leads"] < FEWEST else document["cohort_leads"],
        "counts": suppressed_counts(document["counts"]),
        "counts_within_channel": suppressed_counts(document["counts_within_channel"]),
        "dropped": suppressed_counts(document["dropped"]),
        "messages": {"in_window": messages["in_window"], "counting": messages["counting"]},
    }
