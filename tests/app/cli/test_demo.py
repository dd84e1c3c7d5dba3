"""From nothing to a report, and the same once more."""

import re

from tests.app.conftest import LEADS, Demo
from tests.app.console import Console, begin, end, server_runs

from setpoint.app.cli.demo import MAX_LEADS
from setpoint.samples.service import DEFAULT_LEADS, DEFAULT_SEED, MIN_LEADS


def hash_of(report: str) -> str:
    found = re.search(r"Dataset SHA-256 ([0-9a-f]{64})\n", report)
    assert found
    return found[1]


def test_one_command_ends_with_a_report_and_its_page(demo: Demo) -> None:
    page = demo.data_dir / "reports" / f"{demo.workspace}.html"

    assert demo.answer.status == 0
    assert demo.answer.out.startswith(f"Which messages book meetings: {demo.workspace}\n")
    assert demo.answer.out.endswith(f"The same report as a page: {page}\n")
    assert re.fullmatch(
        rf"Sample workspace {demo.workspace}: {LEADS} leads, [12],\d{{3}} messages, \d+ appointments\.\n\n",
        demo.answer.err,
    )
    assert hash_of(demo.answer.out) in page.read_text()
    assert not server_runs(demo.data_dir)


def test_the_same_demo_again_gives_the_same_report(demo: Demo) -> None:
    page = demo.data_dir / "reports" / "mine.html"

    again = end(begin(demo.data_dir, "demo", "--leads", str(LEADS), "--html", page))

    assert again.status == 0
    assert hash_of(again.out) == hash_of(demo.answer.out)
    assert again.err == demo.answer.err
    assert again.out.endswith(f"The same report as a page: {page}\n")


def test_the_help_tells_the_sizes_that_there_are() -> None:
    words = Console({})("demo", "--help").words

    assert f"{MIN_LEADS:,} to {MAX_LEADS:,}; default: {DEFAULT_LEADS:,}." in words
    assert f"default: {DEFAULT_SEED}." in words
