"""Report runs by the API: queued, read, and what each role sees of them."""

from typing import Any

import pytest
from tests.app.town import Town, by_session, by_token, client

from setpoint.app.worker import work
from setpoint.domain.vocabulary import Role
from setpoint.reports.insights.suppression import FEWEST


def reports(town: Town) -> str:
    return f"/api/v1/workspaces/{town.home.workspace.slug}/reports"


def admin(town: Town) -> dict[str, str]:
    return by_token(town.home.tokens[Role.ADMIN])


def setter(town: Town) -> dict[str, str]:
    return by_token(town.home.tokens[Role.SETTER])


async def test_a_run_is_queued_and_carried_out(town: Town) -> None:
    async with client(town.app()) as http:
        queued = await http.post(reports(town), headers=setter(town), json={**town.home.window, "model": False})
        address = queued.headers["Location"]
        await work(town.database, once=True)
        done = (await http.get(address, headers=admin(town))).json()

    assert queued.status_code == 202
    assert (queued.json()["status"], queued.json()["author"]) == (
        "queued",
        f"token setter of {town.home.workspace.slug}",
    )
    assert (done["status"], done["id"]) == ("complete", queued.json()["id"])
    assert done["document"]["dataset_sha256"] == done["dataset_sha256"]


async def test_so_many_runs_may_wait_and_no_more(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("setpoint.app.asking.MOST_WAITING", 2)
    async with client(town.app()) as http:
        answers = [await http.post(reports(town), headers=admin(town), json=dict(town.home.window)) for _ in range(3)]
        await work(town.database, once=True)

    assert [each.status_code for each in answers[:2]] == [202, 202]
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (409, "conflict")


async def test_admins_get_the_whole_report_and_setters_its_tables_without_small_cells(town: Town) -> None:
    address = f"{reports(town)}/{town.home.ids['run']}"
    async with client(town.app()) as http:
        whole = (await http.get(address, headers=admin(town))).json()
        aggregates = (await http.get(address, headers=setter(town))).json()

    assert whole["document"]["id"] == town.home.ids["run"]
    assert aggregates["document"] is None
    assert [table["key"] for table in aggregates["tables"]] == [table["key"] for table in whole["tables"]]
    assert any(_small(table) for table in whole["tables"]), "the sample has no small cell: nothing is shown here"
    assert [table["key"] for table in aggregates["tables"] if _small(table)] == []


def _small(table: dict[str, Any]) -> bool:
    counting = [place for place, column in enumerate(table["columns"]) if column["kind"] == "count"]
    return any(isinstance(row[place], int) and 0 < row[place] < FEWEST for row in table["rows"] for place in counting)


async def test_a_dry_run_counts_and_setters_get_its_totals(town: Town) -> None:
    asked = dict(town.home.window)
    async with client(town.app()) as http:
        whole = (await http.post(f"{reports(town)}/dry-run", headers=admin(town), json=asked)).json()
        totals = (await http.post(f"{reports(town)}/dry-run", headers=setter(town), json=asked)).json()

    assert whole["cohort_leads"] == totals["cohort_leads"] > 100
    assert "cross_channel" in whole
    assert "cross_channel" not in totals
    assert all(n is None or n == 0 or n >= FEWEST for n in totals["counts"].values())


async def test_runs_are_listed_in_pages_that_miss_and_repeat_none(town: Town) -> None:
    async with client(town.app()) as http:
        for _ in range(3):
            await http.post(reports(town), headers=admin(town), json={**town.home.window, "channels": ["sms"]})
        await work(town.database, once=True)
        whole = (await http.get(reports(town), headers=setter(town))).json()
        assert "queued" not in {run["status"] for run in whole["items"]}
        seen: list[str] = []
        cursor: str | None = None
        while True:
            asked = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
            page = (await http.get(reports(town), headers=setter(town), params=asked)).json()
            seen += [run["id"] for run in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break

    assert whole["next_cursor"] is None
    assert seen == [run["id"] for run in whole["items"]]
    assert len(set(seen)) == len(seen) > 3


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMl0", "é", "e30", "WyIyMDI2LTAxLTAxIiwgIngiXQ", "\x00"])
async def test_a_cursor_that_is_none_of_ours_is_refused(town: Town, cursor: str) -> None:
    async with client(town.app()) as http:
        answer = await http.get(reports(town), headers=admin(town), params={"cursor": cursor})

    assert (answer.status_code, answer.json()["code"]) == (400, "usage")


async def test_the_page_and_the_evidence_are_for_admins(town: Town) -> None:
    address = f"{reports(town)}/{town.home.ids['run']}"
    citation = {"citation": town.home.ids["citation"]}
    async with client(town.app()) as http:
        page = await http.get(f"{address}/html", headers=admin(town))
        evidence = await http.get(f"{address}/evidence", headers=admin(town), params=citation)
        counts = (await http.get(f"{address}/citations", headers=admin(town))).json()
        refused = [
            (await http.get(f"{address}/{part}", headers=setter(town), params=citation)).status_code
            for part in ("html", "evidence")
        ]

    assert page.headers["Content-Type"].startswith("text/html")
    assert "sandbox" in page.headers["Content-Security-Policy"]
    assert len(evidence.json()) == min(20, counts[town.home.ids["citation"]])
    assert refused == [403, 403]


async def test_what_makes_no_sense_is_told_in_the_words_of_the_api(town: Town) -> None:
    backwards = {"from": town.home.window["to"], "to": town.home.window["from"]}
    async with client(town.app()) as http:
        answer = await http.post(f"{reports(town)}/dry-run", headers=admin(town), json=backwards)
        missing = await http.post(f"{reports(town)}/dry-run", headers=admin(town), json={"from": "2026-01-01"})

    assert (answer.status_code, answer.json()["detail"]) == (400, "from must lie before to.")
    assert (missing.status_code, missing.json()["code"]) == (422, "invalid")
    assert missing.json()["errors"] == [{"where": "body.to", "message": "Field required"}]


async def test_a_page_of_ours_may_call_with_its_session_and_its_proof(town: Town) -> None:
    session = town.home.sessions[Role.SETTER]
    asked = dict(town.home.window)
    async with client(town.app()) as http:
        read = await http.get(reports(town), headers=by_session(session, proof=False))
        proven = await http.post(f"{reports(town)}/dry-run", headers=by_session(session), json=asked)
        unproven = await http.post(f"{reports(town)}/dry-run", headers=by_session(session, proof=False), json=asked)
        elsewhere = await http.post(
            f"{reports(town)}/dry-run", headers=by_session(session) | {"Sec-Fetch-Site": "cross-site"}, json=asked
        )

    assert [each.status_code for each in (read, proven, unproven, elsewhere)] == [200, 200, 403, 403]
