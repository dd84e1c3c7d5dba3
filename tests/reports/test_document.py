"""The report document: its keys are a contract, its command line makes the same report again."""

import json
import shlex
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from setpoint.datasets.service import Counts, DatasetRequest
from setpoint.domain.vocabulary import Channel, Standing
from setpoint.domain.windows import make_window
from setpoint.reports.document import arguments, counts_document, report_document
from setpoint.reports.versions import VERSION

WINDOW = make_window("2026-03-01", "2026-06-01")
COUNTS = Counts(
    cells=Counter(
        {
            ("cross_channel", "BOOKED", "ai", "email", "", "", False, True): 3,
            ("cross_channel", "NOT_BOOKED", "setter", "email", "", "", False, False): 5,
            ("within_channel", "BOOKED", "ai", "email", "", "", False, True): 3,
        }
    ),
    dropped={"booked_before_window": 1, "no_outbound_in_window": 2},
    messages=dict.fromkeys(map(str, Standing), 0) | {"counting": 20, "inbound": 4},
    cohort_leads=8,
    capped=False,
)


def test_it_has_what_scripts_rely_on() -> None:
    document = report_document(
        DatasetRequest("acme", WINDOW),
        COUNTS,
        run_id="1",
        author="me",
        created_at=datetime(2026, 6, 2, tzinfo=UTC),
        engine="postgres",
        dataset_sha256="0" * 64,
        sections={"timing": {"senders": []}},
    )
    assert json.loads(json.dumps(document)) == document
    assert document["window"] == {
        "from": "2026-03-01T00:00:00Z",
        "to": "2026-06-01T00:00:00Z",
        "as_of": "2026-06-01T00:00:00Z",
    }
    assert (document["version"], document["timing"]) == (VERSION, {"senders": []})
    assert document["counts"]["BOOKED"] == 3
    assert document["counts"]["ambiguous"] == 0
    assert document["dropped"] == {"booked_before_window": 1, "no_outbound_in_window": 2}
    assert document["messages"]["in_window"] == 24
    assert "counting" not in document["messages"]["left_out"]
    assert document["inferred_sender"] == {"cross_channel": 3, "within_channel": 3}
    for key in ("workspace", "parameters", "capped", "cross_channel", "within_channel", "comparison"):
        assert key in document
    segment = document["cross_channel"][0]
    assert {"sender", "channel", "disposition", "booked", "not_booked", "pending", "rate", "low", "high"} <= set(
        segment
    )


def test_comparison_is_of_mature_cross_channel_leads() -> None:
    overall = counts_document(DatasetRequest("acme", WINDOW), COUNTS)["comparison"]["overall"]
    assert (overall["ai"]["booked"], overall["ai"]["n"], overall["setter"]["n"]) == (3, 3, 5)


@pytest.mark.parametrize(
    "request_",
    [
        DatasetRequest("acme", WINDOW),
        DatasetRequest("acme", make_window("2026-03-01", "2026-06-01T12:30:00.5Z", "2026-07-01", 3, 0)),
        DatasetRequest("acme", WINDOW, (Channel.SMS, Channel.EMAIL), 100, "a seed with 'quotes' and $signs"),
    ],
)
def test_its_command_line_asks_for_the_same_again(request_: DatasetRequest) -> None:
    words = shlex.split(shlex.join(arguments(request_)))
    options: dict[str, list[str]] = {}
    for name, value in zip(words[::2], words[1::2], strict=True):
        options.setdefault(name, []).append(value)
    again = DatasetRequest(
        options["--workspace"][0],
        make_window(
            options["--from"][0],
            options["--to"][0],
            options.get("--as-of", [None])[0],
            int(options.get("--attribution-days", ["14"])[0]),
            int(options.get("--maturity-days", ["7"])[0]),
        ),
        tuple(Channel(channel) for channel in options.get("--channel", [])),
        int(options["--max-leads"][0]) if "--max-leads" in options else None,
        options.get("--seed", [DatasetRequest("acme", WINDOW).seed])[0],
    )
    assert again == request_


def test_its_comparison_says_where_the_two_attributions_disagree() -> None:
    """AI is ahead by the last message before a booking, setters by the last message in each channel."""

    def rows(attribution: str, sender: str, booked: int) -> dict[tuple[str | bool, ...], int]:
        counted = (("BOOKED", booked), ("NOT_BOOKED", 1_500 - booked))
        return {(attribution, outcome, sender, "email", "", "", False, False): n for outcome, n in counted}

    cells = Counter(rows("cross_channel", "ai", 120) | rows("cross_channel", "setter", 60))
    cells.update(rows("within_channel", "ai", 80) | rows("within_channel", "setter", 90))
    comparison = counts_document(DatasetRequest("acme", WINDOW), replace(COUNTS, cells=cells))["comparison"]
    assert "by the within-channel one the setters' rate is the higher one" in comparison["overall"]["verdict"]
    assert "The two attributions do not agree" in comparison["caveats"][-1]
