"""Make workspaces and see which there are."""

import io
import re
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from tests.app.console import Console


def test_a_workspace_is_made_once_and_then_listed(setpoint: Console) -> None:
    assert setpoint("workspace", "create", "north-wind").out == "Created the workspace north-wind.\n"
    assert setpoint("workspace", "create", "south-wind", "--json").json == {"workspace": "south-wind"}

    assert setpoint("workspace", "create", "north-wind").complains(1) == "The workspace 'north-wind' exists already."
    listed = setpoint("workspace", "list", "--json").json["workspaces"]
    names = [each["workspace"] for each in listed]
    assert names == sorted(names)
    assert {"north-wind", "south-wind"} <= set(names)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", each["created_at"]) for each in listed)
    assert re.search(r"^north-wind +\d{4}-", setpoint("workspace", "list").out, re.MULTILINE)


def test_where_there_is_no_workspace_the_list_says_how_to_make_one(unmigrated: str) -> None:
    fresh = Console({"SETPOINT_DATABASE_URL": unmigrated})
    fresh("migrate")

    assert "`setpoint workspace create" in fresh("workspace", "list").out
    assert fresh("workspace", "list", "--json").json == {"workspaces": []}


def test_only_the_owner_of_the_database_may_list_them(setpoint: Console, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE app_tests_guest LOGIN IN ROLE setpoint_runtime")
        url = make_url(database_url).set(username="app_tests_guest").render_as_string(hide_password=False)
        told = setpoint("workspace", "list", SETPOINT_DATABASE_URL=url).complains(1)
        connection.execute("DROP ROLE app_tests_guest")

    assert told.startswith("Only the owner")


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def two_leads(setpoint: Console, empty: str, tmp_path: Path) -> str:
    path = tmp_path / "leads.csv"
    path.write_text("external_id\nl1\nl2\n")
    assert setpoint("import", "leads", path, "--workspace", empty).status == 0
    return empty


def slugs_of(setpoint: Console) -> set[str]:
    return {each["workspace"] for each in setpoint("workspace", "list", "--json").json["workspaces"]}


def test_a_workspace_is_removed_with_what_is_in_it(setpoint: Console, two_leads: str) -> None:
    others = slugs_of(setpoint) - {two_leads}
    removed = setpoint("workspace", "remove", two_leads, "--yes", "--json").json

    assert removed == {"workspace": two_leads, "removed": True, "rows": {"leads": 2}}
    assert slugs_of(setpoint) == others
    again = setpoint("workspace", "remove", two_leads, "--yes")
    assert (again.status, again.out) == (0, f"There is no workspace {two_leads}: nothing was removed.\n")
    assert setpoint("workspace", "remove", two_leads, "--yes", "--json").json == {
        "workspace": two_leads,
        "removed": False,
        "rows": {},
    }


def test_whoever_removes_one_is_told_what_is_lost_and_types_its_name(
    setpoint: Console, two_leads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for typed in ("yes\n", "", "\n"):
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        asked = setpoint("workspace", "remove", two_leads)
        assert (asked.status, asked.out) == (2, "")
        assert f"the workspace {two_leads} with 2 leads. Only a backup brings it back." in asked.err
        assert asked.err.endswith("setpoint: That is not its name: nothing was removed.\n")
    assert two_leads in slugs_of(setpoint)

    monkeypatch.setattr(sys, "stdin", Terminal(f"{two_leads}\n"))
    removed = setpoint("workspace", "remove", two_leads)
    assert removed.out == f"Removed the workspace {two_leads} with 2 leads.\n"
    assert two_leads not in slugs_of(setpoint)


def test_an_empty_one_and_one_that_is_not_there(
    setpoint: Console, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("nobody\n"))
    assert setpoint("workspace", "remove", "nobody").complains(1).startswith("There is no workspace 'nobody'")
    assert setpoint("workspace", "remove", empty, "--yes").words == f"Removed the workspace {empty}, which was empty."


def test_only_the_owner_of_the_database_may_remove_one(setpoint: Console, two_leads: str, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE app_tests_guest LOGIN IN ROLE setpoint_runtime")
        url = make_url(database_url).set(username="app_tests_guest").render_as_string(hide_password=False)
        told = setpoint("workspace", "remove", two_leads, "--yes", SETPOINT_DATABASE_URL=url).complains(1)
        connection.execute("DROP ROLE app_tests_guest")

    assert told == "Only the owner of the `setpoint` schema may remove workspaces: connect as that role."
    assert two_leads in slugs_of(setpoint)
