"""The queue in our database: whose schema it has, and who may use it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources
from uuid import UUID

import pytest
from tests.storage.conftest import run_as_superuser, variant

from setpoint.app.worker import open_queue, work
from setpoint.domain.errors import DatabaseUnavailable
from setpoint.jobs.application import make_queue
from setpoint.jobs.rules import last_due
from setpoint.storage.database import Database, connect


def test_the_schema_is_that_of_the_release_that_is_installed() -> None:
    """Where this fails, a newer release is installed: its own migrations must become one of ours."""
    shipped = resources.files("procrastinate").joinpath("sql/schema.sql").read_bytes()
    assert sha256(shipped).hexdigest() == "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"


async def test_the_weekly_task_is_due_when_the_schedule_says_so(database: Database) -> None:
    asked: list[datetime] = []

    async def carry_out(client_id: int, run_id: UUID) -> None:
        raise AssertionError

    async def queue_due(due: datetime) -> None:
        asked.append(due)

    queue = make_queue(database, carry_out, queue_due)
    (periodic,) = queue.periodic_registry.periodic_tasks.values()
    at = datetime(2026, 11, 25, 12, tzinfo=UTC)
    before = periodic.croniter.get_prev(float, start_time=at.timestamp())
    await queue.tasks["weekly_reports"](timestamp=int(before))
    assert asked == [last_due(at)]


@pytest.fixture
def hand(database_url: str) -> Iterator[tuple[str, str]]:
    """A migrated database's URL for its superuser, and for a login that may do the daily work and nothing more."""
    run_as_superuser(
        database_url, "CREATE DATABASE owned_queue", "CREATE ROLE queue_hand LOGIN IN ROLE setpoint_runtime"
    )
    url = variant(database_url, database="owned_queue")
    yield url, variant(url, user="queue_hand")
    run_as_superuser(database_url, "DROP DATABASE owned_queue WITH (FORCE)", "DROP ROLE queue_hand")


async def test_a_login_that_owns_nothing_needs_a_right_of_its_own(database: Database, hand: tuple[str, str]) -> None:
    owner, daily = connect(hand[0]), connect(hand[1])
    try:
        await owner.migrate()
        with pytest.raises(DatabaseUnavailable, match="GRANT USAGE ON SCHEMA setpoint_jobs"):
            await work(daily, once=True)
        run_as_superuser(hand[0], "GRANT USAGE ON SCHEMA setpoint_jobs TO queue_hand")
        with pytest.raises(DatabaseUnavailable, match="the same for its tables"):
            await work(daily, once=True)
        run_as_superuser(
            hand[0],
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA setpoint_jobs TO queue_hand",
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA setpoint_jobs TO queue_hand",
        )
        await work(daily, once=True)
    finally:
        await owner.close()
        await daily.close()


async def test_a_database_that_is_not_there_is_a_sentence() -> None:
    database = connect("postgresql://nobody@127.0.0.1:9/nothing")
    with pytest.raises(DatabaseUnavailable):
        async with open_queue(database) as queue:
            await queue.job_manager.list_jobs_async()
