"""Report documents for tests: a believable one, and those at the edges."""

from collections.abc import Mapping
from typing import Any

from setpoint.domain.measured import Measured
from setpoint.domain.vocabulary import Channel, Sender
from setpoint.reports.comparison import Cell, compare
from setpoint.reports.definitions import definitions
from setpoint.stats.proportions import wilson

Counts = tuple[int, int, int]
"""Booked, not booked, pending."""
Segments = Mapping[tuple[str, str, str], Counts]
"""Counts by sender, channel and disposition."""

# AI books more in every channel, but works mostly in email, where few book: all channels together the setters
# seem to book more.
CONFOUNDED: Segments = {
    ("ai", "email", "AUTO_SENT"): (58, 1012, 171),
    ("ai", "email", "APPROVED"): (31, 498, 64),
    ("ai", "email", "EDITED"): (22, 249, 31),
    ("ai", "sms", "AUTO_SENT"): (19, 148, 22),
    ("ai", "sms", "APPROVED"): (9, 61, 8),
    ("ai", "linkedin", "APPROVED"): (14, 52, 6),
    ("setter", "email", ""): (19, 744, 80),
    ("setter", "sms", ""): (60, 607, 61),
    ("setter", "linkedin", ""): (131, 640, 70),
}
CONFOUNDED_WITHIN: Segments = {
    ("ai", "email", "AUTO_SENT"): (66, 1108, 180),
    ("ai", "email", "APPROVED"): (37, 540, 66),
    ("ai", "email", "EDITED"): (25, 262, 33),
    ("ai", "sms", "AUTO_SENT"): (27, 190, 30),
    ("ai", "sms", "APPROVED"): (11, 80, 10),
    ("ai", "linkedin", "APPROVED"): (16, 60, 7),
    ("setter", "email", ""): (27, 840, 92),
    ("setter", "sms", ""): (71, 690, 70),
    ("setter", "linkedin", ""): (144, 702, 76),
}


def make_document(cross: Segments, within: Segments | None = None, **changes: Any) -> dict[str, Any]:
    """Build a whole report document around the segments, with whatever else is given put in its place."""
    within = cross if within is None else within
    document: dict[str, Any] = {
        "id": "0197e0c2-3d5f-7c11-9a52-6f0d2a4b8c17",
        "workspace": "northwind",
        "status": "complete",
        "author": "dana@northwind.example",
        "code_version": "0.1.0",
        "created_at": "2026-03-10T08:12:44Z",
        "window": {
            "from": "2026-01-05T00:00:00Z",
            "to": "2026-03-02T00:00:00Z",
            "as_of": "2026-03-09T00:00:00Z",
        },
        "parameters": {
            "attribution_days": 14,
            "maturity_days": 7,
            "channels": [],
            "max_leads": None,
            "seed": "northwind",
        },
        "engine": "postgres",
        "dataset_sha256": "9f2b7c40c1a7e6d5f3b8a1940c6d2e7f58b3a9d1c4e60f7286b5d3a19c0e4f72",
        "counts": _counts(cross, no_timestamp=12 if cross else 0, unattributed=21 if cross else 0),
        "counts_within_channel": {
            key: value
            for key, value in _counts(within, 0, 0).items()
            if key not in ("BOOKED_NO_TIMESTAMP", "UNATTRIBUTED")
        },
        "dropped": {"booked_before_window": 143, "no_outbound_in_window": 2310},
        "messages": {
            "in_window": 31877,
            "counting": 24105,
            "left_out": {
                "inbound": 6120,
                "system": 388,
                "internal": 214,
                "failed": 1050,
                "after_as_of": 0,
                "channel_not_selected": 0,
            },
        },
        "capped": False,
        "cohort_leads": sum(sum(counts) for counts in cross.values()) + (33 if cross else 0),
        "cross_channel": make_segments(cross),
        "within_channel": make_segments(within),
        "by_response_mode": {
            "cross_channel": _by_response_mode(cross),
            "within_channel": _by_response_mode(within),
        },
        "inferred_sender": {"cross_channel": 87 if cross else 0, "within_channel": 96 if cross else 0},
        "comparison": compare(_cells(cross), within=_cells(within)),
        "definitions": definitions(14, 7),
        "reproduce": (
            "setpoint report run --workspace northwind --from 2026-01-05 --to 2026-03-02 --as-of 2026-03-09 "
            "--attribution-days 14 --maturity-days 7"
        ),
    }
    return {**document, **changes}


def _cells(segments: Segments) -> list[Cell]:
    return [
        Cell(Channel(channel), Sender(sender), booked, not_booked)
        for (sender, channel, _), (booked, not_booked, _) in segments.items()
    ]


def make_segments(segments: Segments) -> list[dict[str, Any]]:
    """Write segments as a report document does."""
    return [
        {"sender": sender, "channel": channel, "disposition": disposition, **_rates(counts)}
        for (sender, channel, disposition), counts in segments.items()
    ]


def realistic() -> dict[str, Any]:
    """Return a document in which the channels contradict the total."""
    return make_document(CONFOUNDED, CONFOUNDED_WITHIN)


def no_bookings() -> dict[str, Any]:
    """Return a document without any booking."""
    return make_document({("ai", "email", ""): (0, 210, 30), ("setter", "email", ""): (0, 180, 12)})


def one_sender() -> dict[str, Any]:
    """Return a document in which only setters sent anything."""
    return make_document({("setter", "email", ""): (41, 560, 22), ("setter", "sms", ""): (17, 120, 9)})


def all_pending() -> dict[str, Any]:
    """Return a document in which no outcome is settled."""
    return make_document({("ai", "email", "AUTO_SENT"): (0, 0, 320), ("setter", "sms", ""): (0, 0, 81)})


def empty_cohort() -> dict[str, Any]:
    """Return a document without a single lead."""
    return make_document(
        {},
        dropped={"booked_before_window": 0, "no_outbound_in_window": 412},
        messages={
            "in_window": 0,
            "counting": 0,
            "left_out": dict.fromkeys(
                ("inbound", "system", "internal", "failed", "after_as_of", "channel_not_selected"), 0
            ),
        },
    )


def full_grid() -> dict[str, Any]:
    """Return a document with every disposition in every channel by both senders, from a capped sample."""
    segments: Segments = {
        (sender, channel, disposition): (20 + 7 * i + 11 * j + 3 * k, 900 - 90 * j - 40 * i, 60 + k)
        for i, sender in enumerate(("ai", "setter"))
        for j, channel in enumerate(("email", "sms", "linkedin"))
        for k, disposition in enumerate(("AUTO_SENT", "APPROVED", "EDITED"))
    }
    document = make_document(segments, capped=True, cohort_leads=1_204_311)
    document["parameters"] = {
        **document["parameters"],
        "max_leads": 17000,
        "channels": ["email", "sms", "linkedin"],
    }
    return document


def _rates(counts: Counts) -> dict[str, Any]:
    booked, not_booked, pending = counts
    rate = wilson(booked, booked + not_booked)
    return {
        "booked": booked,
        "not_booked": not_booked,
        "pending": pending,
        "rate": rate.value if isinstance(rate, Measured) else None,
        "low": rate.low if isinstance(rate, Measured) else None,
        "high": rate.high if isinstance(rate, Measured) else None,
    }


def _counts(segments: Segments, no_timestamp: int, unattributed: int) -> dict[str, int]:
    ambiguous = 9 if segments else 0
    return {
        "BOOKED": sum(counts[0] for counts in segments.values()) + ambiguous // 3,
        "NOT_BOOKED": sum(counts[1] for counts in segments.values()) + ambiguous - ambiguous // 3,
        "PENDING": sum(counts[2] for counts in segments.values()),
        "BOOKED_NO_TIMESTAMP": no_timestamp,
        "UNATTRIBUTED": unattributed,
        "ambiguous": ambiguous,
    }


def _by_response_mode(segments: Segments) -> list[dict[str, Any]]:
    return [
        {**segment, "response_mode": "ai_auto_send" if segment["sender"] == "ai" else "setter_managed"}
        for segment in make_segments(segments)
    ]
