"""A report with all its later sections, small enough to be checked by eye."""

from typing import Any

from tests.reports.documents import realistic


def measured(value: float, low: float, high: float) -> dict[str, Any]:
    return {"measured": {"value": value, "low": low, "high": high, "confidence": 0.95}, "refused": None}


def refused(reason: str) -> dict[str, Any]:
    return {"measured": None, "refused": {"reason": reason, "needed": None}}


def with_sections(**changes: Any) -> dict[str, Any]:
    """`realistic` and what a report of the next form has besides."""
    return realistic() | {
        "version": 1,
        "adjustment": {
            "ladder": [
                ladder_step("crude", "Crude", "leads", 4374, measured(-0.025, -0.041, -0.009)),
                ladder_step("adjusted", "Adjusted", "leads", 3968, measured(0.028, 0.009, 0.047)),
                ladder_step("same_stage", "Same stage", "messages", 12, refused("Too few first messages.")),
            ],
            "balance": [
                {
                    "covariate": "channel",
                    "label": "Channel",
                    "levels": [{"level": "email", "label": "Email", "ai": 1870, "setter": 763}],
                    "gap": 0.514,
                }
            ],
            "verdict": "AI books 2.8 points more with channel and stage held equal (95%: 0.9 to 4.7).",
            "reasons": ["The crude difference points the other way."],
        },
        "timing": {
            "senders": [
                {
                    "sender": sender,
                    "leads": 2439,
                    "booked": 171,
                    "days": [
                        {"day": 14, "estimate": measured(0.061, 0.051, 0.071), "at_risk": 1490},
                        {"day": 30, "estimate": refused("Nobody was watched for so long."), "at_risk": 0},
                    ],
                }
                for sender in ("ai", "setter")
            ],
            "horizon_days": 30,
            "days_sooner": measured(0.62, 0.05, 1.19),
            "verdict": "AI's leads book sooner.",
            "caveats": [],
        },
        "patterns": {
            "findings": [
                finding("offers_times", "offer times", "pattern", 0.041, 141),
                finding("farewell", "say that they are the last one", "anti_pattern", -0.034, 3),
                finding("link", "have a link", "none", 0.002, 88),
            ],
            "caveats": ["A pattern says what goes with bookings."],
            "refused": None,
        },
        "trend": {
            "weeks": [
                {
                    "start": "2026-01-05",
                    "sender": "ai",
                    "booked": 19,
                    "not_booked": 212,
                    "pending": 8,
                    "estimate": measured(0.0823, 0.053, 0.125),
                    "immature": False,
                }
            ],
            "verdict": "No trend can be told.",
            "caveats": [],
        },
        **changes,
    }


def ladder_step(key: str, label: str, unit: str, n: int, estimate: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "label": label, "note": "", "unit": unit, "n": n, "estimate": estimate}


def finding(key: str, phrase: str, kind: str, value: float, booked: int) -> dict[str, Any]:
    return {
        "key": key,
        "phrase": phrase,
        "sentence": f"Messages that {phrase} book {abs(value) * 100:.1f} points {'more' if value > 0 else 'less'}.",
        "kind": kind,
        "with_it": {"booked": booked, "not_booked": 1288, "rate": booked / (booked + 1288)},
        "without": {"booked": 222, "not_booked": 2723, "rate": 222 / 2945},
        "leads": 4374,
        "estimate": measured(value, value - 0.01, value + 0.01),
        "q_value": 0.0004,
        "parts": [
            {
                "by": "channel",
                "value": "sms",
                "label": "SMS",
                "estimate": refused("Too few messages."),
                "holds": None,
            }
        ],
    }
