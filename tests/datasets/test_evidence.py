"""Admins see the messages behind a claim, redacted; nobody else sees them, and nothing of another workspace."""

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert
from tests.conftest import WorkspaceFactory
from tests.datasets.conftest import LOCAL_ENGINES, Facts

from setpoint.datasets.evidence import Evidence, evidence, evidence_for_synthesis, sample_evidence
from setpoint.datasets.service import DatasetRequest, extract
from setpoint.domain.errors import NotAllowed
from setpoint.domain.vocabulary import Role
from setpoint.domain.windows import Window
from setpoint.storage import tables
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

SENT_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEADS: list[dict[str, Any]] = [
    {
        "external_id": "ann@acme.io",
        "first_name": "Ann",
        "last_name": "Roe",
        "company": "Acme",
        "email": "ann@acme.io",
        "phone": "+1 205 555 0123",
    },
    {
        "external_id": "lead-2",
        "first_name": None,
        "last_name": None,
        "company": None,
        "email": None,
        "phone": None,
    },
]
MESSAGES: list[tuple[str, str, dict[str, Any], str | None, str | None]] = [
    ("m1", "ann@acme.io", {"sent_by": "setter", "sender_email": "maya.lindholm@fernhill.test"}, "For Acme", "Hi Ann"),
    ("m2", "ann@acme.io", {"ai_draft_external_id": "d1"}, None, "Ann, call 205-555-0123? Maya"),
    (
        "m3",
        "ann@acme.io",
        {"direction": "inbound", "sender_email": "nobody@acme.io"},
        "Re: x",
        "ann roe, ann@acme.io",
    ),
    ("m4", "lead-2", {}, None, "Nobody is named"),
    ("m5", "lead-2", {}, None, None),
]


async def fill(database: Database, workspace: Workspace, suffix: str = "") -> None:
    async with database.tenant(workspace.client_id) as connection:
        own = {"client_id": workspace.client_id}
        await connection.execute(insert(tables.leads), [own | lead for lead in LEADS])
        for number, (name, lead, changes, subject, body) in enumerate(MESSAGES):
            message = {
                "external_id": name,
                "lead_external_id": lead,
                "channel": "email",
                "direction": "outbound",
                "sent_at": SENT_AT + timedelta(minutes=number),
            }
            await connection.execute(insert(tables.messages).values(own | message | changes))
            if body is not None:
                text = {"external_id": name, "subject": subject, "body": body + suffix}
                await connection.execute(insert(tables.message_texts).values(own | text))


@pytest_asyncio.fixture
async def filled(database: Database, workspace: Workspace) -> Workspace:
    await fill(database, workspace)
    return workspace


async def test_an_admin_sees_redacted_messages_in_the_order_of_the_ids(database: Database, filled: Workspace) -> None:
    async with database.tenant(filled.client_id) as connection:
        found = await evidence(
            connection, filled.client_id, Role.ADMIN, ["m2", "m1"], 10, outcomes={"m2": "BOOKED", "other": "PENDING"}
        )
    assert found == [
        Evidence(
            message_id="m2",
            lead_id="ann@acme.io",
            channel="email",
            sender="ai",
            outcome="BOOKED",
            sent_at=SENT_AT + timedelta(minutes=1),
            subject=None,
            snippet="[name], call [phone]? [name]",
            references=("m2", "ann@acme.io", "d1"),
        ),
        Evidence(
            message_id="m1",
            lead_id="ann@acme.io",
            channel="email",
            sender="setter",
            outcome="",
            sent_at=SENT_AT,
            subject="For [company]",
            snippet="Hi [name]",
            references=("m1", "ann@acme.io"),
        ),
    ]


async def test_what_the_lead_wrote_is_redacted_too(database: Database, filled: Workspace) -> None:
    async with database.tenant(filled.client_id) as connection:
        [found] = await evidence(connection, filled.client_id, Role.ADMIN, ["m3"], 1)
    assert (found.sender, found.subject, found.snippet) == ("lead", "Re: x", "[name], [email]")


async def test_what_one_lead_is_called_is_not_taken_out_of_what_others_got(
    database: Database, filled: Workspace
) -> None:
    async with database.tenant(filled.client_id) as connection:
        [found] = await evidence(connection, filled.client_id, Role.ADMIN, ["m4"], 1)
    assert found.snippet == "Nobody is named"


async def test_a_message_without_text_is_shown_empty(database: Database, filled: Workspace) -> None:
    async with database.tenant(filled.client_id) as connection:
        [found] = await evidence(connection, filled.client_id, Role.ADMIN, ["m5"], 1)
    assert (found.sender, found.subject, found.snippet) == ("setter", None, "")


async def test_a_setter_is_refused_before_anything_is_read(database: Database, filled: Workspace) -> None:
    async with database.tenant(filled.client_id) as connection:
        for ids in (["m1"], ["absent"], []):
            with pytest.raises(NotAllowed, match="admins"):
                await evidence(connection, filled.client_id, Role.SETTER, ids, 10)


@pytest.mark.parametrize("absent", ["absent", "", "M1", "m1 ", "\0", "\ud800", "é" * 600])
async def test_an_id_that_is_not_there_is_left_out(database: Database, filled: Workspace, absent: str) -> None:
    async with database.tenant(filled.client_id) as connection:
        found = await evidence(connection, filled.client_id, Role.ADMIN, [absent, "m1", absent, "m1"], 10)
    assert [one.message_id for one in found] == ["m1"]


async def test_no_ids_and_a_limit_of_nothing_give_nothing(database: Database, filled: Workspace) -> None:
    async with database.tenant(filled.client_id) as connection:
        assert await evidence(connection, filled.client_id, Role.ADMIN, [], 10) == []
        assert await evidence(connection, filled.client_id, Role.ADMIN, ["m1"], 0) == []
        limited = await evidence(connection, filled.client_id, Role.ADMIN, ["absent", "m4", "m1", "m2"], 2)
    assert [one.message_id for one in limited] == ["m4", "m1"]


async def test_a_foreign_id_is_left_out_like_an_absent_one(
    database: Database, filled: Workspace, new_workspace: WorkspaceFactory
) -> None:
    other = await new_workspace()
    async with database.tenant(other.client_id) as connection:
        for client_id in (other.client_id, filled.client_id):
            assert await evidence(connection, client_id, Role.ADMIN, ["m1", "m2"], 10) == []
            assert await evidence_for_synthesis(connection, client_id, ["m1", "absent"], 10) == []


async def test_two_workspaces_with_the_same_ids_see_their_own_texts(
    database: Database, filled: Workspace, new_workspace: WorkspaceFactory
) -> None:
    other = await new_workspace()
    await fill(database, other, " elsewhere")
    for workspace, expected in ((filled, "Nobody is named"), (other, "Nobody is named elsewhere")):
        async with database.tenant(workspace.client_id) as connection:
            [found] = await evidence(connection, workspace.client_id, Role.ADMIN, ["m4"], 10)
        assert found.snippet == expected


async def test_for_synthesis_leads_are_numbers_and_no_id_is_told(database: Database, filled: Workspace) -> None:
    async with database.tenant(filled.client_id) as connection:
        found = await evidence_for_synthesis(
            connection, filled.client_id, ["m4", "absent", "m1", "m2", "m4"], 10, outcomes={"m1": "NOT_BOOKED"}
        )
    assert [(one.message, one.lead, one.outcome) for one in found] == [(1, 1, ""), (3, 2, "NOT_BOOKED"), (4, 2, "")]
    told = " ".join(str(value) for one in found for value in asdict(one).values())
    for secret in ("m1", "m2", "lead-2", "d1", "acme", "Ann", "Maya", "0123"):
        assert secret not in told


@pytest.mark.parametrize("name", LOCAL_ENGINES)
async def test_a_sample_is_balanced_over_sender_and_outcome(facts: Facts, window: Window, name: str) -> None:
    async with facts.engine(name) as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window))
        sizes = {
            (cell["sender"], cell["outcome"]): cell["n"]
            for cell in await dataset.cells()
            if cell["attribution"] == "cross_channel"
        }
        drawn = await engine.fetch(sample_evidence(dataset.labelled, 4, "a"))
    assert Counter((row["sender"], row["outcome"]) for row in drawn) == {
        cell: min(4, size) for cell, size in sizes.items()
    }
    assert len({row["lead_id"] for row in drawn}) == len(drawn)
    assert all(row["message_id"] for row in drawn)


async def test_a_sample_is_the_same_on_every_engine_and_other_with_another_seed(facts: Facts, window: Window) -> None:
    drawn = []
    for name in LOCAL_ENGINES:
        async with facts.engine(name) as engine:
            dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window))
            drawn += [await engine.fetch(sample_evidence(dataset.labelled, 3, seed)) for seed in ("a", "b")]
    assert drawn[0] == drawn[2]
    assert drawn[1] == drawn[3]
    assert drawn[0] != drawn[1]


async def test_the_messages_of_a_sample_are_found(facts: Facts, window: Window) -> None:
    async with facts.postgres() as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window))
        drawn = await engine.fetch(sample_evidence(dataset.labelled, 3, "a"))
        outcomes = {row["message_id"]: row["outcome"] for row in drawn}
        found = await evidence(
            engine.connection, engine.client_id, Role.ADMIN, list(outcomes), 100, outcomes=outcomes
        )
    assert [(one.message_id, one.lead_id, one.sender, one.outcome) for one in found] == [
        (row["message_id"], row["lead_id"], row["sender"], row["outcome"]) for row in drawn
    ]
