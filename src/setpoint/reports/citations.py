"""What a sentence about a report may rest on: a stable name for each part of it, with its words.

`pattern:<key>`, `patterns`, `comparison`, `comparison:<channel>`, `adjustment`, `timing`, `trend`, `counts`,
`segment:<attribution>/<channel>/<sender>`, and `evidence:<n>` for the n-th of the messages that were shown.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from setpoint.datasets.evidence import NamelessEvidence
from setpoint.domain.vocabulary import Attribution
from setpoint.reports.definitions import ATTRIBUTION_LABELS, CHANNEL_LABELS, CHANNEL_PHRASES, SENDER_LABELS
from setpoint.reports.presentation import label_of

Document = Mapping[str, Any]

COMPARISON: Final = "comparison"
ADJUSTMENT: Final = "adjustment"
TIMING: Final = "timing"
TREND: Final = "trend"
COUNTS: Final = "counts"
PATTERNS: Final = "patterns"

_LABELS: Final = {
    COUNTS: "Leads by outcome",
    COMPARISON: "AI and setters",
    ADJUSTMENT: "AI and setters, what is known of the leads held equal",
    TIMING: "Time to booking",
    TREND: "Booking rate by week",
    PATTERNS: "Contrasts of messages",
}
_PATTERN, _EVIDENCE = "pattern:", "evidence:"


def pattern_citation(key: str) -> str:
    """Of one contrast of messages."""
    return _PATTERN + key


def comparison_citation(channel: str) -> str:
    """Of the comparison of AI and setters in one channel."""
    return f"{COMPARISON}:{channel}"


def segment_citation(attribution: Attribution | str, channel: str, sender: str) -> str:
    """Of the leads of one sender in one channel."""
    return f"segment:{attribution}/{channel}/{sender}"


def evidence_citation(message: int) -> str:
    """Of one message of the evidence, by its number (NamelessEvidence.message)."""
    return f"{_EVIDENCE}{message}"


def is_pattern(citation: str) -> bool:
    """Whether it names a contrast of messages."""
    return citation.startswith(_PATTERN)


def targets(document: Document, evidence: Iterable[NamelessEvidence] = ()) -> dict[str, str]:
    """Everything that may be cited, each with its label, in the order of the report."""
    found = {COUNTS: _LABELS[COUNTS], COMPARISON: _LABELS[COMPARISON]}
    for line in document["comparison"]["by_channel"]:
        where = label_of(CHANNEL_PHRASES, line["channel"])
        found[comparison_citation(line["channel"])] = f"AI and setters {where}"
    found |= {name: _LABELS[name] for name in (ADJUSTMENT, TIMING, TREND, PATTERNS) if document.get(name)}
    for finding in (document.get(PATTERNS) or {}).get("findings", ()):
        found[pattern_citation(finding["key"])] = f"Messages that {finding['phrase']}"
    for attribution in Attribution:
        for segment in document[attribution]:
            channel, sender = segment["channel"], segment["sender"]
            found[segment_citation(attribution, channel, sender)] = (
                f"{label_of(CHANNEL_LABELS, channel)}, {label_of(SENDER_LABELS, sender)}"
                f" ({ATTRIBUTION_LABELS[attribution].lower()})"
            )
    return found | {evidence_citation(one.message): f"Message {one.message}" for one in evidence}
