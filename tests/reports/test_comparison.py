"""The `comparison` of a report document."""

import json

import pytest

from setpoint.domain.vocabulary import Channel, Sender
from setpoint.reports.comparison import Cell, ComparisonSection, compare


def section(channels: dict[Channel, tuple[int, int, int, int]]) -> ComparisonSection:
    """Compare booked and mature leads of AI, then of setters, by channel."""
    return compare(
        cell
        for channel, (ai_booked, ai, setter_booked, setter) in channels.items()
        for cell in (
            Cell(channel, Sender.AI, ai_booked, ai - ai_booked),
            Cell(channel, Sender.SETTER, setter_booked, setter - setter_booked),
        )
    )


def test_arms_add_up_and_the_difference_is_ai_minus_setter() -> None:
    result = section({Channel.EMAIL: (100, 1_000, 50, 1_000), Channel.SMS: (20, 200, 10, 200)})
    overall = result["overall"]

    assert (overall["ai"]["booked"], overall["ai"]["not_booked"], overall["ai"]["n"]) == (120, 1_080, 1_200)
    assert (overall["setter"]["booked"], overall["setter"]["n"]) == (60, 1_200)
    assert overall["ai"]["rate"] == pytest.approx(0.1)
    assert overall["difference"] is not None
    assert overall["difference"]["value"] == pytest.approx(0.05)
    assert overall["difference"]["low"] > 0
    assert overall["refused"] is None


def test_newcombe_stands_in_the_document() -> None:
    """56 of 70 against 48 of 80: Newcombe (1998) gives 0.0524 to 0.3339."""
    difference = section({Channel.EMAIL: (56, 70, 48, 80)})["overall"]["difference"]

    assert difference is not None
    assert (round(difference["low"], 4), round(difference["high"], 4)) == (0.0524, 0.3339)
    assert difference["confidence"] == 0.95


def test_a_refusal_has_no_number_beside_it() -> None:
    overall = section({Channel.EMAIL: (20, 150, 30, 250)})["overall"]

    assert overall["difference"] is None
    assert overall["refused"] == {
        "reason": (
            "With 150 mature leads of AI and 250 of setters, even a difference of 5.0 points would probably not show."
        ),
        "needed": 972,
    }
    assert overall["verdict"].startswith("Not enough data yet: about 980 more mature leads are needed")


def cells(ai: tuple[int, int], setter: tuple[int, int], channel: Channel = Channel.EMAIL) -> list[Cell]:
    """Booked and mature leads of AI, then of setters, in one channel."""
    return [
        Cell(channel, sender, booked, n - booked)
        for sender, (booked, n) in ((Sender.AI, ai), (Sender.SETTER, setter))
    ]


def test_attributions_that_disagree_are_pointed_out_where_a_difference_is_told() -> None:
    result = compare(cells((120, 1_500), (60, 1_500)), within=cells((80, 1_500), (90, 1_500)))
    added = "This is by the cross-channel attribution; by the within-channel one the setters' rate is the higher one."

    assert result["overall"]["verdict"].endswith(added)
    assert result["by_channel"][0]["verdict"].endswith(added)
    assert result["caveats"][-1].startswith(
        "The two attributions do not agree about who is ahead over all channels and in email."
    )


@pytest.mark.parametrize(
    ("across", "within"),
    [
        (cells((120, 1_500), (60, 1_500)), []),
        (cells((120, 1_500), (60, 1_500)), cells((119, 1_500), (61, 1_500))),
        (cells((120, 1_500), (119, 1_500)), cells((119, 1_500), (120, 1_500))),
        (cells((120, 1_500), (60, 1_500)), cells((0, 0), (60, 1_500))),
    ],
    ids=["no within", "they agree", "neither is told", "one side only"],
)
def test_attributions_that_do_not_contradict_each_other_are_not_mentioned(
    across: list[Cell], within: list[Cell]
) -> None:
    result = compare(across, within=within)

    assert result == compare(across)


def test_channels_come_in_the_order_of_the_vocabulary_and_only_those_with_cells() -> None:
    result = section({Channel.LINKEDIN: (5, 50, 5, 50), Channel.EMAIL: (5, 50, 5, 50)})

    assert [line["channel"] for line in result["by_channel"]] == ["email", "linkedin"]


def test_cells_of_the_same_channel_and_sender_add_up() -> None:
    """Dispositions come as cells of their own."""
    whole = compare([Cell(Channel.EMAIL, Sender.AI, 30, 300), Cell(Channel.EMAIL, Sender.SETTER, 10, 400)])
    parts = compare(
        [
            Cell(Channel.EMAIL, Sender.AI, 20, 100),
            Cell(Channel.EMAIL, Sender.SETTER, 10, 400),
            Cell(Channel.EMAIL, Sender.AI, 10, 200),
        ]
    )

    assert whole == parts


def test_an_empty_arm_has_no_rate() -> None:
    overall = section({Channel.EMAIL: (4, 90, 0, 0)})["overall"]

    assert overall["setter"] == {
        "booked": 0,
        "not_booked": 0,
        "n": 0,
        "rate": None,
        "low": None,
        "high": None,
    }
    assert overall["difference"] is None


def test_nothing_at_all_is_compared_without_complaint() -> None:
    result = compare([])

    assert result["overall"]["verdict"] == "Not enough data yet. No lead has a settled outcome yet."
    assert result["by_channel"] == []


def test_senders_that_share_no_channel_get_no_difference() -> None:
    """All channels together they could be subtracted, which would say nothing of the senders."""
    result = section({Channel.EMAIL: (100, 2_000, 0, 0), Channel.SMS: (0, 0, 400, 2_000)})

    assert result["overall"]["difference"] is None
    assert result["overall"]["refused"] is not None
    assert result["overall"]["refused"]["needed"] is None
    assert "did not work in the same channel" in result["overall"]["verdict"]


def test_a_contradicted_difference_is_kept_as_a_number_and_not_claimed() -> None:
    result = section({Channel.EMAIL: (100, 2_000, 6, 300), Channel.SMS: (60, 300, 300, 2_000)})

    assert result["overall"]["difference"] is not None
    assert result["overall"]["difference"]["high"] < 0
    assert result["overall"]["verdict"].startswith("No overall winner can be named.")


def test_the_section_is_plain_json() -> None:
    result = section({Channel.EMAIL: (100, 1_000, 50, 1_000), Channel.SMS: (2, 20, 1, 20)})

    assert json.loads(json.dumps(result)) == result
