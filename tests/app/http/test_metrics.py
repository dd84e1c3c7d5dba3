"""Figures for Prometheus: of kinds and never of anybody, and not for strangers."""

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from tests.app.town import Town, by_token, client

from setpoint.app.runs import queue_report
from setpoint.datasets.service import DatasetRequest
from setpoint.domain.vocabulary import Role
from setpoint.domain.windows import make_window
from setpoint.jobs.figures import service_figures
from setpoint.storage.database import Database, connect
from setpoint.tenancy.service import Workspace

TOKEN = "metrics-token"


def near(app: FastAPI) -> httpx.AsyncClient:
    """A client on this machine."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("127.0.0.1", 5)), base_url="http://localhost")


async def scrape(app: FastAPI) -> dict[str, dict[tuple[str, ...], float]]:
    """The figures, by name and then by the values of their labels."""
    async with near(app) as http:
        answer = await http.get("/metrics")
    assert answer.status_code == 200
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = (
                sample.value
            )
    return found


async def test_requests_are_counted_by_route_method_and_status_and_timed(town: Town) -> None:
    app = town.app()
    slug, run = town.home.workspace.slug, town.home.ids["run"]
    address = f"/api/v1/workspaces/{slug}/reports/{run}"
    async with client(app) as http:
        for _ in range(2):
            await http.get(address, headers=by_token(town.home.tokens[Role.ADMIN]))
        await http.get(address)
        await http.get(f"/nothing/{slug}")
        await http.request("BREW", "/healthz")
    found = await scrape(app)

    route = "/api/v1/workspaces/{workspace}/reports/{run}"
    counted = found["setpoint_http_requests_total"]
    assert counted["GET", route, "200"] == 2
    assert counted["GET", route, "401"] == 1
    assert counted["GET", "none", "404"] == 1
    assert [value for labels, value in counted.items() if labels[0] == "other"] == [1]
    assert found["setpoint_http_request_seconds_count"]["GET", route] == 3
    assert found["setpoint_http_request_seconds_bucket"]["+Inf", "GET", route] == 3
    assert found["setpoint_http_request_seconds_sum"]["GET", route] > 0


async def test_runs_jobs_and_the_pool_are_told(town: Town, workspace: Workspace, database: Database) -> None:
    app = town.app()
    before = await scrape(app)
    request = DatasetRequest(workspace.slug, make_window("2026-03-01", "2026-06-01"))
    await queue_report(database, workspace, request, engine="postgres", author="ana")
    found = await scrape(app)

    def grew(name: str, *labels: str) -> float:
        return found[name][labels] - before[name][labels]

    assert grew("setpoint_report_runs", "queued") == 1
    assert grew("setpoint_report_runs", "complete") == 0
    assert found["setpoint_report_runs"]["complete",] >= 2
    assert grew("setpoint_queue_jobs", "reports", "waiting") == 1
    assert found["setpoint_database_up"] == {(): 1}
    assert found["setpoint_database_connections"]["in_use",] == 0
    assert found["setpoint_database_connections_max"] == {(): 5}
    assert found["setpoint_workers"][()] == before["setpoint_workers"][()]


async def test_figures_are_of_all_workspaces_and_leave_the_tenant_as_it_was(
    town: Town, workspace: Workspace, database: Database
) -> None:
    async with database.tenant(workspace.client_id) as connection:
        inside = await service_figures(connection)
        entered = await connection.scalar(text("SELECT setpoint.current_client()"))
        own = await connection.scalar(text("SELECT count(*) FROM report_runs"))
    async with database.registry() as connection:
        outside = await service_figures(connection)
        nobody = await connection.scalar(text("SELECT setpoint.current_client()"))

    assert (entered, own, nobody) == (workspace.client_id, 0, None)
    assert inside.runs == outside.runs
    assert inside.runs["complete"] >= 2


async def test_no_label_names_anybody(town: Town) -> None:
    app = town.app()
    home = town.home
    async with client(app) as http:
        for path in (f"/api/v1/workspaces/{home.workspace.slug}/reports/ann@example.org", "/join/ann@example.org"):
            await http.get(path, headers=by_token(home.tokens[Role.ADMIN]), params={"to": "ann@example.org"})
    async with near(app) as http:
        told = (await http.get("/metrics")).text

    for word in (home.workspace.slug, home.ids["run"], home.tokens[Role.ADMIN], "ann", "example.org"):
        assert word not in told
    assert set(re.findall(r'(\w+)="', told)) == {"method", "route", "status", "le", "state", "queue"}


async def test_without_an_answer_of_the_database_the_rest_is_told(town: Town) -> None:
    dead = connect("postgresql://nobody@127.0.0.1:1/nothing")
    found = await scrape(replace(town, database=dead).app())
    await dead.close()

    assert found["setpoint_database_up"] == {(): 0}
    assert "setpoint_report_runs" not in found


@pytest.mark.parametrize(
    ("peer", "host", "headers"),
    [
        ("203.0.113.7", "localhost", {}),
        ("127.0.0.1", "setpoint.example.org", {}),
        ("127.0.0.1", "localhost", {"X-Forwarded-For": "127.0.0.1"}),
        ("203.0.113.7", "localhost", {"Authorization": "Bearer None"}),
    ],
)
async def test_strangers_are_told_nothing(town: Town, peer: str, host: str, headers: dict[str, str]) -> None:
    transport = httpx.ASGITransport(town.app(), client=(peer, 5))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
        answer = await http.get("/metrics", headers=headers)

    assert answer.status_code == 404
    assert "setpoint_" not in answer.text


async def test_with_a_token_it_alone_opens(town: Town) -> None:
    app = replace(town, config=replace(town.config, metrics_token=TOKEN)).app()
    strangers: list[Any] = [
        {},
        by_token("wrong"),
        by_token(town.home.tokens[Role.ADMIN]),
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": b"Bearer \xff"},
    ]
    async with near(app) as http:
        refused = [await http.get("/metrics", headers=headers) for headers in strangers]
    async with client(app) as http:
        opened = await http.get("/metrics", headers=by_token(TOKEN))

    assert {answer.status_code for answer in refused} == {401}
    assert opened.status_code == 200
    assert opened.headers["Content-Type"].startswith("text/plain")
