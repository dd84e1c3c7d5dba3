"""`setpoint member`, `setpoint token` and `setpoint invite`: the operator's way to people and their keys."""

import getpass
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from setpoint.app.cli.common import (
    DataDir,
    Json,
    WorkspaceSlug,
    author,
    command_app,
    output,
    print_json,
    run_async,
)
from setpoint.domain.errors import NotFound, UsageError
from setpoint.domain.vocabulary import Role
from setpoint.domain.windows import format_instant

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from setpoint.tenancy.schemas import Actor

member_app = command_app("Members of a workspace and their accounts.")
token_app = command_app("API tokens of a workspace, for programs.")
invite_app = command_app()

Email = Annotated[str, typer.Argument(help="An email address.", show_default=False)]
RoleOption = Annotated[Role, typer.Option("--role", help="What they may see and do.")]


@asynccontextmanager
async def _entered(data_dir: Path | None, slug: str) -> "AsyncIterator[tuple[AsyncConnection, Actor]]":
    """A connection in a workspace, and the operator as an actor there."""
    from setpoint.app.wiring import Settings, open_database, workspace_of
    from setpoint.tenancy.schemas import cli_actor

    async with open_database(Settings.read(data_dir)) as database:
        workspace = await workspace_of(database, slug)
        async with database.tenant(workspace.client_id) as connection:
            yield connection, cli_actor(workspace, author())


@asynccontextmanager
async def _owning(data_dir: Path | None) -> "AsyncIterator[AsyncConnection]":
    from setpoint.app.wiring import Settings, open_database

    async with open_database(Settings.read(data_dir)) as database, database.owner() as connection:
        yield connection


def _now() -> datetime:
    return datetime.now(UTC)


def _say(words: str) -> None:
    output.print(Text(words), soft_wrap=True)


@invite_app.command("invite")
def invite(
    email: Email,
    workspace: WorkspaceSlug,
    role: RoleOption = Role.SETTER,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a link by which somebody joins a workspace. It works once, for a week; send it to them yourself."""
    invited = run_async(_invite(data_dir, workspace, email, role))
    if as_json:
        print_json(invited)
        return
    _say(f"{invited['email']} may join {workspace} as {role.value} until {invited['expires_at']} with this link:")
    _say_link(invited["link"])


async def _invite(data_dir: Path | None, slug: str, email: str, role: Role) -> dict[str, Any]:
    from setpoint.tenancy.invitations import invite

    async with _entered(data_dir, slug) as (connection, actor):
        token, made = await invite(connection, actor, email, role, now=_now())
    return {
        "workspace": slug,
        "email": made.email,
        "role": made.role.value,
        "expires_at": format_instant(made.expires_at),
        "link": _link(f"/join/{token}"),
    }


def _link(path: str) -> str:
    return f"{os.environ.get('SETPOINT_PUBLIC_URL', '').rstrip('/')}{path}"


def _say_link(link: str) -> None:
    _say(link)
    if not os.environ.get("SETPOINT_PUBLIC_URL"):
        _say("Put your server's address in front of it, or set SETPOINT_PUBLIC_URL. It is not shown again.")


@member_app.command("list")
def list_members(workspace: WorkspaceSlug, data_dir: DataDir = None, as_json: Json = False) -> None:
    """The members, and whose address is verified."""
    members = run_async(_list_members(data_dir, workspace))
    if as_json:
        print_json({"workspace": workspace, "members": members})
        return
    if not members:
        _say("This workspace has no member yet: `setpoint invite` makes a link for one.")
        return
    table = Table("Address", "Name", "Role", "Verified", "Account", box=None, pad_edge=False)
    for member in members:
        verified, state = ("yes" if member["verified"] else "no"), ("shut" if member["disabled"] else "open")
        table.add_row(Text(member["email"]), Text(member["name"]), member["role"], verified, state)
    output.print(table)


async def _list_members(data_dir: Path | None, slug: str) -> list[dict[str, Any]]:
    from setpoint.tenancy.members import list_members

    async with _entered(data_dir, slug) as (connection, actor):
        return [
            {
                "email": member.email,
                "name": member.name,
                "role": member.role.value,
                "verified": member.email_verified,
                "disabled": member.disabled,
                "added_by": member.added_by,
                "created_at": format_instant(member.created_at),
            }
            for member in await list_members(connection, actor)
        ]


@member_app.command("add")
def add(email: Email, workspace: WorkspaceSlug, role: RoleOption = Role.SETTER, data_dir: DataDir = None) -> None:
    """Make somebody who has an account a member. For somebody who has none, use `setpoint invite`."""
    run_async(_add(data_dir, workspace, email, role))
    _say(f"{email.strip()} is a member of {workspace} from now on, as {role.value}.")


async def _add(data_dir: Path | None, slug: str, email: str, role: Role) -> None:
    from setpoint.tenancy.members import add_member

    async with _entered(data_dir, slug) as (connection, actor):
        await add_member(connection, actor, email, role, now=_now())


@member_app.command("role")
def change_role(
    email: Email,
    role: Annotated[Role, typer.Argument(help="The new role.", show_default=False)],
    workspace: WorkspaceSlug,
    data_dir: DataDir = None,
) -> None:
    """Give a member another role. Who stops being an admin loses the tokens and invitations they made."""
    run_async(_change_role(data_dir, workspace, email, role))
    _say(f"{email.strip()} is {role.value} in {workspace} from now on.")


async def _change_role(data_dir: Path | None, slug: str, email: str, role: Role) -> None:
    from setpoint.tenancy.members import change_role, find_member

    async with _entered(data_dir, slug) as (connection, actor):
        member = await find_member(connection, actor, email)
        await change_role(connection, actor, member.user_id, role, now=_now())


@member_app.command("remove")
def remove(email: Email, workspace: WorkspaceSlug, data_dir: DataDir = None) -> None:
    """End a membership, with the tokens and invitations they made. Their account stays."""
    run_async(_remove(data_dir, workspace, email))
    _say(f"{email.strip()} is no member of {workspace} from now on.")


async def _remove(data_dir: Path | None, slug: str, email: str) -> None:
    from setpoint.tenancy.members import find_member, remove_member

    async with _entered(data_dir, slug) as (connection, actor):
        member = await find_member(connection, actor, email)
        await remove_member(connection, actor, member.user_id, now=_now())


@member_app.command("verify")
def verify(
    email: Email,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For an account that signs in with a provider only.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Vouch that an address is its owner's, and set a new password for the account.

    The account is made if it is missing. Its old password, its sessions and, if it was not verified before, its
    connected providers end: somebody else may have set them. The password is asked for, or read from standard input.
    """
    address = run_async(_verify(data_dir, email, None if no_password else _read_password(email)))
    _say(f"{address} is verified. Sessions that were open have ended.")


async def _verify(data_dir: Path | None, email: str, password: str | None) -> str:
    from setpoint.tenancy.accounts import verify_account
    from setpoint.tenancy.passwords import hash_password

    hashed = None if password is None else await hash_password(password)
    async with _owning(data_dir) as connection:
        return await verify_account(connection, email, hashed, now=_now())


def _read_password(email: str) -> str:
    """Asked for twice where somebody types it, and otherwise one line of standard input. Raises UsageError."""
    from setpoint.tenancy.rules import check_password, normalise_email

    address = normalise_email(email)
    if not sys.stdin.isatty():
        return check_password(sys.stdin.readline().rstrip("\r\n"), address)
    password = check_password(getpass.getpass(f"New password for {address}: "), address)
    if getpass.getpass("Once more: ") != password:
        raise UsageError("The two differ: nothing was changed.")
    return password


@member_app.command("password-link")
def password_link(email: Email, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make a link by which somebody who forgot their password sets a new one. Send it to them yourself.

    It works once, for a day; another one replaces it. When it is used, the old password and all sessions end. Whether
    the address is verified stays as it is.
    """
    made = run_async(_password_link(data_dir, email))
    if as_json:
        print_json(made)
        return
    _say(f"{made['email']} may set a new password until {made['expires_at']} with this link:")
    _say_link(made["link"])


async def _password_link(data_dir: Path | None, email: str) -> dict[str, Any]:
    from setpoint.tenancy.password_links import make_password_link

    async with _owning(data_dir) as connection:
        token, made = await make_password_link(connection, email, now=_now())
    expires_at = format_instant(made.expires_at)
    return {"email": made.email, "expires_at": expires_at, "link": _link(f"/password/{token}")}


@member_app.command("disable")
def disable(email: Email, data_dir: DataDir = None) -> None:
    """Shut an account out of every workspace, at once; the tokens and invitations it made stop working."""
    run_async(_set_disabled(data_dir, email, True))
    _say(f"{email.strip()} cannot sign in from now on, and is signed out.")


@member_app.command("enable")
def enable(email: Email, data_dir: DataDir = None) -> None:
    """Let an account in again. It must sign in anew."""
    run_async(_set_disabled(data_dir, email, False))
    _say(f"{email.strip()} can sign in again.")


async def _set_disabled(data_dir: Path | None, email: str, disabled: bool) -> None:
    from setpoint.tenancy.accounts import set_disabled

    async with _owning(data_dir) as connection:
        await set_disabled(connection, email, disabled, now=_now())


@token_app.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What the token is for.", show_default=False)],
    workspace: WorkspaceSlug,
    role: RoleOption = Role.SETTER,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make an API token. It is shown now and never again."""
    made = run_async(_create_token(data_dir, workspace, name, role))
    if as_json:
        print_json(made)
        return
    _say(made["token"])
    _say(f"This token acts in {workspace} as {role.value}. Keep it now: it is not shown again.")


async def _create_token(data_dir: Path | None, slug: str, name: str, role: Role) -> dict[str, Any]:
    from setpoint.tenancy.api_tokens import create_token

    async with _entered(data_dir, slug) as (connection, actor):
        token, made = await create_token(connection, actor, name, role, now=_now())
    return {"workspace": slug, "id": str(made.id), "name": made.name, "role": made.role.value, "token": token}


@token_app.command("list")
def list_tokens(workspace: WorkspaceSlug, data_dir: DataDir = None, as_json: Json = False) -> None:
    """The API tokens, by what they begin with, and when each was last used."""
    tokens = run_async(_list_tokens(data_dir, workspace))
    if as_json:
        print_json({"workspace": workspace, "tokens": tokens})
        return
    if not tokens:
        _say("This workspace has no API token: `setpoint token create` makes one.")
        return
    table = Table("Begins", "Name", "Role", "Made by", "Last used", "State", box=None, pad_edge=False)
    for token in tokens:
        state = "works" if token["revoked_at"] is None else "revoked"
        used = token["last_used_at"] or "never"
        table.add_row(token["prefix"], Text(token["name"]), token["role"], Text(token["created_by"]), used, state)
    output.print(table)


async def _list_tokens(data_dir: Path | None, slug: str) -> list[dict[str, Any]]:
    from setpoint.tenancy.api_tokens import list_tokens

    async with _entered(data_dir, slug) as (connection, actor):
        return [
            {
                "id": str(token.id),
                "prefix": token.prefix,
                "name": token.name,
                "role": token.role.value,
                "created_by": token.created_by,
                "created_at": format_instant(token.created_at),
                "last_used_at": None if token.last_used_at is None else format_instant(token.last_used_at),
                "revoked_at": None if token.revoked_at is None else format_instant(token.revoked_at),
            }
            for token in await list_tokens(connection, actor)
        ]


@token_app.command("revoke")
def revoke_token(
    token: Annotated[str, typer.Argument(help="Its id, or what it begins with.", show_default=False)],
    workspace: WorkspaceSlug,
    data_dir: DataDir = None,
) -> None:
    """End an API token, from its next use on."""
    name = run_async(_revoke_token(data_dir, workspace, token))
    _say(f"The token {name} does not work any longer.")


async def _revoke_token(data_dir: Path | None, slug: str, wanted: str) -> str:
    from setpoint.tenancy.api_tokens import list_tokens, revoke_token

    async with _entered(data_dir, slug) as (connection, actor):
        working = [token for token in await list_tokens(connection, actor) if token.revoked_at is None]
        found = [token for token in working if wanted in (str(token.id), token.prefix)]
        if len(found) != 1:
            raise NotFound(
                f"{wanted!r} names no working token here: `setpoint token list` shows what each begins with."
            )
        await revoke_token(connection, actor, found[0].id, now=_now())
        return found[0].name
