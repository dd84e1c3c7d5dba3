"""Questions, threads and booked conversations on pages, for each role."""

import re
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect
from tests.app.town import Town, by_session, by_token, client

from setpoint.app.web.ask import EXAMPLES
from setpoint.domain.vocabulary import Role
from setpoint.llm.port import ModelPort
from setpoint.llm.schemas import ErrorKind
from setpoint.llm.scripted import Fail, ScriptedModel, UseTool

At = Callable[..., Awaitable[Page]]


def ask(town: Town, part: str = "") -> str:
    return f"/w/{town.home.workspace.slug}/ask{part}"


def as_(town: Town, role: Role = Role.ADMIN) -> dict[str, str]:
    return by_session(town.home.sessions[role])


async def asked(http: httpx.AsyncClient, town: Town, role: Role, question: str, **more: str) -> httpx.Response:
    """The page that an answer stands on."""
    answer = await http.post(ask(town), headers=as_(town, role), data={"question": question, **more})
    assert answer.status_code == 303, answer.text
    return await http.get(answer.headers["Location"], headers=as_(town, role))


async def test_a_question_leads_to_a_thread_whose_citations_lead_to_tables(town: Town) -> None:
    question = "What is the booking rate by channel and sender? <script>alert(1)</script>"
    async with client(town.app()) as http:
        first = await asked(http, town, Role.ADMIN, question, run=town.home.ids["run"])
        session = str(first.url).split("/ask/")[1].split("#")[0]
        second = await asked(http, town, Role.ADMIN, "What does pending mean?", session=session)
        listed = await http.get(ask(town), headers=as_(town))

    assert "<script>alert" not in first.text + listed.text
    assert "&lt;script&gt;alert(1)" in first.text
    assert "Answered from the numbers alone." in first.text
    cited = re.findall(r'class="citations">(.*?)</p>', second.text, re.DOTALL)
    assert len(cited) == 2
    leading = re.findall(r'href="#([^"]+)"', " ".join(cited))
    assert leading
    assert set(leading) <= set(re.findall(r'id="([^"]+)"', second.text))
    assert {"answer-1", "answer-2"} <= set(re.findall(r'id="([^"]+)"', second.text))
    assert f"[{town.home.window['from']}, {town.home.window['to']})" in second.text
    assert ask(town, f"/{session}") in listed.text


async def test_the_examples_work_without_a_model(town: Town) -> None:
    async with client(town.app()) as http:
        page = await asked(http, town, Role.ADMIN, EXAMPLES[0], run=town.home.ids["run"])
        session = str(page.url).split("/ask/")[1].split("#")[0]
        for example in EXAMPLES[1:]:
            page = await asked(http, town, Role.ADMIN, example, session=session)
    assert page.text.count('class="citations"') == len(EXAMPLES)


async def test_setters_see_no_small_cells_and_only_their_own(town: Town) -> None:
    question = "How do campaigns on auto-send do?"
    async with client(town.app()) as http:
        mine = await asked(http, town, Role.SETTER, question)
        theirs = await asked(http, town, Role.ADMIN, question)
        admins = await http.get(str(theirs.url), headers=as_(town, Role.SETTER))
        listed = await http.get(ask(town), headers=as_(town, Role.SETTER))
        by_admin = await http.get(str(mine.url), headers=as_(town))

    assert "put away" in mine.text
    assert "put away" not in theirs.text
    assert admins.status_code == 404
    assert str(theirs.url).split("#")[0].rsplit("/", 1)[1] not in listed.text
    assert "put away" in by_admin.text
    assert "shown as a setter sees it" in by_admin.text
    assert "begin one of your own" in by_admin.text


async def test_what_cannot_be_asked_is_told_beside_the_question(town: Town) -> None:
    async with client(town.app()) as http:
        empty = await http.post(ask(town), headers=as_(town), data={"question": "  "})
        long = await http.post(ask(town), headers=as_(town), data={"question": "why " * 200})
        foreign = await http.post(
            ask(town), headers=as_(town), data={"question": "Who?", "run": town.away.ids["run"]}
        )
        others = await http.post(
            ask(town), headers=as_(town), data={"question": "Who?", "session": town.away.ids["session"]}
        )
        not_mine = await http.post(
            ask(town), headers=as_(town), data={"question": "Who?", "session": town.home.ids["session"]}
        )
        thread = await http.get(ask(town, f"/{town.away.ids['session']}"), headers=as_(town))
        chosen = await http.get(ask(town, f"?run={town.away.ids['run']}"), headers=as_(town))

    assert (empty.status_code, long.status_code) == (400, 400)
    assert "A question is missing" in unescape(empty.text)
    assert "at most 500 characters" in long.text
    assert "why why" in long.text
    assert {each.status_code for each in (foreign, others, thread, chosen)} == {404}
    assert not_mine.status_code == 403


async def test_it_says_which_model_answered_or_that_it_failed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    good = {
        "answered": True,
        "text": "Nothing more is known & told.",
        "citations": ["counts"],
        "follow_ups": ["How soon do leads book?"],
    }
    models: list[ModelPort] = [
        ScriptedModel([UseTool("list_tables", {}), good]),
        ScriptedModel([Fail(ErrorKind.SERVER_FAULT)] * 9),
    ]

    async def model(*_: Any) -> ModelPort:
        return models.pop(0)

    monkeypatch.setattr("setpoint.app.asking.workspace_model", model)
    async with client(town.app()) as http:
        answered = await asked(http, town, Role.ADMIN, "What more is there?")
        failed = await asked(http, town, Role.ADMIN, "How many leads are pending?")

    assert "Answered with scripted:model" in answered.text
    assert "Nothing more is known &amp; told." in answered.text
    assert 'value="How soon do leads book?"' in answered.text
    assert "The model did not answer." in failed.text
    assert "Leads by outcome" in failed.text


async def test_booked_conversations_have_no_leads_for_setters(town: Town) -> None:
    lead = town.home.ids["lead"]
    conversation = ask(town, f"/booked/conversation?lead={lead}")
    async with client(town.app()) as http:
        admin = await http.get(ask(town, "/booked"), headers=as_(town))
        setter = await http.get(ask(town, "/booked"), headers=as_(town, Role.SETTER))
        opened = await http.get(conversation, headers=as_(town))
        refused = [
            await http.get(conversation, headers=as_(town, Role.SETTER)),
            await http.post(ask(town, "/booked"), headers=as_(town, Role.SETTER)),
        ]
        absent = await http.get(ask(town, "/booked/conversation?lead=nobody"), headers=as_(town))

    assert "Booked after" in admin.text
    assert "Booked after" in setter.text
    assert f">{lead}<" in admin.text
    assert lead not in setter.text
    assert "Sum up" not in setter.text
    assert "<blockquote>" in opened.text
    assert [each.status_code for each in (*refused, absent)] == [403, 403, 404]


async def test_nothing_more_is_offered_when_none_is_left(town: Town) -> None:
    async with client(town.app()) as http:
        some = await http.get(ask(town, "/booked?made=1&left=3"), headers=as_(town))
        none = await http.get(ask(town, "/booked?made=1&left=0"), headers=as_(town))
    assert "Sum up 20 more" in some.text
    assert "Sum up" not in none.text
    assert "Every booked conversation of the latest complete report has a summary." in none.text


async def test_an_admin_has_more_of_them_summed_up_a_page_at_a_time(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setpoint.app.web.booked._AT_ONCE", 1)
    monkeypatch.setattr("setpoint.app.web.booked.ON_A_PAGE", 2)
    async with client(town.app()) as http:
        done = await http.post(ask(town, "/booked"), headers=as_(town))
        told = await http.get(done.headers["Location"], headers=as_(town))
        seen: list[str] = []
        address: str | None = ask(town, "/booked")
        while address:
            drawn = (await http.get(address, headers=as_(town))).text
            seen += re.findall(r"conversation\?lead=([^\"]+)\"", drawn)
            older = re.search(r'href="([^"]+)" rel="next"', drawn)
            address = older and older[1]
        api = f"/api/v1/workspaces/{town.home.workspace.slug}/insights/summaries"
        whole = (await http.get(api, headers=by_token(town.home.tokens[Role.ADMIN]))).json()["items"]

    assert done.status_code == 303
    assert "1 summed up" in told.text
    assert len(seen) == len(set(seen)) == len(whole) >= 4


async def test_a_setter_asks_by_an_example_and_nothing_is_wider_than_a_phone(at: At, town: Town) -> None:
    page = await at(ask(town), Role.SETTER, width=390)
    await page.get_by_role("button", name="How soon do leads book?").click()
    await expect(page).to_have_url(re.compile("#answer-1$"))
    await expect(page.get_by_role("heading", name="How soon do leads book?")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
