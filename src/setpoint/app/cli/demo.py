"""`setpoint demo`: from nothing to a report and its pages, on made-up people."""

import os
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from setpoint.app.cli.common import (
    DataDir,
    author,
    check_target,
    command_app,
    errors,
    output,
    progress_bar,
    run_async,
    say,
)
from setpoint.domain.errors import SetpointError, UsageError

if TYPE_CHECKING:
    import socket

    from setpoint.app.wiring import Settings
    from setpoint.samples.service import Sample
    from setpoint.storage.database import Database
    from setpoint.tenancy.service import Workspace

MAX_LEADS = 500_000
MAX_SEED = 999_999_999
_PORTS_TRIED = 20

app = command_app()


@app.command(short_help="Fill a sample workspace, show its report and serve its pages.")
def demo(
    leads: Annotated[
        int | None,
        typer.Option(help="How many leads the sample team has: 200 to 500,000; default: 2,000.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Another seed makes another team; default: 7.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Where to write the page; default: the data directory.", show_default=False),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End after the report; so it does where no terminal shows it.")
    ] = False,
    port: Annotated[
        int, typer.Option(help="Where to serve the pages: this port or the next free one.", min=0, max=65535)
    ] = 8000,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the pages in a browser, where there is one.")
    ] = True,
    data_dir: DataDir = None,
) -> None:
    """Fill a sample workspace, run its report, print it, write it as one HTML file, and serve the pages.

    The pages are for this machine only, and signing in to the sample takes one click. Ctrl-C ends it.
    """
    from setpoint.app.cli.reports import write_html
    from setpoint.app.wiring import Settings
    from setpoint.samples.service import DEFAULT_LEADS, DEFAULT_SEED, MIN_LEADS
    from setpoint.samples.truth import planted

    leads = DEFAULT_LEADS if leads is None else leads
    seed = DEFAULT_SEED if seed is None else seed
    if not MIN_LEADS <= leads <= MAX_LEADS:
        raise UsageError(f"--leads must lie between {MIN_LEADS:,} and {MAX_LEADS:,}.")
    if not 0 <= seed <= MAX_SEED:
        raise UsageError(f"--seed must lie between 0 and {MAX_SEED:,}.")
    where = Settings.read(data_dir)
    slug = f"sample-{leads}-{seed}"
    if html is not None:
        check_target(html, "--html")
    document = run_async(_demo(where, slug, leads, seed))

    from setpoint.reports.presentation import signed_points_text
    from setpoint.reports.terminal import print_report

    print_report(document, output)
    truth = planted()
    output.print(
        "Planted in this made-up team: where AI handles a lead, its chance to book changes by"
        f" {signed_points_text(truth.ai_effect)} points, in every channel. AI has more of the hard channel, so that"
        " the planted rates of all channels together differ by"
        f" {signed_points_text(truth.crude_difference)} points.\n",
        markup=False,
    )
    path = html or page_in(where.data_dir, slug)
    write_html(document, path)
    output.print(f"The same report as a page: {path.resolve()}", markup=False, soft_wrap=True)
    if once:
        return
    if not sys.stdout.isatty():
        say("This is no terminal: the demo ends here. On one it serves its pages too, until Ctrl-C.")
    else:
        run_async(_serve(where, slug, port, browser, data_dir))


def page_in(data_dir: Path, slug: str) -> Path:
    """Where the page goes when nobody says where."""
    folder = data_dir / "reports"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetpointError(f"{folder} cannot be made: {error.strerror}. Name a page with --html.") from error
    return folder / f"{slug}.html"


async def _demo(where: "Settings", slug: str, leads: int, seed: int) -> dict[str, Any]:
    from setpoint.app.runs import run_report
    from setpoint.app.wiring import open_database
    from setpoint.datasets.service import DatasetRequest
    from setpoint.domain.windows import Window

    async with open_database(where) as database:
        workspace = await _workspace(database, slug)
        with tempfile.TemporaryDirectory(prefix="setpoint-sample-") as directory, progress_bar() as bar:
            sample = await _make_up(Path(directory), leads, seed, bar)
            await _take_in(database, workspace, sample, bar)
        errors.print(
            f"Sample workspace {slug}: {sample.counts['leads']:,} leads, {sample.counts['messages']:,} messages,"
            f" {sample.counts['appointments']:,} appointments.\n",
            markup=False,
        )
        request = DatasetRequest(slug, Window(sample.start, sample.end, sample.end))
        with progress_bar(timed=False) as bar:
            task = bar.add_task("labelling leads")

            def show(step: str, rows: int | None) -> None:
                bar.update(task, description=step, rows=rows or 0)

            return await run_report(
                database, workspace, request, engine="postgres", snapshot=None, author=author(), progress=show
            )


async def _workspace(database: "Database", slug: str) -> "Workspace":
    from setpoint.domain.errors import NotFound
    from setpoint.tenancy.service import create_workspace, find_workspace

    async with database.registry() as connection:
        try:
            return await find_workspace(connection, slug)
        except NotFound:
            return await create_workspace(connection, slug)


async def _make_up(directory: Path, leads: int, seed: int, bar: Progress) -> "Sample":
    """Write the sample's files."""
    from setpoint.app.wiring import in_thread
    from setpoint.samples.service import generate

    stopped = threading.Event()
    task = bar.add_task("making up a sales team", total=leads)

    def show(done: int) -> None:
        if stopped.is_set():
            raise InterruptedError
        bar.update(task, completed=done)

    sample = await in_thread(partial(generate, directory, leads, seed, fmt="parquet", progress=show), stopped.set)
    bar.remove_task(task)
    return sample


async def _take_in(database: "Database", workspace: "Workspace", sample: "Sample", bar: Progress) -> None:
    from setpoint.app.cli.imports import following
    from setpoint.ingest.schemas import ImportKind
    from setpoint.ingest.service import import_file

    for name, path in sample.paths.items():
        kind = ImportKind(name)
        show = following(bar, kind)
        async with database.tenant(workspace.client_id) as connection:
            await import_file(connection, workspace, kind, path, progress=show)


async def _serve(where: "Settings", slug: str, port: int, browser: bool, data_dir: Path | None) -> None:
    """Serve the pages of the sample, with a worker, until Ctrl-C."""
    from setpoint.app.beside import worker_beside
    from setpoint.app.cli.serve import CONNECTIONS, run_server
    from setpoint.app.http.config import HttpConfig
    from setpoint.app.http.server import create_app
    from setpoint.app.http.state import json_log
    from setpoint.app.web.demo import enrol_visitors
    from setpoint.app.wiring import open_database, workspace_of

    def began(address: str) -> None:
        page = f"{address}/sign-in?next=/w/{slug}"
        say(f"Look around the sample with one click: {page}")
        if browser and has_browser(sys.platform, os.environ):
            # Some browsers keep whoever opens them waiting.
            threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()

    with ExitStack() as stack:
        listening = listen_near(port, stack)
        # What the environment says about a service is not for a demo.
        config = HttpConfig(demo_workspace=slug)
        async with open_database(where, connections=CONNECTIONS, stays=True) as database, worker_beside(data_dir):
            await enrol_visitors(database, await workspace_of(database, slug), now=datetime.now(UTC))
            await run_server(create_app(database, config, log=json_log(level="error")), listening, began)
    say("Stopped.")


def listen_near(port: int, stack: ExitStack) -> "socket.socket":
    """A socket that listens on loopback, at this port or one of the next; it is closed with `stack`.

    Raises UsageError where none is free.
    """
    from setpoint.app.cli.serve import listen

    for number in range(port, min(port + _PORTS_TRIED, 65536)):
        try:
            return stack.enter_context(listen("127.0.0.1", number))
        except UsageError:
            continue
    raise UsageError(f"Nothing can listen at port {port} or the next ones: take another with --port.")


def has_browser(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether a browser with a window can be opened: one in the terminal would be in the way of it."""
    if platform in ("darwin", "win32"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
