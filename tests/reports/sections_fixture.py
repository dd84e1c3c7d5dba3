"""The later sections of a report for tests: rich ones, and the same where nothing could be told."""

from typing import Any

from setpoint.domain.measured import Refused
from setpoint.reports.schemas import (
    AdjustmentSection,
    EstimateDocument,
    PatternDocument,
    PatternPart,
    PatternsSection,
    SenderTiming,
    Side,
    SynthesisSection,
    TimingSection,
    estimate_document,
)


def measured(value: float, low: float, high: float) -> EstimateDocument:
    return {"measured": {"value": value, "low": low, "high": high, "confidence": 0.95}, "refused": None}


def refused(reason: str, needed: int | None = None) -> EstimateDocument:
    return estimate_document(Refused(reason, needed))


def adjustment() -> AdjustmentSection:
    """AI is ahead once channel, campaign mode and stage are held equal; crude, it is behind."""
    return {
        "covariates": ["channel", "response_mode", "touch", "replied"],
        "leads": {"ai": 2173, "setter": 2201},
        "ladder": [
            {
                "key": "crude",
                "label": "Crude",
                "note": "All leads as they are, nothing held equal.",
                "unit": "leads",
                "n": 4374,
                "estimate": measured(-0.025, -0.041, -0.009),
            },
            {
                "key": "stratified",
                "label": "Stratified",
                "note": "Within channel, campaign mode and stage, then put together (Cochran-Mantel-Haenszel).",
                "unit": "leads",
                "n": 4102,
                "estimate": measured(0.031, 0.014, 0.048),
            },
            {
                "key": "adjusted",
                "label": "Adjusted",
                "note": "As if every lead had gone to either (AIPW), leads without a counterpart left out.",
                "unit": "leads",
                "n": 3968,
                "estimate": measured(0.028, 0.009, 0.047),
            },
            {
                "key": "same_stage",
                "label": "Same stage",
                "note": "First messages only, in the channels where both write.",
                "unit": "messages",
                "n": 1288,
                "estimate": measured(0.019, -0.008, 0.046),
            },
        ],
        "strata": {
            "strata": 14,
            "shared": 9,
            "odds_ratio": {"value": 1.52, "low": 1.18, "high": 1.96, "confidence": 0.95},
            "p_value": 0.0012,
            "breslow_day_p_value": 0.41,
            "refused": None,
        },
        "rates": {"ai": 0.098, "setter": 0.070},
        "used": 3968,
        "trimmed": {"ai": 291, "setter": 115},
        "overlap": {
            "edges": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
            "ai": [14, 52, 110, 148, 203, 251, 318, 402, 441, 234],
            "setter": [402, 511, 402, 288, 201, 162, 110, 71, 42, 12],
            "outside": 0.093,
        },
        "sensitivity": {
            "robustness_value": 0.046,
            "robustness_value_interval": 0.015,
            "e_value": 2.14,
            "e_value_interval": 1.45,
            "text": (
                "Something unknown would have to explain at least 4.6% of what is left of both who got the lead and "
                "who booked to explain the difference away, and 1.5% to make it untold."
            ),
        },
        "balance": [
            {
                "covariate": "channel",
                "label": "Channel",
                "levels": [
                    {"level": "email", "label": "Email", "ai": 1870, "setter": 763},
                    {"level": "sms", "label": "SMS", "ai": 237, "setter": 667},
                    {"level": "linkedin", "label": "LinkedIn", "ai": 66, "setter": 771},
                ],
                "gap": 0.514,
            },
            {
                "covariate": "touch",
                "label": "Messages before",
                "levels": [
                    {"level": "0", "label": "none", "ai": 812, "setter": 903},
                    {"level": "1-2", "label": "1 or 2", "ai": 870, "setter": 741},
                    {"level": "3+", "label": "3 or more", "ai": 491, "setter": 557},
                ],
                "gap": 0.064,
            },
            {
                "covariate": "replied",
                "label": "The lead had replied",
                "levels": [
                    {"level": "no", "label": "no", "ai": 1540, "setter": 1502},
                    {"level": "yes", "label": "yes", "ai": 633, "setter": 699},
                ],
                "gap": 0.026,
            },
        ],
        "verdict": (
            "AI books 2.8 points more than setters (95%: 0.9 to 4.7), with channel, campaign mode and stage held "
            "equal."
        ),
        "strength": "tentative",
        "winner": "ai",
        "reasons": [
            "Stratified and adjusted estimates agree.",
            "The crude difference points the other way: AI works mostly in email, where few book.",
            "At the same stage the difference cannot be told from zero.",
        ],
        "input_sha256": "a" * 64,
    }


def adjustment_refused() -> AdjustmentSection:
    """Only setters wrote: nothing can be held equal."""
    reason = "Only setters have leads with a settled outcome: there is nothing to compare with."
    steps = (("crude", "Crude"), ("stratified", "Stratified"), ("adjusted", "Adjusted"), ("same_stage", "Same stage"))
    return {
        "covariates": ["channel"],
        "leads": {"ai": 0, "setter": 738},
        "ladder": [
            {"key": key, "label": label, "note": "", "unit": "leads", "n": 738, "estimate": refused(reason)}
            for key, label in steps
        ],
        "strata": {
            "strata": 2,
            "shared": 0,
            "odds_ratio": None,
            "p_value": None,
            "breslow_day_p_value": None,
            "refused": {"reason": "No stratum has leads of both.", "needed": None},
        },
        "rates": None,
        "used": None,
        "trimmed": None,
        "overlap": None,
        "sensitivity": None,
        "balance": [],
        "verdict": "No comparison. " + reason,
        "strength": "none",
        "winner": None,
        "reasons": [reason],
        "input_sha256": None,
    }


def timing() -> TimingSection:
    """AI's leads book a little sooner."""
    return {
        "senders": [_sender_timing("ai", 0.094, 2439, 171), _sender_timing("setter", 0.081, 2412, 210)],
        "horizon_days": 30,
        "log_rank_p_value": 0.031,
        "log_rank_refused": None,
        "days_sooner": measured(0.62, 0.05, 1.19),
        "verdict": "AI's leads book sooner: within 30 days 0.6 days earlier on average (95%: 0.1 to 1.2).",
        "caveats": ["Who got which lead is not held equal here."],
        "input_sha256": "b" * 64,
    }


def timing_refused() -> TimingSection:
    """Setters alone, whose leads were not watched for long."""
    reason = "No lead of AI was sent anything in this window."
    setter = _sender_timing("setter", 0.07, 738, 58)
    setter["days"][1]["estimate"] = refused("Nobody was watched for 30 days yet.", 120)
    return {
        "senders": [
            {
                "sender": "ai",
                "leads": 0,
                "booked": 0,
                "lost": 0,
                "open": 0,
                "days": [{"day": day, "estimate": refused(reason), "at_risk": 0} for day in (14, 30)],
                "curve": [],
                "refused": {"reason": reason, "needed": None},
            },
            setter,
        ],
        "horizon_days": 30,
        "log_rank_p_value": None,
        "log_rank_refused": {"reason": "There is one sender only.", "needed": None},
        "days_sooner": refused("There is one sender only."),
        "verdict": "No comparison of the time to booking: only setters have leads.",
        "caveats": [],
        "input_sha256": None,
    }


def _sender_timing(sender: Side, final: float, leads: int, booked: int) -> SenderTiming:
    curve = []
    for day in range(31):
        value = final * (1 - 0.86**day) / (1 - 0.86**30)
        half = 0.02 * (value / final) ** 0.5 if final else 0.0
        at_risk = int(leads * (1 - day / 36))
        curve.append(
            {
                "day": float(day),
                "value": value,
                "low": max(0.0, value - half * 0.5),
                "high": value + half * 0.5,
                "at_risk": at_risk,
            }
        )
    return {
        "sender": sender,
        "leads": leads,
        "booked": booked,
        "lost": leads // 12,
        "open": leads - booked - leads // 12,
        "days": [
            {
                "day": day,
                "estimate": measured(curve[day]["value"], curve[day]["low"], curve[day]["high"]),
                "at_risk": int(curve[day]["at_risk"]),
            }
            for day in (14, 30)
        ],
        "curve": [
            {
                "day": point["day"],
                "value": point["value"],
                "low": point["low"],
                "high": point["high"],
                "at_risk": int(point["at_risk"]),
            }
            for point in curve
        ],
        "refused": None,
    }


# Key, label of those with it, of those without, phrase, effect and interval in points, q.
_FINDINGS = [
    ("offer_two_times", "Two times or more", "Fewer", "offer two times or more", 4.1, 2.3, 5.9, 0.0004),
    ("short", "Short", "Medium or long", "are short", 2.6, 1.1, 4.1, 0.0061),
    ("ends_question", "Ends with a question", "Does not", "end with a question", 1.9, 0.5, 3.3, 0.021),
    ("last_one", "Says it is the last one", "Does not", "say they are the last", -3.4, -5.1, -1.7, 0.0011),
    ("booking_link", "Asks to book by a link", "Does not", "ask to book by a link", -1.7, -3.0, -0.4, 0.034),
    ("name_used", "Uses the first name", "Does not", "use the lead's first name", 0.8, -0.4, 2.0, 0.31),
    ("evening", "Arrives in the lead's evening or night", "At another time", "arrive late", -0.9, -2.4, 0.6, 0.34),
    ("greeting", "Begins with a greeting", "Does not", "begin with a greeting", 0.3, -0.9, 1.5, 0.71),
]


def patterns() -> PatternsSection:
    """Three patterns, two anti-patterns, three contrasts that could not be told, and one that could not be tested."""
    return {
        "messages": 9410,
        "leads": 4374,
        "leads_in_all": 4374,
        "sampled": False,
        "with_text": 9377,
        "tested": len(_FINDINGS),
        "false_discovery_rate": 0.05,
        "findings": [_finding(*found) for found in _FINDINGS],
        "untested": [
            {"key": "company_used", "label": "Names the lead's company", "reason": "Too few messages name it: 12."},
            {"key": "subject_question", "label": "Asks in the subject", "reason": "No message with it was booked."},
        ],
        "caveats": ["A pattern says what goes with bookings, and not what would happen if you changed it."],
        "refused": None,
        "input_sha256": "c" * 64,
    }


def patterns_refused() -> PatternsSection:
    """A snapshot without texts."""
    return {
        "messages": 0,
        "leads": 0,
        "leads_in_all": 738,
        "sampled": False,
        "with_text": 0,
        "tested": 0,
        "false_discovery_rate": 0.05,
        "findings": [],
        "untested": [],
        "caveats": [],
        "refused": {
            "reason": "This snapshot holds no text of messages, so no pattern can be looked for.",
            "needed": None,
        },
        "input_sha256": None,
    }


def _finding(
    key: str, label: str, other: str, phrase: str, value: float, low: float, high: float, q: float
) -> PatternDocument:
    told = q <= 0.05
    more = "more" if value > 0 else "less"
    parts: list[PatternPart] = [
        {
            "by": "sender",
            "value": "ai",
            "label": "AI",
            "estimate": measured(value / 100, low / 100 - 0.01, high / 100 + 0.01),
            "holds": told,
        },
        {
            "by": "sender",
            "value": "setter",
            "label": "Setter",
            "estimate": measured(-value / 300, low / 100 - 0.03, high / 100 + 0.01),
            "holds": key != "short",
        },
        {
            "by": "channel",
            "value": "sms",
            "label": "SMS",
            "estimate": refused("Too few messages in SMS."),
            "holds": None,
        },
    ]
    return {
        "key": key,
        "feature": key,
        "label_with": label,
        "label_without": other,
        "phrase": phrase,
        "sentence": (
            f"Messages that {phrase} book {abs(value):.1f} points {more} often (95%: {min(abs(low), abs(high)):.1f} "
            f"to {max(abs(low), abs(high)):.1f})."
            if told
            else f"For messages that {phrase} no difference can be told."
        ),
        "kind": "none" if not told else "pattern" if value > 0 else "anti_pattern",
        "with_it": {"booked": 141, "not_booked": 1288, "rate": 141 / 1429},
        "without": {"booked": 222, "not_booked": 2723, "rate": 222 / 2945},
        "leads": 4374,
        "estimate": measured(value / 100, low / 100, high / 100),
        "p_value": q / 2,
        "q_value": q,
        "parts": parts,
        "fails_to_hold": ["Setter"] if key == "short" else [],
    }


def synthesis() -> SynthesisSection:
    """By a model, citing every part of the report."""
    return {
        "source": "model",
        "note": "Written by a model from the numbers of this report and 24 redacted messages.",
        "model": "sonnet-5",
        "effort": "medium",
        "prompt_key": "report.synthesis",
        "prompt_version": 3,
        "prompt_hash": "5f1d",
        "call_id": "0197e0c2-3d60-7f00-8a01-0d2a4b8c1799",
        "cached": False,
        "failure": None,
        "cohort": {"leads": 4374, "window": "2026-01-05 to 2026-03-02"},
        "evidence_shown": 24,
        "content": {
            "summary": [
                {
                    "text": "With channel and stage held equal, AI books somewhat more. Crude, it looks worse.",
                    "citations": ["adjustment", "comparison"],
                },
                {
                    "text": "Email is where AI works, and where it is ahead most clearly.",
                    "citations": ["segments:cross_channel:email:ai", "segments:cross_channel:email:setter", "counts"],
                },
            ],
            "patterns": [
                {"text": "Offer two concrete times.", "citations": ["pattern:offer_two_times"]},
                {"text": "Keep it under 40 words.", "citations": ["pattern:short"]},
            ],
            "anti_patterns": [
                {"text": "Do not announce that it is the last message.", "citations": ["pattern:last_one"]}
            ],
            "recommendations": [
                {
                    "title": "Offer two times in every first reply",
                    "action": "Change the reply snippets so that they name two times within three working days.",
                    "reason": "Messages that offer two times or more book more, with both senders.",
                    "citations": ["pattern:offer_two_times"],
                    "expected_effect": "2 to 6 points more bookings among messages that offer none today, at best.",
                    "effect": {"value": 0.041, "low": 0.023, "high": 0.059, "confidence": 0.95},
                    "safety": "safe_for_auto_send",
                },
                {
                    "title": "Drop the farewell message",
                    "action": "Replace the last message of each sequence by a short question.",
                    "reason": "Messages that say they are the last one book less.",
                    "citations": ["pattern:last_one", "pattern:ends_question"],
                    "expected_effect": "Up to 5 points among last messages.",
                    "effect": {"value": -0.034, "low": -0.051, "high": -0.017, "confidence": 0.95},
                    "safety": "needs_review",
                },
                {
                    "title": "Give AI more of the email leads",
                    "action": "Raise AI's share of new email leads by a quarter, at random, and look again.",
                    "reason": "Only a random split can show what the adjusted estimate suggests.",
                    "citations": ["adjustment", "timing", "something else"],
                    "expected_effect": "Not known before it is tried.",
                    "effect": None,
                    "safety": "needs_review",
                },
            ],
            "caveats": ["What was not recorded about a lead cannot be held equal."],
            "confidence": "medium",
            "confidence_reason": "The estimates agree, but at the same stage no difference can be told.",
        },
        "input_sha256": "d" * 64,
    }


def synthesis_from_statistics() -> SynthesisSection:
    """Made without a model, with hardly anything to go by."""
    section = synthesis()
    return {
        **section,
        "source": "statistics",
        "note": "From the statistics alone: the model did not answer in the form that was asked for.",
        "model": None,
        "effort": None,
        "prompt_key": None,
        "prompt_version": None,
        "prompt_hash": None,
        "call_id": None,
        "failure": "invalid_answer",
        "evidence_shown": 0,
        "content": {
            "summary": [{"text": "Nothing can be told yet.", "citations": []}],
            "patterns": [],
            "anti_patterns": [],
            "recommendations": [],
            "caveats": [],
            "confidence": "low",
            "confidence_reason": "Nothing could be compared.",
        },
    }


def trend() -> dict[str, Any]:
    """Eight weeks, the last of which is too young to be read."""
    starts = ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02", "2026-02-09", "2026-02-16"]
    weeks = []
    for sender, base in (("ai", 0.05), ("setter", 0.09)):
        for i, start in enumerate([*starts, "2026-02-23"]):
            rate = base + 0.004 * i - 0.01 * (i % 3)
            immature = i == 7
            booked, not_booked = round(260 * rate), 260 - round(260 * rate)
            weeks.append(
                {
                    "week": f"2026-W{i + 2:02}",
                    "start": start,
                    "sender": sender,
                    "booked": 4 if immature else booked,
                    "not_booked": 31 if immature else not_booked,
                    "pending": 198 if immature else 6 * i,
                    "estimate": measured(0.114, 0.045, 0.26)
                    if immature
                    else measured(rate, max(0.0, rate - 0.03), rate + 0.035),
                    "immature": immature,
                }
            )
    return {
        "weeks": weeks,
        "verdict": "AI's booking rate rose over the weeks that can be read; the setters' stayed level.",
        "caveats": ["Weeks differ in who was written to."],
    }


def trend_refused() -> dict[str, Any]:
    """One week that cannot be read yet."""
    return {
        "weeks": [
            {
                "week": "2026-W05",
                "start": "2026-01-26",
                "sender": "setter",
                "booked": 0,
                "not_booked": 0,
                "pending": 40,
                "estimate": refused("No lead has a settled outcome yet."),
                "immature": True,
            }
        ],
        "verdict": "Not enough data yet: there is no week that can be read.",
        "caveats": [],
    }


def rich() -> dict[str, Any]:
    """Every section, with something in it."""
    return {
        "adjustment": adjustment(),
        "timing": timing(),
        "patterns": patterns(),
        "synthesis": synthesis(),
        "trend": trend(),
    }


def nothing_told() -> dict[str, Any]:
    """Every section, with a refusal wherever there can be one."""
    return {
        "adjustment": adjustment_refused(),
        "timing": timing_refused(),
        "patterns": patterns_refused(),
        "synthesis": synthesis_from_statistics(),
        "trend": trend_refused(),
    }
