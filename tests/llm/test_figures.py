"""What calls took, summed up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import text, update
from tests.conftest import WorkspaceFactory

from setpoint.llm.figures import (
    CallFigures,
    Scope,
    call_figures,
    called_features,
    day_figures,
    total_figures,
)
from setpoint.llm.ledger import TenantLedger
from setpoint.llm.schemas import Call, ErrorKind, Status, Usage
from setpoint.storage.database import Database
from setpoint.storage.tables import ai_calls
from setpoint.tenancy.service import Workspace

KNOWN = Call(uuid4(), "reports", "reports.word", 1, "0" * 64, "m", status=Status.OK, attempts=1)
CALLS: list[dict[str, Any]] = [
    *({"usage": Usage(100, 10, 5, Decimal("0.01")), "latency_ms": latency} for latency in (100, 200, 300, 1000)),
    {"usage": Usage(50, 5, 0, None), "latency_ms": 400},
    {"status": Status.CACHED, "attempts": 0, "usage": Usage(cost_usd=Decimal(0)), "latency_ms": 1},
    {"status": Status.TIMEOUT, "error_kind": ErrorKind.TIMED_OUT, "latency_ms": 9000},
    {"status": Status.BUDGET_EXCEEDED, "error_kind": ErrorKind.RUN_CAP, "attempts": 0},
    {"status": Status.BUDGET_EXCEEDED, "error_kind": ErrorKind.DAILY_CAP, "attempts": 0},
    {"status": Status.STARTED},
    {"model": "other", "status": Status.CACHED, "attempts": 0, "usage": Usage(cost_usd=Decimal(0))},
]


async def written(database: Database, workspace: Workspace) -> None:
    ledger = TenantLedger(database, workspace.client_id)
    for changes in CALLS:
        await ledger.settle(replace(KNOWN, id=uuid4(), **changes))


async def figures(
    database: Database, workspace: Workspace, since: datetime | None = None, until: datetime | None = None
) -> list[CallFigures]:
    async with database.tenant(workspace.client_id) as connection:
        return await call_figures(connection, workspace.client_id, since, until)


async def test_calls_are_summed_by_feature_prompt_and_model(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    workspace, other = await new_workspace(), await new_workspace()
    await written(database, workspace)
    await written(database, other)

    first, second = await figures(database, workspace)

    assert first == CallFigures(
        feature="reports",
        prompt_key="reports.word",
        prompt_version=1,
        model="m",
        calls=10,
        cached=1,
        failures={Status.TIMEOUT: 1, Status.BUDGET_EXCEEDED: 2, Status.STARTED: 1},
        input_tokens=450,
        output_tokens=45,
        cached_tokens=20,
        cost_usd=Decimal("0.04"),
        # One answer without a price, one that ran out of time, one that was never heard of again.
        unpriced=3,
        # Of 100, 200, 300, 400, 1,000 and 9,000 milliseconds.
        latency_p50=300,
        latency_p95=9000,
    )
    assert (second.model, second.calls, second.cached, second.cost_usd, second.latency_p50) == (
        "other",
        1,
        1,
        None,
        None,
    )


async def test_a_workspace_that_asked_nothing_has_no_figures(database: Database, workspace: Workspace) -> None:
    assert await figures(database, workspace) == []


async def test_only_the_calls_of_the_time_count(database: Database, workspace: Workspace) -> None:
    await written(database, workspace)
    instant = datetime(2026, 1, 5, 9, tzinfo=UTC)
    async with database.owner() as connection:
        await connection.execute(text("SET LOCAL search_path = setpoint"))
        await connection.execute(
            update(ai_calls).where(ai_calls.c.client_id == workspace.client_id).values(created_at=instant)
        )

    moment = timedelta(seconds=1)
    assert len(await figures(database, workspace, instant, instant + moment)) == 2
    assert await figures(database, workspace, instant + moment) == []
    assert await figures(database, workspace, until=instant) == []


async def test_calls_are_summed_by_day_and_altogether_as_far_as_they_are_meant(
    database: Database, workspace: Workspace
) -> None:
    await written(database, workspace)
    today = datetime.now(UTC).date()
    scope = Scope(feature="reports", statuses=(Status.TIMEOUT, Status.BUDGET_EXCEEDED))
    async with database.tenant(workspace.client_id) as connection:
        total = await total_figures(connection, workspace.client_id, scope)
        (day,) = await day_figures(connection, workspace.client_id, scope, 10)
        left = await day_figures(connection, workspace.client_id, Scope(), 10, (day.day, 1))
        none = await total_figures(connection, workspace.client_id, Scope(feature="absent"))
        assert await called_features(connection, workspace.client_id) == ["reports"]

    assert (total.calls, total.failed, total.latency_p50) == (3, 3, 9000)
    assert (day.calls, day.feature) == (3, "reports")
    assert abs(day.day - today) <= timedelta(days=1)
    assert left == []
    # Nothing known is not nothing spent.
    assert (none.calls, none.input_tokens, none.cost_usd, none.latency_p95) == (0, 0, None, None)
