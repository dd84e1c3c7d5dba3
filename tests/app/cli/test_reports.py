"""Reports from the command line: run, kept, shown again."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from tests.app.conftest import Filled
from tests.app.console import Console

COUNTS = {"BOOKED", "NOT_BOOKED", "PENDING", "BOOKED_NO_TIMESTAMP", "UNATTRIBUTED", "ambiguous"}
SEGMENT = {"sender", "channel", "disposition", "booked", "not_booked", "pending", "rate", "low", "high"}


def test_the_json_document_has_what_the_contract_promises(setpoint: Console, filled: Filled) -> None:
    document = setpoint("report", "run", *filled.window, "--json").json

    assert str(UUID(document["id"])) == document["id"]
    assert document["status"] == "complete"
    assert document["workspace"] == filled.slug
    assert document["window"] == {
        "from": "2026-03-01T00:00:00Z",
        "to": "2026-06-01T00:00:00Z",
        "as_of": "2026-06-01T00:00:00Z",
    }
    assert document["parameters"] == {
        "attribution_days": 14,
        "maturity_days": 7,
        "channels": [],
        "max_leads": None,
        "seed": "setpoint",
    }
    assert document["counts"].keys() == COUNTS
    assert document["dropped"].keys() == {"booked_before_window", "no_outbound_in_window"}
    assert document["capped"] is False
    for attribution in ("cross_channel", "within_channel"):
        assert document[attribution]
        assert all(segment.keys() >= SEGMENT for segment in document[attribution])
    assert document["comparison"]["overall"].keys() >= {"ai", "setter", "difference", "verdict"}
    assert document["cohort_leads"] + sum(document["dropped"].values()) == filled.sample.counts["leads"]


def test_the_same_report_has_the_same_rows_and_another_id(setpoint: Console, filled: Filled) -> None:
    runs = [
        setpoint("report", "run", *filled.window, "--json", *options).json
        for options in ([], [], ["--engine", "duckdb"])
    ]

    assert len({run["id"] for run in runs}) == 3
    assert len({run["dataset_sha256"] for run in runs}) == 1
    assert [run["engine"] for run in runs] == ["postgres", "postgres", "duckdb"]
    varying = ("id", "created_at", "engine")
    first, *others = ({name: run[name] for name in run if name not in varying} for run in runs)
    assert others == [first, first]


def test_a_day_is_its_midnight_in_utc(setpoint: Console, filled: Filled) -> None:
    by_day = [*filled.window, "--as-of", "2026-05-01", "--dry-run", "--json"]
    by_instant = ["--workspace", filled.slug, "--from", "2026-03-01T01:00:00+01:00", "--to", "2026-06-01T00:00Z"]
    by_instant += ["--as-of", "2026-04-30T17:00:00-07:00", "--dry-run", "--json"]

    assert setpoint("report", "run", *by_day).json == setpoint("report", "run", *by_instant).json


def test_controls_are_kept_with_the_run(setpoint: Console, filled: Filled) -> None:
    options = ["--channel", "sms", "--channel", "email", "--channel", "sms", "--max-leads", "20", "--seed", "it's %s"]
    options += ["--attribution-days", "0", "--maturity-days", "3660"]
    document = setpoint("report", "run", *filled.window, *options, "--json").json

    assert document["parameters"] == {
        "attribution_days": 0,
        "maturity_days": 3660,
        "channels": ["sms", "email"],
        "max_leads": 20,
        "seed": "it's %s",
    }
    assert document["capped"] is True
    assert sum(count for name, count in document["counts"].items() if name != "ambiguous") == 20
    assert {segment["channel"] for segment in document["cross_channel"]} <= {"sms", "email"}
    other = setpoint("report", "run", *filled.window, *options, "--seed", "another", "--json").json
    assert other["dataset_sha256"] != document["dataset_sha256"]


def test_a_dry_run_counts_the_same_and_keeps_nothing(setpoint: Console, filled: Filled) -> None:
    run = setpoint("report", "run", *filled.window, "--json").json
    kept = setpoint("report", "list", "--workspace", filled.slug, "--json").json

    dry = setpoint("report", "run", *filled.window, "--dry-run", "--json").json
    printed = setpoint("report", "run", *filled.window, "--dry-run")

    assert (dry["dry_run"], dry["dataset_sha256"], "id" in dry) == (True, None, False)
    assert {name: dry[name] for name in run if name in dry and name != "dataset_sha256"} == {
        name: run[name] for name in run if name in dry and name != "dataset_sha256"
    }
    assert "A dry run: counts only, nothing was kept." in printed.out
    assert "SHA-256" not in printed.out
    assert setpoint("report", "list", "--workspace", filled.slug, "--json").json == kept


def test_a_run_is_shown_as_it_was(setpoint: Console, filled: Filled) -> None:
    printed = setpoint("report", "run", *filled.window)
    (latest, *_) = setpoint("report", "list", "--workspace", filled.slug, "--json").json["runs"]
    again = setpoint("report", "show", latest["id"], "--workspace", filled.slug)

    assert (printed.status, printed.err) == (0, "")
    assert printed.out.startswith(f"Which messages book meetings: {filled.slug}\n")
    assert f"Dataset SHA-256 {latest['dataset_sha256']}" in printed.out
    assert again == printed
    document = setpoint("report", "show", latest["id"], "--workspace", filled.slug, "--json").json
    assert (document["id"], document["dataset_sha256"]) == (latest["id"], latest["dataset_sha256"])


def test_a_narrow_terminal_cuts_no_number_off(setpoint: Console, filled: Filled) -> None:
    run = setpoint("report", "run", *filled.window, "--json").json
    show = ["report", "show", run["id"], "--workspace", filled.slug]

    narrow, wide = ("".join(setpoint(*show, COLUMNS=width).out.split()) for width in ("40", "200"))
    assert narrow == wide


def test_the_list_tells_newest_first_what_was_asked_and_what_came_of_it(
    setpoint: Console, filled: Filled, empty: str, tmp_path: Path
) -> None:
    nothing = setpoint("report", "list", "--workspace", empty)
    assert nothing.out == "No report was run here yet: `setpoint report run` makes one.\n"
    assert setpoint("report", "list", "--workspace", empty, "--json").json == {"runs": []}

    setpoint("dataset", "snapshot", *filled.window, "--out", tmp_path / "snapshot")
    options = ["--workspace", empty, *filled.window[2:]]
    failed = setpoint(
        "report", "run", *options, "--engine", "duckdb", "--snapshot", tmp_path / "snapshot", "--json"
    ).complains(2)
    good = setpoint("report", "run", *options, "--channel", "email", "--as-of", "2026-05-01T12:00:00Z", "--json").json
    newest, oldest = setpoint("report", "list", "--workspace", empty, "--json").json["runs"]

    assert f"of the workspace '{filled.slug}', not of '{empty}'" in failed
    assert (oldest["status"], oldest["failure"], oldest["dataset_sha256"]) == ("failed", failed, None)
    assert (newest["status"], newest["failure"], newest["id"]) == ("complete", None, good["id"])
    assert newest["parameters"]["channels"] == ["email"]
    header, *lines = setpoint("report", "list", "--workspace", empty).out.splitlines()
    assert [header.index(title) for title in ("Run", "Status", "Asked for", "By")] == [0, 38, 48, 70]
    assert lines[0][70:] == newest["author"]
    assert lines[0].startswith(f"{good['id']}  complete  20")
    assert lines[1:3] == [
        "    [2026-03-01, 2026-06-01) as of 2026-05-01T12:00:00Z; email; postgres",
        f"    dataset {good['dataset_sha256']}",
    ]
    assert lines[3].startswith(f"{oldest['id']}  failed  ")
    assert lines[5] == f"    {failed}"
    shown = setpoint("report", "show", oldest["id"], "--workspace", empty, "--json").complains(1)
    assert shown == f"This run failed: {failed}"


def test_nothing_is_told_of_another_workspace(setpoint: Console, filled: Filled, empty: str) -> None:
    theirs = setpoint("report", "run", *filled.window, "--json").json["id"]
    absent = "00000000-0000-4000-8000-000000000000"

    for run in (theirs, absent, "no-id"):
        told = setpoint("report", "show", run, "--workspace", empty).complains(1)
        assert told == f"There is no report run '{run}' here: `setpoint report list` shows those there are."


def test_a_workspace_without_facts_has_a_report_too(setpoint: Console, empty: str, filled: Filled) -> None:
    answer = setpoint("report", "run", "--workspace", empty, *filled.window[2:])

    assert answer.status == 0
    assert "Not enough data yet." in answer.out


def test_the_page_is_written_whole_in_place_of_the_old_one(setpoint: Console, filled: Filled, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("before")

    answer = setpoint("report", "run", *filled.window, "--html", page, "--json")

    assert (answer.status, answer.err) == (0, f"The report as a page: {page}\n")
    document = json.loads(answer.out)
    assert document["dataset_sha256"] in page.read_text()
    assert list(tmp_path.iterdir()) == [page]
    other = tmp_path / "again.html"
    assert setpoint("report", "show", document["id"], "--workspace", filled.slug, "--html", other).status == 0
    assert other.read_text() == page.read_text()


def test_a_page_that_cannot_be_written_is_known_before_the_work(
    setpoint: Console, filled: Filled, tmp_path: Path
) -> None:
    kept = setpoint("report", "list", "--workspace", filled.slug, "--json").json

    told = setpoint("report", "run", *filled.window, "--html", tmp_path).complains(2)

    assert told == f"--html {tmp_path} is no file: name another."
    assert setpoint("report", "list", "--workspace", filled.slug, "--json").json == kept


def test_a_page_that_fails_later_says_that_the_report_is_kept(
    setpoint: Console, filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("setpoint.app.cli.reports.write_whole", full)
    answer = setpoint("report", "run", *filled.window, "--html", tmp_path / "report.html", "--json")

    assert answer.status == 1
    run = json.loads(answer.out)["id"]
    assert f"`setpoint report show {run} --workspace {filled.slug} --html FILE`" in answer.err
    assert setpoint("report", "show", run, "--workspace", filled.slug).status == 0
