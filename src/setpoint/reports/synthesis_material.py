"""What a report says, as texts under the names by which it is cited: what a model is shown of it, and held to.

Every number stands as the report shows it. Nothing here names a person, a message or the workspace.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from setpoint.domain.measured import Refused
from setpoint.domain.vocabulary import Attribution
from setpoint.reports.citations import (
    ADJUSTMENT,
    COMPARISON,
    COUNTS,
    PATTERNS,
    TIMING,
    TREND,
    Document,
    comparison_citation,
    pattern_citation,
    segment_citation,
)
from setpoint.reports.definitions import DISPOSITION_LABELS, DROP_LABELS, OUTCOME_LABELS, SENDER_LABELS
from setpoint.reports.presentation import (
    about,
    count_text,
    instant_text,
    interval_text,
    label_of,
    labelled,
    points_digits,
    rate_text,
    rests_on_text,
    signed_points_text,
)
from setpoint.reports.schemas import (
    AdjustmentSection,
    EstimateDocument,
    PatternDocument,
    PatternsSection,
    RefusalDocument,
    SideTable,
    TimingSection,
)
from setpoint.reports.trend import TrendSection
from setpoint.reports.view_timing import days_sentence
from setpoint.stats.proportions import wilson

Part = Mapping[str, Any]

FRAME: Final = "frame"
"""What every sentence may name without citing it: the window, its lengths, and how sure intervals are."""

_CONFIDENCE: Final = 0.95


def material(document: Document) -> dict[str, Part]:
    """The parts of a report by citation, and the frame around them: texts, and lists and maps of them."""
    parts: dict[str, Part] = {
        FRAME: _frame(document),
        COUNTS: _counts(document),
        COMPARISON: _comparison(document[COMPARISON]["overall"]) | {"caveats": list(document[COMPARISON]["caveats"])},
    }
    for line in document[COMPARISON]["by_channel"]:
        parts[comparison_citation(line["channel"])] = _comparison(line)
    if document.get(ADJUSTMENT):
        parts[ADJUSTMENT] = _adjustment(document[ADJUSTMENT])
    if document.get(TIMING):
        parts[TIMING] = _timing(document[TIMING])
    if document.get(TREND):
        parts[TREND] = _trend(document[TREND])
    if document.get(PATTERNS):
        parts[PATTERNS] = _patterns(document[PATTERNS])
        parts |= {pattern_citation(found["key"]): _pattern(found) for found in document[PATTERNS]["findings"]}
    for attribution in Attribution:
        parts.update(_segments(attribution, document[attribution]))
    return parts


def texts_of(part: object) -> list[str]:
    """Every text of a part of the material."""
    if isinstance(part, str):
        return [part]
    if isinstance(part, Mapping):
        return [text for key, value in part.items() for text in (str(key), *texts_of(value))]
    if isinstance(part, Sequence):
        return [text for item in part for text in texts_of(item)]
    return []


def needed_text(needed: int) -> str:
    """How many leads are missing: a forecast, and rounded as one."""
    return f"about {count_text(about(needed))} more mature {'lead' if needed == 1 else 'leads'}"


def points_interval(estimate: EstimateDocument) -> str:
    """A difference in points with its interval, or why there is none."""
    measured = estimate["measured"]
    if measured is None:
        return _refusal(estimate["refused"])
    digits = points_digits(measured["value"], measured["low"], measured["high"])
    value, low, high = (signed_points_text(measured[name], digits) for name in ("value", "low", "high"))
    return f"{value} points ({rate_text(measured['confidence'], 0)}: {low} to {high} points)"


def _refusal(refused: RefusalDocument | None) -> str:
    if refused is None:
        return "not known"
    needed = f" Missing: {needed_text(refused['needed'])}." if refused["needed"] else ""
    return refused["reason"] + needed


def _frame(document: Document) -> Part:
    window, parameters = document["window"], document["parameters"]
    return {
        "window": f"{instant_text(window['from'])} to {instant_text(window['to'])}",
        "as of": instant_text(window["as_of"]),
        "attribution window": f"{parameters['attribution_days']} days",
        "maturity buffer": f"{parameters['maturity_days']} days",
        "confidence of intervals": rate_text(_CONFIDENCE, 0),
    }


def _counts(document: Document) -> Part:
    counts = document["counts"]
    return {
        "leads in the cohort": count_text(document["cohort_leads"]),
        "leads by outcome": {label: count_text(n) for label, n in labelled(OUTCOME_LABELS, _outcomes(counts))},
        "of these ambiguous": count_text(counts["ambiguous"]),
        "leads whose sender is inferred": count_text(document["inferred_sender"][Attribution.CROSS_CHANNEL]),
        "leads not in the report": {label: count_text(n) for label, n in labelled(DROP_LABELS, document["dropped"])},
        "messages that count": count_text(document["messages"]["counting"]),
        "sampled": "yes" if document["capped"] else "no",
    }


def _outcomes(counts: Mapping[str, int]) -> dict[str, int]:
    return {outcome: n for outcome, n in counts.items() if outcome != "ambiguous"}


def _comparison(line: Part) -> dict[str, Any]:
    """`difference` is AI's rate minus the setters', also where no winner can be named."""
    found: dict[str, Any] = {"verdict": line["verdict"]}
    for side, label in (("ai", "AI"), ("setter", "setters")):
        found[label] = _rate(line[side]["booked"], line[side]["n"], "mature leads")
    found["difference, AI minus setters"] = points_interval(
        {"measured": line["difference"], "refused": line["refused"]}
    )
    return found


def _rate(booked: int, n: int, of: str) -> str:
    rate = wilson(booked, n)
    if isinstance(rate, Refused):
        return f"no {of}"
    digits = 2 if 0 < rate.value < 0.02 else 1
    return (
        f"{count_text(booked)} of {count_text(n)} {of} booked: {rate_text(rate.value, digits)}"
        f" ({rate_text(rate.confidence, 0)}: {interval_text(rate.low, rate.high, digits)})"
    )


def _p(value: float | None) -> str:
    if value is None:
        return "none"
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def _adjustment(section: AdjustmentSection) -> Part:
    sensitivity = section["sensitivity"]
    return {
        "verdict": section["verdict"],
        "strength": section["strength"],
        "reasons": list(section["reasons"]),
        "held equal": list(section["covariates"]),
        "leads": {"AI": count_text(section["leads"]["ai"]), "setters": count_text(section["leads"]["setter"])},
        "used": "none" if section["used"] is None else count_text(section["used"]),
        "estimates, AI minus setters": [
            {
                "what": f"{step['label']}. {step['note']}",
                "of": rests_on_text(step),
                "difference": points_interval(step["estimate"]),
            }
            for step in section["ladder"]
        ],
        "share of leads that would have to change for both sides to be alike": {
            line["label"]: rate_text(line["gap"], 0) for line in section["balance"]
        },
        "what could explain it away": "not computed" if sensitivity is None else sensitivity["text"],
    }


def _timing(section: TimingSection) -> Part:
    senders: dict[str, Any] = {}
    for sender in section["senders"]:
        label = {"ai": "AI", "setter": "setters"}[sender["sender"]]
        senders[label] = {
            "leads": count_text(sender["leads"]),
            **{name: count_text(sender[name]) for name in ("booked", "lost", "open")},
            **{f"booked by day {line['day']}": _share(line["estimate"]) for line in sender["days"]},
        }
    return {
        "verdict": section["verdict"],
        "followed": f"{section['horizon_days']} days",
        "senders": senders,
        "log-rank p-value": _p(section["log_rank_p_value"]),
        "days without a booking": days_sentence(section),
        "caveats": list(section["caveats"]),
    }


def _trend(section: TrendSection) -> Part:
    return {
        "verdict": section["verdict"],
        "settled weeks": count_text(section["settled_weeks"]),
        "change from week to week": points_interval(section["points_a_week"]),
        "p-value": _p(section["p_value"]),
        "weeks": [
            {
                "week from": week["start"],
                "sender": {"ai": "AI", "setter": "setters"}[week["sender"]],
                "booked so far": _share(week["estimate"]),
                "settled": "no" if week["immature"] else "yes",
            }
            for week in section["weeks"]
        ],
        "caveats": list(section["caveats"]),
    }


def _share(estimate: EstimateDocument) -> str:
    measured = estimate["measured"]
    if measured is None:
        return _refusal(estimate["refused"])
    return (
        f"{rate_text(measured['value'])} ({rate_text(measured['confidence'], 0)}:"
        f" {interval_text(measured['low'], measured['high'])})"
    )


def _patterns(section: PatternsSection) -> Part:
    return {
        "messages": count_text(section["messages"]),
        "leads": count_text(section["leads"]),
        "leads in all": count_text(section["leads_in_all"]),
        "messages with text": count_text(section["with_text"]),
        "sampled": "yes" if section["sampled"] else "no",
        "contrasts tested": count_text(section["tested"]),
        "share of false discoveries allowed": rate_text(section["false_discovery_rate"], 0),
        "caveats": list(section["caveats"]),
        "refused": "no" if section["refused"] is None else _refusal(section["refused"]),
    }


def _pattern(found: PatternDocument) -> Part:
    if found["kind"] == "none":
        return {"kind": "not told from chance", "sentence": found["sentence"]}
    return {
        "kind": {"pattern": "pattern", "anti_pattern": "anti-pattern"}[found["kind"]],
        "sentence": found["sentence"],
        "with it": f"{found['label_with']}: {_messages(found['with_it'])}",
        "without": f"{found['label_without']}: {_messages(found['without'])}",
        "leads": count_text(found["leads"]),
        "difference, with minus without": points_interval(found["estimate"]),
        "q-value": _p(found["q_value"]),
        "within": [
            {
                "where": part["label"],
                "difference": points_interval(part["estimate"]),
                "holds": {True: "yes", False: "no", None: "cannot be told"}[part["holds"]],
            }
            for part in found["parts"]
        ],
        "does not hold": list(found["fails_to_hold"]),
    }


def _messages(table: SideTable) -> str:
    booked, not_booked = table["booked"], table["not_booked"]
    counts = (
        f"{count_text(booked)} of {count_text(booked + not_booked)} messages booked, {count_text(not_booked)} did not"
    )
    return counts if table["rate"] is None else f"{counts}: {rate_text(table['rate'])}"


def _segments(attribution: Attribution, segments: Sequence[Part]) -> Mapping[str, Part]:
    """Segments by sender and channel: the sum, and its dispositions where there are any."""
    found: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[Part]] = {}
    for segment in segments:
        citation = segment_citation(attribution, segment["channel"], segment["sender"])
        groups.setdefault(citation, []).append(segment)
    for citation, group in groups.items():
        booked = sum(segment["booked"] for segment in group)
        mature = booked + sum(segment["not_booked"] for segment in group)
        found[citation] = {
            "sender": label_of(SENDER_LABELS, group[0]["sender"]),
            "rate": _rate(booked, mature, "mature leads"),
            "pending": count_text(sum(segment["pending"] for segment in group)),
        }
        if any(segment["disposition"] for segment in group):
            found[citation]["dispositions"] = {
                label_of(DISPOSITION_LABELS, segment["disposition"]): _rate(
                    segment["booked"], segment["booked"] + segment["not_booked"], "mature leads"
                )
                for segment in group
            }
    return found
