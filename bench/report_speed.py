"""Where the time of a whole report goes: numbers, evidence and words for a small team, numbers alone for a large one.

    python -m bench.report_speed DATA_DIR SLUG FROM TO [--scripted]

Runs one report in this process and prints its steps as JSON. With `--scripted` a scripted model puts it into words,
so that all but the model's own time is measured: evidence, redaction, prompt, checks, books.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from setpoint.app.runs import run_report
from setpoint.app.wiring import Settings, open_database
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.windows import make_window
from setpoint.llm.scripted import ScriptedModel
from setpoint.tenancy.service import find_workspace

_ADVICE = {
    "title": "Look at what goes with bookings",
    "action": "Read the contrasts of messages, and try what can be tried.",
    "reason": "The leads by outcome say what can be told.",
    "citations": ["counts"],
}
_ANSWER = {
    "summary": [{"text": "The leads by outcome say what can be told here.", "citations": ["counts"]}],
    "patterns": [],
    "anti_patterns": [],
    "recommendations": [_ADVICE] * 3,
    "caveats": [],
    "confidence": "low",
    "confidence_reason": "It was said without looking.",
}


async def steps_of(data_dir: Path, slug: str, window: tuple[str, str], scripted: bool) -> dict[str, Any]:
    """Seconds of each step of a report, the database's start left out."""
    async with open_database(Settings(data_dir)) as database:
        async with database.registry() as connection:
            workspace = await find_workspace(connection, slug)
        marks: list[tuple[str, float]] = []

        def mark(step: str, rows: int | None) -> None:
            if not marks or marks[-1][0] != step:
                marks.append((step, time.perf_counter()))

        began = time.perf_counter()
        document = await run_report(
            database,
            workspace,
            DatasetRequest(slug, make_window(*window)),
            engine="postgres",
            snapshot=None,
            author="bench",
            progress=mark,
            with_model=scripted,
            port=ScriptedModel([_ANSWER]) if scripted else None,
        )
        ended = time.perf_counter()
    ends = [*(instant for _, instant in marks[1:]), ended]
    return {
        "seconds": ended - began,
        "steps": {step: end - start for (step, start), end in zip(marks, ends, strict=True)},
        "source": document["synthesis"]["source"],
        "evidence": document["synthesis"]["evidence_shown"],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(data_dir: Path, slug: str, window: tuple[str, str], scripted: bool) -> dict[str, Any]:
    """Run one report in a process of its own."""
    command = [sys.executable, "-m", "bench.report_speed", str(data_dir), slug, *window]
    done = subprocess.run(
        command + (["--scripted"] if scripted else []),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    if done.returncode != 0:
        sys.exit(f"bench: the report of {slug} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def table(small: dict[str, Any], large: dict[str, Any], leads: tuple[int, int]) -> str:
    """The steps of both reports side by side, beside what was asked of the whole."""
    if small["source"] != "model":
        sys.exit("bench: the scripted model's answer was refused; no figure is worth anything.")
    steps = list(dict.fromkeys([*large["steps"], *small["steps"]]))

    def cell(result: dict[str, Any], step: str) -> str:
        return f"{result['steps'][step]:.2f}" if step in result["steps"] else ""

    return "\n".join(
        [
            f"| step, seconds | {leads[0]:,} leads, evidence and words | {leads[1]:,} leads |",
            "|---|---|---|",
            *(f"| {step} | {cell(small, step)} | {cell(large, step)} |" for step in steps),
            f"| **all** | **{small['seconds']:.1f}** (asked: under 20) | **{large['seconds']:.1f}** (under 90) |",
            f"| peak of our process, MiB | {small['peak_mib']:.0f} | {large['peak_mib']:.0f} |",
        ]
    )


if __name__ == "__main__":
    where, name, start, end, *rest = sys.argv[1:]
    print(json.dumps(asyncio.run(steps_of(Path(where), name, (start, end), rest == ["--scripted"]))))
