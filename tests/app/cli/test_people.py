"""People and keys, as the operator manages them."""

import io
import re

import pytest
from tests.app.console import Console

PASSWORD = "correct horse battery"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password on standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))


def members(setpoint: Console, workspace: str) -> dict[str, tuple[str, bool, bool]]:
    listed = setpoint("member", "list", "--workspace", workspace, "--json").json["members"]
    return {each["email"]: (each["role"], each["verified"], each["disabled"]) for each in listed}


@pytest.mark.usefixtures("typed")
def test_an_account_is_vouched_for_added_changed_shut_and_removed(setpoint: Console, empty: str) -> None:
    email, where = f"Jane@{empty}.example", ("--workspace", empty)
    kept = email.lower()
    assert "setpoint invite" in setpoint("member", "list", *where).words
    assert "setpoint invite" in setpoint("member", "add", email, *where).complains(1)

    assert setpoint("member", "verify", email).words == f"{kept} is verified. Sessions that were open have ended."
    assert setpoint("member", "add", email, *where, "--role", "admin").status == 0
    assert members(setpoint, empty) == {kept: ("admin", True, False)}
    assert "only admin" in setpoint("member", "role", email, "setter", *where).complains(1)

    other = f"other@{empty}.example"
    assert setpoint("member", "verify", other, "--no-password").status == 0
    assert setpoint("member", "add", other, *where, "--role", "admin").status == 0
    assert setpoint("member", "role", email, "setter", *where).words == f"{email} is setter in {empty} from now on."
    assert setpoint("member", "disable", email).status == 0
    assert members(setpoint, empty)[kept] == ("setter", True, True)
    assert re.search(
        rf"^{kept} +{kept} +setter +yes +shut", setpoint("member", "list", *where, COLUMNS="200").out, re.M
    )
    assert setpoint("member", "enable", email).status == 0
    assert setpoint("member", "remove", email, *where).status == 0
    assert list(members(setpoint, empty)) == [other]
    assert "no such member" in setpoint("member", "remove", email, *where).complains(1)
    assert "no account" in setpoint("member", "disable", "nobody@nowhere.example").complains(1)


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaaaa", "x" * 201])
def test_a_weak_password_is_refused(setpoint: Console, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    assert "password" in setpoint("member", "verify", "jane@weak.example").complains(2)


@pytest.mark.parametrize("email", ["None", "", "jane", "\u212aim@example.org"])
def test_what_is_no_address_is_refused(setpoint: Console, empty: str, email: str) -> None:
    for command in (["invite"], ["member", "add"]):
        assert "address" in setpoint(*command, email, "--workspace", empty).complains(2)


def test_an_invitation_is_a_link_that_is_shown_once(setpoint: Console, empty: str) -> None:
    email = f"new@{empty}.example"
    told = setpoint("invite", email, "--workspace", empty, "--role", "admin")
    assert re.search(
        rf"^{email} may join {empty} as admin until \d{{4}}-.*Z with this link:\n/join/\S{{43}}\n", told.out
    )
    assert "SETPOINT_PUBLIC_URL" in told.out
    linked = setpoint("invite", email, "--workspace", empty, "--json", SETPOINT_PUBLIC_URL="https://sp.example/").json
    assert re.fullmatch(r"https://sp\.example/join/[\w-]{43}", linked["link"])
    assert (linked["email"], linked["role"]) == (email, "setter")


def test_a_token_is_shown_once_listed_and_revoked(setpoint: Console, empty: str) -> None:
    where = ("--workspace", empty)
    assert "setpoint token create" in setpoint("token", "list", *where).words
    made = setpoint("token", "create", "nightly import", *where, "--role", "admin", "--json").json
    shown = setpoint("token", "create", "second", *where).out.splitlines()[0]
    assert shown.startswith("sp_")
    listed = setpoint("token", "list", *where, "--json")
    tokens = {each["name"]: each for each in listed.json["tokens"]}
    assert tokens["nightly import"]["role"] == "admin"
    assert tokens["second"]["prefix"] == shown[:11]
    assert made["token"] not in listed.out
    assert shown not in listed.out

    assert setpoint("token", "revoke", shown[:11], *where).out == "The token second does not work any longer.\n"
    assert setpoint("token", "revoke", made["id"], *where).status == 0
    for gone in (shown[:11], made["id"], shown, "None"):
        assert "no working token" in setpoint("token", "revoke", gone, *where).complains(1)
    assert setpoint("token", "list", *where, COLUMNS="200").out.count("revoked") == 2


def test_a_workspace_that_is_not_there_is_told(setpoint: Console) -> None:
    for command in (["member", "list"], ["token", "list"], ["invite", "a@b.example"]):
        assert "no workspace 'nowhere'" in setpoint(*command, "--workspace", "nowhere").complains(1)


@pytest.mark.usefixtures("typed")
def test_who_forgot_their_password_gets_a_link_that_is_shown_once(setpoint: Console, empty: str) -> None:
    email = f"forgot@{empty}.example"
    assert "setpoint invite" in setpoint("member", "password-link", email).complains(1)
    assert setpoint("member", "verify", email).status == 0
    told = setpoint("member", "password-link", f" {email.upper()}")
    assert re.search(
        rf"^{email} may set a new password until \d{{4}}-.*Z with this link:\n/password/\S{{43}}\n", told.out
    )
    assert "SETPOINT_PUBLIC_URL" in told.out
    linked = setpoint("member", "password-link", email, "--json", SETPOINT_PUBLIC_URL="https://sp.example/").json
    assert re.fullmatch(r"https://sp\.example/password/[\w-]{43}", linked["link"])
    assert linked["email"] == email
    assert setpoint("member", "disable", email).status == 0
    assert "setpoint member enable" in setpoint("member", "password-link", email).complains(1)
    assert "address" in setpoint("member", "password-link", "jane").complains(2)
