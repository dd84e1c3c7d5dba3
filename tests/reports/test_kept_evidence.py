"""What a report rests on: kept with its run, counted for everybody, shown to admins, and of nobody else."""

from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import insert
from tests.conftest import WorkspaceFactory

from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import Conflict, NotAllowed, NotFound
from setpoint.domain.vocabulary import Role
from setpoint.domain.windows import make_window
from setpoint.reports.kept_evidence import (
    citations_with_evidence,
    evidence_of,
    keep_evidence,
    nameless_evidence_of,
)
from setpoint.reports.service import queue_run
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

REQUEST = DatasetRequest("any", make_window("2026-03-01", "2026-06-01"))
KEPT = {
    "pattern:offers_times": [("m2", "BOOKED"), ("m2", "PENDING"), ("m1", "NOT_BOOKED")],
    "segment:cross_channel/email/ai/BOOKED": [("m2", "BOOKED")],
}


async def filled(database: Database, workspace: Workspace, body: str) -> UUID:
    """A run with evidence, and the two messages of it."""
    client_id = workspace.client_id
    async with database.tenant(client_id) as connection:
        run = await queue_run(connection, client_id, REQUEST, "postgres", "ada")
        lead = {"client_id": client_id, "external_id": "lead-1", "first_name": "Ann"}
        await connection.execute(insert(tables.leads).values(lead))
        for name in ("m1", "m2"):
            message = {"external_id": name, "lead_external_id": "lead-1", "channel": "email", "direction": "outbound"}
            await connection.execute(
                insert(tables.messages).values(client_id=client_id, sent_at=REQUEST.window.start, **message)
            )
            await connection.execute(
                insert(tables.message_texts).values(client_id=client_id, external_id=name, body=f"{body} {name}")
            )
        assert await keep_evidence(connection, client_id, run.id, KEPT) == 3
    return run.id


@pytest_asyncio.fixture
async def run_id(database: Database, workspace: Workspace) -> UUID:
    return await filled(database, workspace, "Hi Ann, Friday?")


async def test_an_admin_sees_the_messages_of_a_citation_redacted_and_in_their_order(
    database: Database, workspace: Workspace, run_id: UUID
) -> None:
    async with database.tenant(workspace.client_id) as connection:
        call = (connection, workspace.client_id, Role.ADMIN, run_id, "pattern:offers_times")
        found = await evidence_of(*call, 10)
        limited = await evidence_of(*call, 1)
        nameless = await nameless_evidence_of(*call, 10)
        nothing = await evidence_of(connection, workspace.client_id, Role.ADMIN, run_id, "pattern:\0", 10)
    assert [(one.message_id, one.outcome, one.snippet) for one in found] == [
        ("m2", "BOOKED", "Hi [name], Friday? m2"),
        ("m1", "NOT_BOOKED", "Hi [name], Friday? m1"),
    ]
    assert limited == found[:1]
    assert [(one.lead, one.outcome, one.snippet) for one in nameless] == [
        (1, one.outcome, one.snippet) for one in found
    ]
    assert nothing == []


async def test_everybody_sees_how_much_there_is_and_only_admins_what(
    database: Database, workspace: Workspace, run_id: UUID
) -> None:
    async with database.tenant(workspace.client_id) as connection:
        assert await citations_with_evidence(connection, workspace.client_id, run_id) == {
            "pattern:offers_times": 2,
            "segment:cross_channel/email/ai/BOOKED": 1,
        }
        for look in (evidence_of, nameless_evidence_of):
            for run in (run_id, uuid4()):
                with pytest.raises(NotAllowed, match="admins"):
                    await look(connection, workspace.client_id, Role.SETTER, run, "pattern:offers_times", 10)


async def test_a_foreign_run_answers_like_an_absent_one(
    database: Database, workspace: Workspace, run_id: UUID, new_workspace: WorkspaceFactory
) -> None:
    other = await new_workspace()
    absent = uuid4()
    told = []
    async with database.tenant(other.client_id) as connection:
        for client_id in (other.client_id, workspace.client_id):
            for run in (run_id, absent):
                with pytest.raises(NotFound) as seen:
                    await evidence_of(connection, client_id, Role.ADMIN, run, "pattern:offers_times", 10)
                told.append(seen.value.message.replace(str(run), "ID"))
                with pytest.raises(NotFound):
                    await citations_with_evidence(connection, client_id, run)
                with pytest.raises(NotFound):
                    await keep_evidence(connection, client_id, run, KEPT)
    assert len(set(told)) == 1


async def test_two_workspaces_with_the_same_messages_see_their_own(
    database: Database, workspace: Workspace, run_id: UUID, new_workspace: WorkspaceFactory
) -> None:
    other = await new_workspace()
    theirs = await filled(database, other, "Elsewhere")
    async with database.tenant(other.client_id) as connection:
        [found] = await evidence_of(
            connection, other.client_id, Role.ADMIN, theirs, "segment:cross_channel/email/ai/BOOKED", 10
        )
    assert found.snippet == "Elsewhere m2"


async def test_evidence_is_kept_once(database: Database, workspace: Workspace, run_id: UUID) -> None:
    async with database.tenant(workspace.client_id) as connection:
        assert await keep_evidence(connection, workspace.client_id, run_id, {}) == 0
        with pytest.raises(Conflict, match="already"):
            await keep_evidence(connection, workspace.client_id, run_id, {"pattern:offers_times": [("m1", "BOOKED")]})


async def test_what_is_kept_is_never_what_was_left_out(
    database: Database, workspace: Workspace, run_id: UUID
) -> None:
    """A message that is no more, or whose id nobody has, is left out when it is shown."""
    async with database.tenant(workspace.client_id) as connection:
        run = await queue_run(connection, workspace.client_id, REQUEST, "postgres", "ada")
        await keep_evidence(connection, workspace.client_id, run.id, {"pattern:link": [("gone", ""), ("m1", "")]})
        found = await evidence_of(connection, workspace.client_id, Role.ADMIN, run.id, "pattern:link", 10)
    assert [one.message_id for one in found] == ["m1"]
