"""People at the pages, rows coming in and a report on its way, all at once on one server: how long do people wait?

    python bench/service_load.py --keep DIR [--leads 500000] [--people 50] [--rows 5000] [--seconds 60] [--alone]

Starts `setpoint serve` on the embedded database in DIR, with a worker beside it. A report runs alone first, unless
DIR has one (`--alone` makes another), then people click alone, then everything at once until the report is complete.
In the end every row that was acknowledged must be in the database, and the report must rest on the same dataset as
the one that ran alone: the rows that come in are of another time. The people and the rows come from this process, on
the same cores, which takes some of them from the server; how much stands below the figures.
"""

import argparse
import asyncio
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

import bench.run
from bench.service_clients import Feed, Pace, Person, Waits, click, feed, probe, quantile

from setpoint.app.http.actors import session_cookie
from setpoint.app.http.config import HttpConfig
from setpoint.app.wiring import Settings, open_database
from setpoint.domain.errors import NotFound
from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.tenancy.api_tokens import create_token
from setpoint.tenancy.invitations import accept_with_password, invite
from setpoint.tenancy.schemas import SignInRefused, cli_actor
from setpoint.tenancy.service import Workspace, find_workspace
from setpoint.tenancy.sign_in import sign_in

PAGES: dict[str, int] = {
    "/w/{ws}": 4,
    "/w/{ws}/reports": 3,
    "/w/{ws}/reports/{run}": 3,
    "/w/{ws}/ask": 2,
    "/w/{ws}/settings": 1,
    "/w/{ws}/settings/members": 1,
    "/": 1,
    "/sign-in": 1,
    "/api/v1/workspaces/{ws}/reports": 1,
    "/api/v1/workspaces/{ws}/reports/{run}": 1,
    "/api/v1/workspaces/{ws}/insights/sessions": 1,
}
"""What people look at, and how often each for one of the others. An address that is not there yet is left out."""

WINDOW = "2026-03-01", "2026-06-01"
"""The window of the sample teams; rows that come in are of a later time."""

SMALL_TEAM = 2_000
ASKED_MS = 300
_PASSWORD = "correct horse battery"  # noqa: S105 - of accounts in a data directory of the benchmark
_WARM_SECONDS = 15
_ALONE_SECONDS = 30


@dataclass(frozen=True)
class Team:
    """A workspace as the load needs it: an admin's token, leads to write to, people at its pages."""

    workspace: Workspace
    token: str
    leads: list[str]
    sessions: list[str]


async def _workspace(database: Database, slug: str) -> Workspace | None:
    async with database.registry() as connection:
        try:
            return await find_workspace(connection, slug)
        except NotFound:
            return None


async def team(database: Database, slug: str, people: int, stamp: str) -> Team:
    """A token, some leads, and so many people who are signed in, in a workspace that is there."""
    workspace = await _workspace(database, slug)
    assert workspace is not None
    now, operator = datetime.now(UTC), cli_actor(workspace, "bench")
    async with database.tenant(workspace.client_id) as connection:
        token, _ = await create_token(connection, operator, f"load {stamp}", Role.ADMIN, now=now)
        found = await connection.exec_driver_sql(
            "SELECT external_id FROM leads WHERE client_id = %(client)s ORDER BY md5(external_id) LIMIT 5000",
            {"client": workspace.client_id},
        )
        leads = [str(name) for (name,) in found]
    sessions = []
    for number in range(people):
        email = f"person-{number}@{slug}.example"
        try:
            signed_in = await sign_in(database, email, _PASSWORD, client_address=f"10.0.0.{number}", now=now)
        except SignInRefused:
            async with database.tenant(workspace.client_id) as connection:
                link, _ = await invite(connection, operator, email, Role.ADMIN, now=now)
            signed_in = await accept_with_password(database, link, f"Person {number}", _PASSWORD, now=now)
        sessions.append(signed_in.token)
    return Team(workspace, token, leads, sessions)


async def prepare(data_dir: Path, leads: int, people: int, stamp: str) -> tuple[Team, Team]:
    """The large team, whose people click and whose report runs, and a small one; both get rows."""
    for size in (leads, SMALL_TEAM):
        async with open_database(Settings(data_dir)) as database:
            there = await _workspace(database, f"bench-{size}")
        if there is None:
            await bench.run.prepare(data_dir, size)
    bench.run.say(f"signing {people} people in")
    async with open_database(Settings(data_dir)) as database:
        large = await team(database, f"bench-{leads}", people, stamp)
        return large, await team(database, f"bench-{SMALL_TEAM}", 0, stamp)


@contextmanager
def serving(log: Path, *options: str) -> Iterator[tuple[psutil.Process, str]]:
    """The server in a process of its own, and its address; it writes its log to a file."""
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "setpoint.app.cli.main", "serve", "--port", "0", *options], stderr=written
        )
        try:
            deadline = time.monotonic() + 120
            while not (found := re.search(r"http://\S+:\d+", log.read_text(errors="replace"))):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"bench: the server did not start:\n{log.read_text(errors='replace')}")
                time.sleep(0.1)
            yield psutil.Process(process.pid), found[0]
        finally:
            process.terminate()
            process.wait(60)


class Report:
    """A report run of the window, by the API."""

    def __init__(self, address: str, team: Team) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{address}/api/v1/workspaces/{team.workspace.slug}",
            headers={"Authorization": f"Bearer {team.token}"},
            timeout=60,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def earlier(self) -> dict[str, Any] | None:
        """The last one that is complete already."""
        runs = (await self._http.get("/reports?limit=100")).raise_for_status().json()["items"]
        same = (run for run in runs if run["status"] == "complete" and _window(run) == WINDOW)
        return next(same, None)

    async def run(self) -> dict[str, Any]:
        """Queue one and wait for its end; with the seconds that took."""
        began = time.perf_counter()
        asked = {"from": WINDOW[0], "to": WINDOW[1], "model": False}
        queued = (await self._http.post("/reports", json=asked)).raise_for_status().json()
        while True:
            await asyncio.sleep(1)
            # The list has no documents: asking for the state takes next to nothing.
            runs = (await self._http.get("/reports?limit=5")).raise_for_status().json()["items"]
            run: dict[str, Any] = next(run for run in runs if run["id"] == queued["id"])
            if run["status"] not in ("queued", "running"):
                return run | {"seconds": time.perf_counter() - began}


def _window(run: dict[str, Any]) -> tuple[str, str]:
    return run["parameters"]["from"][:10], run["parameters"]["to"][:10]


@dataclass(frozen=True)
class Measured:
    """What one phase came to. `cores` says how many cores each kind of process took on average."""

    seconds: float
    waits: Waits
    feeds: list[Feed]
    cores: dict[str, float]
    report: dict[str, Any] | None


def _busy(server: psutil.Process) -> dict[str, float]:
    """Seconds of computing so far: the server, the worker, PostgreSQL, this process, the whole machine."""

    def own(process: psutil.Process) -> float:
        times = process.cpu_times()
        return float(times.user + times.system)

    below = server.children(recursive=True)
    postgres = [each for each in psutil.process_iter(["name"]) if each.info["name"] == "postgres"]
    ours = [each for each in postgres if each in below]
    # What ended was the postmaster's: its time is in the postmaster's own figures for children.
    ended = sum(
        each.cpu_times().children_user + each.cpu_times().children_system
        for each in ours
        if each.parent() not in ours
    )
    every = psutil.cpu_times()
    return {
        "server": own(server),
        "worker": sum(own(each) for each in below if each not in ours),
        "PostgreSQL": sum(map(own, ours)) + ended,
        "this load": own(psutil.Process()),
        "machine": sum(every) - every.idle - every.iowait,
    }


async def phase(
    server: psutil.Process,
    address: str,
    pages: dict[str, int],
    people: list[Person],
    teams: tuple[Team, Team],
    rows: int,
    report: Report | None,
    seconds: float,
) -> Measured:
    """People click for so many seconds, or until the report is complete; rows come in meanwhile."""
    waits, pace = Waits(), Pace()
    feeds = [Feed(each.workspace, each.leads, each.token) for each in teams] if rows else []
    before, began = _busy(server), time.perf_counter()
    tasks = [asyncio.create_task(click(address, person, pages, waits, pace)) for person in people]
    tasks += [asyncio.create_task(feed(address, each, rows / len(feeds), waits, pace)) for each in feeds]
    tasks.append(asyncio.create_task(pace.watch(waits)))
    asked = asyncio.create_task(report.run()) if report is not None else None
    await asyncio.sleep(seconds)
    ended = await asked if asked is not None else None
    after, took = _busy(server), time.perf_counter() - began
    pace.over.set()
    await asyncio.gather(*tasks)
    cores = {name: (after[name] - before[name]) / took for name in before}
    cores["everything else"] = cores.pop("machine") - sum(value for name, value in cores.items() if name != "machine")
    return Measured(took, waits, feeds, cores, ended)


async def lost(database: Database, feeds: list[Feed]) -> int:
    """How many acknowledged rows are not there, counted batch by batch."""
    missing = 0
    for each in feeds:
        async with database.tenant(each.workspace.client_id) as connection:
            found = await connection.exec_driver_sql(
                "SELECT left(external_id, %(length)s) AS mark, count(*) AS n FROM messages"
                " WHERE client_id = %(client)s AND external_id BETWEEN %(mark)s AND %(mark)s || '~' GROUP BY 1",
                {"client": each.workspace.client_id, "mark": each.mark, "length": each.batch_mark_length},
            )
            there = {row["mark"]: row["n"] for row in found.mappings()}
        missing += sum(max(0, n - there.get(mark, 0)) for mark, n in each.acknowledged.items())
    return missing


def table(alone: Measured, together: Measured, quiet: dict[str, Any], missing: int, people: int, rows: int) -> str:
    """What people waited, beside what was asked."""

    def line(name: str, first: list[float], then: list[float]) -> str:
        cells = (
            f"{quantile(values, q):.0f}" if values else "" for values in (first, then) for q in (0.5, 0.95, 0.99)
        )
        return f"| {name} | {' | '.join(cells)} |"

    assert together.report is not None
    accepted = sum(sum(each.acknowledged.values()) for each in together.feeds)
    batches = [ms for each in together.feeds for ms in each.ms]
    every = together.waits.all()
    p99 = quantile(every, 0.99)
    same = together.report["dataset_sha256"] == quiet["dataset_sha256"] is not None
    alone_seconds = f", {quiet['seconds']:.0f} s alone" if "seconds" in quiet else ""
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    ended = f"{together.report['status']}, {'the same' if same else 'ANOTHER'}; {together.report['seconds']:.0f} s"
    lines = [
        f"{machine}; {people} people, {len(every):,} pages in {together.seconds:.0f} s; load average {load}",
        "",
        "| milliseconds | people alone: p50 | p95 | p99 | all at once: p50 | p95 | p99 |",
        "|---|---|---|---|---|---|---|",
        *(line(f"`{name}`", alone.waits.ms[name], together.waits.ms[name]) for name in together.waits.ms),
        line("**every page**", alone.waits.all(), every),
        line("a batch of 1,000 rows", [], batches),
        line("this load's own delay", alone.waits.delays, together.waits.delays),
        "",
        "| figure | asked | measured |",
        "|---|---|---|",
        f"| pages, p99 | at most {ASKED_MS} ms | {p99:.0f} ms |",
        f"| pages, p99, against people alone | | {p99 / quantile(alone.waits.all(), 0.99):.1f}x |",
        f"| rows accepted a second | {rows:,} | {accepted / together.seconds:,.0f} |",
        f"| acknowledged rows that are not there | 0 of {accepted:,} | {missing} |",
        f"| requests that failed | 0 | {sum(together.waits.failed.values()) + sum(alone.waits.failed.values())} |",
        f"| the report | complete, on the dataset of the one alone | {ended}{alone_seconds} |",
        "",
        "Cores taken, people alone and all at once: "
        + ", ".join(f"{name} {alone.cores[name]:.2f} and {value:.2f}" for name, value in together.cores.items())
        + ".",
    ]
    failures = together.waits.failed + alone.waits.failed
    return "\n".join(lines + [f"Failed: {n} times {what}" for what, n in failures.most_common()])


async def measure(data_dir: Path, leads: int, people: int, rows: int, seconds: float, afresh: bool) -> str:
    """Prepare, run the phases, count what is there in the end."""
    stamp = f"{time.time():.0f}"
    teams = await prepare(data_dir, leads, people, stamp)
    cookie = session_cookie(HttpConfig())
    log = data_dir / "service-load.log"
    with serving(log, "--data-dir", str(data_dir)) as (server, address):
        async with Report(address, teams[0]) as report:
            quiet = None if afresh else await report.earlier()
            if quiet is None:
                bench.run.say("a report alone")
                quiet = await report.run()
            names = {"ws": teams[0].workspace.slug, "run": quiet["id"]}
            crowd = [Person(f"{cookie}={token}", number, names) for number, token in enumerate(teams[0].sessions)]
            pages, absent = await probe(address, crowd[0], PAGES)
            for page in absent:
                bench.run.say(f"left out, because there is no such page: {page}")
            bench.run.say("people alone, after some whom nobody measures")
            await phase(server, address, pages, crowd, teams, 0, None, _WARM_SECONDS)
            alone = await phase(server, address, pages, crowd, teams, 0, None, _ALONE_SECONDS)
            bench.run.say("people, rows and a report")
            together = await phase(server, address, pages, crowd, teams, rows, report, seconds)
    async with open_database(Settings(data_dir)) as database:
        missing = await lost(database, together.feeds)
    return table(alone, together, quiet, missing, people, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=500_000)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--rows", type=int, default=5_000, help="rows a second; 0 for none")
    parser.add_argument(
        "--seconds", type=float, default=60, help="at least so long, and until the report is complete"
    )
    parser.add_argument("--alone", action="store_true", help="run a report alone even where one is kept")
    parser.add_argument("--keep", type=Path, help="a data directory to use again instead of a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="setpoint-bench-") as scratch:
        data_dir = options.keep or Path(scratch)
        print(
            asyncio.run(
                measure(data_dir, options.leads, options.people, options.rows, options.seconds, options.alone)
            )
        )


if __name__ == "__main__":
    main()
