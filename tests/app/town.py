"""Two workspaces with everything in them that the service can show, and the people who may see it."""

import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from setpoint.app.api import answers
from setpoint.app.http.config import HttpConfig
from setpoint.app.http.server import create_app
from setpoint.app.http.state import json_log
from setpoint.app.runs import run_report
from setpoint.app.web.kept_imports import key_of, tell
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.vocabulary import Role
from setpoint.domain.windows import Window
from setpoint.ingest.schemas import ImportKind, ImportSummary
from setpoint.ingest.service import import_file
from setpoint.llm.ledger import TenantLedger
from setpoint.llm.scripted import NoModel
from setpoint.reports.insights.answers import ask
from setpoint.reports.insights.sessions import Asker
from setpoint.reports.insights.summaries import summarise_booked
from setpoint.samples.service import Sample
from setpoint.storage.database import Database
from setpoint.tenancy import passwords
from setpoint.tenancy.accounts import verify_account
from setpoint.tenancy.api_tokens import create_token
from setpoint.tenancy.invitations import accept_with_password, invite
from setpoint.tenancy.schemas import cli_actor
from setpoint.tenancy.secret import sha256
from setpoint.tenancy.service import Workspace, create_workspace
from setpoint.tenancy.sign_in import sign_in

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Home:
    """A workspace and what is in it. `ids` has one of each kind, by the name it has in addresses and bodies."""

    workspace: Workspace
    window: Mapping[str, str]
    ids: Mapping[str, str]
    tokens: Mapping[Role, str]
    sessions: Mapping[Role, str]


@dataclass(frozen=True)
class Town:
    """`home` and `away`, which must never see each other, and the session of a super-admin."""

    database: Database
    home: Home
    away: Home
    super_admin: str
    config: HttpConfig
    log: io.StringIO = field(default_factory=io.StringIO)

    def app(self, **changes: Any) -> FastAPI:
        """An application over both of them."""
        options: dict[str, Any] = {"clock": lambda: NOW, "log": json_log(self.log)}
        return create_app(self.database, self.config, **options | changes)


async def make_town(database: Database, sample: Sample, slug: Callable[[], str]) -> Town:
    """Fill two workspaces with one sample and everything that can be made of it."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
        patch.setattr(passwords, "hasher", cheap)
        boss = f"boss-of-{slug()}@example.org"
        async with database.owner() as connection:
            await verify_account(connection, boss, await passwords.hash_password(PASSWORD), now=NOW)
        signed_in = await sign_in(database, boss, PASSWORD, client_address=None, now=NOW)
        return Town(
            database,
            await _make_home(database, sample, slug()),
            await _make_home(database, sample, slug()),
            signed_in.token,
            HttpConfig(super_admins=boss),
        )


async def _make_home(database: Database, sample: Sample, slug: str) -> Home:
    async with database.registry() as connection:
        workspace = await create_workspace(connection, slug)
    client_id, operator = workspace.client_id, cli_actor(workspace, f"operator of {slug}")
    for kind in ImportKind:
        async with database.tenant(client_id) as connection:
            await import_file(connection, workspace, kind, Path(sample.paths[kind.value]))
    window = Window(sample.start, sample.end, sample.end)
    document = await run_report(
        database,
        workspace,
        DatasetRequest(slug, window),
        engine="postgres",
        snapshot=None,
        author=f"author in {slug}",
        with_model=False,
    )
    port = NoModel(TenantLedger(database, client_id))
    asked = await ask(
        database, client_id, port, Asker(f"author in {slug}", Role.ADMIN), "Who books more?", run_id=document["id"]
    )
    await summarise_booked(database, client_id, slug, port, document["id"], limit=3)
    tokens, sessions, members = {}, {}, {}
    async with database.tenant(client_id) as connection:
        _, invited = await invite(connection, operator, f"invited-{slug}@example.org", Role.SETTER, now=NOW)
        _, spare = await create_token(connection, operator, f"spare of {slug}", Role.SETTER, now=NOW)
        for role in Role:
            tokens[role], _ = await create_token(connection, operator, f"{role} of {slug}", role, now=NOW)
        pack = await connection.exec_driver_sql("SELECT id::text FROM context_packs LIMIT 1")
        lead = await connection.exec_driver_sql("SELECT lead_external_id FROM booked_summaries LIMIT 1")
        citation = await connection.exec_driver_sql("SELECT citation FROM report_evidence LIMIT 1")
        await answers.begin(connection, client_id, key_of(sha256(slug)), "0" * 64, now=NOW)
        kept = tell(ImportSummary(ImportKind.LEADS), Path(os.devnull), f"file of {slug}.csv", True, f"op of {slug}")
        await answers.finish(connection, client_id, key_of(sha256(slug)), kept)
        found = {"pack": pack.scalar_one(), "lead": lead.scalar_one(), "citation": citation.scalar_one()}
    for role in (Role.ADMIN, Role.SETTER):
        async with database.tenant(client_id) as connection:
            link, _ = await invite(connection, operator, f"{role}-{slug}@example.org", role, now=NOW)
        session = await accept_with_password(database, link, f"{role} of {slug}", PASSWORD, now=NOW)
        sessions[role], members[role] = session.token, str(session.user_id)
    ids = {
        "workspace": slug,
        "run": document["id"],
        "session": str(asked.session_id),
        "member": members[Role.SETTER],
        "invitation": str(invited.id),
        "token": str(spare.id),
        "result": sha256(slug),
        **found,
    }
    dates = {"from": sample.start.date().isoformat(), "to": sample.end.date().isoformat()}
    return Home(workspace, dates, ids, tokens, sessions)


def client(app: FastAPI) -> httpx.AsyncClient:
    """A client of an application in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver")


def by_token(token: str) -> dict[str, str]:
    """The headers of a program."""
    return {"Authorization": f"Bearer {token}"}


def by_session(token: str, *, proof: bool = True) -> dict[str, str]:
    """The headers of a script in a page of ours."""
    from setpoint.app.http.actors import _proof

    return {"Cookie": f"setpoint={token}"} | ({"X-CSRF-Token": _proof(token)} if proof else {})


async def contents(database: Database, *workspaces: Workspace) -> str:
    """All that the database has of some workspaces, in one hash for each table, but for when a token was used."""
    hashes = {}
    async with database.owner() as connection:
        tables = await connection.exec_driver_sql(
            "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'client_id'"
            " WHERE relnamespace = 'setpoint'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
        )
        ids = ", ".join(str(workspace.client_id) for workspace in workspaces)
        for (name,) in tables.all():
            rows = await connection.exec_driver_sql(
                f"SELECT count(*), md5(string_agg(md5((to_jsonb(t) - 'last_used_at')::text), '' ORDER BY"
                f" (to_jsonb(t) - 'last_used_at')::text)) FROM setpoint.{name} AS t WHERE client_id IN ({ids})"
            )
            hashes[name] = list(rows.one())
    return json.dumps(hashes, sort_keys=True)
