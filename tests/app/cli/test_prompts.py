"""A workspace's own words for what the model is asked: shown, changed with a second person's name, and taken back."""

import json
from pathlib import Path

import pytest
from tests.app.console import Console

KEY = "reports.synthesis"


@pytest.fixture
def admin(setpoint: Console, empty: str) -> str:
    """An admin of the empty workspace."""
    email = f"ann@{empty}.example"
    assert setpoint("member", "verify", email, "--no-password").status == 0
    assert setpoint("member", "add", email, "--workspace", empty, "--role", "admin").status == 0
    return email


def test_prompts_begin_with_the_words_of_the_code(setpoint: Console, empty: str) -> None:
    here = ("--workspace", empty)
    listed = setpoint("prompts", "list", *here, "--json").json["prompts"]
    assert {each["key"]: each["kind"] for each in listed} == {
        KEY: "prompt",
        "insights.answer": "prompt",
        "insights.booked_summary": "prompt",
        "house_style": "snippet",
    }
    assert {each["revision"] for each in listed} == {0}
    shown = setpoint("prompts", "show", KEY, *here, "--json").json
    assert [speaker for speaker, _ in shown["messages"]] == ["system", "user"]
    assert "{{evidence}}" in setpoint("prompts", "show", KEY, *here).out
    assert "has never been changed here" in setpoint("prompts", "history", KEY, *here).words
    assert "choose from reports.synthesis" in setpoint("prompts", "show", "reports.poem", *here).complains(1)


def test_own_words_speak_until_the_code_is_restored(
    setpoint: Console, empty: str, admin: str, tmp_path: Path
) -> None:
    here, approved = ("--workspace", empty), ("--approved-by", admin)
    shown = setpoint("prompts", "show", KEY, *here, "--json").json
    words = tmp_path / "words.json"
    words.write_text(json.dumps(shown | {"messages": [["system", "Be brief."], shown["messages"][1]]}))

    assert "revision 1." in setpoint("prompts", "override", KEY, words, *here, *approved).words
    own = setpoint("prompts", "show", KEY, *here, "--json").json
    assert own["messages"][0] == ["system", "Be brief."]
    assert own["hash"] != shown["hash"]
    assert "revision 2." in setpoint("prompts", "restore", KEY, "0", *here, *approved).words
    assert setpoint("prompts", "show", KEY, *here, "--json").json == shown | {"revision": 2}
    history = setpoint("prompts", "history", KEY, *here, "--json").json["revisions"]
    assert [(each["revision"], each["approver"], each["restores"]) for each in history] == [
        (1, admin, None),
        (2, admin, 0),
    ]
    assert f"approved by {admin}, back to 0" in setpoint("prompts", "history", KEY, *here).words
    assert "has no revision 9" in setpoint("prompts", "restore", KEY, "9", *here, *approved).complains(1)


def test_a_snippet_is_plain_text(setpoint: Console, empty: str, admin: str, tmp_path: Path) -> None:
    here, approved = ("--workspace", empty), ("--approved-by", admin)
    code = setpoint("prompts", "show", "house_style", *here, "--json").json["text"]
    words = tmp_path / "style.txt"
    words.write_text("Write plainly.\n")
    assert setpoint("prompts", "override", "house_style", words, *here, *approved).status == 0
    assert setpoint("prompts", "show", "house_style", *here, "--json").json["text"] == "Write plainly."
    assert setpoint("prompts", "restore", "house_style", "0", *here, *approved).status == 0
    assert setpoint("prompts", "show", "house_style", *here, "--json").json["text"] == code


def test_nobody_changes_a_prompt_without_an_admin_who_is_named(
    setpoint: Console, empty: str, admin: str, tmp_path: Path
) -> None:
    words = tmp_path / "style.txt"
    words.write_text("Write plainly.")
    here = ("prompts", "override", "house_style", words, "--workspace", empty)
    assert setpoint("member", "verify", f"sam@{empty}.example", "--no-password").status == 0
    assert setpoint("member", "add", f"sam@{empty}.example", "--workspace", empty, "--role", "setter").status == 0
    for other in (f"sam@{empty}.example", "nobody@example.com"):
        assert "address of an admin" in setpoint(*here, "--approved-by", other).complains(2)
    assert setpoint(*here).status == 2
    told = setpoint("prompts", "override", KEY, words, *here[4:], "--approved-by", admin).complains(2)
    assert told.startswith("The file does not hold a prompt")
    assert "cannot be read" in setpoint(
        "prompts", "override", KEY, tmp_path, *here[4:], "--approved-by", admin
    ).complains(1)
