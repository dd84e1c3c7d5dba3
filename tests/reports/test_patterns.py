"""Patterns on a real database: which messages take part, what is read of them, and the section that comes of it."""

import random
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc_csv
import pytest
from tests.conftest import WorkspaceFactory
from tests.datasets.conftest import store, store_texts
from tests.datasets.test_at_risk import ODD_TEXTS, SETTLED, WINDOW, dataset_of
from tests.outcomes.specification import Appointment, Lead, Message

from setpoint.datasets.on_duckdb import DuckDBEngine
from setpoint.datasets.service import DatasetRequest, extract
from setpoint.datasets.snapshot import write_snapshot
from setpoint.domain.windows import Window
from setpoint.ingest.schemas import ImportKind
from setpoint.ingest.service import import_file
from setpoint.reports.features import contrasts
from setpoint.reports.pattern_words import NO_BOOKINGS, NO_MESSAGES, NO_TEXT
from setpoint.reports.patterns import Patterns, patterns
from setpoint.samples.service import Sample, generate
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def lead_with(
    number: int, booked: bool, sent_at: Sequence[datetime] = (NOON,), wrote: timedelta | None = None
) -> Lead:
    name = f"lead{number}"
    lead = Lead(name, messages=[Message(f"{name}.{i}", "email", at) for i, at in enumerate(sent_at)])
    if wrote is not None:
        lead.messages.append(Message(f"{name}.in", "email", sent_at[0] - wrote, "inbound"))
    if booked:
        lead.appointments.append(Appointment(f"{name}.a", booked_at=sent_at[-1] + HOUR))
    return lead


async def test_no_text_breaks_it(database: Database, workspace: Workspace) -> None:
    await store(database, workspace, [lead_with(n, booked=n % 3 == 0) for n in range(len(ODD_TEXTS))])
    await store_texts(database, workspace, {f"lead{n}.0": (text[:1000], text) for n, text in enumerate(ODD_TEXTS)})
    async with dataset_of(database, workspace) as (_, dataset):
        section = (await patterns(dataset)).section
    assert section["messages"] == len(ODD_TEXTS)
    assert 0 < section["with_text"] < len(ODD_TEXTS)


async def test_the_time_since_the_leads_last_word_makes_its_features(
    database: Database, workspace: Workspace
) -> None:
    """A hundred leads wrote an hour before, a hundred five hours before, and two hundred never."""
    wrote = [HOUR] * 100 + [5 * HOUR] * 100 + [None] * 200
    await store(
        database, workspace, [lead_with(n, booked=n % 4 == 0, wrote=before) for n, before in enumerate(wrote)]
    )
    async with dataset_of(database, workspace) as (_, dataset):
        found = await patterns(dataset)
    tested = {finding["key"]: finding for finding in found.section["findings"]}
    assert sorted(tested) == ["unanswered", "within_day", "within_hour"]
    assert tested["unanswered"]["with_it"] == {"booked": 50, "not_booked": 150, "rate": 0.25}
    assert tested["within_hour"]["with_it"] == {"booked": 25, "not_booked": 75, "rate": 0.25}
    assert (tested["within_hour"]["leads"], tested["unanswered"]["leads"]) == (200, 400)


async def fill_with(database: Database, workspace: Workspace, sample: Sample, change: Callable[[Path], Path]) -> None:
    for kind, path in sample.paths.items():
        async with database.tenant(workspace.client_id) as connection:
            await import_file(connection, workspace, ImportKind(kind), change(path))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return generate(tmp_path_factory.mktemp("sample"), 400)


async def of_sample(database: Database, workspace: Workspace, sample: Sample, max_leads: int = 1000) -> Patterns:
    window = Window(sample.start, sample.end, sample.read_out)
    async with dataset_of(database, workspace, window) as (_, dataset):
        return await patterns(dataset, max_leads)


async def test_a_sample_workspace_gives_the_same_in_whatever_order_it_came(
    database: Database, new_workspace: WorkspaceFactory, sample: Sample, tmp_path: Path
) -> None:
    def shuffled(path: Path) -> Path:
        table = pc_csv.read_csv(
            path, convert_options=_TEXTS, parse_options=pc_csv.ParseOptions(newlines_in_values=True)
        )
        order = list(range(table.num_rows))
        random.Random(5).shuffle(order)
        pc_csv.write_csv(table.take(pa.array(order)), tmp_path / path.name)
        return tmp_path / path.name

    one, other = await new_workspace(), await new_workspace()
    await fill_with(database, one, sample, lambda path: path)
    await fill_with(database, other, sample, shuffled)
    found = await of_sample(database, one, sample)
    assert await of_sample(database, other, sample) == found

    section = found.section
    assert section["refused"] is None
    assert section["messages"] == section["with_text"] > 2000
    assert section["tested"] == len(section["findings"]) > 10
    assert section["tested"] + len(section["untested"]) == len(contrasts())
    assert sum(section["findings"][0][side]["booked"] for side in ("with_it", "without")) > 30
    for finding in section["findings"]:
        assert (finding["estimate"]["measured"] is None) != (finding["estimate"]["refused"] is None)
        assert re.search(r"\(95%: .*; [\d,]+ of [\d,]+ against [\d,]+ of [\d,]+\)", finding["sentence"])
    told = [finding["key"] for finding in section["findings"] if finding["kind"] != "none"]
    assert sorted(found.evidence) == sorted(told)
    assert {each for ids in found.evidence.values() for each in ids} == set(found.outcomes)

    fewer = await of_sample(database, one, sample, max_leads=150)
    assert (fewer.section["leads"], fewer.section["sampled"]) == (150, True)
    assert fewer.section["leads_in_all"] == section["leads"]
    assert any("sample of 150 leads of" in caveat for caveat in fewer.section["caveats"])


_TEXTS = pc_csv.ConvertOptions(strings_can_be_null=False)


async def test_a_workspace_without_anything_is_a_refusal(database: Database, workspace: Workspace) -> None:
    async with dataset_of(database, workspace) as (_, dataset):
        found = await patterns(dataset)
    assert found.section["refused"] == {"reason": NO_MESSAGES, "needed": None}
    assert (found.section["findings"], found.evidence) == ([], {})


async def test_where_all_are_pending_it_is_a_refusal(database: Database, workspace: Workspace) -> None:
    await store(database, workspace, [lead_with(n, booked=False, sent_at=(WINDOW.end - HOUR,)) for n in range(30)])
    async with dataset_of(database, workspace, WINDOW) as (_, dataset):
        assert dataset.counts.cohort_leads == 30
        found = await patterns(dataset)
    assert found.section["refused"] == {"reason": NO_MESSAGES, "needed": None}


@pytest.mark.parametrize("leads", [1, 40])
async def test_without_bookings_nothing_is_tested(database: Database, workspace: Workspace, leads: int) -> None:
    await store(database, workspace, [lead_with(n, booked=False, sent_at=(NOON, NOON + HOUR)) for n in range(leads)])
    async with dataset_of(database, workspace) as (_, dataset):
        found = await patterns(dataset)
    assert found.section["refused"] == {"reason": NO_BOOKINGS, "needed": None}
    assert (found.section["messages"], found.section["leads"]) == (2 * leads, leads)
    assert found.section["tested"] == 0
    assert len(found.section["untested"]) == len(contrasts())


async def test_without_texts_what_is_told_from_the_instant_is_still_tested(
    database: Database, workspace: Workspace
) -> None:
    leads = [lead_with(n, booked=n % 2 == 0, sent_at=(NOON, NOON + HOUR)) for n in range(60)]
    await store(database, workspace, leads)
    async with dataset_of(database, workspace) as (_, dataset):
        found = await patterns(dataset)
    assert (found.section["messages"], found.section["with_text"]) == (120, 0)
    assert [finding["key"] for finding in found.section["findings"]] == ["first_touch"]
    assert any("120 of 120 messages have no text" in caveat for caveat in found.section["caveats"])
    asking = next(each for each in found.section["untested"] if each["key"] == "question")
    assert asking["reason"] == "It cannot be told of any message."


async def test_on_an_engine_without_text_it_is_a_refusal(
    database: Database, workspace: Workspace, tmp_path: Path
) -> None:
    await store(database, workspace, [lead_with(1, booked=True)])
    async with dataset_of(database, workspace) as (engine, _):
        await write_snapshot(engine, workspace.slug, SETTLED, tmp_path / "snapshot")
    async with DuckDBEngine(tmp_path / "snapshot") as duckdb:
        found = await patterns(await extract(duckdb, DatasetRequest(workspace.slug, SETTLED)))
    assert found.section["refused"] == {"reason": NO_TEXT, "needed": None}
