"""A workspace of a test's own, with an admin and a setter, over plain HTTP."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from tests.app.town import NOW, PASSWORD, by_session, client

from setpoint.app.http.config import HttpConfig
from setpoint.app.http.server import create_app
from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.tenancy.invitations import accept_with_password, invite
from setpoint.tenancy.schemas import cli_actor
from setpoint.tenancy.service import Workspace


@dataclass(frozen=True)
class House:
    """The workspace, and the accounts and sessions of its two members."""

    database: Database
    workspace: Workspace
    members: Mapping[Role, str]
    sessions: Mapping[Role, str]

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"/w/{self.workspace.slug}"

    def visit(self, role: Role = Role.ADMIN, config: HttpConfig | None = None) -> httpx.AsyncClient:
        """The browser of a member."""
        app = create_app(self.database, config or HttpConfig(), clock=lambda: NOW)
        http = client(app)
        http.headers.update(by_session(self.sessions[role]))
        return http


async def make_house(database: Database, workspace: Workspace) -> House:
    """Give a workspace an admin and a setter."""
    members, sessions = {}, {}
    for role in (Role.ADMIN, Role.SETTER):
        async with database.tenant(workspace.client_id) as connection:
            link, _ = await invite(
                connection, cli_actor(workspace, "op"), f"{role}@{workspace.slug}.example.org", role, now=NOW
            )
        session = await accept_with_password(database, link, f"The {role}", PASSWORD, now=NOW)
        members[role], sessions[role] = str(session.user_id), session.token
    return House(database, workspace, members, sessions)


def words(answer: httpx.Response) -> str:
    """What a page says, without its marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def follow(http: httpx.AsyncClient, answer: httpx.Response) -> str:
    """What the page says that a form leads to."""
    assert answer.status_code == 303, words(answer)
    return words(await http.get(answer.headers["Location"]))
