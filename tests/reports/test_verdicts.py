"""What the verdicts say, word for word, and that they claim nothing which the channels contradict."""

import numpy as np
import pytest

from setpoint.domain.vocabulary import Channel
from setpoint.reports.contest import Arm, Contest, Demands, decide
from setpoint.reports.verdicts import caveats, channel_verdict, overall_verdict

DEMANDS = Demands()
Counts = tuple[int, int, int, int]
"""Booked and mature leads of AI, then of setters."""


def contest(counts: Counts) -> Contest:
    ai_booked, ai, setter_booked, setter = counts
    return decide(Arm(ai_booked, ai - ai_booked), Arm(setter_booked, setter - setter_booked), DEMANDS)


def contests(channels: dict[str, Counts]) -> tuple[Contest, dict[Channel, Contest]]:
    total = tuple(sum(counts[i] for counts in channels.values()) for i in range(4))
    assert len(total) == 4
    return contest(total), {Channel(name): contest(counts) for name, counts in channels.items()}


def overall(**channels: Counts) -> str:
    return overall_verdict(*contests(channels), DEMANDS)


def noted(**channels: Counts) -> list[str]:
    return caveats(*contests(channels), DEMANDS)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((120, 1_500, 60, 1_500), "AI books 4.0 points more than setters in email (95%: 2.3 to 5.7)."),
        ((60, 1_500, 120, 1_500), "Setters book 4.0 points more than AI in email (95%: 2.3 to 5.7)."),
        ((40, 4_000, 22, 4_000), "AI books 0.45 points more than setters in email (95%: 0.06 to 0.85)."),
        (
            (120, 1_500, 118, 1_500),
            (
                "No difference between AI and setters can be told in email (95%: from 1.8 points more by "
                "setters to 2.1 points more by AI). A difference of 2.8 points or more would probably have "
                "shown."
            ),
        ),
        (
            (20, 150, 30, 250),
            (
                "Not enough data yet in email: about 980 more mature leads are needed, 540 from AI and 440 "
                "from setters."
            ),
        ),
        (
            (10, 100, 130, 1_000),
            "Not enough data yet in email: about 440 more mature leads are needed, from AI.",
        ),
        (
            (0, 90, 0, 80),
            ("Not enough data yet in email. 170 mature leads and none booked: there is no rate to compare yet."),
        ),
        (
            (0, 0, 8, 80),
            (
                "No comparison in email. Only setters have leads with a settled outcome here: there is nothing to "
                "compare with."
            ),
        ),
        ((0, 0, 0, 0), "Not enough data yet in email. No lead has a settled outcome yet."),
    ],
)
def test_the_verdict_of_a_channel(counts: Counts, verdict: str) -> None:
    assert channel_verdict(contest(counts), Channel.EMAIL, DEMANDS) == verdict


def test_every_channel_has_its_phrase() -> None:
    verdicts = [channel_verdict(contest((120, 1_500, 60, 1_500)), channel, DEMANDS) for channel in Channel]

    assert ["in email" in verdicts[0], "in SMS" in verdicts[1], "on LinkedIn" in verdicts[2]] == [True] * 3


def test_a_winner_that_the_channels_bear_out_is_named() -> None:
    verdict = overall(email=(120, 1_500, 60, 1_500), sms=(90, 900, 50, 900))

    assert verdict == (
        "AI books 4.2 points more than setters (95%: 2.8 to 5.6), not adjusted for who got which lead."
    )


def test_a_winner_that_every_channel_contradicts_is_not_named() -> None:
    """AI books more in both channels, but works where few book."""
    verdict = overall(email=(100, 2_000, 6, 300), sms=(60, 300, 300, 2_000))

    assert verdict == (
        "No overall winner can be named. All channels together the setters' rate is 6.3 points higher "
        "(95%: 4.6 to 8.1), but AI's is the higher one in email and in SMS. Read it by channel."
    )


def test_a_winner_that_one_channel_clearly_contradicts_is_not_named() -> None:
    verdict = overall(email=(400, 4_000, 200, 4_000), sms=(30, 1_000, 70, 1_000))

    assert verdict.startswith("No overall winner can be named.")
    assert "but the setters' is the higher one in SMS" in verdict


def test_a_winner_that_the_channel_explains_is_not_named() -> None:
    verdict = overall(email=(20, 1_000, 4, 200), sms=(40, 200, 204, 1_000))

    assert verdict.startswith("No overall winner can be named. All channels together the setters' rate")
    assert "with the channel held equal the difference cannot be told from zero" in verdict


@pytest.mark.parametrize("ai_has_the_better_channel", [True, False])
def test_a_winner_where_both_book_alike_in_every_channel_is_not_named(ai_has_the_better_channel: bool) -> None:
    email, sms = (100, 1_000, 20, 200), (100, 200, 500, 1_000)
    if ai_has_the_better_channel:
        email, sms = (*email[2:], *email[:2]), (*sms[2:], *sms[:2])
    verdict = overall(email=email, sms=sms)

    assert verdict.startswith("No overall winner can be named.")
    assert "with the channel held equal the difference cannot be told from zero" in verdict


def test_channels_that_cancel_out_are_named_one_by_one() -> None:
    verdict = overall(email=(300, 3_000, 200, 3_000), sms=(200, 3_000, 300, 3_000))

    assert verdict.startswith("No difference between AI and setters can be told (95%: ")
    assert verdict.endswith("By channel it can be told: AI books more in email and setters book more in SMS.")


def test_a_difference_that_the_total_hides_is_pointed_out() -> None:
    """No channel is told apart by itself and the total is level; with the channel held equal AI leads."""
    verdict = overall(email=(105, 3_000, 27, 1_000), sms=(70, 1_000, 110, 2_000))

    assert "can be told (95%: " in verdict
    assert "With the channel held equal, though, AI's rate is the higher one." in verdict


def test_senders_that_share_no_channel_are_not_compared() -> None:
    verdict = overall(email=(30, 300, 0, 0), sms=(0, 0, 60, 300))

    assert verdict == (
        "No comparison. AI and setters did not work in the same channel: sender and channel cannot be told apart."
    )


def test_every_comparison_is_called_crude_and_nothing_else_is() -> None:
    compared = ({"email": (120, 1_500, 60, 1_500)}, {"email": (2, 20, 3, 20), "sms": (0, 0, 8, 80)})
    not_compared: tuple[dict[str, Counts], ...] = (
        {},
        {"email": (0, 0, 8, 80)},
        {"email": (30, 300, 0, 0), "sms": (0, 0, 60, 300)},
    )

    assert all(noted(**channels)[0].startswith("This is a first, crude comparison.") for channels in compared)
    assert not any("crude" in note for channels in not_compared for note in noted(**channels))


def test_different_channels_are_noted_with_the_channel_that_differs_most() -> None:
    notes = noted(email=(100, 2_000, 6, 300), sms=(60, 300, 300, 2_000))

    assert notes[1] == (
        "AI and setters work in different channels: Email is 87% of AI's mature leads and 13% of the setters'. "
        "A difference of the channels can look like one of the senders."
    )
    assert len(noted(email=(9, 99, 9, 99), sms=(9, 90, 9, 99))) == 1


def test_a_channel_that_leans_the_other_way_is_noted() -> None:
    notes = noted(email=(300, 3_000, 200, 3_000), sms=(190, 3_000, 200, 3_000))

    assert (
        "The channels do not all agree with the total: the setters' observed rate is the higher one in SMS." in notes
    )


def test_several_comparisons_at_once_are_noted() -> None:
    assert any("a single narrow win" in n for n in noted(email=(300, 3_000, 200, 3_000), sms=(9, 90, 9, 90)))
    assert not any("a single narrow win" in n for n in noted(email=(300, 3_000, 200, 3_000)))


def test_confounded_draws_never_name_the_wrong_sender() -> None:
    """AI is 2 points better in every channel and works mostly where few book; drawn 200 times."""
    generator = np.random.default_rng(11)
    rates = {"email": (0.05, 0.03), "sms": (0.12, 0.10), "linkedin": (0.20, 0.18)}
    sizes = {"email": (2_000, 500), "sms": (300, 900), "linkedin": (100, 900)}
    verdicts = [
        overall(
            **{
                name: (
                    int(generator.binomial(sizes[name][0], rates[name][0])),
                    sizes[name][0],
                    int(generator.binomial(sizes[name][1], rates[name][1])),
                    sizes[name][1],
                )
                for name in rates
            }
        )
        for _ in range(200)
    ]

    assert not any(verdict.startswith("Setters book") for verdict in verdicts)
    assert sum(verdict.startswith("No overall winner") for verdict in verdicts) > 150
