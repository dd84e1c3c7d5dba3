"""Questions, sessions, packs and booked conversations by the API, for each role."""

from tests.app.town import Town, by_session, by_token, client

from setpoint.domain.vocabulary import Role
from setpoint.reports.insights.suppression import SUPPRESSED


def insights(town: Town, part: str) -> str:
    return f"/api/v1/workspaces/{town.home.workspace.slug}/insights/{part}"


ASKED = {"question": "Which segment books most?"}


async def test_a_setter_asks_goes_on_and_reads_only_their_own(town: Town) -> None:
    mine = by_session(town.home.sessions[Role.SETTER])
    async with client(town.app()) as http:
        first = (await http.post(insights(town, "ask"), headers=mine, json=ASKED)).json()
        second = await http.post(insights(town, "ask"), headers=mine, json={**ASKED, "session": first["session"]})
        read = (await http.get(insights(town, f"sessions/{first['session']}"), headers=mine)).json()
        listed = (await http.get(insights(town, "sessions"), headers=mine)).json()["items"]
        admins = await http.get(insights(town, f"sessions/{town.home.ids['session']}"), headers=mine)
        by_admin = (
            await http.get(insights(town, "sessions"), headers=by_token(town.home.tokens[Role.ADMIN]))
        ).json()["items"]

    assert (first["place"], second.json()["place"]) == (1, 2)
    assert [each["question"] for each in read["answers"]] == [ASKED["question"]] * 2
    assert {each["role"] for each in listed} == {"setter"}
    assert admins.status_code == 404
    assert {town.home.ids["session"], first["session"]} <= {each["id"] for each in by_admin}


async def test_a_question_names_a_run_or_a_session(town: Town) -> None:
    headers = by_token(town.home.tokens[Role.ADMIN])
    both = {**ASKED, "run": town.home.ids["run"], "session": town.home.ids["session"]}
    async with client(town.app()) as http:
        refused = await http.post(insights(town, "ask"), headers=headers, json=both)
        somebody_elses = await http.post(
            insights(town, "ask"), headers=headers, json={**ASKED, "session": town.home.ids["session"]}
        )

    assert refused.status_code == 400
    assert (somebody_elses.status_code, somebody_elses.json()["code"]) == (403, "not_allowed")


async def test_packs_show_setters_no_small_cells(town: Town) -> None:
    async with client(town.app()) as http:
        listed = (await http.get(insights(town, "packs"), headers=by_token(town.home.tokens[Role.SETTER]))).json()
        pack = insights(town, f"packs/{town.home.ids['pack']}")
        whole, aggregates = [
            await http.get(pack, headers=by_token(town.home.tokens[role])) for role in (Role.ADMIN, Role.SETTER)
        ]

    assert town.home.ids["pack"] in {each["id"] for each in listed["items"]}
    assert SUPPRESSED in aggregates.text
    assert SUPPRESSED not in whole.text


async def test_booked_conversations_come_in_pages_and_without_leads_for_setters(town: Town) -> None:
    setter, admin = (by_token(town.home.tokens[role]) for role in (Role.SETTER, Role.ADMIN))
    seen = []
    cursor: str | None = None
    async with client(town.app()) as http:
        whole = (await http.get(insights(town, "summaries"), headers=admin)).json()["items"]
        while True:
            asked = {"limit": 1} | ({} if cursor is None else {"cursor": cursor})
            page = (await http.get(insights(town, "summaries"), headers=setter, params=asked)).json()
            seen += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        conversation = await http.get(
            insights(town, "conversation"), headers=admin, params={"lead": town.home.ids["lead"]}
        )
        refused = await http.get(
            insights(town, "conversation"), headers=setter, params={"lead": town.home.ids["lead"]}
        )

    assert len(whole) >= 3
    assert seen == [{**each, "lead": None} for each in whole]
    assert conversation.json()
    assert refused.status_code == 403


async def test_only_admins_have_conversations_summed_up(town: Town) -> None:
    async with client(town.app()) as http:
        done = await http.post(
            insights(town, "summaries"),
            headers=by_token(town.home.tokens[Role.ADMIN]),
            json={"limit": 1, "again": True},
        )
        refused = await http.post(
            insights(town, "summaries"), headers=by_token(town.home.tokens[Role.SETTER]), json={}
        )

    assert (done.status_code, done.json()["made"], refused.status_code) == (200, 1, 403)
