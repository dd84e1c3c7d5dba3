"""A report run is on record, however it ends."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.app.conftest import Filled

from setpoint.app import heartbeat, runs
from setpoint.app.runs import SHOWN_TO_MODEL, run_report
from setpoint.app.wiring import workspace_of
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import FileUnreadable
from setpoint.domain.vocabulary import Role, RunStatus
from setpoint.domain.windows import Window
from setpoint.llm.schemas import ErrorKind
from setpoint.llm.scripted import Fail, ScriptedModel
from setpoint.reports import service
from setpoint.reports.kept_evidence import citations_with_evidence, evidence_of
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace


def request_for(filled: Filled) -> DatasetRequest:
    return DatasetRequest(filled.slug, Window(filled.sample.start, filled.sample.end, filled.sample.end))


async def latest(database: Database, workspace: Workspace) -> service.Run:
    async with database.tenant(workspace.client_id) as connection:
        return (await service.list_runs(connection, workspace.client_id))[0]


async def test_a_run_that_went_well_is_kept_as_it_was_returned(database: Database, filled: Filled) -> None:
    workspace = await workspace_of(database, filled.slug)
    seen: list[tuple[str, int | None]] = []

    document = await run_report(
        database,
        workspace,
        request_for(filled),
        engine="postgres",
        snapshot=None,
        author="ana",
        progress=lambda step, rows: seen.append((step, rows)),
    )

    run = await latest(database, workspace)
    assert (str(run.id), run.status, run.author) == (document["id"], RunStatus.COMPLETE, "ana")
    assert run.dataset_sha256 == document["dataset_sha256"]
    async with database.tenant(workspace.client_id) as connection:
        assert (await service.get_run(connection, workspace.client_id, document["id"])).document == document
    hashed = [rows for step, rows in seen if step == "hashing the dataset" and rows]
    assert hashed == sorted(hashed)
    assert hashed[-1] > 0
    assert list(dict.fromkeys(step for step, _ in seen))[-1] == "looking for patterns"


async def test_a_run_that_failed_is_kept_with_the_reason(database: Database, filled: Filled, tmp_path: Path) -> None:
    workspace = await workspace_of(database, filled.slug)

    with pytest.raises(FileUnreadable) as raised:
        await run_report(database, workspace, request_for(filled), engine="duckdb", snapshot=tmp_path, author="ana")

    run = await latest(database, workspace)
    assert (run.status, run.failure, run.dataset_sha256) == (RunStatus.FAILED, raised.value.message, None)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ZeroDivisionError("secret"), "It broke off (ZeroDivisionError)."),
        (asyncio.CancelledError(), "It was stopped before it was done."),
    ],
)
async def test_a_run_that_broke_off_is_kept_without_what_the_error_quotes(
    database: Database, filled: Filled, error: BaseException, reason: str
) -> None:
    workspace = await workspace_of(database, filled.slug)

    def break_off(step: str, rows: int | None) -> None:
        raise error

    with pytest.raises(type(error)):
        await run_report(
            database,
            workspace,
            request_for(filled),
            engine="postgres",
            snapshot=None,
            author="ana",
            progress=break_off,
        )

    run = await latest(database, workspace)
    assert (run.status, run.failure) == (RunStatus.FAILED, reason)


async def test_a_heartbeat_that_comes_after_the_end_does_not_call_a_complete_run_given_up(
    database: Database, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = await workspace_of(database, filled.slug)
    monkeypatch.setattr(heartbeat, "PROGRESS_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.02)

    async def end_is_seen_early(connection: AsyncConnection, client_id: int, run_id: UUID, messages: Any) -> None:
        """The end is committed, and its answer takes longer than the next heartbeat, should there be one."""
        await connection.exec_driver_sql("COMMIT")
        for thread in threading.enumerate():
            if thread.name == f"heartbeat of {run_id}":
                await asyncio.to_thread(thread.join)

    monkeypatch.setattr(runs, "keep_evidence", end_is_seen_early)

    async with asyncio.timeout(60):
        document = await run_report(
            database, workspace, request_for(filled), engine="postgres", snapshot=None, author="ana"
        )

    run = await latest(database, workspace)
    assert (str(run.id), run.status, run.failure) == (document["id"], RunStatus.COMPLETE, None)


ADVICE = {
    "title": "Look at what goes with bookings",
    "action": "Read the contrasts of messages, and try what can be tried.",
    "reason": "The leads by outcome say what can be told.",
    "citations": ["counts"],
}
ANSWER: dict[str, Any] = {
    "summary": [{"text": "The leads by outcome say what can be told here.", "citations": ["counts", "evidence:1"]}],
    "patterns": [],
    "anti_patterns": [],
    "recommendations": [ADVICE] * 3,
    "caveats": [],
    "confidence": "low",
    "confidence_reason": "It was said without looking.",
}
LIE = ANSWER | {"summary": [{"text": "98.7% of the leads of AI booked within 3.3 days.", "citations": ["counts"]}]}
INVENTED = ANSWER | {"summary": [{"text": "What is cited is not there.", "citations": ["pattern:no_such"]}]}


async def test_a_model_reads_redacted_messages_and_what_it_cites_can_be_looked_up(
    database: Database, filled: Filled
) -> None:
    workspace = await workspace_of(database, filled.slug)
    model = ScriptedModel([ANSWER])

    document = await run_report(
        database, workspace, request_for(filled), engine="postgres", snapshot=None, author="ana", port=model
    )

    assert (document["synthesis"]["source"], document["synthesis"]["evidence_shown"]) == ("model", SHOWN_TO_MODEL)
    client_id, run_id = workspace.client_id, UUID(document["id"])
    async with database.tenant(client_id) as connection:
        kept = await citations_with_evidence(connection, client_id, run_id)
        (first,) = await evidence_of(connection, client_id, Role.ADMIN, run_id, "evidence:1", 5)
    assert {"evidence:1", f"evidence:{SHOWN_TO_MODEL}"} <= set(kept)
    assert first.snippet[:60] in model.asked[0].user
    assert first.message_id not in model.asked[0].user
    assert first.lead_id not in model.asked[0].user


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        ([LIE] * 4, "CheckFailed"),
        ([INVENTED] * 4, "CheckFailed"),
        ([Fail(ErrorKind.CONTENT_REFUSED)] * 8, "ContentRefused"),
    ],
)
async def test_a_model_that_lies_or_fails_leaves_a_report_from_the_statistics_alone(
    database: Database, filled: Filled, script: list[Any], failure: str
) -> None:
    workspace = await workspace_of(database, filled.slug)

    document = await run_report(
        database,
        workspace,
        request_for(filled),
        engine="postgres",
        snapshot=None,
        author="ana",
        port=ScriptedModel(script),
    )

    words = document["synthesis"]
    assert (await latest(database, workspace)).status is RunStatus.COMPLETE
    assert words["source"] == "statistics"
    assert words["note"].endswith("what follows comes from the statistics alone.")
    assert words["failure"] == failure
    assert 3 <= len(words["content"]["recommendations"]) <= 10
    assert "98.7" not in json.dumps(document)
    assert "no_such" not in json.dumps(document)


async def test_without_a_model_nobody_is_asked(database: Database, filled: Filled) -> None:
    workspace = await workspace_of(database, filled.slug)
    model = ScriptedModel([])

    document = await run_report(
        database,
        workspace,
        request_for(filled),
        engine="postgres",
        snapshot=None,
        author="ana",
        port=model,
        with_model=False,
    )

    assert (document["synthesis"]["source"], document["synthesis"]["evidence_shown"]) == ("statistics", 0)
    assert model.asked == []
