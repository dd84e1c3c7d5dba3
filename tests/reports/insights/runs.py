"""Report runs that are complete, with the documents that tests make."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert

from setpoint.datasets.service import DatasetRequest
from setpoint.domain.windows import make_window
from setpoint.reports.kept_evidence import keep_evidence
from setpoint.reports.service import complete_run, queue_run, start_run
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

REQUEST = DatasetRequest("any", make_window("2026-01-05", "2026-03-02", "2026-03-09"))


async def completed(
    database: Database,
    workspace: Workspace,
    document: dict[str, Any],
    request: DatasetRequest = REQUEST,
    engine: str = "postgres",
) -> str:
    """The id of a complete run with this document."""
    client_id = workspace.client_id
    async with database.tenant(client_id) as connection:
        run = await queue_run(connection, client_id, request, engine, "ada")
        await start_run(connection, client_id, run.id)
        kept = {"version": 1, **document, "id": str(run.id), "workspace": workspace.slug}
        await complete_run(connection, client_id, run.id, kept)
    return str(run.id)


async def with_evidence(database: Database, workspace: Workspace, run_id: str, *bodies: str) -> None:
    """Messages to one lead, Ann, on which `pattern:offers_times` rests."""
    client_id = workspace.client_id
    messages = {f"message-{number}": body for number, body in enumerate(bodies)}
    async with database.tenant(client_id) as connection:
        await connection.execute(
            insert(tables.leads).values(client_id=client_id, external_id="lead-ann", first_name="Ann")
        )
        for name, body in messages.items():
            await connection.execute(
                insert(tables.messages).values(
                    client_id=client_id,
                    external_id=name,
                    lead_external_id="lead-ann",
                    channel="email",
                    direction="outbound",
                    sent_at=REQUEST.window.start,
                )
            )
            await connection.execute(
                insert(tables.message_texts).values(client_id=client_id, external_id=name, body=body)
            )
        await keep_evidence(
            connection, client_id, UUID(run_id), {"pattern:offers_times": [(name, "BOOKED") for name in messages]}
        )
