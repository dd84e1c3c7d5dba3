"""What the adjusted comparison says, word for word, and that it never says more than its weakest part bears."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reports.lead_cells import REFUSED, confirming, lead_cells

from setpoint.datasets.cells import LeadCell
from setpoint.domain.measured import Measured
from setpoint.domain.vocabulary import Sender
from setpoint.reports.adjustment import SameStage, adjust
from setpoint.reports.adjustment_verdict import SCOPE, SETTLE, held_equal
from setpoint.reports.schemas import AdjustmentSection

BETTER = lead_cells(email=(240, 1_200, 40, 400), sms=(160, 400, 360, 1_200))
"""AI books 10 points more of each channel, and gets most of the leads of the channel that hardly books."""

STARTING_DIFFERENTLY = [
    *lead_cells(stage="new", email=(100, 1_000, 60, 1_000)),
    *lead_cells(stage="contacted", touches_before="1", email=(100, 1_000, 60, 1_000)),
]


def said(cells: list[LeadCell], messages: SameStage, pending: int = 0) -> tuple[str, str]:
    section = adjust(cells, messages, {"ai": pending})
    assert (section["winner"] is None) == (section["strength"] == "none")
    assert section["reasons"][0] == SCOPE
    return section["verdict"], section["strength"]


def reason(section: AdjustmentSection, start: str) -> str:
    (found,) = (each for each in section["reasons"] if each.startswith(start))
    return found


def changed(cells: list[LeadCell], sender: Sender, share: float, **to: object) -> list[LeadCell]:
    """The cells with a share of one side's leads, booked and not, credited in another way."""
    found = []
    for cell in cells:
        if cell.sender is sender:
            n, booked = round(cell.n * share), round(cell.booked * share)
            found.append(replace(cell, n=n, booked=booked, **to))  # type: ignore[arg-type]
            found.append(replace(cell, n=cell.n - n, booked=cell.booked - booked))
        else:
            found.append(cell)
    return [cell for cell in found if cell.n]


def mirrored(cells: list[LeadCell]) -> list[LeadCell]:
    other = {Sender.AI: Sender.SETTER, Sender.SETTER: Sender.AI}
    return [replace(cell, sender=other[cell.sender]) for cell in cells]


def test_a_clear_winner() -> None:
    assert said(BETTER, confirming(0.02)) == (
        (
            "AI books 10.0 points more than setters (95%: 6.7 to 13.3), with channel held equal"
            " (cross-channel attribution)."
        ),
        "clear",
    )
    assert said(mirrored(BETTER), confirming(-0.02)) == (
        (
            "Setters book 10.0 points more than AI (95%: 6.7 to 13.3), with channel held equal"
            " (cross-channel attribution)."
        ),
        "clear",
    )


def test_what_was_held_equal_is_named_where_leads_differ_in_it() -> None:
    verdict, _ = said([*BETTER, *STARTING_DIFFERENTLY], confirming(0.02))
    assert "with channel and stage held equal" in verdict
    assert held_equal(["channel", "campaign", "stage"]) == "with channel, campaign and stage held equal"


@pytest.mark.parametrize(
    ("cells", "pending", "verdict"),
    [
        ([], 0, "Not enough data yet (cross-channel attribution): no lead has a settled outcome."),
        (
            [],
            30,
            "Not enough data yet (cross-channel attribution): no lead has a settled outcome; 30 leads are pending.",
        ),
        (
            lead_cells(email=(1, 1, 0, 0)),
            0,
            "No comparison (cross-channel attribution): only AI has leads with a settled outcome.",
        ),
        (
            lead_cells(email=(0, 0, 30, 400)),
            0,
            "No comparison (cross-channel attribution): only setters have leads with a settled outcome.",
        ),
        (
            lead_cells(email=(0, 200, 0, 300)),
            0,
            "Not enough data yet (cross-channel attribution): of 500 mature leads none booked.",
        ),
        (
            lead_cells(email=(20, 20, 30, 30)),
            0,
            "Not enough data yet (cross-channel attribution): of 50 mature leads all booked.",
        ),
        (
            lead_cells(email=(40, 400, 0, 0), sms=(0, 0, 40, 400)),
            0,
            (
                "It cannot be said who books more (cross-channel attribution): the two sides hardly ever got leads"
                " alike."
            ),
        ),
        (
            lead_cells(email=(40, 400, 0, 400), sms=(40, 400, 0, 400)),
            0,
            (
                "It cannot be said who books more (cross-channel attribution): on one of the sides the outcome is"
                " the same everywhere."
            ),
        ),
    ],
)
def test_what_cannot_be_compared(cells: list[LeadCell], pending: int, verdict: str) -> None:
    assert said(cells, REFUSED, pending) == (verdict, "none")


def test_too_few_leads_say_how_many_more_are_needed() -> None:
    assert said(lead_cells(email=(1, 10, 1, 12)), REFUSED) == (
        "Not enough data yet (cross-channel attribution): about 1,300 more mature leads are needed.",
        "none",
    )
    # Enough to adjust, but not to see 4 points.
    assert said(lead_cells(email=(32, 400, 30, 400)), confirming(0.001)) == (
        "Not enough data yet (cross-channel attribution): about 700 more mature leads are needed.",
        "none",
    )


def test_enough_leads_without_a_difference_say_within_which_bounds() -> None:
    assert said(
        lead_cells(email=(1_000, 10_000, 1_010, 10_000), sms=(900, 6_000, 890, 6_000)), confirming(0.001)
    ) == (
        (
            "No difference between AI and setters can be told, with channel held equal (cross-channel attribution):"
            " it lies between 0.7 points more by setters and 0.7 points more by AI (95%)."
        ),
        "none",
    )


def test_a_crude_difference_of_the_other_sign_is_explained() -> None:
    section = adjust(lead_cells(email=(240, 1_600, 20, 400), sms=(160, 400, 480, 1_600)), confirming(0.02))
    assert (section["winner"], section["strength"]) == ("ai", "clear")
    assert reason(section, "With all leads thrown together") == (
        "With all leads thrown together setters are ahead, but the two got different leads: 60% of one side's would"
        " have to change channel for the two to be alike."
    )


def test_sides_that_write_at_different_stages_are_not_told_apart_unless_messages_bear_it_out() -> None:
    cells = changed(BETTER, Sender.SETTER, 0.4, credit_touch="7+")
    bearing_out, against = (adjust(cells, confirming(value)) for value in (0.02, 0.0001))
    untold = adjust(cells, SameStage(Measured(0.001, -0.01, 0.012), 5_000, None))

    assert bearing_out["verdict"] == (
        "AI probably books 10.0 points more than setters (95%: 6.7 to 13.3), with channel held equal (cross-channel"
        " attribution), but setters and AI write at different stages of the conversation."
    )
    assert (bearing_out["strength"], against["strength"], untold["strength"]) == ("tentative", "tentative", "none")
    assert untold["verdict"] == (
        "It cannot be said who books more (cross-channel attribution): setters and AI write at different stages of"
        " the conversation."
    )
    assert reason(untold, "Setters and AI write") == (
        "Setters and AI write at different stages of the conversation: the 2nd or 3rd message was the credited one"
        " for 100% of AI's 1,600 leads and 60% of the setters' 1,600. Whoever comes in when a booking is near looks"
        " better than whoever opens. A comparison message by message at the same stage does not bear it out."
    )
    assert reason(untold, "What can be said") == (
        "What can be said: credited to AI, 400 of 1,600 leads (25.0%) booked; credited to setters, 400 of 1,600 leads"
        " (25.0%). What cannot be said: that the same leads would have booked more or less with the other one."
    )
    assert SETTLE in untold["reasons"]
    written = adjust(changed(BETTER, Sender.AI, 0.3, credit_written=True), confirming(0.02))
    assert "the lead had not written before the credited message for 70% of AI's 1,600 leads and 100%" in reason(
        written, "Setters and AI write"
    )


def test_who_books_more_is_credited_earlier_and_that_is_no_difference_of_stages() -> None:
    """All that book do at the second message, all others got seven: only the rates differ."""
    cells = []
    for cell in lead_cells(email=(500, 1_000, 100, 1_000), sms=(500, 1_000, 100, 1_000)):
        cells.append(replace(cell, n=cell.booked))
        cells.append(replace(cell, n=cell.n - cell.booked, booked=0, credit_touch="7+"))
    assert said(cells, confirming(0.02))[1] == "clear"


def test_leads_that_heard_from_both_sides_take_the_winner_away() -> None:
    some = adjust(changed(BETTER, Sender.SETTER, 0.4, both_wrote=True), confirming(0.02))
    most = adjust(changed(BETTER, Sender.SETTER, 0.9, both_wrote=True), confirming(0.02))

    assert (some["strength"], some["winner"]) == ("tentative", "ai")
    assert some["verdict"].endswith("but many leads credited to setters had heard from AI too.")
    assert most["verdict"] == (
        "It cannot be said who books more (cross-channel attribution): most leads credited to setters had heard from"
        " AI too."
    )
    assert reason(most, "90% of the 1,600 leads credited to setters") == (
        "90% of the 1,600 leads credited to setters had heard from AI too. Only the last message is credited, so this"
        " compares who wrote last, not who brought the booking about."
    )


def test_leads_that_end_in_another_channel_than_they_began_in() -> None:
    cells = changed(BETTER, Sender.AI, 0.5, credit_channel="linkedin")
    assert said(cells, SameStage(Measured(0.001, -0.01, 0.012), 5_000, None)) == (
        (
            "It cannot be said who books more (cross-channel attribution): setters and AI write last in different"
            " channels."
        ),
        "none",
    )
    assert said(cells, confirming(0.02))[1] == "tentative"


@pytest.mark.parametrize(("low", "high", "strength"), [(-0.03, -0.01, "none"), (-0.03, 0.01, "tentative")])
def test_estimates_that_contradict_each_other(low: float, high: float, strength: str) -> None:
    verdict, told = said(BETTER, SameStage(Measured((low + high) / 2, low, high), 5_000, None))
    assert told == strength
    assert verdict.endswith("the estimates contradict each other.")


def test_a_missing_comparison_of_messages_leaves_a_tentative_winner() -> None:
    section = adjust(BETTER, REFUSED)
    assert section["strength"] == "tentative"
    assert section["verdict"].endswith("but messages at the same stage cannot be compared.")


def test_groups_that_say_the_opposite_take_the_winner_away() -> None:
    section = adjust(lead_cells(email=(300, 1_000, 100, 1_000), linkedin=(100, 700, 200, 700)), confirming(0.02))
    assert section["verdict"] == (
        "It cannot be said who books more (cross-channel attribution): it depends on the leads."
    )
    assert reason(section, "It depends") == (
        "It depends on the leads: groups of them differ by more than chance (Breslow-Day). By group, AI is ahead with"
        " new leads in email (No campaign mode); setters are ahead with new leads on LinkedIn (No campaign mode)."
    )


def test_groups_that_differ_only_in_size_are_a_note() -> None:
    section = adjust(lead_cells(email=(600, 1_000, 100, 1_000), linkedin=(400, 1_000, 300, 1_000)), confirming(0.02))
    assert section["strength"] == "clear"
    assert "all point the same way" in reason(section, "How far the two are apart differs")


def test_leads_that_only_one_side_gets_are_left_out_and_counted() -> None:
    both, alone = (60, 300, 30, 300), (90, 900, 0, 1)
    section = adjust(lead_cells(email=both, sms=alone), confirming(0.02))
    assert section["trimmed"] == {"ai": 900, "setter": 1}
    assert section["verdict"].endswith("but 60% of the leads are of a kind that hardly ever goes to both.")
    assert reason(section, "The adjusted difference rests on 600 of 1,501 leads")


def test_what_little_that_is_unknown_would_explain_is_tentative() -> None:
    section = adjust(
        lead_cells(email=(11_000, 100_000, 10_600, 100_000), sms=(11_000, 100_000, 10_600, 100_000)), confirming(0.02)
    )
    assert section["sensitivity"] is not None
    assert 0 < section["sensitivity"]["robustness_value_interval"] < 0.01
    assert section["strength"] == "tentative"
    assert section["verdict"].endswith("but little that is not in the data would be enough to explain it.")


def test_leads_of_whom_nothing_is_known_leave_a_tentative_winner() -> None:
    verdict, strength = said(lead_cells(email=(300, 1_000, 100, 1_000)), confirming(0.02))
    assert strength == "tentative"
    assert "with nothing held equal (cross-channel attribution), but nothing is known of the leads" in verdict


def test_pending_and_sampled_leads_are_named() -> None:
    sampled = replace(confirming(0.02), sampled_leads=200_000)
    section = adjust(BETTER, sampled, pending={"ai": 1})
    assert section["reasons"][-2:] == [
        "Messages are compared over a uniform random sample of 200,000 leads, all else over all leads.",
        "1 lead is pending and not in this yet.",
    ]
    assert "A uniform random sample of the leads." in section["ladder"][-1]["note"]
    assert (
        "all rates look somewhat higher" in adjust(BETTER, sampled, pending={"ai": 480, "setter": 420})["reasons"][-1]
    )


CELLS = st.lists(
    st.builds(
        lambda n, share, **known: LeadCell(n=n, booked=int(n * share), **known),
        n=st.integers(1, 2_000),
        share=st.floats(0, 1),
        sender=st.sampled_from(Sender),
        entered=st.just(True),
        channel=st.sampled_from(["email", "sms"]),
        response_mode=st.sampled_from(["", "ai_auto_send"]),
        campaign=st.sampled_from([None, "", "a"]),
        stage=st.sampled_from(["new", "contacted", "written"]),
        touches_before=st.sampled_from(["0", "1"]),
        credit_channel=st.sampled_from(["email", "sms"]),
        credit_touch=st.sampled_from(["1", "7+"]),
        credit_written=st.booleans(),
        both_wrote=st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(CELLS, st.sampled_from([confirming(0.02), confirming(-0.02), REFUSED]))
def test_a_winner_has_an_interval_on_its_side_and_no_message_estimate_against_it(
    cells: list[LeadCell], messages: SameStage
) -> None:
    section = adjust(cells, messages)
    adjusted = section["ladder"][2]["estimate"]["measured"]
    if section["winner"] is None:
        assert section["strength"] == "none"
        return
    sign = 1 if section["winner"] == "ai" else -1
    assert adjusted is not None
    assert min(sign * adjusted["low"], sign * adjusted["high"]) > 0
    assert not isinstance(messages.estimate, Measured) or messages.estimate.value * sign > 0
    assert section["strength"] == "tentative" or isinstance(messages.estimate, Measured)


@settings(max_examples=40, deadline=None)
@given(CELLS)
def test_the_sides_are_treated_alike(cells: list[LeadCell]) -> None:
    one, other = adjust(cells, confirming(0.02)), adjust(mirrored(cells), confirming(-0.02))
    assert one["strength"] == other["strength"]
    assert {one["winner"], other["winner"]} in ({None}, {"ai", "setter"})


def test_a_side_whose_leads_are_younger_is_named_where_leads_followed_as_long_say_the_same() -> None:
    """Young leads count only where they booked: with more of them pending a side looks better than it is."""
    ai, setter = (sum(cell.n for cell in BETTER if cell.sender is sender) for sender in (Sender.AI, Sender.SETTER))

    def pending(of_ai: float, of_setter: float) -> dict[str, int]:
        return {"ai": round(ai * of_ai / (1 - of_ai)), "setter": round(setter * of_setter / (1 - of_setter))}

    def aged(ai: float, setter: float) -> list[LeadCell]:
        rates = {Sender.AI: ai, Sender.SETTER: setter}
        return [
            replace(cell, aged=cell.n, aged_booked=round(cell.n * rates[cell.sender] * (1 + (cell.channel == "sms"))))
            for cell in BETTER
        ]

    def told(cells: list[LeadCell], of_ai: float, of_setter: float) -> tuple[str, str | None]:
        section = adjust(cells, confirming(0.02), pending(of_ai, of_setter))
        return section["strength"], section["winner"]

    # Nothing says how it is with every lead followed as long.
    assert told(BETTER, 0.3, 0.3) == told(BETTER, 0.1, 0.3) == ("clear", "ai")
    assert told(BETTER, 0.13, 0.1) == ("tentative", "ai")
    assert told(BETTER, 0.17, 0.1) == ("none", None)
    # It says the same, says nothing, leans the other way, and says the opposite.
    assert told(aged(0.2, 0.1), 0.3, 0.1) == ("clear", "ai")
    assert told(aged(0.105, 0.1), 0.13, 0.1) == ("tentative", "ai")
    assert told(aged(0.105, 0.1), 0.17, 0.1) == ("none", None)
    assert told(aged(0.095, 0.1), 0.13, 0.1) == ("none", None)
    assert told(aged(0.1, 0.2), 0.1, 0.3) == ("none", None)
    assert told(aged(0.1, 0.2), 0, 0) == ("clear", "ai")
    much = adjust(BETTER, confirming(0.02), pending(0.3, 0.1))
    assert "AI's leads are younger, and a young lead counts only if it booked" in much["verdict"]
    asked = "30% (686 of 2,286) of AI's leads are pending, and 10% (178 of 1,778) of the setters'."
    assert reason(much, asked).endswith("when they have settled.")


def in_campaigns(won: float, lost: float, name: str = "won") -> list[LeadCell]:
    """AI books 30% of 1,000 leads and setters 20%; a share of those who booked is moved, and of those who did not."""
    cells = []
    for sender, booked in ((Sender.AI, 300), (Sender.SETTER, 200)):
        moved, left = round(booked * won), round((1_000 - booked) * lost)
        counts = {name: (moved, moved), "lost": (0, left), "a": (booked - moved, 1_000 - moved - left)}
        for campaign, (successes, n) in counts.items():
            own = (successes, n, 0, 0) if sender is Sender.AI else (0, 0, successes, n)
            cells += lead_cells(campaign=campaign, email=own)
    return cells


@pytest.mark.parametrize("share", [0.3, 0.8, 1.0])
def test_a_campaign_of_those_who_booked_takes_the_winner_away(share: float) -> None:
    section = adjust(in_campaigns(share, 0), confirming(0.02))
    assert section["winner"] is None
    assert section["verdict"].startswith(
        "It cannot be said who books more (cross-channel attribution): leads seem to be put into the campaign"
        ' "won" because they booked'
    )
    # Without the campaign the difference is what it was before anybody was moved.
    assert "AI's rate differs from the setters' by +10.0 points (95%: +6.2 to +13.8)." in reason(
        section, 'Leads seem to be put into the campaign "won" because they booked'
    )


def test_leads_without_a_campaign_may_be_those_who_booked() -> None:
    verdict, _ = said(in_campaigns(0.8, 0, name=""), confirming(0.02))
    assert "leads seem to be put into no campaign because they booked" in verdict


def test_a_campaign_in_which_nobody_books_weakens_what_holds_without_it_and_blocks_what_does_not() -> None:
    weak = adjust(in_campaigns(0, 0.3), confirming(0.02))
    assert (weak["strength"], weak["winner"]) == ("tentative", "ai")
    assert 'but leads seem to be put into the campaign "lost" because they did not book' in weak["verdict"]
    # Only AI has its leads moved away, which makes it look better among the others.
    one_sided = [
        *lead_cells(campaign="a", email=(200, 400, 200, 1_000)),
        *lead_cells(campaign="lost", email=(0, 590, 0, 10)),
    ]
    assert adjust(one_sided, confirming(0.02))["winner"] is None


def test_campaigns_that_book_well_or_hardly_are_none_of_either() -> None:
    cells = [
        *lead_cells(campaign="warm", email=(80, 100, 70, 100)),
        *lead_cells(campaign="easy", email=(121, 129, 121, 129)),
        *lead_cells(campaign="few", email=(9, 10, 9, 9)),
        *lead_cells(campaign="cold", email=(0, 40, 0, 40)),
        *lead_cells(campaign="a", email=(300, 1_000, 200, 1_000)),
    ]
    section = adjust(cells, confirming(0.02))
    assert not [each for each in section["reasons"] if "seem to be put" in each]
    assert section["winner"] == "ai"
