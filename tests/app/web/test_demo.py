"""One click into the sample: from this machine, by its own name, and only where a demo runs."""

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.app.town import NOW
from tests.conftest import WorkspaceFactory

from setpoint.app.http.config import HttpConfig
from setpoint.app.http.server import create_app
from setpoint.app.web.demo import ADDRESSES, enrol_visitors
from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.tenancy.members import change_role, list_members, remove_member
from setpoint.tenancy.schemas import cli_actor
from setpoint.tenancy.service import Workspace

BUTTON = "Look around as the sample team"


def site(database: Database, slug: str | None, *, peer: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
    """A browser's way to a server that shows the sample `slug`, as somebody at `peer` has it."""
    app = create_app(database, HttpConfig(demo_workspace=slug), clock=lambda: NOW)
    transport = httpx.ASGITransport(app, client=(peer, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers)


async def click(http: httpx.AsyncClient, role: str) -> tuple[str, httpx.Response]:
    """The sign-in page, and what follows the button for a role."""
    form = await http.get("/sign-in")
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', form.text)
    assert found is not None
    return form.text, await http.post("/sign-in/demo", data={"csrf": found[1], "role": role})


@pytest.mark.parametrize("role", list(Role))
async def test_one_click_opens_the_sample_in_either_role(
    database: Database, workspace: Workspace, role: Role
) -> None:
    await enrol_visitors(database, workspace, now=NOW)
    async with site(database, workspace.slug) as http:
        form, came = await click(http, role.value)
        calls = await http.get(f"/api/v1/workspaces/{workspace.slug}/calls")

    assert BUTTON in form
    assert (came.status_code, came.headers["Location"]) == (303, f"/w/{workspace.slug}")
    assert calls.status_code == {Role.ADMIN: 200, Role.SETTER: 403}[role]


@pytest.mark.parametrize(
    "visit",
    [
        {"peer": "203.0.113.9"},
        {"peer": "10.0.0.7"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Host": "rebound.example.org:8000"},
        {"Host": "127.0.0.1.example.org"},
    ],
    ids=["from afar", "from the network", "through a proxy", "by a rebound name", "by a name like ours"],
)
async def test_nobody_else_gets_in(database: Database, workspace: Workspace, visit: dict[str, Any]) -> None:
    await enrol_visitors(database, workspace, now=NOW)
    async with site(database, workspace.slug, **visit) as http:
        form, came = await click(http, "admin")

    assert BUTTON not in form
    assert came.status_code == 404
    assert "setpoint=" not in came.headers.get("Set-Cookie", "")


async def test_a_server_that_is_no_demo_has_no_such_door(database: Database, workspace: Workspace) -> None:
    await enrol_visitors(database, workspace, now=NOW)
    async with site(database, None) as http:
        form, came = await click(http, "admin")

    assert BUTTON not in form
    assert came.status_code == 404


def test_the_environment_makes_no_server_a_demo() -> None:
    asked = dict.fromkeys(("SETPOINT_DEMO_WORKSPACE", "SETPOINT_DEMO", "DEMO_WORKSPACE"), "acme")

    assert HttpConfig.read(asked).demo_workspace is None


async def test_a_form_of_another_site_opens_no_session(database: Database, workspace: Workspace) -> None:
    await enrol_visitors(database, workspace, now=NOW)
    async with site(database, workspace.slug) as http:
        await http.get("/sign-in")
        came = await http.post("/sign-in/demo", data={"role": "admin"})

    assert came.status_code == 403


async def test_an_unknown_role_and_a_visitor_who_was_removed_stay_outside(
    database: Database, workspace: Workspace
) -> None:
    await enrol_visitors(database, workspace, now=NOW)
    operator = cli_actor(workspace, "op")
    async with database.tenant(workspace.client_id) as connection:
        (setter,) = [each for each in await list_members(connection, operator) if each.role is Role.SETTER]
        await remove_member(connection, operator, setter.user_id, now=NOW)
    async with site(database, workspace.slug) as http:
        _, unknown = await click(http, "owner")
        _, removed = await click(http, "setter")

    assert [unknown.status_code, removed.status_code] == [400, 404]


async def test_the_demo_again_brings_both_back_as_they_were(
    database: Database, new_workspace: WorkspaceFactory
) -> None:
    first, second = await new_workspace(), await new_workspace()
    operator = cli_actor(first, "op")
    await enrol_visitors(database, first, now=NOW)
    async with database.tenant(first.client_id) as connection:
        setter, admin = sorted(await list_members(connection, operator), key=lambda each: each.email, reverse=True)
        await change_role(connection, operator, setter.user_id, Role.ADMIN, now=NOW)
        await remove_member(connection, operator, admin.user_id, now=NOW)
    await enrol_visitors(database, first, now=NOW)
    await enrol_visitors(database, second, now=NOW)

    for workspace in (first, second):
        async with database.tenant(workspace.client_id) as connection:
            members = await list_members(connection, cli_actor(workspace, "op"))
        assert {each.email: each.role for each in members} == {email: role for role, email in ADDRESSES.items()}
        assert not any(each.email_verified for each in members)


async def test_their_passwords_are_nobodys(database: Database, workspace: Workspace) -> None:
    await enrol_visitors(database, workspace, now=NOW)
    async with database.owner() as connection:
        found = await connection.execute(
            text("SELECT password_hash FROM users WHERE email LIKE '%@sample.invalid' ORDER BY email")
        )
        hashes = list(found.scalars())

    assert len(set(hashes)) == 2
    assert all(each.startswith("$argon2") for each in hashes)
