#!/usr/bin/env python3
"""The whole way with import files of your own, twice, on every engine: nothing may differ. Exit status 1 if it does.

    scripts/real_data.py FILES --from D --to D --data-dir DIR [--workspace SLUG] [--as-of D] [--engine E]...

FILES is a directory with leads and messages and, where there are any, campaigns, drafts and appointments: each one
file that ends in .csv, .jsonl or .parquet, with or without .gz. The data directory holds an embedded database.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from setpoint.app.cli.common import EngineName
from setpoint.domain.errors import SetpointError, UsageError
from setpoint.domain.windows import make_window
from setpoint.ingest.files import Format
from setpoint.ingest.schemas import ImportKind
from setpoint.reports.terminal import print_report

# Leads before what belongs to them.
ORDER = (
    ImportKind.CAMPAIGNS,
    ImportKind.LEADS,
    ImportKind.DRAFTS,
    ImportKind.MESSAGES,
    ImportKind.APPOINTMENTS,
)
REQUIRED = (ImportKind.LEADS, ImportKind.MESSAGES)
# What tells one run of the same question from another.
OF_THE_RUN = ("id", "author", "created_at", "engine")
# What needs the texts, which only the database has.
OF_THE_TEXTS = ("patterns", "synthesis")

output = Console(highlight=False)


class Difference(SetpointError):
    """Two runs that must agree do not."""

    code = "difference"


def say(line: str) -> None:
    """One line of the summary."""
    output.print(Text(line), soft_wrap=True)


def find_files(directory: Path) -> dict[ImportKind, Path]:
    """The import file of each kind, in the order of import. Raises UsageError."""
    if not directory.is_dir():
        raise UsageError(f"There is no directory {directory}: name the one that holds the import files.")
    files: dict[ImportKind, Path] = {}
    for kind in ORDER:
        names = (f"{kind}{form.value}{packed}" for form in Format for packed in ("", ".gz"))
        found = [directory / name for name in names if (directory / name).is_file()]
        if len(found) > 1:
            raise UsageError(f"{directory} has {found[0].name} and {found[1].name}: leave one of them.")
        if not found and kind in REQUIRED:
            raise UsageError(f"{directory} has no file of {kind}, such as {kind}.csv.")
        if found:
            files[kind] = found[0]
    return files


class Setpoint:
    """The command line, with a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def __call__(self, *words: str) -> dict[str, Any]:
        """Run a command and read what it prints as JSON. Raises SetpointError with what it complained of."""
        program = [sys.executable, "-c", "from setpoint.app.cli.main import run; run()"]
        done = subprocess.run(
            [*program, *words, "--data-dir", str(self._data_dir), "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            complaint = done.stderr.strip().removeprefix("setpoint: ")
            raise SetpointError(f"`setpoint {' '.join(words)}` failed: {complaint}")
        document: dict[str, Any] = json.loads(done.stdout)
        return document


def take_in(setpoint: Setpoint, workspace: str, files: dict[ImportKind, Path]) -> None:
    """Import every file, then every file again. Raises Difference where the second time changes anything."""
    known = [each["workspace"] for each in setpoint("workspace", "list")["workspaces"]]
    if workspace not in known:
        setpoint("workspace", "create", workspace)
    first: dict[ImportKind, dict[str, Any]] = {}
    for kind, file in files.items():
        first[kind] = taken = setpoint("import", kind, str(file), "--workspace", workspace)
        say(
            f"{kind}: {taken['rows']:,} rows, {taken['inserted']:,} new, {taken['updated']:,} changed,"
            f" {taken['unchanged']:,} unchanged, {taken['rejected']:,} rejected"
        )
    for kind, file in files.items():
        again = setpoint("import", kind, str(file), "--workspace", workspace)
        if again["accepted"] or again["rejected"] != first[kind]["rejected"]:
            raise Difference(
                f"The second import of {file.name} took {again['accepted']:,} rows and rejected"
                f" {again['rejected']:,}, the first rejected {first[kind]['rejected']:,}."
            )
    say("A second import of every file changed nothing.")


def report(setpoint: Setpoint, question: list[str], engines: list[str]) -> dict[str, Any]:
    """Run the report on each engine. Raises Difference where their documents or their hashes are not the same."""
    documents = {engine: setpoint("report", "run", *question, "--engine", engine) for engine in engines}
    one = documents[engines[0]]
    for engine, document in documents.items():
        say(f"{engine}: {document['dataset_sha256']}")
        own = OF_THE_RUN + (() if document["engine"] == one["engine"] else OF_THE_TEXTS)
        differing = [name for name in one if name not in own and document[name] != one[name]]
        if differing:
            raise Difference(f"{engine} and {engines[0]} differ in {', '.join(differing)}.")
    return one


def check_export(setpoint: Setpoint, question: list[str], engines: list[str], expected: str) -> None:
    """Export the dataset from each engine. Raises Difference where a file has not the SHA-256 of the report."""
    rows = 0
    with tempfile.TemporaryDirectory() as scratch:
        for engine in engines:
            out = Path(scratch) / f"{engine}.csv"
            told = setpoint("dataset", "export", *question, "--engine", engine, "--out", str(out))
            rows = told["rows"]
            seen = hashlib.sha256(out.read_bytes()).hexdigest()
            if not told["sha256"] == seen == expected:
                raise Difference(
                    f"The export from {engine} has the SHA-256 {seen}, is said to have {told['sha256']}, and the"
                    f" report has {expected}."
                )
    say(f"The exported datasets ({rows:,} rows) have the same SHA-256.")


def options_of(arguments: argparse.Namespace) -> Iterator[str]:
    """The question that a report and an export are asked."""
    yield from ("--workspace", arguments.workspace, "--from", arguments.start, "--to", arguments.end)
    if arguments.as_of:
        yield from ("--as-of", arguments.as_of)


def main() -> int:
    """Do it all; the exit status."""
    engines = [engine.value for engine in EngineName]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, metavar="FILES")
    parser.add_argument("--from", dest="start", required=True, metavar="D")
    parser.add_argument("--to", dest="end", required=True, metavar="D")
    parser.add_argument("--as-of", metavar="D")
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--workspace", default="real-data", metavar="SLUG")
    parser.add_argument("--engine", action="append", choices=engines, help="may be repeated; default: all of them")
    arguments = parser.parse_args()
    asked = list(dict.fromkeys(arguments.engine or engines))
    try:
        files = find_files(arguments.files)
        make_window(arguments.start, arguments.end, arguments.as_of)
        setpoint = Setpoint(arguments.data_dir)
        question = list(options_of(arguments))
        take_in(setpoint, arguments.workspace, files)
        document = report(setpoint, question, asked)
        check_export(setpoint, question, asked, document["dataset_sha256"])
    except SetpointError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"real_data: {error.message}"))
        return error.exit_status
    say("Nothing differs.\n")
    print_report(document, output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
