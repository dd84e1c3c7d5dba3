"""Adversarial facts: every instant lies on, or a microsecond or a second beside, a bound that matters."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st
from tests.outcomes.specification import Appointment, Lead, Message, booking_instant

from setpoint.domain.windows import Window
from setpoint.outcomes.facts import COLUMNS, DERIVED

RESPONSE_MODES: dict[str, str | None] = {"warm": "ai_auto_send", "cold": None}
DRAFT_DISPOSITIONS: dict[str, str | None] = {"d0": "EDITED", "d1": None, "d2": "AUTO_SENT"}

_BESIDE = [timedelta(microseconds=us) for us in (0, 1, -1, 1_000_000, -1_000_000)]


def _instants(window: Window, near: list[datetime]) -> list[datetime]:
    bounds = [
        window.start,
        window.end,
        window.as_of,
        window.as_of - window.maturity,
        window.start - window.attribution,
        window.end + window.attribution,
        window.start + (window.end - window.start) / 2,
        *(instant - back for instant in near for back in (timedelta(0), window.attribution)),
    ]
    return [bound + beside for bound in bounds for beside in _BESIDE]


def make_lead(rng: Random, window: Window, number: int) -> Lead:
    """One lead, all of whose details are drawn from `rng`."""
    name = f"{rng.choice(['lead', 'Lead', 'é', '-x', '~'])}{number}"
    lead = Lead(name, rng.choice([None, "warm", "cold", "gone"]), rng.choice([None, None, True, False]))
    lead.opted_out = (None, True, False)[number % 3]
    around = _instants(window, [])
    for i in range(rng.randint(0, 3)):
        lead.appointments.append(
            Appointment(
                f"{name}a{i}",
                rng.choice(["confirmed", "completed", "no_show", "canceled"]),
                rng.choice([None, rng.choice(around)]),
                rng.choice([None, rng.choice(around)]),
                rng.choice([None, None, *(f"{name}a{j}" for j in range(4)), "lead0a0"]),
            )
        )
    booked = [a.booked_at for a in lead.appointments if a.booked_at is not None]
    pool = [rng.choice(_instants(window, booked)) for _ in range(rng.randint(1, 4))]
    for i in range(rng.randint(0, 6)):
        draft = rng.choice([None, None, "d0", "d1", "d2", "d9"])
        lead.messages.append(
            Message(
                f"{rng.choice(['m', 'M', 'é', 'z', '-'])}{name}.{i}",
                rng.choice(["email", "sms", "linkedin"]),
                rng.choice(pool),
                rng.choice(["outbound"] * 5 + ["inbound"]),
                rng.choice([None, "message", "message", "message", "system", "internal"]),
                rng.choice([None, "delivered", "delivered", "failed"]),
                rng.choice([None, "ai", "setter"]),
                draft,
                rng.choice([None, "APPROVED"]) if draft else rng.choice([None, None, None, "AUTO_SENT"]),
            )
        )
    return lead


def make_world(rng: Random, window: Window, leads: int) -> list[Lead]:
    """That many leads."""
    return [make_lead(rng, window, number) for number in range(leads)]


def worlds(window: Window) -> st.SearchStrategy[list[Lead]]:
    """Up to six leads, drawn and shrunk by hypothesis."""
    return st.builds(lambda rng, leads: make_world(rng, window, leads), st.randoms(), st.integers(1, 6))


def tables(world: list[Lead]) -> dict[str, list[dict[str, Any]]]:
    """The facts of a world as rows, with the columns that the expression reads."""
    rows: dict[str, list[tuple[Any, ...]]] = {
        "leads": [(lead.external_id, lead.campaign, lead.booked_hint, lead.opted_out) for lead in world],
        "campaigns": list(RESPONSE_MODES.items()),
        "drafts": list(DRAFT_DISPOSITIONS.items()),
        "appointments": [
            (a.external_id, lead.external_id, a.status, a.booked_at, a.canceled_at, booking_instant(a, lead))
            for lead in world
            for a in lead.appointments
        ],
        "messages": [
            (
                m.external_id,
                lead.external_id,
                m.channel,
                m.direction,
                m.kind,
                m.status,
                m.sent_at,
                m.sent_by,
                m.draft,
                m.disposition,
            )
            for lead in world
            for m in lead.messages
        ],
    }
    return {name: [dict(zip(COLUMNS[name], row, strict=True)) for row in rows[name]] for name in COLUMNS}


_ARROW = {"string": pa.string(), "boolean": pa.bool_()}


def arrow_tables(world: list[Lead]) -> dict[str, pa.Table]:
    """The same, as a snapshot would hold them: messages with what is derived of them."""
    result = {}
    for name, facts in tables(world).items():
        fields = [(c, _ARROW.get(kind, pa.timestamp("us", "UTC"))) for c, kind in COLUMNS[name].items()]
        if name == "messages":
            fields += [(c, _ARROW.get(kind, pa.int64())) for c, kind in DERIVED.items()]
            facts.sort(key=lambda r: (r["lead_external_id"].encode(), r["sent_at"], r["external_id"].encode()))
            for position, message in enumerate(facts):
                message["position"] = position
                own, draft, sender = (
                    message[name] for name in ("response_disposition", "ai_draft_external_id", "sent_by")
                )
                message["disposition"] = own or DRAFT_DISPOSITIONS.get(draft)
                message["by_ai"] = sender == "ai" or (sender is None and draft is not None)
                message["inferred"] = sender is None
                message["counts"] = (
                    message["direction"] == "outbound"
                    and message["kind"] in (None, "message")
                    and message["status"] != "failed"
                )
        result[name] = pa.Table.from_pylist(facts, schema=pa.schema(fields))
    return result
