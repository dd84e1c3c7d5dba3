"""The sections of a report document: plain mappings that JSON holds, and every reading of a report is drawn from.

A number stands with its interval, or there is a refusal that says why there is none; never both, never neither.

A section's `input_sha256` is that of what it was made from (`setpoint.reports.inputs`): two reports may have the same
dataset and differ in it. It is null where a section was made from nothing, and in reports that have none yet.
"""

from typing import Final, Literal, TypedDict

from setpoint.domain.measured import Measured, Refused

OF_THE_RUN: Final = frozenset({"id", "author", "created_at", "engine", "synthesis"})
"""Of a report document: what may differ between two runs that are told the same."""


class IntervalDocument(TypedDict):
    """An estimate and its interval. Rates and differences are fractions."""

    value: float
    low: float
    high: float
    confidence: float


class RefusalDocument(TypedDict):
    """Why there is no number, and how many leads are missing where that is known."""

    reason: str
    needed: int | None


class EstimateDocument(TypedDict):
    """A number or why there is none: exactly one of the two is not null."""

    measured: IntervalDocument | None
    refused: RefusalDocument | None


def estimate_document(outcome: Measured | Refused) -> EstimateDocument:
    """The document of an estimate."""
    if isinstance(outcome, Refused):
        return {"measured": None, "refused": refusal_document(outcome)}
    return {
        "measured": {
            "value": outcome.value,
            "low": outcome.low,
            "high": outcome.high,
            "confidence": outcome.confidence,
        },
        "refused": None,
    }


def refusal_document(refused: Refused) -> RefusalDocument:
    """The document of a refusal."""
    return {"reason": refused.reason, "needed": refused.needed}


Side = Literal["ai", "setter"]


class SideCounts(TypedDict):
    """Leads (or what the section counts) of AI and of the setters."""

    ai: int
    setter: int


class LevelDocument(TypedDict):
    """One level of a covariate and how many leads of each side it has."""

    level: str
    label: str
    ai: int
    setter: int


class BalanceDocument(TypedDict):
    """How the leads of the two sides differ in one covariate. `gap` is the share that would have to change level."""

    covariate: str
    label: str
    levels: list[LevelDocument]
    gap: float


class LadderStep(TypedDict):
    """One estimate of how much more AI books than setters, in the order from crude to most careful.

    `key` is crude, stratified, adjusted, aged or same_stage; `unit` is what it counts (leads or messages), `n` how
    many of them it rests on, null where there is no estimate that rests on any.
    """

    key: str
    label: str
    note: str
    unit: Literal["leads", "messages"]
    n: int | None
    estimate: EstimateDocument


class StrataDocument(TypedDict):
    """The test beside the stratified estimate: odds ratio, its test, and whether the strata agree (Breslow-Day)."""

    strata: int
    shared: int
    odds_ratio: IntervalDocument | None
    p_value: float | None
    breslow_day_p_value: float | None
    refused: RefusalDocument | None


class OverlapDocument(TypedDict):
    """Leads of both sides by how likely AI was to get them: counts per bin between consecutive `edges`."""

    edges: list[float]
    ai: list[int]
    setter: list[int]
    outside: float


class SensitivityDocument(TypedDict):
    """How strong something unknown would have to be to explain the adjusted estimate, or its interval, away."""

    robustness_value: float
    robustness_value_interval: float
    e_value: float | None
    e_value_interval: float | None
    text: str


class AdjustmentSection(TypedDict):
    """`adjustment` of a report: setter against AI with what is known of the leads held equal (cross-channel).

    `rates`, `used` and `trimmed` are those of the adjusted step; null where there is none.
    """

    covariates: list[str]
    leads: SideCounts
    ladder: list[LadderStep]
    strata: StrataDocument
    rates: dict[str, float] | None
    used: int | None
    trimmed: SideCounts | None
    overlap: OverlapDocument | None
    sensitivity: SensitivityDocument | None
    balance: list[BalanceDocument]
    verdict: str
    strength: Literal["clear", "tentative", "none"]
    winner: Side | None
    reasons: list[str]
    input_sha256: str | None


class IncidencePoint(TypedDict):
    """Share of leads that booked by `day`, with its interval, and how many were still at risk then."""

    day: float
    value: float
    low: float
    high: float
    at_risk: int


class DayDocument(TypedDict):
    """The share booked by one of the days that are asked for, or why it cannot be said."""

    day: int
    estimate: EstimateDocument
    at_risk: int


class SenderTiming(TypedDict):
    """Time to booking of one sender's leads. `lost` ended otherwise, `open` had not ended when last known."""

    sender: Side
    leads: int
    booked: int
    lost: int
    open: int
    days: list[DayDocument]
    curve: list[IncidencePoint]
    refused: RefusalDocument | None


class TimingSection(TypedDict):
    """`timing` of a report: cumulative incidence of booking by sender, what is pending being censored."""

    senders: list[SenderTiming]
    horizon_days: int
    log_rank_p_value: float | None
    log_rank_refused: RefusalDocument | None
    days_sooner: EstimateDocument
    verdict: str
    caveats: list[str]
    input_sha256: str | None


class SideTable(TypedDict):
    """Messages that were credited with a booking, and those that were not."""

    booked: int
    not_booked: int
    rate: float | None


class PatternPart(TypedDict):
    """The same contrast within one sender or channel."""

    by: Literal["sender", "channel"]
    value: str
    label: str
    estimate: EstimateDocument
    holds: bool | None


class PatternDocument(TypedDict):
    """One contrast of messages. `key` is stable and is what a citation or an address names.

    `kind` says which way a told effect points; `none` is for what could be tested and was not told apart.
    """

    key: str
    feature: str
    label_with: str
    label_without: str
    phrase: str
    sentence: str
    kind: Literal["pattern", "anti_pattern", "none"]
    with_it: SideTable
    without: SideTable
    leads: int
    estimate: EstimateDocument
    p_value: float | None
    q_value: float | None
    parts: list[PatternPart]
    fails_to_hold: list[str]


class PatternsSection(TypedDict):
    """`patterns` of a report: the contrasts that were tested, the surest first, and those that could not be.

    `refused` says why nothing could be tested at all, as where an engine holds no text.
    """

    messages: int
    leads: int
    leads_in_all: int
    sampled: bool
    with_text: int
    tested: int
    false_discovery_rate: float
    findings: list[PatternDocument]
    untested: list[dict[str, str]]
    caveats: list[str]
    refused: RefusalDocument | None
    input_sha256: str | None


class ClaimDocument(TypedDict):
    """A sentence or two, and what of the report they rest on (`setpoint.reports.citations`)."""

    text: str
    citations: list[str]


class RecommendationDocument(TypedDict):
    """Something to do. `effect` is the measured one of what is cited; `expected_effect` says it in words."""

    title: str
    action: str
    reason: str
    citations: list[str]
    expected_effect: str
    effect: IntervalDocument | None
    safety: Literal["safe_for_auto_send", "needs_review"]


class SynthesisContent(TypedDict):
    """What a report comes to, in words."""

    summary: list[ClaimDocument]
    patterns: list[ClaimDocument]
    anti_patterns: list[ClaimDocument]
    recommendations: list[RecommendationDocument]
    caveats: list[str]
    confidence: Literal["high", "medium", "low"]
    confidence_reason: str


class SynthesisSection(TypedDict):
    """`synthesis` of a report: by a model over the numbers and redacted evidence, or from the statistics alone.

    `note` says which, and why where a model was asked in vain. `cohort` is what it was made from.
    """

    source: Literal["model", "statistics"]
    note: str
    model: str | None
    effort: str | None
    prompt_key: str | None
    prompt_version: int | None
    prompt_hash: str | None
    call_id: str | None
    cached: bool
    failure: str | None
    cohort: dict[str, str | int]
    evidence_shown: int
    content: SynthesisContent
    input_sha256: str | None
