"""`setpoint workspace`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from setpoint.app.cli.common import DataDir, Json, command_app, errors, output, print_json, run_async
from setpoint.domain.errors import NotFound, UsageError

app = command_app("Workspaces: each is a tenant of its own.")


@app.command("create")
def create(
    slug: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.", show_default=False)],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Create a workspace."""
    run_async(_create(data_dir, slug))
    if as_json:
        print_json({"workspace": slug})
    else:
        output.print(f"Created the workspace {slug}.", markup=False)


async def _create(data_dir: Path | None, slug: str) -> None:
    from setpoint.app.wiring import Settings, open_database
    from setpoint.tenancy.service import check_slug, create_workspace

    check_slug(slug)
    async with open_database(Settings.read(data_dir)) as database, database.registry() as connection:
        await create_workspace(connection, slug)


@app.command("list")
def list_command(data_dir: DataDir = None, as_json: Json = False) -> None:
    """The workspaces of this database."""
    workspaces = run_async(_list(data_dir))
    if as_json:
        print_json({"workspaces": workspaces})
        return
    if not workspaces:
        output.print("There is no workspace yet: `setpoint workspace create NAME` makes one.", markup=False)
        return
    table = Table("Workspace", "Created", box=None, pad_edge=False)
    for workspace in workspaces:
        table.add_row(workspace["workspace"], workspace["created_at"])
    output.print(table)


async def _list(data_dir: Path | None) -> list[dict[str, Any]]:
    from setpoint.app.wiring import Settings, open_database
    from setpoint.domain.windows import format_instant
    from setpoint.tenancy.service import list_workspaces

    async with open_database(Settings.read(data_dir)) as database, database.owner() as connection:
        return [
            {"workspace": slug, "created_at": format_instant(created_at)}
            for slug, created_at in await list_workspaces(connection)
        ]


@app.command("remove")
def remove(
    slug: Annotated[str, typer.Argument(help="The workspace's name.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Remove a workspace with everything that was imported into it and made of it."""
    if not yes:
        _ask(data_dir, slug)
    try:
        rows = run_async(_remove(data_dir, slug))
    except NotFound:
        # It may have been removed before, which is as well.
        rows = None
    if as_json:
        print_json({"workspace": slug, "removed": rows is not None, "rows": rows or {}})
    elif rows is None:
        output.print(f"There is no workspace {slug}: nothing was removed.", markup=False)
    else:
        output.print(f"Removed the workspace {slug}{_listed(rows)}.", markup=False, soft_wrap=True)


def _ask(data_dir: Path | None, slug: str) -> None:
    """Have the name typed once more. Raises UsageError where nobody can be asked, or something else was typed."""
    if not sys.stdin.isatty():
        raise UsageError(f"Nobody can be asked here: `setpoint workspace remove {slug} --yes` removes it unasked.")
    rows = run_async(_count(data_dir, slug))
    errors.print(f"This removes the workspace {slug}{_listed(rows)}. Only a backup brings it back.", markup=False)
    try:
        typed = errors.input("Type its name to go on: ")
    except EOFError:
        typed = ""
    if typed.strip() != slug:
        raise UsageError("That is not its name: nothing was removed.")


def _listed(rows: dict[str, int]) -> str:
    counts = [f"{count:,} {name.replace('_', ' ')}" for name, count in rows.items()]
    return f" with {', '.join(counts)}" if counts else ", which was empty"


async def _count(data_dir: Path | None, slug: str) -> dict[str, int]:
    from setpoint.app.wiring import Settings, open_database, workspace_of
    from setpoint.tenancy.removal import count_rows

    async with open_database(Settings.read(data_dir)) as database:
        workspace = await workspace_of(database, slug)
        async with database.owner(workspace.client_id) as connection:
            return await count_rows(connection, workspace)


async def _remove(data_dir: Path | None, slug: str) -> dict[str, int]:
    from setpoint.app.wiring import Settings, open_database, workspace_of
    from setpoint.tenancy.removal import remove_workspace

    async with open_database(Settings.read(data_dir)) as database:
        workspace = await workspace_of(database, slug)
        async with database.owner(workspace.client_id) as connection:
            return await remove_workspace(connection, workspace)
