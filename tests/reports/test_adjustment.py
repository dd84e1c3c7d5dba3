"""Setter against AI, adjusted: the numbers of the section, the planted truth, and engines that agree on it."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import WorkspaceFactory
from tests.reports.lead_cells import REFUSED, confirming, lead_cells

from setpoint.datasets.cells import LeadCell, MessageRows
from setpoint.datasets.on_duckdb import DuckDBEngine
from setpoint.datasets.on_postgres import PostgresEngine
from setpoint.datasets.service import DatasetRequest, extract
from setpoint.datasets.snapshot import write_snapshot
from setpoint.domain.measured import Measured
from setpoint.domain.vocabulary import Channel, Sender
from setpoint.domain.windows import Window
from setpoint.ingest.schemas import ImportKind
from setpoint.ingest.service import import_file
from setpoint.reports.adjustment import adjust, adjustment, same_stage
from setpoint.reports.schemas import AdjustmentSection
from setpoint.samples.people import CAMPAIGNS
from setpoint.samples.rules import ORDINARY, TIE_PLAIN, Calendar, draw_leads
from setpoint.samples.service import generate
from setpoint.samples.truth import AI_EFFECT
from setpoint.storage.database import Database

CHANNELS = tuple(Channel)

Team = tuple[list[LeadCell], dict[str, int]]
"""Cells of leads, and the pending ones by side."""


def step(section: AdjustmentSection, key: str) -> Measured:
    (found,) = (each["estimate"]["measured"] for each in section["ladder"] if each["key"] == key)
    assert found is not None
    return Measured(**found)


def covers(interval: Measured, truth: float) -> bool:
    return interval.low <= truth <= interval.high


# AI books 10 points more of each, and gets most of those that hardly book.
SIMPSON = lead_cells(email=(120, 600, 20, 200), sms=(80, 200, 180, 600))


def test_the_ladder_goes_from_crude_to_careful_by_hand() -> None:
    section = adjust(SIMPSON, confirming(0.02), {"ai": 5, "setter": 4})

    assert section["leads"] == {"ai": 800, "setter": 800}
    assert [(s["key"], s["unit"], s["n"]) for s in section["ladder"]] == [
        ("crude", "leads", 1_600),
        ("stratified", "leads", 1_600),
        ("adjusted", "leads", 1_600),
        ("aged", "leads", None),
        ("same_stage", "messages", 5_000),
    ]
    # 200 of 800 against 200 of 800; within channels 20% against 10%, and 40% against 30%.
    assert step(section, "crude").value == pytest.approx(0)
    assert step(section, "stratified").value == pytest.approx(0.10)
    # The ridge on the levels takes next to nothing off.
    assert step(section, "adjusted").value == pytest.approx(0.10, abs=0.005)
    assert section["rates"] is not None
    # Half of the leads are of each channel: (20% + 40%) / 2 with AI, (10% + 30%) / 2 with setters.
    assert section["rates"] == {"ai": pytest.approx(0.30, abs=0.005), "setter": pytest.approx(0.20, abs=0.005)}
    assert (section["used"], section["trimmed"]) == (1_600, {"ai": 0, "setter": 0})
    assert section["overlap"] is not None
    assert sum(section["overlap"]["ai"]) == sum(section["overlap"]["setter"]) == 800
    # AI has 75% of one channel and 25% of the other.
    assert [n for n in section["overlap"]["ai"] if n] == [200, 600]
    strata = section["strata"]
    assert (strata["strata"], strata["shared"]) == (2, 2)
    # By hand: (120 x 180 / 800 + 80 x 420 / 800) / (20 x 480 / 800 + 180 x 120 / 800) = 69 / 39.
    assert strata["odds_ratio"] is not None
    assert strata["odds_ratio"]["value"] == pytest.approx(69 / 39)
    assert strata["breslow_day_p_value"] is not None
    assert section["sensitivity"] is not None
    assert 0 < section["sensitivity"]["robustness_value_interval"] < section["sensitivity"]["robustness_value"] < 1
    assert (section["winner"], section["strength"]) == ("ai", "clear")
    json.dumps(section, allow_nan=False)


def test_balance_shows_what_is_held_equal_and_what_is_not() -> None:
    section = adjust(SIMPSON, confirming(0.02))

    balance = {each["covariate"]: each for each in section["balance"]}
    assert section["covariates"] == ["channel", "response_mode", "campaign", "stage", "touches_before"]
    assert list(balance) == [
        *section["covariates"],
        "credit_channel",
        "credit_touch",
        "credit_written",
        "both_wrote",
    ]
    assert balance["channel"]["levels"] == [
        {"level": "email", "label": "Email", "ai": 600, "setter": 200},
        {"level": "sms", "label": "SMS", "ai": 200, "setter": 600},
    ]
    assert balance["channel"]["gap"] == pytest.approx(0.5)
    assert balance["stage"]["gap"] == 0


def test_campaigns_have_their_names_and_rare_ones_are_together() -> None:
    cells = [
        *lead_cells(campaign="b", email=(5, 50, 5, 50)),
        *lead_cells(campaign="others", email=(5, 50, 5, 50)),
        *lead_cells(campaign=None, email=(5, 50, 5, 50)),
        *lead_cells(campaign="", email=(5, 50, 5, 50)),
    ]
    (campaigns,) = (each for each in adjust(cells, REFUSED)["balance"] if each["covariate"] == "campaign")
    assert [(level["level"], level["label"]) for level in campaigns["levels"]] == [
        ("campaign:b", "b"),
        ("campaign:others", "others"),
        ("", "No campaign"),
        ("others", "Other campaigns"),
    ]


def test_leads_that_booked_on_an_older_message_are_in_the_crude_difference_only() -> None:
    late = lead_cells(entered=False, channel="", stage="", touches_before="", email=(40, 40, 0, 0))
    with_them, without = adjust([*SIMPSON, *late], confirming(0.02)), adjust(SIMPSON, confirming(0.02))

    assert with_them["leads"] == {"ai": 840, "setter": 800}
    assert step(with_them, "crude").value == pytest.approx(240 / 840 - 200 / 800)
    assert step(with_them, "stratified") == step(without, "stratified")
    assert step(with_them, "adjusted") == step(without, "adjusted")
    assert with_them["balance"] == without["balance"]
    assert any(
        reason.startswith("40 leads booked on a message from before the window") for reason in with_them["reasons"]
    )


@pytest.mark.parametrize(
    ("cells", "pending"),
    [
        ([], 0),
        ([], 30),
        (lead_cells(email=(1, 1, 0, 0)), 0),
        (lead_cells(email=(0, 0, 30, 400)), 0),
        (lead_cells(email=(0, 200, 0, 300)), 5),
        (lead_cells(email=(20, 20, 30, 30)), 0),
        (lead_cells(email=(1, 1, 1, 2)), 0),
        (lead_cells(email=(40, 400, 0, 0), sms=(0, 0, 40, 400)), 0),
        (lead_cells(entered=False, channel="", stage="", touches_before="", email=(30, 30, 30, 30)), 0),
        (
            [
                *lead_cells(email=(0, 30, 0, 30)),
                *lead_cells(entered=False, channel="", stage="", touches_before="", email=(30, 30, 30, 30)),
            ],
            0,
        ),
    ],
    ids=["empty", "pending", "one", "one-side", "none", "all", "three", "apart", "late", "late-and-none"],
)
def test_what_cannot_be_compared_has_no_number_and_says_why(cells: list[LeadCell], pending: int) -> None:
    section = adjust(cells, REFUSED, {"setter": pending})

    assert (section["strength"], section["winner"], section["used"]) == ("none", None, None)
    assert (section["rates"], section["overlap"], section["sensitivity"]) == (None, None, None)
    for each in section["ladder"]:
        assert (each["estimate"]["measured"] is None) != (each["estimate"]["refused"] is None)
    assert section["ladder"][2]["estimate"]["refused"]
    assert "(cross-channel attribution)" in section["verdict"]
    json.dumps(section, allow_nan=False)


def test_messages_are_compared_at_the_same_stage_only() -> None:
    # Stage 0 is AI's alone and books always; in stage 1 AI books 30 of 100 and setters 20 of 100, a lead each.
    booked = np.repeat([True, True, False, True, False], [50, 30, 70, 20, 80])
    by_ai = np.repeat([True, True, True, False, False], [50, 30, 70, 20, 80])
    stratum = np.repeat([0, 1], [50, 200])
    rows = MessageRows(booked, by_ai, stratum, np.arange(250), leads=250, sampled=False)

    found = same_stage(rows)

    assert (found.messages, found.sampled_leads) == (200, None)
    assert isinstance(found.estimate, Measured)
    assert found.estimate.value == pytest.approx(0.10)


def test_messages_that_cannot_be_compared_say_so_in_words_of_their_own() -> None:
    none = np.empty(0, dtype=np.int64)
    nothing = same_stage(MessageRows(none > 0, none > 0, none, none, leads=0, sampled=False))
    few = same_stage(
        MessageRows(np.array([True, False]), np.array([True, False]), np.zeros(2, int), np.arange(2), 2, sampled=True)
    )

    assert (nothing.estimate, nothing.messages, nothing.sampled_leads) == (REFUSED.estimate, 0, None)
    assert "too few messages" in str(few.estimate)
    assert few.sampled_leads == 2


# Young leads


def in_sequence(generator: np.random.Generator, days: dict[Sender, tuple[float, float]], rate: float) -> Team:
    """Leads of each side that enter between two of 60 days, are written to on days 0, 4 and 8 until they book, and
    book within 3 days of the message that does it; labelled as of day 60, with a buffer of 7 days and an attribution
    window of 14. Half are of each of two channels.
    """
    cells: list[LeadCell] = []
    pending: dict[str, int] = {}
    for sender, (first, last) in days.items():
        for channel in ("email", "sms"):
            entry = generator.uniform(first, last, 1_000)
            touch = generator.choice([0, 4, 8], 1_000)
            booking = np.where(generator.random(1_000) < rate, entry + touch + generator.uniform(0, 3, 1_000), np.inf)
            booked = booking <= 60
            last_message = entry + np.minimum(8, np.maximum(0, np.floor((60 - entry) / 4) * 4))
            unsettled = ~booked & (last_message >= 53)
            aged = entry <= 46
            (cell,) = lead_cells({channel: (1, 1, 0, 0) if sender is Sender.AI else (0, 0, 1, 1)})
            cells.append(
                replace(
                    cell,
                    n=int((~unsettled).sum()),
                    booked=int(booked.sum()),
                    pending=int(unsettled.sum()),
                    aged=int(aged.sum()),
                    aged_booked=int((aged & (booking <= entry + 14)).sum()),
                )
            )
            pending[str(sender)] = pending.get(str(sender), 0) + int(unsettled.sum())
    return cells, pending


@pytest.mark.parametrize("first", [10.0, 25.0, 40.0])
@pytest.mark.parametrize("draws", [60, pytest.param(300, marks=pytest.mark.proof)])
def test_a_side_with_younger_leads_is_not_named_for_their_age(draws: int, first: float) -> None:
    """Both book alike, and AI came later: adjusted it looks better in nearly every draw, which must not be said."""
    generator = np.random.Generator(np.random.PCG64(int(first)))
    looks, named, covered, told = 0, 0, 0, 0
    for _ in range(draws):
        cells, pending = in_sequence(generator, {Sender.AI: (first, 60), Sender.SETTER: (0, 52)}, 0.2)
        section = adjust(cells, confirming(0.02), pending)
        looks += step(section, "adjusted").low > 0
        named += section["winner"] is not None
        aged = section["ladder"][3]["estimate"]["measured"]
        if aged is not None:
            told += 1
            covered += covers(Measured(**aged), 0)
    print(  # noqa: T201 -- docs/statistics.md has what this prints.
        f"\n{draws} draws, AI's leads from day {first:g} on: adjusted interval above zero {looks / draws:.1%}, named"
        f" {named / draws:.1%}, followed as long covered {covered / max(told, 1):.1%}"
    )
    assert looks / draws >= (0.75 if first > 20 else 0.16)
    assert named / draws <= 0.1
    assert covered >= 0.85 * told


def test_leads_of_different_age_are_told_apart_where_all_are_followed_as_long() -> None:
    generator = np.random.Generator(np.random.PCG64(7))
    ai, of_ai = in_sequence(generator, {Sender.AI: (15, 60)}, 0.35)
    setter, of_setter = in_sequence(generator, {Sender.SETTER: (0, 50)}, 0.2)
    section = adjust([*ai, *setter], confirming(0.1), of_ai | of_setter)
    assert (section["strength"], section["winner"]) == ("clear", "ai")
    # Counted by what is settled the young side is further ahead than it is.
    assert step(section, "adjusted").value > 0.18
    assert covers(step(section, "aged"), 0.15)


# The planted truth


def calendar() -> Calendar:
    """Of no matter here: who handles a lead, and whether it books, does not follow from when it arrives."""
    opens = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    return Calendar(opens, opens + 14 * 86_400, opens + 106 * 86_400, opens + 127 * 86_400)


def drawn(seed: int, leads: int) -> list[LeadCell]:
    """The leads of a sample team once all are mature: who handled each, its campaign, and whether it booked."""
    generator = np.random.Generator(np.random.PCG64([seed, 77]))
    team = draw_leads(generator, 0, leads, leads, calendar())
    settled = (team.role == ORDINARY) | (team.role == TIE_PLAIN)
    kinds = np.stack([team.ai, team.campaign], axis=1)[settled]
    booked = team.booked[settled]
    cells = []
    for kind in np.unique(kinds, axis=0):
        own = (kinds == kind).all(axis=1)
        ai, campaign = bool(kind[0]), int(kind[1])
        sender = "ai" if ai else "setter"
        counts = {"ai": (0, 0), "setter": (0, 0)} | {sender: (int(booked[own].sum()), int(own.sum()))}
        channel = str(CHANNELS[campaign // 4])
        mode = str(CAMPAIGNS[campaign].response_mode)
        found = lead_cells(response_mode=mode, campaign=f"C{campaign}", **{channel: counts["ai"] + counts["setter"]})
        cells += found
    return cells


@pytest.mark.parametrize(
    ("leads", "runs", "spread"),
    [
        (4_000, 100, 0.04),
        pytest.param(2_000, 1_000, 0.015, marks=pytest.mark.proof),
        pytest.param(20_000, 1_000, 0.015, marks=pytest.mark.proof),
    ],
)
def test_the_planted_effect_is_recovered_and_the_crude_difference_misses_it(
    leads: int, runs: int, spread: float
) -> None:
    """AI books 4 points more of the same leads; all leads thrown together it books about 3 points less."""
    covered = stratified = crude = wrong = 0
    errors = []
    means: dict[str, list[float]] = {"crude": [], "stratified": []}
    said: Counter[str] = Counter()
    for seed in range(runs):
        section = adjust(drawn(seed, leads), confirming(0.005))
        adjusted = step(section, "adjusted")
        errors.append(adjusted.value - AI_EFFECT)
        covered += covers(adjusted, AI_EFFECT)
        stratified += covers(step(section, "stratified"), AI_EFFECT)
        crude += covers(step(section, "crude"), AI_EFFECT)
        wrong += section["winner"] == "setter"
        said[f"{section['winner']} {section['strength']}"] += 1
        for key, values in means.items():
            values.append(step(section, key).value)

    print(  # noqa: T201 -- docs/statistics.md has what this prints.
        f"\n{leads:,} leads, {runs:,} draws, mean in points and coverage: adjusted"
        f" {100 * (np.mean(errors) + AI_EFFECT):+.2f} {covered / runs:.1%}, stratified"
        f" {100 * np.mean(means['stratified']):+.2f} {stratified / runs:.1%}, crude"
        f" {100 * np.mean(means['crude']):+.2f} {crude / runs:.1%}; said {dict(said)}"
    )
    assert covered / runs == pytest.approx(0.95, abs=spread)
    assert stratified / runs == pytest.approx(0.95, abs=spread)
    assert crude / runs < 0.01
    assert wrong / runs < 0.01
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(runs) + 0.001


@pytest.mark.parametrize(
    ("leads", "seeds"), [(2_000, range(4, 5)), pytest.param(4_000, range(100, 120), marks=pytest.mark.proof)]
)
async def test_a_whole_sample_gives_the_planted_effect_on_every_engine(
    leads: int, seeds: range, database: Database, new_workspace: WorkspaceFactory, tmp_path: Path
) -> None:
    covered = missed = 0
    adjusted, crude, same_stage = [], [], []
    for seed in seeds:
        sample = generate(tmp_path / str(seed), leads, seed, "parquet")
        workspace = await new_workspace()
        for kind, path in sample.paths.items():
            async with database.tenant(workspace.client_id) as connection:
                await import_file(connection, workspace, ImportKind(kind), path)
        window = Window(sample.opens, sample.end, sample.read_out)
        request = DatasetRequest(workspace.slug, window)
        snapshot = tmp_path / f"snapshot-{seed}"
        async with (
            database.tenant(workspace.client_id) as connection,
            PostgresEngine(connection, workspace.client_id) as postgres,
        ):
            await write_snapshot(postgres, workspace.slug, window, snapshot)
            section = await adjustment(await extract(postgres, request))
        async with DuckDBEngine(snapshot) as duckdb:
            assert await adjustment(await extract(duckdb, request)) == section
        covered += covers(step(section, "adjusted"), AI_EFFECT)
        missed += not covers(step(section, "crude"), AI_EFFECT)
        adjusted.append(step(section, "adjusted").value)
        crude.append(step(section, "crude").value)
        same_stage.append(step(section, "same_stage").value)
        assert section["winner"] != "setter"
    print(  # noqa: T201 -- docs/statistics.md has what this prints.
        f"\n{len(seeds)} workspaces of {leads:,} leads: adjusted {100 * np.mean(adjusted):+.2f} points on average,"
        f" covered in {covered}; crude {100 * np.mean(crude):+.2f}, covered in {len(seeds) - missed}"
    )
    assert covered >= 0.88 * len(seeds)
    assert missed >= 0.88 * len(seeds)
    assert np.mean(crude) < 0 < np.mean(same_stage)
