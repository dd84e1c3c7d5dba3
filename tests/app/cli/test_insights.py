"""Insights from the command line, without a model."""

import pytest
from tests.app.conftest import Filled
from tests.app.console import Console


@pytest.fixture(scope="module")
def run(setpoint: Console, filled: Filled) -> str:
    document = setpoint("report", "run", *filled.window, "--json").json
    return str(document["id"])


def test_a_question_is_answered_by_the_closest_tables_and_kept(setpoint: Console, filled: Filled, run: str) -> None:
    here = ["--workspace", filled.slug]
    asked = setpoint("insights", "ask", "Who books more, AI or setters?", *here, "--run", run, "--json").json

    assert asked["answer"]["source"] == "tables"
    assert asked["tables"][0]["key"] == asked["answer"]["citations"][0] == "adjustment"
    printed = setpoint("insights", "ask", "How many are pending?", *here, "--session", asked["session"])
    assert (printed.status, printed.err) == (0, "")
    assert "No model was asked." in printed.words
    assert "Leads by outcome" in printed.words
    shown = setpoint("insights", "sessions", *here, "--session", asked["session"], "--json").json
    assert [each["question"] for each in shown["answers"]] == [
        "Who books more, AI or setters?",
        "How many are pending?",
    ]
    listed = setpoint("insights", "sessions", *here, "--json").json["sessions"]
    assert [each["id"] for each in listed].count(asked["session"]) == 1
    assert asked["session"] in setpoint("insights", "sessions", *here).out
    assert "2. How many are pending?" in setpoint("insights", "sessions", *here, "--session", asked["session"]).out


def test_the_latest_report_is_asked_and_without_one_that_is_said(
    setpoint: Console, filled: Filled, run: str, empty: str
) -> None:
    assert setpoint("insights", "ask", "Who books more?", "--workspace", filled.slug, "--json").json["place"] == 1
    told = setpoint("insights", "ask", "Who books more?", "--workspace", empty).complains(1)
    assert told == "There is no complete report to ask: `setpoint report run` makes one."
    assert setpoint("insights", "sessions", "--workspace", empty).words.startswith("Nothing was asked here yet")
    packs = setpoint("insights", "packs", "--workspace", filled.slug, "--json").json["packs"]
    assert {(pack["status"], pack["failure"]) for pack in packs} == {("complete", None)}
    assert packs[0]["id"] in setpoint("insights", "packs", "--workspace", filled.slug).out
    assert setpoint("insights", "packs", "--workspace", empty).words.startswith("No report was asked here yet")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((" ",), "A question is missing"),
        (("a" * 501,), "at most 500 characters"),
        (("x", "--run", "r", "--session", "s"), "leave one of them out"),
    ],
)
def test_what_makes_no_sense_is_refused(setpoint: Console, empty: str, arguments: tuple[str, ...], told: str) -> None:
    assert told in setpoint("insights", "ask", *arguments, "--workspace", empty).complains(2)


def test_conversations_are_summed_up_a_few_at_a_time(setpoint: Console, filled: Filled, run: str) -> None:
    here = ["--workspace", filled.slug]
    nothing = setpoint("insights", "summaries", *here)
    assert "No conversation was summed up yet" in nothing.words
    first = setpoint("insights", "summarise", *here, "--run", run, "--limit", "2", "--json").json
    assert (first["made"], first["by_model"], first["stopped"]) == (2, 0, None)
    again = setpoint("insights", "summarise", *here, "--run", run, "--limit", "1")
    assert f"1 summed up, 0 of them by the model; {first['left'] - 1} left." in again.words
    found = setpoint("insights", "summaries", *here, "--json").json["summaries"]
    assert len(found) == 3
    assert all(each["source"] == "statistics" and each["content"]["touches"] >= 1 for each in found)
    lead = found[0]["lead"]
    messages = setpoint("insights", "summaries", *here, "--lead", lead, "--json").json["messages"]
    assert {each["lead"] for each in messages} == {lead}
    assert messages[-1]["message"] in setpoint("insights", "summaries", *here, "--lead", lead).out
    told = setpoint("insights", "summaries", *here, "--lead", lead).out.splitlines()
    assert all(line.startswith("    ") or line[:4].isdigit() for line in told if line.strip())
    absent = setpoint("insights", "summaries", *here, "--lead", "nobody").complains(1)
    assert absent.startswith("There is no summary of this lead here")
    assert found[0]["lead"] in setpoint("insights", "summaries", *here).out


def test_evidence_is_shown_by_what_rests_on_it(setpoint: Console, filled: Filled, run: str, empty: str) -> None:
    here = ["--workspace", filled.slug, "--run", run]
    shown = setpoint("insights", "evidence", *here, "--json").json
    citation, kept = next(one for one in shown["citations"].items() if one[0].startswith("segment:cross_channel/"))
    told = setpoint("insights", "evidence", *here, "--citation", citation, "--json").json
    assert (told["citation"], len(told["evidence"]) > 0, kept > 0) == (citation, True, True)
    none = setpoint("insights", "evidence", *here, "--citation", "pattern:no_such")
    assert "without --citation, what there is is listed" in none.complains(1)
    for command in (("evidence",), ("ask", "Who books more?"), ("summarise",)):
        answer = setpoint("insights", *command, "--workspace", empty, "--run", run).complains(1)
        assert answer == f"There is no report run '{run}' here: `setpoint report list` shows those there are."
