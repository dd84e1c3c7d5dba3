"""The labelled rows as a file, for admins."""

import hashlib
import json

import pytest
from tests.app.town import Town, by_token, client

from setpoint.domain.vocabulary import Role


def address(town: Town) -> str:
    return f"/api/v1/workspaces/{town.home.workspace.slug}/dataset"


async def test_the_rows_are_those_of_the_report(town: Town) -> None:
    headers = by_token(town.home.tokens[Role.ADMIN])
    async with client(town.app()) as http:
        exported = await http.get(address(town), headers=headers, params=dict(town.home.window))
        run = f"/api/v1/workspaces/{town.home.workspace.slug}/reports/{town.home.ids['run']}"
        report = (await http.get(run, headers=headers)).json()

    assert hashlib.sha256(exported.content).hexdigest() == exported.headers["X-Content-SHA256"]
    assert exported.headers["X-Content-SHA256"] == report["dataset_sha256"]
    assert exported.headers["Content-Disposition"].startswith("attachment")
    assert "body" not in exported.text.splitlines()[0]


async def test_balanced_json_lines_with_the_texts(town: Town) -> None:
    params: dict[str, str | int | bool] = {
        **town.home.window,
        "format": "jsonl",
        "balanced": 2,
        "with_text": True,
        "attribution": "cross_channel",
    }
    async with client(town.app()) as http:
        exported = await http.get(address(town), headers=by_token(town.home.tokens[Role.ADMIN]), params=params)

    rows = [json.loads(line) for line in exported.text.splitlines()]
    assert len(rows) == int(exported.headers["X-Rows"]) > 4
    assert any(row["body"] for row in rows)


@pytest.mark.parametrize("asked", [{}, {"with_text": True}, {"balanced": 1}])
async def test_setters_get_no_rows(town: Town, asked: dict[str, str | int | bool]) -> None:
    params: dict[str, str | int | bool] = {**town.home.window, **asked}
    async with client(town.app()) as http:
        refused = await http.get(address(town), headers=by_token(town.home.tokens[Role.SETTER]), params=params)

    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"balanced": 0}, 422),
        ({"balanced": 10**30}, 422),
        ({"attribution_days": 10**30}, 400),
        ({"format": "xlsx"}, 422),
        ({"seed": "\x00"}, 400),
        ({"channels": "post"}, 422),
    ],
)
async def test_what_makes_no_sense_is_refused(town: Town, asked: dict[str, str | int | bool], status: int) -> None:
    params: dict[str, str | int | bool] = {**town.home.window, **asked}
    async with client(town.app()) as http:
        answer = await http.get(address(town), headers=by_token(town.home.tokens[Role.ADMIN]), params=params)

    assert answer.status_code == status
