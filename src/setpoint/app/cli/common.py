"""What the commands share: options, where words and data go, and how their work is run and ended.

A command's module holds its options, and loads what it works with when it works: statistics and charts take
seconds to load, and nobody should wait for them to read `--help` or to hear that a date is wrong.
"""

import asyncio
import getpass
import json
import os
import signal
import sys
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from setpoint.domain.errors import SetpointError, UsageError
from setpoint.domain.vocabulary import Channel

T = TypeVar("T")


class EngineName(StrEnum):
    """Where a dataset is computed."""

    POSTGRES = "postgres"
    DUCKDB = "duckdb"
    SPARK = "spark"


DataDir = Annotated[
    Path | None,
    typer.Option(help="The directory of the embedded database; or set SETPOINT_DATA_DIR.", show_default=False),
]
WorkspaceSlug = Annotated[str, typer.Option("--workspace", help="The workspace's name.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
From = Annotated[str, typer.Option("--from", help="First day or instant, UTC.", show_default=False)]
To = Annotated[
    str, typer.Option("--to", help="Day or instant where the window ends, not included.", show_default=False)
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Nothing after it is known; default: --to.", show_default=False)
]
AttributionDays = Annotated[int, typer.Option(help="How far before a booking a message is credited.")]
MaturityDays = Annotated[int, typer.Option(help="How long after its last message a lead stays pending.")]
Channels = Annotated[
    list[Channel] | None,
    typer.Option("--channel", help="Only messages on this channel; may be repeated.", show_default=False),
]
MaxLeads = Annotated[
    int | None, typer.Option(help="Cap the cohort by a uniform sample of leads.", show_default=False)
]
Seed = Annotated[str | None, typer.Option(help="Seed of the sample's hash.", show_default=False)]
Engine = Annotated[EngineName, typer.Option("--engine", help="Where the dataset is computed.")]
Snapshot = Annotated[
    Path | None,
    typer.Option(help="A snapshot for duckdb or spark; without one, one is taken and removed.", show_default=False),
]

errors = Console(stderr=True, highlight=False, soft_wrap=True)
output = Console(highlight=False)


class Stopped(SetpointError):
    """Somebody ended the command by a signal."""

    code = "stopped"

    def __init__(self, number: signal.Signals) -> None:
        super().__init__("Stopped. What was not finished was not saved; run the command again.")
        self.exit_status = 128 + number


def command_app(help_text: str | None = None) -> typer.Typer:
    """A Typer application for one command or, with a help text, for a group of them."""
    app = typer.Typer(help=help_text, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    if help_text is not None:
        app.callback(invoke_without_command=True)(show_help)
    return app


def show_help(context: typer.Context) -> None:
    """A group without a command shows what there is."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(UsageError.exit_status)


def say(message: str) -> None:
    """One line for the person at the terminal, on standard error."""
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in message)
    errors.print(Text(f"setpoint: {printable}"))


def print_json(document: dict[str, Any]) -> None:
    """The one JSON document on standard output."""
    encoding = getattr(output.file, "encoding", None) or "ascii"
    output.file.write(json.dumps(document, indent=2, ensure_ascii="utf" not in encoding.lower()) + "\n")
    output.file.flush()


def author() -> str:
    """Who runs this command: the name of the system's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def check_target(path: Path, option: str) -> None:
    """Raise UsageError where a file cannot be written: it is better to know before the work than after it."""
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe would be replaced by our file, not written to.
            raise UsageError(f"{option} {path} is no file: name another.")
        refuse_own_output(path, option)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise UsageError(f"{option} {path} cannot be written: {error.strerror}. Name another place.") from error


def refuse_own_output(path: Path, option: str) -> None:
    """Raise UsageError for the file that our own words go to, such as a redirected /dev/stdout.

    A file of ours takes the place of what has its name: for root, that would be the device itself.
    """
    with suppress(OSError, ValueError):
        target = path.stat()
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None and os.path.samestat(target, os.fstat(stream.fileno())):
                raise UsageError(f"{option} {path} is where this command prints to: name a file of its own.")


def write_whole(path: Path, text: str) -> None:
    """Write a file completely or not at all. Raises OSError."""
    partial = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end.

    Raises Stopped after Ctrl-C, or another signal that asks us to end, once the work has cleaned up behind it.
    """
    received = signal.SIGINT
    task: asyncio.Task[Any] | None = None

    def end(number: signal.Signals) -> None:
        nonlocal received
        received = number
        if task is not None:
            task.cancel()

    async def guarded() -> T:
        nonlocal task
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Whoever started us may want it ignored, as nohup does.
            if signal.getsignal(number) is signal.SIG_DFL:
                loop.add_signal_handler(number, end, number)
        return await work

    try:
        return asyncio.run(guarded())
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Stopped(received) from None
    except Exception as error:
        # A query that is broken off can take its connection along, which is then nobody's news.
        if task is not None and task.cancelling():
            raise Stopped(received) from error
        raise


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        rows = task.fields.get("rows", 0)
        elapsed = task.finished_time or task.elapsed
        if not rows:
            return Text()
        return Text(f"{rows:,} rows" + (f", {rows / elapsed:,.0f} a second" if elapsed else ""))


def progress_bar(timed: bool = True) -> Progress:
    """Rows done, rate and, where the end is known (`timed`), time left; on standard error, gone when done.

    Where nobody watches, nothing is drawn.
    """
    left = [BarColumn(bar_width=24), TimeRemainingColumn(compact=True)] if timed else []
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        *left,
        _Rate(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
