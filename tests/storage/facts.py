"""One row of every tenant table, with the same keys in every workspace."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.storage import tables

INSTANT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PERSON = uuid.UUID(int=1)
FACTS: Mapping[str, Mapping[str, Any]] = {
    "campaigns": {"external_id": "c", "name": "Spring"},
    "leads": {"external_id": "l", "email": "lead@example.org"},
    "drafts": {"external_id": "d", "lead_external_id": "l", "channel": "email"},
    "draft_texts": {"external_id": "d", "body": "Hello"},
    "messages": {
        "external_id": "m",
        "lead_external_id": "l",
        "channel": "email",
        "direction": "outbound",
        "sent_at": INSTANT,
    },
    "message_texts": {"external_id": "m", "body": "Hello"},
    "appointments": {"external_id": "a", "lead_external_id": "l", "status": "confirmed"},
    "report_runs": {
        "id": uuid.UUID(int=1),
        "status": "queued",
        "author": "test",
        "code_version": "0",
        "parameters": {},
    },
    "model_settings": {"revision": 1, "model": "openai:gpt-5-mini", "author": "test"},
    "prompt_overrides": {
        "prompt_key": "reports.synthesis",
        "revision": 1,
        "prompt_version": 1,
        "author": "test",
        "approver": "other",
    },
    "snippets": {"name": "tone", "revision": 1, "text": "Plain.", "author": "test", "approver": "other"},
    "ai_calls": {
        "id": uuid.UUID(int=1),
        "feature": "reports",
        "prompt_key": "reports.synthesis",
        "prompt_version": 1,
        "prompt_hash": "0" * 64,
        "model": "openai:gpt-5-mini",
        "status": "started",
        "attempts": 1,
        "input_tokens": 0,
        "output_tokens": 0,
        "cached_tokens": 0,
        "held_tokens": 100,
        "latency_ms": 0,
        "metadata": {},
    },
    "llm_cache": {"key": "0" * 64, "prompt_key": "reports.synthesis", "value": {}, "expires_at": INSTANT},
    "memberships": {"role": "setter", "user_id": PERSON, "added_by": "test"},
    "api_tokens": {
        "name": "script",
        "id": uuid.UUID(int=1),
        "role": "setter",
        "token_sha256": "0" * 64,
        "prefix": "sp_00000000",
        "created_by": "test",
    },
    "invitations": {
        "expires_at": INSTANT,
        "id": uuid.UUID(int=1),
        "email": "invited@example.org",
        "role": "setter",
        "token_sha256": "0" * 64,
        "created_by": "test",
    },
    "report_evidence": {
        "run_id": uuid.UUID(int=1),
        "citation": "pattern:question",
        "place": 1,
        "message_external_id": "m",
        "outcome": "BOOKED",
    },
    "context_packs": {
        "id": uuid.UUID(int=1),
        "run_id": uuid.UUID(int=1),
        "scope_key": "0" * 64,
        "status": "queued",
        "author": "test",
        "code_version": "0",
    },
    "insight_sessions": {
        "id": uuid.UUID(int=1),
        "author": "test",
        "role": "admin",
        "pack_id": uuid.UUID(int=1),
        "title": "Who books more?",
    },
    "insight_answers": {"session_id": uuid.UUID(int=1), "place": 1, "question": "Who books more?", "answer": {}},
    "booked_summaries": {
        "lead_external_id": "l",
        "booking_instant": INSTANT,
        "content": {},
        "source": "statistics",
    },
    "workspace_settings": {"weekly_report": True, "weekly_since": INSTANT},
    "api_answers": {"key": "k", "asked_sha256": "0" * 64, "answer": {}, "created_at": INSTANT},
}
# Parents stand before their children. A table that is added to the schema must be added above.
TENANT_TABLES: list[Table] = [
    table for table in tables.metadata.sorted_tables if table is not tables.workspaces and "client_id" in table.c
]
# What belongs to people and not to a workspace.
SEALED_TABLES = [table for table in tables.metadata.sorted_tables if "client_id" not in table.c]
# What the functions that run as the owner find before any tenant is set.
SEARCHED = {"memberships", "api_tokens", "invitations"}
# What the runtime role may not change, and what it may remove.
UNCHANGEABLE = {
    *("model_settings", "prompt_overrides", "snippets", "llm_cache"),
    *("report_evidence", "insight_sessions", "insight_answers"),
}
REMOVABLE = {"llm_cache", "memberships", "api_answers"}
PARTITIONED = ["messages", "message_texts"]


async def insert(connection: AsyncConnection, table: Table, client_id: int, **changes: object) -> None:
    await connection.execute(table.insert().values(client_id=client_id, **{**FACTS[table.name], **changes}))


async def fill(connection: AsyncConnection, client_id: int) -> None:
    """Write one row into every table of a workspace."""
    person = text("SELECT create_account(:id, 'person@example.org', 'Person', NULL, :at)")
    await connection.execute(person, {"id": PERSON, "at": INSTANT})
    for table in TENANT_TABLES:
        await insert(connection, table, client_id)
