"""What messages that book have in common, as page and terminal show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from setpoint.domain.measured import Measured, Refused
from setpoint.reports.presentation import (
    anchor,
    count_text,
    difference_texts,
    estimate_of,
    leads_text,
    listed,
    p_text,
    rate_text,
    refusal_text,
)
from setpoint.reports.schemas import PatternDocument, PatternPart, PatternsSection, SideTable

KINDS: Mapping[str, str] = {
    "pattern": "books more",
    "anti_pattern": "books less",
    "none": "not told apart",
}
"""What each kind of finding is called beside its label."""


@dataclass(frozen=True, slots=True)
class PatternLine:
    """One contrast. `value` is empty where there is no effect, and `interval` then has the reason."""

    key: str
    address: str
    label: str
    phrase: str
    other: str
    sentence: str
    kind: str
    with_it: SideTable
    without: SideTable
    estimate: Measured | Refused
    value: str
    interval: str
    q: str
    parts: str
    fails: str


@dataclass(frozen=True, slots=True)
class PatternsView:
    """The contrasts: told ones, those that were tested and not told, and those that could not be tested."""

    told: Sequence[PatternLine]
    untold: Sequence[PatternLine]
    untested: Sequence[tuple[str, str]]
    made_of: str
    rate: str
    promise: str
    caveats: Sequence[str]
    refused: str | None

    @property
    def patterns(self) -> list[PatternLine]:
        """Told contrasts with which messages book more, the largest effect first."""
        return [line for line in self.told if line.kind == "pattern"]

    @property
    def anti_patterns(self) -> list[PatternLine]:
        """Told contrasts with which messages book less, the largest effect first."""
        return [line for line in self.told if line.kind == "anti_pattern"]


def patterns_view(section: PatternsSection | None) -> PatternsView | None:
    """Arrange the `patterns` of a report by effect, or None where the report has none."""
    if section is None:
        return None
    lines = sorted((_line(finding) for finding in section["findings"]), key=_effect, reverse=True)
    told = [line for line in lines if line.kind != "none"]
    up = [line for line in told if line.kind == "pattern"]
    down = sorted((line for line in told if line.kind == "anti_pattern"), key=_effect)
    rate = rate_text(section["false_discovery_rate"], 0)
    return PatternsView(
        told=[*up, *down],
        untold=[line for line in lines if line.kind == "none"],
        untested=[
            (
                item.get("label") or item.get("label_with") or item.get("phrase") or item.get("key") or "",
                item.get("reason", ""),
            )
            for item in section["untested"]
        ],
        made_of=_made_of(section),
        rate=rate,
        promise=(
            f"{count_text(section['tested'])} contrasts were tested at once. Of those that are told, at most {rate} "
            "are expected to be chance (Benjamini-Hochberg)."
        ),
        caveats=section["caveats"],
        refused=section["refused"]["reason"] if section["refused"] else None,
    )


def pattern_address(key: str) -> str:
    """Where on the page a pattern stands."""
    return anchor("pattern", key)


def _effect(line: PatternLine) -> float:
    return line.estimate.value if isinstance(line.estimate, Measured) else float("-inf")


def _made_of(section: PatternsSection) -> str:
    text = f"{count_text(section['messages'])} messages to {leads_text(section['leads'])}"
    if section["sampled"]:
        text += f", a uniform sample of {count_text(section['leads_in_all'])}"
    return f"{text}; the text of {count_text(section['with_text'])} messages could be read."


def _line(finding: PatternDocument) -> PatternLine:
    estimate = estimate_of(finding["estimate"])
    value, interval = ("", refusal_text(estimate)) if isinstance(estimate, Refused) else difference_texts(estimate)
    return PatternLine(
        key=finding["key"],
        address=pattern_address(finding["key"]),
        label=finding["label_with"],
        phrase=finding["phrase"],
        other=finding["label_without"],
        sentence=finding["sentence"],
        kind=finding["kind"],
        with_it=finding["with_it"],
        without=finding["without"],
        estimate=estimate,
        value=value,
        interval=interval,
        q="" if finding["q_value"] is None else p_text(finding["q_value"]),
        parts=", ".join(_part(part) for part in finding["parts"]),
        fails=listed(finding["fails_to_hold"]) if finding["fails_to_hold"] else "",
    )


def _part(part: PatternPart) -> str:
    estimate = estimate_of(part["estimate"])
    if isinstance(estimate, Refused):
        return f"{part['label']} cannot be told"
    return f"{part['label']} {difference_texts(estimate)[0]}"
