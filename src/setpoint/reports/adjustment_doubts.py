"""What speaks against naming a winner in an adjusted comparison of AI and setters.

A doubt that blocks takes the winner away; one that only weakens leaves a tentative one. The limits are conventions,
fixed beforehand; docs/statistics.md gives the reason for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from setpoint.domain.measured import Measured, Refused
from setpoint.reports.adjustment_campaigns import MovedCampaign
from setpoint.reports.contest import Arm, Contest, Demands, decide
from setpoint.reports.presentation import count_text, leads_text, listed, points_digits, rate_text, signed_points_text
from setpoint.reports.schemas import Side
from setpoint.stats.adjusted import Adjusted
from setpoint.stats.proportions import Stratum
from setpoint.stats.stratified import CommonOdds

STAGE_GAP = 0.15  # Share of one side's leads that would have to be credited at another stage.
MOSTLY_SHARED, OFTEN_SHARED = 0.5, 1 / 3  # Share of one side's leads that had heard from the other one too.
MOSTLY_TRIMMED, OFTEN_TRIMMED = 0.5, 0.2  # Share of leads that only one of the two sides could have got.
YOUNGER, SLIGHTLY_YOUNGER = 0.05, 0.01  # By how much more of one side's leads are pending.
ROBUSTNESS = 0.01  # Robustness value of the interval.
LEVEL = 0.05  # Of the Breslow-Day test.

DOER: Final[Mapping[Side, str]] = {"ai": "AI", "setter": "setters"}
OTHER: Final[Mapping[Side, Side]] = {"ai": "setter", "setter": "ai"}
IS_AHEAD: Final[Mapping[Side, str]] = {"ai": "AI is ahead", "setter": "setters are ahead"}


@dataclass(frozen=True, slots=True)
class Guards:
    """How the two sides differ in what is never held equal, because it follows from the outcome.

    `stage` and `channel` are shares of one side's leads that would have to be credited at another stage (touch, or
    before instead of after the lead's first word) or in another channel, among leads alike at entry and in outcome;
    0 where chance alone makes such a gap. `stage_words` says where the stages differ most. `shared` is the share of
    each side's `leads` to whom the other side wrote too.
    """

    stage: float
    stage_words: str
    channel: float
    shared: Mapping[Side, float]
    leads: Mapping[Side, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a verdict rests on. Differences are AI minus setters.

    `held` names what differs between leads and was held equal, `apart` the share of leads that would have to change
    for the two sides to have got leads alike, and in what, where they differ most. `waiting` counts the leads of each
    side that are pending, and `young` is the share that they are of its leads; `aged` is the adjusted difference
    where every lead was followed as long. `strata` are those of the stratified estimate, by their words; `late`
    counts leads that booked on a message from before the window. `moved` are campaigns that seem to follow from the
    outcome, and `without_campaigns` is the adjusted difference with neither campaign nor response mode held equal,
    where there are any.
    """

    crude: Contest
    stratified: Measured | Refused
    odds: CommonOdds | Refused
    strata: Mapping[str, Stratum]
    adjusted: Adjusted | Refused
    aged: Measured | Refused
    same_stage: Measured | Refused
    guards: Guards
    held: Sequence[str]
    apart: tuple[str, float] | None
    robustness: float | None
    pending: int
    waiting: Mapping[Side, int]
    young: Mapping[Side, float]
    late: int
    sampled: int | None
    moved: Sequence[MovedCampaign] = ()
    without_campaigns: Measured | Refused | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a winner cannot be named, or only with reserve: as a part of the verdict, and as a sentence of its own."""

    clause: str
    sentence: str
    blocks: bool


def clause_of(sentence: str) -> str:
    """The first part of a sentence, as it stands within another."""
    first = sentence.partition(":")[0].rstrip(".")
    return first[0].lower() + first[1:]


def side_of(difference: Measured | Refused) -> Side | None:
    """Who books more, where the interval leaves out zero."""
    if isinstance(difference, Refused) or difference.low <= 0 <= difference.high:
        return None
    return "ai" if difference.value > 0 else "setter"


def doubts_of(evidence: Evidence, adjusted: Adjusted, demands: Demands) -> list[Doubt]:
    """What speaks against the adjusted estimate, what blocks first."""
    found = [
        *_campaign_doubts(evidence, adjusted),
        *_contradictions(evidence, adjusted),
        *_age_doubts(evidence, adjusted),
        *_stage_doubts(evidence, adjusted),
        *_strata_doubts(evidence, adjusted, demands),
        *_reach_doubts(evidence, adjusted),
    ]
    return sorted(found, key=lambda doubt: not doubt.blocks)


def _campaign_doubts(evidence: Evidence, adjusted: Adjusted) -> list[Doubt]:
    """A campaign that follows from the outcome cannot be held equal: leads alike in it are alike in what they did."""
    without = evidence.without_campaigns
    agrees = without is not None and side_of(without) == side_of(adjusted.difference)
    found = []
    # Where all who booked are in one campaign, nobody books in the others: the former is what happened.
    for campaign in sorted(evidence.moved, key=lambda campaign: campaign.which != "booked"):
        where = f'the campaign "{campaign.name}"' if campaign.name else "no campaign"
        if campaign.name is None:
            where = "the smaller campaigns"
        why = "they booked" if campaign.which == "booked" else "they did not book"
        arm, others = campaign.arm, campaign.others
        found.append(
            Doubt(
                f"leads seem to be put into {where} because {why}",
                f"Leads seem to be put into {where} because {why}: {count_text(arm.booked)} of {leads_text(arm.n)} in"
                f" it booked, and {count_text(others.booked)} of {count_text(others.n)} outside. What follows from a"
                " booking cannot be held equal: it hides who books more. Import these leads with the campaign that"
                f" they were written to in.{_without_campaigns(without)}",
                blocks=campaign.which == "booked" or not agrees,
            )
        )
    return found


def _without_campaigns(difference: Measured | Refused | None) -> str:
    if not isinstance(difference, Measured):
        return ""
    digits = points_digits(difference.value, difference.low, difference.high)
    value, low, high = (
        signed_points_text(bound, digits) for bound in (difference.value, difference.low, difference.high)
    )
    return (
        f" With campaign and response mode not held equal AI's rate differs from the setters' by {value} points"
        f" ({rate_text(difference.confidence, 0)}: {low} to {high})."
    )


def _contradictions(evidence: Evidence, adjusted: Adjusted) -> list[Doubt]:
    found = []
    value = adjusted.difference.value
    for other, name in (
        (evidence.stratified, "within groups of leads alike"),
        (evidence.same_stage, "message by message at the same stage"),
        *([(evidence.aged, "with every lead followed as long")] if evidence.pending else []),
    ):
        told = side_of(other) is not None
        if isinstance(other, Refused) or other.value * value >= 0 or not (told or side_of(adjusted.difference)):
            continue
        ahead: Side = "ai" if other.value > 0 else "setter"
        found.append(
            Doubt(
                "the estimates contradict each other",
                f"The estimates contradict each other: adjusted, {IS_AHEAD[OTHER[ahead]]}, but compared {name}"
                f" {IS_AHEAD[ahead]}{'' if told else ', though not by enough to be told'}.",
                blocks=told,
            )
        )
    return found


def _age_doubts(evidence: Evidence, adjusted: Adjusted) -> list[Doubt]:
    """A young lead is counted at once if it books, and only later if it does not: the younger side looks better.

    Where every lead is followed as long, age makes no difference: nothing is in doubt where that says the same.
    """
    ahead = side_of(adjusted.difference)
    gap = evidence.young.get(ahead, 0) - evidence.young.get(OTHER[ahead], 0) if ahead else 0
    if ahead is None or gap < SLIGHTLY_YOUNGER or side_of(evidence.aged) == ahead:
        return []
    owners = {"ai": "AI's", "setter": "the setters'"}
    held = (
        f"cannot be told yet: {clause_of(evidence.aged.reason)}"
        if isinstance(evidence.aged, Refused)
        else "does not bear it out"
    )
    return [
        Doubt(
            f"{owners[ahead]} leads are younger, and a young lead counts only if it booked",
            f"{_pending_share(evidence, ahead)} of {owners[ahead]} leads are pending, and"
            f" {_pending_share(evidence, OTHER[ahead])} of {owners[OTHER[ahead]]}. A lead that books is"
            " counted at once and one that does not only later, so the younger side looks better. A comparison in"
            f" which every lead is followed as long {held}. Run this report again when they have settled.",
            blocks=gap >= YOUNGER or _points_to(evidence.aged) == OTHER[ahead],
        )
    ]


def _pending_share(evidence: Evidence, side: Side) -> str:
    """`12% (131 of 1,089)`."""
    share = evidence.young.get(side, 0.0)
    arm = evidence.crude.ai if side == "ai" else evidence.crude.setter
    pending = evidence.waiting.get(side, 0)
    return f"{rate_text(share, 0)} ({count_text(pending)} of {count_text(pending + arm.n)})"


def _points_to(difference: Measured | Refused) -> Side | None:
    """Who books more by the estimate alone."""
    if isinstance(difference, Refused) or not difference.value:
        return None
    return "ai" if difference.value > 0 else "setter"


def _stage_doubts(evidence: Evidence, adjusted: Adjusted) -> list[Doubt]:
    """Sides that work at different stages, or on the same leads, are told apart by stage and not by skill."""
    guards, found = evidence.guards, []
    confirmed = side_of(evidence.same_stage) == side_of(adjusted.difference) is not None
    if guards.stage >= STAGE_GAP:
        same = "comes out the same" if confirmed else "shows no difference either"
        if not confirmed and (side_of(adjusted.difference) or side_of(evidence.same_stage)):
            same = "does not bear it out"
        found.append(
            Doubt(
                "setters and AI write at different stages of the conversation",
                f"Setters and AI write at different stages of the conversation: {guards.stage_words}. Whoever comes"
                " in when a booking is near looks better than whoever opens. A comparison message by message at the"
                f" same stage {same}.",
                blocks=not confirmed,
            )
        )
    if guards.channel >= STAGE_GAP:
        found.append(
            Doubt(
                "setters and AI write last in different channels",
                f"Setters and AI write last in different channels: of leads alike at the start,"
                f" {rate_text(guards.channel, 0)} of one side's would have to end in another channel for the two to"
                " be alike, so sender and channel can hardly be told apart.",
                blocks=not confirmed,
            )
        )
    side = max(guards.shared, key=lambda side: guards.shared[side])
    if guards.shared[side] >= OFTEN_SHARED:
        mostly = guards.shared[side] >= MOSTLY_SHARED
        credited, other = DOER[side], DOER[OTHER[side]]
        found.append(
            Doubt(
                f"{'most' if mostly else 'many'} leads credited to {credited} had heard from {other} too",
                f"{rate_text(guards.shared[side], 0)} of the {leads_text(guards.leads[side])} credited to {credited}"
                f" had heard from {other} too."
                " Only the last message is credited, so this compares who wrote last, not who brought the booking"
                " about.",
                blocks=mostly,
            )
        )
    if isinstance(evidence.same_stage, Refused):
        found.append(
            Doubt(
                "messages at the same stage cannot be compared",
                f"A comparison message by message at the same stage is missing. {evidence.same_stage.reason}",
                blocks=False,
            )
        )
    return found


def _strata_doubts(evidence: Evidence, adjusted: Adjusted, demands: Demands) -> list[Doubt]:
    told = strata_told(evidence, demands)
    ahead = side_of(adjusted.difference)
    if not strata_differ(evidence) or not (told[OTHER[ahead]] if ahead else told["ai"] and told["setter"]):
        return []
    groups = "; ".join(f"{IS_AHEAD[side]} with {listed(names)}" for side, names in told.items() if names)
    return [
        Doubt(
            "it depends on the leads",
            f"It depends on the leads: groups of them differ by more than chance (Breslow-Day). By group, {groups}.",
            blocks=True,
        )
    ]


def strata_told(evidence: Evidence, demands: Demands) -> dict[Side, list[str]]:
    """The groups of leads, by their words, in which a side clearly books more."""
    told: dict[Side, list[str]] = {"ai": [], "setter": []}
    for name, s in evidence.strata.items():
        ai, setter = Arm(s.successes_1, s.trials_1 - s.successes_1), Arm(s.successes_2, s.trials_2 - s.successes_2)
        winner = decide(ai, setter, demands).winner
        if winner:
            told[winner].append(name)
    return told


def strata_differ(evidence: Evidence) -> bool:
    """Whether the groups of leads share no odds ratio."""
    odds = evidence.odds
    return (
        isinstance(odds, CommonOdds)
        and not isinstance(odds.breslow_day, Refused)
        and odds.breslow_day.p_value <= LEVEL
    )


def _reach_doubts(evidence: Evidence, adjusted: Adjusted) -> list[Doubt]:
    found = []
    share = trimmed_share(adjusted)
    borne_out = side_of(evidence.stratified) == side_of(adjusted.difference)
    if share >= MOSTLY_TRIMMED or (share >= OFTEN_TRIMMED and not borne_out):
        found.append(
            Doubt(
                f"{rate_text(share, 0)} of the leads are of a kind that hardly ever goes to both",
                "More than half of the leads are left out, and nothing is said about them."
                if share >= MOSTLY_TRIMMED
                else "With the leads taken in that nearly always go to the same side, the result is not the same.",
                blocks=False,
            )
        )
    if not evidence.held:
        found.append(
            Doubt(
                "nothing is known of the leads that could be held equal",
                "Nothing is known of the leads that could be held equal: they all have one channel, one campaign and"
                " one stage at entry. Who got which lead may explain everything.",
                blocks=False,
            )
        )
    if evidence.robustness is not None and side_of(adjusted.difference) and evidence.robustness < ROBUSTNESS:
        found.append(
            Doubt(
                "little that is not in the data would be enough to explain it",
                f"Something that is not in the data and explains {rate_text(ROBUSTNESS, 0)} of who got which lead,"
                " and as much of who booked, would be enough to make this uncertain.",
                blocks=False,
            )
        )
    return found


def trimmed_share(adjusted: Adjusted) -> float:
    """The share of leads that only one of the two sides could have got."""
    trimmed = adjusted.trimmed_treated + adjusted.trimmed_control
    return trimmed / (trimmed + adjusted.used)


def trimmed_sentence(adjusted: Adjusted) -> str:
    """On how many of the leads the adjusted difference rests."""
    total = adjusted.used + adjusted.trimmed_treated + adjusted.trimmed_control
    return (
        f"The adjusted difference rests on {count_text(adjusted.used)} of {leads_text(total)}: the others are of a"
        " kind that nearly always goes to the same side."
    )
