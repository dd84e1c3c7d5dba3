"""The facts that the attribution expression reads, as Ibis tables that belong to no engine yet."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

INSTANT = "timestamp('UTC', 6)"

# Only what the analysis needs, and nothing a person wrote: a snapshot holds exactly these columns.
COLUMNS = {
    "leads": {"external_id": "string", "campaign": "string", "booked_hint": "boolean", "opted_out": "boolean"},
    "campaigns": {"external_id": "string", "response_mode": "string"},
    "drafts": {"external_id": "string", "response_disposition": "string"},
    "appointments": {
        "external_id": "string",
        "lead_external_id": "string",
        "status": "string",
        "booked_at": INSTANT,
        "canceled_at": INSTANT,
        "booking_instant": INSTANT,
    },
    "messages": {
        "external_id": "string",
        "lead_external_id": "string",
        "channel": "string",
        "direction": "string",
        "kind": "string",
        "status": "string",
        "sent_at": INSTANT,
        "sent_by": "string",
        "ai_draft_external_id": "string",
        "response_disposition": "string",
    },
}

# What follows from a message and its draft, whatever is asked of them (`attribution.described`). A snapshot holds it,
# and the message's place in the order of lead, `sent_at` and external id; on the database it is derived each time.
DESCRIBED = {"counts": "boolean", "by_ai": "boolean", "inferred": "boolean", "disposition": "string"}
DERIVED = {"position": "int64", **DESCRIBED}


@dataclass(frozen=True)
class Facts:
    """The five tables of one workspace."""

    leads: ir.Table
    campaigns: ir.Table
    drafts: ir.Table
    appointments: ir.Table
    messages: ir.Table


def facts(client_id: int | None = None) -> Facts:
    """The facts of one workspace.

    With a `client_id` they are the tables of the database, filtered to it (row-level security would do, but a
    literal lets the planner pick the workspace's partition); without one, the tables of a snapshot, whose
    messages carry what was derived when it was taken (DERIVED).
    """

    def table(name: str) -> ir.Table:
        columns = COLUMNS[name]
        if client_id is None:
            return ibis.table(columns | (DERIVED if name == "messages" else {}), name=name)
        stored = ibis.table({"client_id": "int32", **columns}, name=name)
        return stored.filter(stored.client_id == client_id).select(*columns)

    return Facts(**{name: table(name) for name in COLUMNS})
