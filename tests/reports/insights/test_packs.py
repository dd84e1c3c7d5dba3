"""Context packs on a real database: taken up once, made once for a scope, and nobody else's."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.conftest import WorkspaceFactory
from tests.reports.insights.runs import REQUEST, completed
from tests.reports.insights.sections import with_sections

from setpoint.domain.errors import Conflict, NotFound
from setpoint.domain.vocabulary import RunStatus
from setpoint.reports import service as reports
from setpoint.reports.insights import packs
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace


async def run_of(database: Database, workspace: Workspace, **changes: Any) -> reports.Run:
    run_id = await completed(database, workspace, with_sections(**changes))
    async with database.tenant(workspace.client_id) as connection:
        return await reports.get_run(connection, workspace.client_id, run_id)


async def queued(database: Database, workspace: Workspace) -> packs.Pack:
    run = await run_of(database, workspace)
    async with database.tenant(workspace.client_id) as connection:
        return await packs.queue_pack(connection, workspace.client_id, run, "ada")


async def test_a_pack_goes_from_queued_to_complete(database: Database, workspace: Workspace) -> None:
    client_id = workspace.client_id
    pack = await queued(database, workspace)
    assert (pack.status, pack.author, pack.document) == ("queued", "ada", None)
    async with database.tenant(client_id) as connection:
        await packs.start_pack(connection, client_id, pack.id)
        assert (await packs.get_pack(connection, client_id, str(pack.id))).status == "running"
        done = await packs.complete_pack(connection, client_id, pack.id, {"version": 2, "tables": []})
        assert (done.status, done.document) == ("complete", {"version": 2, "tables": []})
        with pytest.raises(Conflict, match="not running"):
            await packs.fail_pack(connection, client_id, pack.id, "late")
        assert [each.id for each in await packs.list_packs(connection, client_id)] == [pack.id]


async def test_of_many_who_claim_a_pack_one_wins(database: Database, workspace: Workspace) -> None:
    pack = await queued(database, workspace)

    async def claim() -> bool:
        try:
            async with database.tenant(workspace.client_id) as connection:
                await packs.start_pack(connection, workspace.client_id, pack.id)
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(*[claim() for _ in range(8)])) == [False] * 7 + [True]


async def test_the_same_question_over_the_same_facts_has_one_pack(database: Database, workspace: Workspace) -> None:
    one = await completed(database, workspace, with_sections())
    again = await completed(database, workspace, with_sections(), engine="duckdb")

    first = await packs.pack_of(database, workspace.client_id, one, "ada")
    assert (await packs.pack_of(database, workspace.client_id, one, "bob")).id == first.id
    assert (await packs.pack_of(database, workspace.client_id, again, "bob")).id == first.id
    async with database.tenant(workspace.client_id) as connection:
        assert len(await packs.list_packs(connection, workspace.client_id)) == 1


async def test_many_who_ask_at_once_get_one_complete_pack(database: Database, workspace: Workspace) -> None:
    run_id = await completed(database, workspace, with_sections())
    found = await asyncio.gather(
        *[packs.pack_of(database, workspace.client_id, run_id, f"member-{n}") for n in range(6)]
    )
    assert len({pack.id for pack in found}) == 1
    async with database.tenant(workspace.client_id) as connection:
        kept = await packs.list_packs(connection, workspace.client_id)
    assert [pack.status for pack in kept].count(RunStatus.COMPLETE) == 1
    assert {pack.status for pack in kept} <= {"complete", "failed"}


async def test_another_scope_is_another_pack(database: Database, workspace: Workspace) -> None:
    run = await run_of(database, workspace)
    document = dict(run.document or {})
    key = packs.scope_key(run)
    others = [
        replace(run, document=document | {"dataset_sha256": "0" * 64}),
        replace(run, document=document | {"version": 2}),
        replace(run, document=document | {"code_version": "9"}),
        replace(run, document={name: value for name, value in document.items() if name != "timing"}),
        replace(run, document=document | {"patterns": {**document["patterns"], "refused": {"reason": "no text"}}}),
        # Texts were imported again: the rows and their hash are the same.
        replace(run, document=document | {"patterns": {**document["patterns"], "with_text": 1}}),
        replace(run, document=document | {"dropped": {"no_outbound_in_window": 7}}),
        replace(run, parameters=run.parameters | {"as_of": "2026-04-01T00:00:00Z"}),
        replace(run, parameters=run.parameters | {"seed": "another"}),
    ]
    assert len({key, *map(packs.scope_key, others)}) == len(others) + 1
    again = document | {"id": str(uuid4()), "author": "bob", "created_at": "2027-01-01T00:00:00Z", "engine": "spark"}
    same = replace(run, id=uuid4(), document=again, parameters=run.parameters | {"engine": "spark"})
    assert packs.scope_key(same) == key


async def test_a_pack_that_failed_or_was_left_behind_is_made_again(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_id = workspace.client_id
    run_id = await completed(database, workspace, with_sections())
    run = await run_of(database, workspace)
    async with database.tenant(client_id) as connection:
        left = await packs.queue_pack(connection, client_id, run, "ada")
        await packs.start_pack(connection, client_id, left.id)

    def breaks(_: object) -> None:
        raise ValueError("canary in an exception")

    with monkeypatch.context() as patch:
        patch.setattr(packs, "pack_document", breaks)
        with pytest.raises(ValueError, match="canary"):
            await packs.pack_of(database, client_id, run_id, "ada")
    made = await packs.pack_of(database, client_id, run_id, "ada")

    async with database.tenant(client_id) as connection:
        kept = {pack.status: pack for pack in await packs.list_packs(connection, client_id)}
    assert kept.keys() == {"running", "failed", "complete"}
    assert kept[RunStatus.FAILED].failure == "It broke off (ValueError)."
    assert made.id == kept[RunStatus.COMPLETE].id


async def test_a_run_that_is_not_complete_has_no_pack(database: Database, workspace: Workspace) -> None:
    async with database.tenant(workspace.client_id) as connection:
        run = await reports.queue_run(connection, workspace.client_id, REQUEST, "postgres", "ada")
    with pytest.raises(Conflict, match="is queued and has nothing to ask about"):
        await packs.pack_of(database, workspace.client_id, str(run.id), "ada")


async def test_a_foreign_pack_answers_like_an_absent_one(database: Database, new_workspace: WorkspaceFactory) -> None:
    mine, theirs = await new_workspace(), await new_workspace()
    run_id = await completed(database, theirs, with_sections())
    pack = await packs.pack_of(database, theirs.client_id, run_id, "ada")
    waiting = await queued(database, await new_workspace())
    async with database.tenant(mine.client_id) as connection:
        for client_id in (mine.client_id, theirs.client_id):
            for wanted in (str(pack.id), str(uuid4()), "no id"):
                with pytest.raises(NotFound, match="There is no context pack"):
                    await packs.get_pack(connection, client_id, wanted)
            assert await packs.complete_pack_of(connection, client_id, pack.scope_key) is None
            assert await packs.list_packs(connection, client_id) == []
            with pytest.raises(Conflict):
                await packs.start_pack(connection, client_id, waiting.id)
    for run in (run_id, str(uuid4())):
        with pytest.raises(NotFound, match="There is no report run"):
            await packs.pack_of(database, mine.client_id, run, "ada")


async def test_two_workspaces_with_the_same_facts_have_each_their_pack(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    ids: set[UUID] = set()
    for _ in range(2):
        workspace = await new_workspace()
        run_id = await completed(database, workspace, with_sections(), REQUEST)
        ids.add((await packs.pack_of(database, workspace.client_id, run_id, "ada")).id)
    assert len(ids) == 2


async def test_a_pack_of_the_first_version_has_no_sentences(database: Database, workspace: Workspace) -> None:
    client_id = workspace.client_id
    table = {"key": "trend", "title": "Weeks", "columns": [], "rows": [], "citations": [], "notes": ["A note."]}
    run = await run_of(database, workspace)
    async with database.tenant(client_id) as connection:
        pack = await packs.queue_pack(connection, client_id, run, "ada")
        await packs.start_pack(connection, client_id, pack.id)
        first = await packs.complete_pack(connection, client_id, pack.id, {"version": 1, "tables": [table]})
    assert first.document == {"version": 2, "tables": [table | {"says": None}]}
