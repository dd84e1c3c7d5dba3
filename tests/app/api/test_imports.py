"""Batches of rows: the rules of the files, each row told about, and nothing done twice."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.app.town import NOW, Town, by_session, by_token, client
from tests.conftest import WorkspaceFactory

from setpoint.app.api.answers import KEPT
from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.tenancy.api_tokens import create_token
from setpoint.tenancy.schemas import cli_actor
from setpoint.tenancy.service import Workspace

LEADS = [{"external_id": f"lead-{number}", "email": f"lead-{number}@example.org"} for number in range(1, 4)]


class Importer:
    """Sends rows to one workspace as its admin's token."""

    def __init__(self, http: httpx.AsyncClient, workspace: Workspace, token: str) -> None:
        self.http, self.workspace, self.token = http, workspace, token

    async def __call__(self, kind: str, rows: object, key: str | None = None) -> httpx.Response:
        headers = by_token(self.token) | ({} if key is None else {"Idempotency-Key": key})
        content = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
        headers["Content-Type"] = "application/json"
        address = f"/api/v1/workspaces/{self.workspace.slug}/imports/{kind}"
        return await self.http.post(address, headers=headers, content=content)


async def opened(town: Town, http: httpx.AsyncClient, workspace: Workspace) -> Importer:
    async with town.database.tenant(workspace.client_id) as connection:
        token, _ = await create_token(connection, cli_actor(workspace, "op"), "import", Role.ADMIN, now=NOW)
    return Importer(http, workspace, token)


async def leads_of(database: Database, workspace: Workspace) -> int:
    async with database.tenant(workspace.client_id) as connection:
        found = await connection.scalar(text("SELECT count(*) FROM leads"))
    return int(found or 0)


async def test_rows_are_taken_left_alone_or_rejected_and_every_one_is_told_about(
    town: Town, workspace: Workspace
) -> None:
    message = {"lead_external_id": "lead-1", "channel": "email", "direction": "outbound"}
    rows: list[Any] = [
        {**message, "external_id": "m1", "sent_at": "2026-03-01T09:00:00Z", "body": "Hello"},
        {**message, "external_id": "m2", "sent_at": "yesterday"},
        {**message, "external_id": "m3", "sent_at": "2026-03-01T09:00:00Z", "lead_external_id": "nobody"},
        "no object",
        {**message, "external_id": "m1", "sent_at": "2026-03-01T09:00:00Z"},
        {**message, "external_id": "=m5", "sent_at": "2026-03-01T09:00:00Z", "channel": "post", "mood": "good"},
        {**message, "external_id": "m\x006", "sent_at": "2026-03-01T09:00:00Z"},
        {**message, "external_id": ["m7"], "sent_at": "2026-03-01T09:00:00Z"},
    ]
    async with client(town.app()) as http:
        send = await opened(town, http, workspace)
        leads = (await send("leads", LEADS)).json()
        answer = await send("messages", rows, key="k")
        again = (await send("leads", [*LEADS[:2], {**LEADS[2], "company": "Acme"}])).json()

    assert (leads["accepted"], leads["inserted"], leads["rejections"]) == (3, 3, [])
    told = answer.json()
    assert answer.status_code == 200
    assert (told["rows"], told["accepted"], told["unchanged"], told["rejected"]) == (8, 1, 0, 7)
    assert [each["row"] for each in told["rejections"]] == [2, 3, 4, 5, 6, 7, 8]
    assert [each["column"] for each in told["rejections"]] == [
        *("sent_at", "lead_external_id", "", "external_id", "channel", "external_id", "external_id")
    ]
    assert told["rejections"][4]["key"] == "=m5"
    assert told["unknown_columns"] == ["mood"]
    assert (again["updated"], again["unchanged"]) == (1, 2)


async def test_every_rejection_is_told_not_only_the_first_ones(town: Town, workspace: Workspace) -> None:
    rows = [{"external_id": f"l{n}", "created_at": "never"} for n in range(5_000)]
    async with client(town.app()) as http:
        send = await opened(town, http, workspace)
        told = (await send("leads", rows)).json()

    assert told["rejected"] == len(told["rejections"]) == 5_000


async def test_the_same_key_with_the_same_rows_is_answered_alike_and_done_once(
    town: Town, workspace: Workspace
) -> None:
    async with client(town.app()) as http:
        send = await opened(town, http, workspace)
        first = await send("leads", LEADS, key="night-1")
        second = await send("leads", LEADS, key="night-1")
        other_rows = await send("leads", LEADS[:1], key="night-1")
        other_kind = await send("campaigns", LEADS, key="night-1")

    assert first.json()["inserted"] == 3
    assert second.content == first.content
    assert [each.status_code for each in (other_rows, other_kind)] == [409, 409]
    assert await leads_of(town.database, workspace) == 3


async def test_a_key_that_is_sent_many_times_at_once_has_one_effect(town: Town, workspace: Workspace) -> None:
    async with client(town.app()) as http:
        send = await opened(town, http, workspace)
        answers = await asyncio.gather(*(send("leads", LEADS, key="at-once") for _ in range(12)))

    assert {each.status_code for each in answers} == {200}
    assert {each.content for each in answers} == {answers[0].content}
    assert answers[0].json()["inserted"] == 3


async def test_a_key_is_of_its_workspace_and_is_forgotten_after_a_week(
    town: Town, workspace: Workspace, new_workspace: WorkspaceFactory
) -> None:
    later = town.app(clock=lambda: NOW + KEPT * 1.01)
    async with client(town.app()) as http, client(later) as then:
        send, other = await opened(town, http, workspace), await opened(town, http, await new_workspace())
        await send("leads", LEADS, key="mine")
        elsewhere = await other("leads", LEADS[:1], key="mine")
        anew = await Importer(then, workspace, send.token)("leads", LEADS[:1], key="mine")

    assert (elsewhere.json()["inserted"], anew.json()["unchanged"]) == (1, 1)


async def test_a_request_that_failed_leaves_its_key_free(town: Town, workspace: Workspace) -> None:
    async with client(town.app()) as http:
        send = await opened(town, http, workspace)
        failed = await send("leads", b"[", key="again")
        done = await send("leads", LEADS, key="again")

    assert (failed.status_code, done.status_code) == (400, 200)


@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, json.dumps([{}] * 5_001).encode()]
)
async def test_what_is_no_batch_is_refused_whole(town: Town, body: bytes) -> None:
    async with client(town.app()) as http:
        answer = await Importer(http, town.home.workspace, town.home.tokens[Role.ADMIN])("leads", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "usage")


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "k" * 201])
async def test_a_key_that_can_be_none_is_refused(town: Town, key: str) -> None:
    headers = [
        (b"Authorization", f"Bearer {town.home.tokens[Role.ADMIN]}".encode()),
        (b"Idempotency-Key", key.encode()),
    ]
    address = f"/api/v1/workspaces/{town.home.workspace.slug}/imports/leads"
    async with client(town.app()) as http:
        answer = await http.post(address, headers=headers, json=LEADS)

    assert answer.status_code in (400, 422)


async def test_rows_are_taken_from_admins_only(town: Town) -> None:
    address = f"/api/v1/workspaces/{town.home.workspace.slug}/imports/leads"
    async with client(town.app()) as http:
        by_setter = await http.post(address, headers=by_token(town.home.tokens[Role.SETTER]), json=LEADS)
        unproven = await http.post(
            address, headers=by_session(town.home.sessions[Role.ADMIN], proof=False), json=LEADS
        )

    assert [by_setter.status_code, unproven.status_code] == [403, 403]


async def test_a_body_beyond_all_measure_is_not_read(town: Town) -> None:
    async with client(town.app()) as http:
        send = Importer(http, town.home.workspace, town.home.tokens[Role.ADMIN])
        answer = await send("leads", b"[" + b" " * (33 << 20) + b"]")

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
