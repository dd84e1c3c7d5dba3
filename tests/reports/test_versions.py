"""Stored documents of earlier versions are read as those of this one, or it is said how to make them again."""

import pytest
from tests.reports.documents import realistic
from tests.reports.sections import timing
from tests.reports.sections_fixture import adjustment_refused

from setpoint.domain.errors import Conflict
from setpoint.reports.html import render_html
from setpoint.reports.versions import VERSION, migrated


def test_a_document_of_the_first_version_is_read_and_shown() -> None:
    first = realistic() | {"version": 1}
    read = migrated(first)
    assert read == first | {"version": VERSION}
    assert migrated(read) == read
    assert first["dataset_sha256"] in render_html(read)


def test_sections_of_the_second_version_have_kept_no_hash_of_what_they_were_made_from() -> None:
    kept = {name: value for name, value in timing().items() if name != "input_sha256"}
    read = migrated(realistic() | {"version": 2, "timing": kept})
    assert read["timing"] == kept | {"input_sha256": None}
    assert "patterns" not in read
    assert "<dt>Time to booking</dt><dd><code>none kept</code></dd>" in render_html(read)


def test_an_adjusted_step_that_was_refused_counted_nobody_and_says_so_now() -> None:
    refused = adjustment_refused()
    steps = [dict(step) | {"n": step["n"] or 0} for step in refused["ladder"]]
    kept = dict(refused) | {"used": 0, "trimmed": {"ai": 0, "setter": 0}, "ladder": steps}
    read = migrated(realistic() | {"version": 2, "adjustment": kept})["adjustment"]
    assert (read["used"], read["trimmed"]) == (None, None)
    assert 0 not in [step["n"] for step in read["ladder"]]


def test_a_form_that_is_not_known_says_how_to_make_the_report_again() -> None:
    with pytest.raises(Conflict, match="run it again with `setpoint report run --workspace any`"):
        migrated({"version": VERSION + 1, "reproduce": "setpoint report run --workspace any"})
