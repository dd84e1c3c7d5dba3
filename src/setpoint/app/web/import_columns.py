"""What an import file has in its columns, in words, and a file to begin with. Pure."""

import csv
import io
from typing import Final

from setpoint.ingest.schemas import LAYOUTS, Cell, Column, ImportKind

_CELLS: Final = {
    Cell.ID: "an id, at most 512 bytes",
    Cell.LABEL: "a word",
    Cell.TEXT: "text",
    Cell.INSTANT: "date and time with an offset from UTC, such as 2026-01-06T08:00:05Z",
    Cell.SHARE: "a number from 0 to 1",
    Cell.FLAG: "true or false",
}
_EXAMPLES: Final[dict[ImportKind, tuple[dict[str, str], ...]]] = {
    ImportKind.CAMPAIGNS: (
        {"external_id": "spring", "name": "Spring", "channel": "email", "response_mode": "ai_auto_send"},
        {"external_id": "calls", "name": "By hand", "channel": "sms", "response_mode": "setter_managed"},
    ),
    ImportKind.LEADS: (
        {
            "external_id": "lead-1",
            "email": "ann@example.org",
            "first_name": "Ann",
            "last_name": "Example",
            "company": "Example Inc.",
            "timezone": "Europe/Berlin",
            "campaign": "spring",
            "created_at": "2026-01-05T09:00:00Z",
        },
        {
            "external_id": "lead-2",
            "phone": "+15550100",
            "first_name": "Bob",
            "campaign": "calls",
            "booked_hint": "true",
            "opted_out": "false",
            "created_at": "2026-01-05T10:00:00+01:00",
        },
    ),
    ImportKind.DRAFTS: (
        {
            "external_id": "draft-1",
            "lead_external_id": "lead-1",
            "channel": "email",
            "created_at": "2026-01-06T08:00:00Z",
            "auto_send_confidence": "0.93",
            "auto_send_threshold": "0.9",
            "response_disposition": "AUTO_SENT",
            "body": "Hi Ann, shall we talk on Thursday?",
        },
    ),
    ImportKind.MESSAGES: (
        {
            "external_id": "message-1",
            "lead_external_id": "lead-1",
            "channel": "email",
            "direction": "outbound",
            "kind": "message",
            "sent_at": "2026-01-06T08:00:05Z",
            "sent_by": "ai",
            "ai_draft_external_id": "draft-1",
            "subject": "Hello",
            "body": "Hi Ann, shall we talk on Thursday?",
        },
        {
            "external_id": "message-2",
            "lead_external_id": "lead-2",
            "channel": "sms",
            "direction": "outbound",
            "sent_at": "2026-01-07T09:30:00+01:00",
            "sent_by": "setter",
            "sender_email": "sam@example.org",
            "body": "Hi Bob, do you have ten minutes today?",
        },
    ),
    ImportKind.APPOINTMENTS: (
        {
            "external_id": "appointment-1",
            "lead_external_id": "lead-1",
            "provider": "calendly",
            "status": "confirmed",
            "booked_at": "2026-01-06T11:20:00Z",
            "starts_at": "2026-01-08T15:00:00Z",
        },
    ),
}


def describe(column: Column) -> str:
    """What a cell of a column may hold."""
    if column.cell is not Cell.CHOICE:
        return _CELLS[column.cell]
    words = f"one of {', '.join(column.choices)}"
    return f"{words}; empty means {column.default}" if column.default else words


def example(kind: ImportKind) -> str:
    """A file of a kind in CSV, with every column that it may have; all five go together."""
    file = io.StringIO()
    writer = csv.DictWriter(file, LAYOUTS[kind].names, restval="")
    writer.writeheader()
    writer.writerows(_EXAMPLES[kind])
    return file.getvalue()
