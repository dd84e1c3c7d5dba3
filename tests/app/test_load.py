"""People at the pages, rows coming in and a report on its way, all at once: nothing fails and nothing is lost.

How long people wait stands in docs/benchmarks.md; this is the same load in small, and knows no seconds.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.service_clients import Person, probe
from bench.service_load import PAGES, Report, lost, phase, serving, team
from tests.app.conftest import LEADS

from setpoint.app.http.actors import session_cookie
from setpoint.app.http.config import HttpConfig
from setpoint.ingest.schemas import ImportKind
from setpoint.ingest.service import import_file
from setpoint.samples.service import generate
from setpoint.storage.database import Database
from setpoint.tenancy.service import create_workspace

PEOPLE = 10
ROWS = 2_000


@pytest.mark.proof
async def test_nothing_fails_and_nothing_is_lost(
    database: Database, database_url: str, slugs: Iterator[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = generate(tmp_path, LEADS, seed=7)
    teams = []
    for people in (PEOPLE, 0):
        slug = next(slugs)
        async with database.registry() as connection:
            workspace = await create_workspace(connection, slug)
        for kind in ImportKind:
            async with database.tenant(workspace.client_id) as connection:
                await import_file(connection, workspace, kind, Path(sample.paths[kind.value]))
        teams.append(await team(database, slug, people, "proof"))
    large, small = teams
    monkeypatch.setenv("SETPOINT_DATABASE_URL", database_url)

    with serving(tmp_path / "log") as (server, address):
        async with Report(address, large) as report:
            alone = await report.run()
            names = {"ws": large.workspace.slug, "run": alone["id"]}
            cookie = session_cookie(HttpConfig())
            crowd = [Person(f"{cookie}={token}", number, names) for number, token in enumerate(large.sessions)]
            pages, absent = await probe(address, crowd[0], PAGES)
            together = await phase(server, address, pages, crowd, (large, small), ROWS, report, seconds=5)

    assert absent == []
    assert together.waits.failed == {}
    assert len(together.waits.all()) >= PEOPLE
    assert all(sum(each.acknowledged.values()) >= ROWS for each in together.feeds)
    assert await lost(database, together.feeds) == 0
    assert together.report is not None
    assert (together.report["status"], together.report["failure"]) == ("complete", None)
    assert together.report["dataset_sha256"] == alone["dataset_sha256"]
