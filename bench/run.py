"""`make bench`: our engines, a pandas notebook and a bare scan, in one go on the same facts; prints ratios.

    bench/run.py [--leads 500000] [--repeats 3] [--keep DIR] [--skip-import]

Nothing here asserts seconds; the ratios and what was asked of them stand side by side.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import bench.import_speed
import bench.report_speed

from setpoint.app.wiring import Settings, open_database
from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.snapshot import write_snapshot
from setpoint.domain.errors import NotFound
from setpoint.domain.windows import Window, format_instant
from setpoint.ingest.schemas import ImportKind
from setpoint.ingest.service import import_file
from setpoint.samples.service import generate
from setpoint.tenancy.service import create_workspace, find_workspace

JOBS = ("scan", "duckdb", "postgres", "pandas")
SMALL_TEAM = 2_000


@dataclass(frozen=True)
class Team:
    """A sample workspace with its snapshot, ready to be measured on."""

    slug: str
    window: Window
    messages: int


async def prepare(data_dir: Path, leads: int) -> Team:
    """Make up a team, import it and take its snapshot; what is there already is used again."""
    slug = f"bench-{leads}"
    with tempfile.TemporaryDirectory() as scratch:
        say(f"making up {leads:,} leads")
        sample = generate(Path(scratch), leads, fmt="parquet")
        window = Window(sample.start, sample.end, sample.end)
        async with open_database(Settings(data_dir)) as database:
            async with database.registry() as connection:
                try:
                    workspace = await find_workspace(connection, slug)
                except NotFound:
                    workspace = await create_workspace(connection, slug)
            for kind, path in sample.paths.items():
                say(f"importing {sample.counts[kind]:,} {kind}")
                async with database.tenant(workspace.client_id) as connection:
                    await import_file(connection, workspace, ImportKind(kind), path)
            snapshot = data_dir / f"snapshot-{slug}"
            if not snapshot.exists():
                say("taking the snapshot")
                async with (
                    database.tenant(workspace.client_id, one_instant=True) as connection,
                    PostgresEngine(connection, workspace.client_id) as engine,
                ):
                    await write_snapshot(engine, slug, window, snapshot)
            async with database.owner() as connection:
                await connection.exec_driver_sql("ANALYZE")
        return Team(slug, window, sample.counts["messages"])


def measure(job: str, data_dir: Path, team: Team) -> dict[str, Any]:
    """Run one job in a process of its own."""
    window = format_instant(team.window.start), format_instant(team.window.end)
    command = [sys.executable, "-m", "bench.jobs", job, str(data_dir), team.slug, *window]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    if done.returncode != 0:
        sys.exit(f"bench: {job} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def best(data_dir: Path, team: Team, repeats: int, jobs: tuple[str, ...] = JOBS) -> dict[str, dict[str, Any]]:
    """The fastest of several rounds, each job once a round, so that a disturbance meets all of them."""
    rounds = []
    for number in range(repeats):
        say(f"{team.messages:,} messages, round {number + 1} of {repeats}")
        rounds.append({job: measure(job, data_dir, team) for job in jobs})
    return {
        job: min((r[job] for r in rounds), key=lambda result: result["seconds"])
        | {"peak_mib": max(r[job]["peak_mib"] for r in rounds)}
        for job in jobs
    }


def check_same_counts(results: dict[str, dict[str, Any]]) -> None:
    """Whoever counts differently is not a peer."""
    counted = {job: result["cells"] for job, result in results.items() if job != "scan"}
    first = next(iter(counted.values()))
    for job, cells in counted.items():
        if cells != first:
            sys.exit(f"bench: {job} counts differently from {next(iter(counted))}; no figure is worth anything.")


def table(results: dict[str, dict[str, Any]], small: dict[str, dict[str, Any]], teams: tuple[Team, Team]) -> str:
    """The figures beside what was asked of them."""
    seconds = {job: result["seconds"] for job, result in results.items()}
    growth = teams[0].messages / teams[1].messages
    peak = max(results[job]["peak_mib"] for job in ("duckdb", "postgres"))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        f"{machine}; {teams[0].messages:,} messages",
        "",
        "| job | seconds | peak of our process, MiB |",
        "|---|---|---|",
        *(f"| {job} | {seconds[job]:.2f} | {results[job]['peak_mib']:.0f} |" for job in JOBS),
        "",
        "| figure | asked | measured |",
        "|---|---|---|",
        f"| DuckDB against the bare scan | at most 3x | {seconds['duckdb'] / seconds['scan']:.2f}x |",
        f"| DuckDB against pandas | at least 5x faster | {seconds['pandas'] / seconds['duckdb']:.1f}x |",
        f"| Postgres against pandas | at least 1.5x faster | {seconds['pandas'] / seconds['postgres']:.1f}x |",
        *(
            f"| {job}, {growth:.1f} times the messages | at most 12x the time |"
            f" {seconds[job] / small[job]['seconds']:.1f}x |"
            for job in ("duckdb", "postgres")
        ),
        f"| peak memory | under 2048 MiB | {peak:.0f} MiB |",
    ]
    return "\n".join(lines)


def reports(data_dir: Path, large: Team, leads: int) -> str:
    """A whole report of a small team, with evidence and words, and of the large one, with its numbers."""
    small = asyncio.run(prepare(data_dir, SMALL_TEAM))
    measured = []
    for team, scripted in ((small, True), (large, False)):
        say(f"a whole report of {team.slug}")
        window = format_instant(team.window.start), format_instant(team.window.end)
        measured.append(bench.report_speed.measure(data_dir, team.slug, window, scripted))
    return bench.report_speed.table(measured[0], measured[1], (SMALL_TEAM, leads))


def say(text: str) -> None:
    """Tell whoever waits what is being done."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Prepare, measure, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=500_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="a data directory to use again instead of a temporary one")
    parser.add_argument("--skip-import", action="store_true", help="leave the import's own benchmark out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="setpoint-bench-") as scratch:
        data_dir = options.keep or Path(scratch)
        large = asyncio.run(prepare(data_dir, options.leads))
        small = asyncio.run(prepare(data_dir, options.leads // 10))
        results = best(data_dir, large, options.repeats)
        check_same_counts(results)
        tenth = best(data_dir, small, options.repeats, ("duckdb", "postgres"))
        print(table(results, tenth, (large, small)))
        print(f"\n{reports(data_dir, large, options.leads)}")
    if not options.skip_import:
        bench.import_speed.main(large.messages)


if __name__ == "__main__":
    main()
