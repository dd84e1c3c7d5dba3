"""What an outside scheduler calls: behind its secret and nothing else, a bit at a time, one call at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text
from tests.app.conftest import Filled
from tests.app.town import NOW, Town, by_session, by_token, client, make_town
from tests.conftest import WorkspaceFactory

from setpoint.app import rounds
from setpoint.app.breaker import COOL_DOWN_SECONDS, FAILURES, Breaker, Resting
from setpoint.app.rounds import Job, Round, Rounds, alone, in_turn
from setpoint.app.runs import queue_due_report, run_report
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.errors import Conflict, DatabaseUnavailable
from setpoint.domain.windows import make_window
from setpoint.jobs.rules import last_due
from setpoint.jobs.schedule import want_weekly
from setpoint.reports import service
from setpoint.storage.database import Database, connect
from setpoint.tenancy.service import Workspace

SECRETS = ("s3cret-of-now", "s3cret-of-before")
SIGNED = {"X-Cron-Secret": SECRETS[0]}
REPORTS, EVAL, SUMMARIES, PACKS = (
    f"/api/cron/insights/{name}"
    for name in ("message-performance", "message-performance-eval", "booked-summaries", "context-packs")
)
ALL = [REPORTS, EVAL, SUMMARIES, PACKS]
STRANGERS: list[Any] = [
    {},
    {"X-Cron-Secret": ""},
    {"X-Cron-Secret": SECRETS[0][:-1]},
    {"X-Cron-Secret": SECRETS[0] + "x"},
    {"Authorization": SECRETS[0]},
    {"Authorization": f"Basic {SECRETS[0]}"},
    {"Authorization": "Bearer"},
    {"X-Cron-Secret": b"\xff\xfe"},
]
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, filled: Filled, slugs: Iterator[str]) -> Town:
    """One of this file's own: reports and summaries are made in it, which other files do not expect."""
    return await make_town(database, filled.sample, lambda: next(slugs))


@pytest_asyncio.fixture(autouse=True)
async def nobody_else(database: Database) -> AsyncIterator[None]:
    """Nobody but the test's own workspaces wants a weekly report, during the test and after it."""
    for once in (True, False):
        async with database.owner() as connection:
            await connection.execute(text("UPDATE workspace_settings SET weekly_report = false"))
        if once:
            yield


def served(town: Town, **changes: Any) -> FastAPI:
    changed = replace(town.config, cron_secrets=SECRETS, **changes)
    return replace(town, config=changed).app()


async def call(app: FastAPI, path: str) -> dict[str, Any]:
    async with client(app) as http:
        answer = await http.post(path, headers=SIGNED)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def opt_in(database: Database, *workspaces: Workspace) -> None:
    for workspace in workspaces:
        async with database.tenant(workspace.client_id) as connection:
            await want_weekly(connection, workspace.client_id, True, at=NOW - timedelta(days=30))


async def wanting(database: Database, new_workspace: WorkspaceFactory, count: int) -> list[Workspace]:
    made = [await new_workspace() for _ in range(count)]
    await opt_in(database, *made)
    return made


async def runs_of(database: Database, workspace: Workspace) -> list[service.Run]:
    async with database.tenant(workspace.client_id) as connection:
        return await service.list_runs(connection, workspace.client_id, limit=100)


# Who gets in


@pytest.mark.parametrize("path", [*ALL, "/api/cron", "/api/cron/", "/api/cron/insights/nothing"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_without_the_secret_nothing_is_looked_at(town: Town, path: str, method: str) -> None:
    # A database that nobody answers for: whoever asked it would be told so.
    dead = replace(town, database=connect(NOWHERE))
    async with client(served(dead)) as http:
        for headers in STRANGERS:
            answer = await http.request(method, path, headers=headers, content=b"x" * (2 << 20))
            assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
            assert "WWW-Authenticate" in answer.headers


async def test_without_a_secret_in_the_configuration_nobody_gets_in(town: Town) -> None:
    async with client(town.app()) as http:
        answers = [
            await http.get(path, headers={name: value})
            for path in [*ALL, "/api/cron/nothing"]
            for name, value in (("X-Cron-Secret", ""), ("X-Cron-Secret", "None"), ("Authorization", "Bearer None"))
        ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "not_configured")}


@pytest.mark.parametrize("secret", SECRETS)
async def test_both_secrets_open_by_either_header_and_by_either_method(town: Town, secret: str) -> None:
    async with client(served(town)) as http:
        answers = [
            await http.request(method, REPORTS, headers=headers, content=content)
            for method, content in (("GET", b""), ("POST", b""), ("POST", b"{}"))
            for headers in (
                {"X-Cron-Secret": secret},
                {"Authorization": f"Bearer {secret}"},
                {"authorization": f"bearer  {secret} "},
            )
        ]

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


async def test_no_role_opens_it_and_the_secret_opens_nothing_else(town: Town) -> None:
    credentials = [
        *(by_token(token) for token in town.home.tokens.values()),
        *(by_session(session) for session in town.home.sessions.values()),
        by_session(town.super_admin),
    ]
    async with client(served(town)) as http:
        refused = [await http.post(path, headers=headers) for path in ALL for headers in credentials]
        other = await http.get(f"/api/v1/workspaces/{town.home.workspace.slug}/reports", headers=by_token(SECRETS[0]))
        document = (await http.get("/api/v1/openapi.json")).json()

    assert {answer.status_code for answer in refused} == {401}
    assert other.status_code == 401
    assert not [path for path in document["paths"] if "cron" in path]


async def test_what_is_not_there_yet_says_so(town: Town) -> None:
    async with client(served(town)) as http:
        answer = await http.get(EVAL, headers=SIGNED)

    assert (answer.status_code, answer.json()["code"]) == (501, "not_implemented")


async def test_the_log_has_the_route_and_no_secret(town: Town) -> None:
    start = len(town.log.getvalue())
    await call(served(town), REPORTS)
    async with client(served(town)) as http:
        await http.get(REPORTS, headers={"X-Cron-Secret": "guessed"})

    logged = town.log.getvalue()[start:]
    assert f'"route": "{REPORTS}"' in logged
    assert '"actor": "cron"' in logged
    assert SECRETS[0] not in logged
    assert "guessed" not in logged


# What is done


async def test_weekly_reports_are_queued_once_and_a_batch_at_a_time(
    town: Town, database: Database, new_workspace: WorkspaceFactory
) -> None:
    workspaces = await wanting(database, new_workspace, 3)
    app = served(town, cron_batch=2)

    first, second, third = [await call(app, REPORTS) for _ in range(3)]

    assert first == {"job": "message-performance", "workspaces": 2, "made": 2, "failed": {}, "remains": True}
    assert (second["workspaces"], second["made"], second["remains"]) == (3, 1, False)
    assert (third["workspaces"], third["made"], third["remains"]) == (3, 0, False)
    for workspace in workspaces:
        (run,) = await runs_of(database, workspace)
        assert (run.status, run.author) == ("queued", "system")


async def test_a_workspace_that_goes_wrong_keeps_no_other_waiting(
    town: Town, database: Database, new_workspace: WorkspaceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *good = await wanting(database, new_workspace, 3)

    async def broken(database: Database, client_id: int, due: Any) -> service.Run | None:
        if client_id == bad.client_id:
            raise Conflict(f"Something about {bad.slug}.")
        return await queue_due_report(database, client_id, due)

    monkeypatch.setattr(rounds, "queue_due_report", broken)
    app = served(town, cron_batch=1)
    told = [await call(app, REPORTS) for _ in range(4)]

    assert [(each["made"], each["failed"]) for each in told] == [
        (0, {"conflict": 1}),
        (1, {}),
        (1, {}),
        (0, {"conflict": 1}),
    ]
    assert [len(await runs_of(database, each)) for each in good] == [1, 1]
    assert bad.slug not in str(told)


async def test_a_defect_is_told_as_one(
    town: Town, database: Database, new_workspace: WorkspaceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wanting(database, new_workspace, 1)

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(rounds, "queue_due_report", broken)

    assert (await call(served(town), REPORTS))["failed"] == {"defect": 1}


async def test_what_takes_too_long_is_broken_off_and_the_next_call_begins_with_who_had_no_time(
    town: Town, database: Database, new_workspace: WorkspaceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick, slow = await wanting(database, new_workspace, 2)

    async def endless(database: Database, client_id: int, due: Any) -> service.Run | None:
        if client_id == slow.client_id:
            await asyncio.Event().wait()
        return await queue_due_report(database, client_id, due)

    monkeypatch.setattr(rounds, "queue_due_report", endless)
    app = served(town, cron_seconds=0.5)

    first, second, third = [await call(app, REPORTS) for _ in range(3)]

    assert (first["workspaces"], first["made"], first["failed"], first["remains"]) == (1, 1, {}, True)
    assert (second["failed"], second["remains"]) == ({"out_of_time": 1}, True)
    assert (third["workspaces"], third["failed"]) == (1, {})
    assert len(await runs_of(database, quick)) == 1


async def test_one_call_does_a_job_at_a_time(town: Town, database: Database) -> None:
    app = served(town)
    async with alone(database, Job.MESSAGE_PERFORMANCE), client(app) as http:
        busy = await http.get(REPORTS, headers=SIGNED)
        other = await http.get(PACKS, headers=SIGNED)
    after = await call(app, REPORTS)

    assert (busy.status_code, busy.json()["code"]) == (409, "conflict")
    assert (other.status_code, after["failed"]) == (200, {})


async def test_of_calls_at_once_all_others_are_told_that_one_is_at_it(
    town: Town, database: Database, new_workspace: WorkspaceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace,) = await wanting(database, new_workspace, 1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def waits(*asked: Any) -> service.Run | None:
        begun.set()
        await go_on.wait()
        return await queue_due_report(*asked)

    monkeypatch.setattr(rounds, "queue_due_report", waits)
    app = served(town)
    first = asyncio.create_task(call(app, REPORTS))
    await begun.wait()
    async with client(served(town)) as http:
        others = [await http.post(REPORTS, headers=SIGNED) for _ in range(3)]
    go_on.set()

    assert (await first)["made"] == 1
    assert [each.status_code for each in others] == [409] * 3
    assert len(await runs_of(database, workspace)) == 1


async def test_booked_conversations_are_summed_up_bit_by_bit(town: Town, database: Database) -> None:
    await opt_in(database, town.home.workspace)
    app = served(town, cron_batch=7)
    told = [await call(app, SUMMARIES)]
    while told[-1]["remains"]:
        told.append(await call(app, SUMMARIES))

    async with database.tenant(town.home.workspace.client_id) as connection:
        kept = await connection.scalar(text("SELECT count(*) FROM booked_summaries"))
    async with database.tenant(town.away.workspace.client_id) as connection:
        others = await connection.scalar(text("SELECT count(*) FROM booked_summaries"))
    assert len(told) >= 3
    assert {each["made"] for each in told[:-1]} == {7}
    # Three were there when the workspace was made, and the workspace that did not ask has no more than those.
    assert sum(each["made"] for each in told) >= kept - 4
    assert kept > 2 * 7
    assert others <= 4
    assert (await call(app, SUMMARIES))["made"] == 0


async def test_what_was_summed_up_before_the_time_was_over_is_counted(
    town: Town, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opt_in(database, town.home.workspace)
    async with database.tenant(town.home.workspace.client_id) as connection:
        await connection.execute(text("UPDATE booked_summaries SET created_at = now() - interval '1 hour'"))

    async def some(*_: Any, **__: Any) -> None:
        async with database.tenant(town.home.workspace.client_id) as connection:
            await connection.execute(
                text(
                    "UPDATE booked_summaries SET created_at = now() WHERE lead_external_id IN"
                    " (SELECT lead_external_id FROM booked_summaries ORDER BY 1 LIMIT 2)"
                )
            )
        await asyncio.Event().wait()

    monkeypatch.setattr(rounds, "summarise_booked", some)
    told = await call(served(town, cron_seconds=1), SUMMARIES)

    assert (told["made"], told["failed"], told["remains"]) == (2, {}, True)


async def test_packs_are_made_for_reports_that_have_none(
    town: Town, database: Database, new_workspace: WorkspaceFactory
) -> None:
    reported, bare = await wanting(database, new_workspace, 2)
    request = DatasetRequest(reported.slug, make_window("2026-03-01", "2026-06-01"))
    await run_report(database, reported, request, engine="postgres", snapshot=None, author="ana", with_model=False)

    first, second = [await call(served(town), PACKS) for _ in range(2)]

    assert (first["workspaces"], first["made"], first["failed"], first["remains"]) == (2, 1, {}, False)
    assert second["made"] == 0
    async with database.tenant(reported.client_id) as connection:
        packs = (await connection.execute(text("SELECT status, author FROM context_packs"))).all()
    assert [tuple(each) for each in packs] == [("complete", "system")]
    assert await runs_of(database, bare) == []


# A database in trouble


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_database_in_trouble_is_left_alone_until_it_had_time_to_recover(
    town: Town, database: Database
) -> None:
    clock = Clock()
    app = served(town)
    dead = connect(NOWHERE)
    app.state.rounds = Rounds(dead, Breaker(clock))
    async with client(app) as http:

        async def ask() -> httpx.Response:
            return await http.post(REPORTS, headers=SIGNED)

        tried = [await ask() for _ in range(FAILURES)]
        app.state.rounds.database = database
        clock.now += COOL_DOWN_SECONDS - 1.5
        resting = await ask()
        unsigned = await http.post(REPORTS)
        clock.now += 2
        well = await ask()
    await dead.close()

    assert {(each.status_code, each.json()["code"]) for each in [*tried, resting]} == {(503, "database_unavailable")}
    assert tried[0].json()["detail"] != tried[-1].json()["detail"] == resting.json()["detail"]
    assert (tried[-1].headers["Retry-After"], resting.headers["Retry-After"]) == ("30", "2")
    assert (unsigned.status_code, well.status_code) == (401, 200)


async def test_within_a_call_too_many_failures_of_the_database_end_it(
    database: Database, new_workspace: WorkspaceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wanting(database, new_workspace, FAILURES + 2)
    asked = []

    async def broken(database: Database, client_id: int, due: Any) -> None:
        asked.append(client_id)
        raise DatabaseUnavailable("It is gone.")

    monkeypatch.setattr(rounds, "queue_due_report", broken)
    with pytest.raises(Resting):
        await Rounds(database).go(Job.MESSAGE_PERFORMANCE, NOW, seconds=60, batch=60)

    assert len(asked) == FAILURES


def test_turns_begin_behind_the_last() -> None:
    assert in_turn([3, 1, 2], None) == [1, 2, 3]
    assert in_turn([3, 1, 2], 1) == [2, 3, 1]
    assert in_turn([3, 1], 2) == [3, 1]
    assert in_turn([], 7) == []


async def test_the_monday_is_the_last_one_before_the_call(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    (workspace,) = await wanting(database, new_workspace, 1)
    done = await Rounds(database).go(Job.MESSAGE_PERFORMANCE, NOW, seconds=60, batch=60)

    assert done == Round(Job.MESSAGE_PERFORMANCE, 1, 1, {}, False)
    async with database.tenant(workspace.client_id) as connection:
        due = await connection.scalar(text("SELECT scheduled_for FROM report_runs"))
    assert due == last_due(NOW)
