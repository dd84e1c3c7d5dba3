"""The dataset and its facts, taken elsewhere."""

import csv
import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.app.conftest import Filled
from tests.app.console import Console


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_that_was_exported_has_the_hash_of_the_report(
    setpoint: Console, filled: Filled, tmp_path: Path
) -> None:
    out = tmp_path / "dataset.csv"
    out.write_text("before")
    report = setpoint("report", "run", *filled.window, "--json").json

    printed = setpoint("dataset", "export", *filled.window, "--out", out)

    assert hashlib.sha256(out.read_bytes()).hexdigest() == report["dataset_sha256"]
    rows = read(out)
    assert (printed.status, printed.err) == (0, "")
    assert printed.out == f"{len(rows):,} rows written to {out}\nSHA-256 {report['dataset_sha256']}\n"
    assert len(rows) == report["cohort_leads"] + sum(
        count for name, count in report["counts_within_channel"].items() if name != "ambiguous"
    )
    assert list(tmp_path.iterdir()) == [out]


def test_every_format_has_the_same_rows(setpoint: Console, filled: Filled, tmp_path: Path) -> None:
    ids = []
    for suffix in ("csv", "jsonl", "parquet"):
        out = tmp_path / f"dataset.{suffix}"
        document = setpoint("dataset", "export", *filled.window, "--out", out, "--engine", "duckdb", "--json").json
        assert document["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
        assert (document["path"], document["engine"], document["attribution"]) == (str(out), "duckdb", "both")
        if suffix == "csv":
            ids.append([row["lead_id"] for row in read(out)])
        elif suffix == "jsonl":
            ids.append([json.loads(line)["lead_id"] for line in out.read_text().splitlines()])
        else:
            ids.append(pq.read_table(out).column("lead_id").to_pylist())
        assert document["rows"] == len(ids[-1]) > 0

    assert ids[0] == ids[1] == ids[2]


def test_one_attribution_is_part_of_both(setpoint: Console, filled: Filled, tmp_path: Path) -> None:
    rows = {
        which: setpoint(
            "dataset", "export", *filled.window, "--out", tmp_path / "x.csv", "--attribution", which, "--json"
        ).json["rows"]
        for which in ("cross_channel", "within_channel", "both")
    }

    assert rows["cross_channel"] + rows["within_channel"] == rows["both"]
    assert all(rows.values())


@pytest.mark.parametrize("rows", ["0", "-1", "99999999999999999999999"])
def test_a_balanced_sample_of_a_senseless_size_is_refused(
    setpoint: Console, filled: Filled, tmp_path: Path, rows: str
) -> None:
    told = setpoint("dataset", "export", *filled.window, "--out", tmp_path / "x.csv", "--balanced", rows)
    assert told.complains(2) == "--balanced must lie between 1 and 1,000,000,000."


def test_a_balanced_sample_tells_what_it_was_drawn_from(setpoint: Console, filled: Filled, tmp_path: Path) -> None:
    options = [*filled.window, "--out", str(tmp_path / "x.csv"), "--balanced", "2", "--attribution", "cross_channel"]
    document = setpoint("dataset", "export", *options, "--json").json
    printed = setpoint("dataset", "export", *options)

    assert document["balanced"] == 2
    assert document["rows"] == sum(cell["kept"] for cell in document["cells"])
    assert all(cell["kept"] == min(2, cell["n"]) for cell in document["cells"])
    assert {cell["attribution"] for cell in document["cells"]} == {"cross_channel"}
    assert sum(cell["n"] for cell in document["cells"]) > document["rows"]
    for cell in document["cells"]:
        line = f"  cross_channel, {cell['sender']}, {cell['outcome']}: {cell['kept']} of {cell['n']}"
        assert line in printed.out.splitlines()


def test_text_leaves_only_when_it_is_asked_for(setpoint: Console, filled: Filled, tmp_path: Path) -> None:
    out = tmp_path / "dataset.csv"

    redacted = setpoint("dataset", "export", *filled.window, "--out", out, "--json").json
    assert redacted["with_text"] is False
    assert {"subject", "body"}.isdisjoint(read(out)[0])
    document = setpoint("dataset", "export", *filled.window, "--out", out, "--with-text", "--json").json

    assert document["with_text"] is True
    assert any(row["body"] for row in read(out))


@pytest.mark.parametrize("place", ["folder.csv", "missing/dataset.csv"])
def test_a_place_that_cannot_be_written_is_known_before_the_work(
    setpoint: Console, filled: Filled, tmp_path: Path, place: str
) -> None:
    (tmp_path / "folder.csv").mkdir()

    told = setpoint("dataset", "export", *filled.window, "--out", tmp_path / place, "--json").complains(2)

    assert told.startswith(f"--out {tmp_path / place} ")


def test_an_export_that_fails_leaves_the_old_file(setpoint: Console, tmp_path: Path, filled: Filled) -> None:
    out = tmp_path / "dataset.csv"
    out.write_text("before")

    setpoint("dataset", "export", "--workspace", "nobody", *filled.window[2:], "--out", out).complains(1)

    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def test_a_snapshot_answers_as_the_database_does(setpoint: Console, filled: Filled, tmp_path: Path) -> None:
    out = tmp_path / "snapshot"
    document = setpoint("dataset", "snapshot", *filled.window, "--out", out, "--json").json

    assert (document["path"], document["workspace"]) == (str(out), filled.slug)
    assert document["covers_from"] == "2026-02-15T00:00:00Z"
    assert document["covers_until"] == "2026-06-01T00:00:00Z"
    assert document["rows"]["leads"] == filled.sample.counts["leads"]

    over_snapshot = ["--engine", "duckdb", "--snapshot", str(out)]
    theirs = setpoint("report", "run", *filled.window, *over_snapshot, "--json").json
    ours = setpoint("report", "run", *filled.window, "--json").json
    assert theirs["dataset_sha256"] == ours["dataset_sha256"]

    told = setpoint("dataset", "snapshot", *filled.window, "--out", out).complains(1)
    assert told == f"{out} exists already and is not empty: name a new directory."
    wider = ["--workspace", filled.slug, "--from", "2026-02-01", "--to", "2026-06-01"]
    assert "take a new one" in setpoint("dataset", "export", *wider, *over_snapshot, "--out", "x.csv").complains(2)


def test_a_snapshot_is_told_in_numbers(setpoint: Console, filled: Filled, tmp_path: Path) -> None:
    answer = setpoint("dataset", "snapshot", *filled.window, "--out", tmp_path / "snapshot")

    assert (answer.status, answer.err) == (0, "")
    *numbers, where = answer.out.splitlines()
    assert f"{filled.sample.counts['leads']:>12,} leads" in numbers
    assert where == f"Snapshot written to {tmp_path / 'snapshot'}"
