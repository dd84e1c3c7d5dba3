"""The clocks of leads are those that slow, obvious Python finds, and the same on every engine."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.datasets.conftest import LOCAL_ENGINES, SPARK, Facts, FactsFactory
from tests.outcomes.specification import Appointment, Lead, Message, label_lead

from setpoint.datasets.clocks import by_hours, by_week
from setpoint.datasets.service import DatasetRequest, extract
from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import Window
from setpoint.reports.timing import timing
from setpoint.reports.trend import trend

LAST_HOUR = 200
HOUR = timedelta(hours=1)
Row = dict[str, Any]


def second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def clock(lead: Lead, window: Window, channels: tuple[str, ...]) -> Row | None:
    """What is counted of one lead, one step after the other; None where it is not of the cohort."""
    rows, _ = label_lead(lead, window, channels)
    if not rows:
        return None
    counting = [
        m
        for m in lead.messages
        if m.direction == "outbound"
        and m.kind in (None, "message")
        and m.status != "failed"
        and window.start - window.attribution <= m.sent_at <= window.as_of
        and (not channels or m.channel in channels)
    ]
    in_window = [m for m in counting if window.start <= m.sent_at < window.end]
    first = min((m.sent_at for m in in_window), default=None)
    senders = {m.sender for m in in_window if m.sent_at == first}
    # The lead is followed across channels.
    label, booking = rows[0]["outcome"], rows[0]["booked_at"]
    earlier = any(m.sent_at < window.start for m in counting)
    found: Row = {"sender": "", "hours": None, "lead": rows[0], "start": first, "earlier": earlier}
    if label == "BOOKED_NO_TIMESTAMP":
        return found | {"state": "no_timestamp"}
    if first is None or (isinstance(booking, datetime) and booking < first):
        return found | {"state": "booked_before"}
    if len(senders) > 1:
        return found | {"state": "two_senders"}
    if isinstance(booking, datetime):
        state, stop = "booked", booking
    elif lead.opted_out:
        state, stop = "lost", max(m.sent_at for m in counting)
    else:
        state, stop = "open", window.as_of
    hours = -((second(first) - second(stop)) // HOUR)
    return found | {"state": state, "sender": senders.pop(), "hours": min(hours, LAST_HOUR + 1)}


def clocks(world: list[Lead], window: Window, channels: tuple[str, ...]) -> list[Row]:
    return [found for lead in world if (found := clock(lead, window, channels)) is not None]


def counted(rows: list[Row]) -> Counter[tuple[Any, ...]]:
    """Rows of the engine as they are compared: the order of rows and columns says nothing."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        counts[tuple(value for name, value in sorted(row.items()) if name != "leads")] += row["leads"]
    return counts


@pytest.mark.parametrize(
    ("name", "channels", "known"),
    [
        (name, channels, known)
        for name in LOCAL_ENGINES
        for channels in [(), (Channel.SMS,)]
        for known in (timedelta(), timedelta(days=-9))
    ]
    + [pytest.param("spark", (), timedelta(), marks=SPARK.marks)],
)
async def test_the_hours_and_weeks_are_those_of_plain_python(
    facts: Facts, window: Window, name: str, channels: tuple[Channel, ...], known: timedelta
) -> None:
    window = replace(window, as_of=window.as_of + known)
    async with facts.engine(name) as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window, channels))
        hours = await engine.fetch(by_hours(dataset, LAST_HOUR))
        weeks = await engine.fetch(by_week(dataset))

    expected = clocks(facts.world, window, tuple(map(str, channels)))
    assert counted(hours) == Counter((found["hours"], found["sender"], found["state"]) for found in expected)
    assert counted(weeks) == Counter(
        (
            found["lead"]["ambiguous"],
            found["earlier"],
            found["lead"]["outcome"],
            found["sender"],
            bool(found["lead"]["booked_at"]) and found["lead"]["booked_at"] <= found["start"] + window.attribution,
            (found["start"].date() - datetime(1970, 1, 5, tzinfo=UTC).date()).days // 7,
            found["start"] > window.as_of - window.attribution,
        )
        for found in expected
        if found["sender"]
    )
    states = {"booked", "lost", "open", "no_timestamp", "booked_before", "two_senders"}
    assert {found["state"] for found in expected} >= states - ({"two_senders"} if channels else set())


async def hours_of(facts: Facts, name: str, request: DatasetRequest) -> list[Row]:
    async with facts.engine(name) as engine:
        return await engine.fetch(by_hours(await extract(engine, request), LAST_HOUR))


@pytest.mark.parametrize("name", LOCAL_ENGINES)
async def test_begun_hours_count_whole_and_the_instant_itself_none(
    new_facts: FactsFactory, window: Window, name: str
) -> None:
    second, sent_at = timedelta(seconds=1), window.start + timedelta(days=1)
    after = {"0": timedelta(), "1": second, "1 still": HOUR, "2": HOUR + second, "201": timedelta(days=15)}
    world = [
        Lead(
            lead,
            messages=[Message(lead, "sms", sent_at)],
            appointments=[Appointment(lead, booked_at=sent_at + later)],
        )
        for lead, later in after.items()
    ]
    facts = await new_facts(world)
    rows = await hours_of(facts, name, DatasetRequest(facts.workspace.slug, window))

    assert counted(rows) == {(0, "setter", "booked"): 1, (1, "setter", "booked"): 2, (2, "setter", "booked"): 1} | {
        (LAST_HOUR + 1, "setter", "booked"): 1
    }


@pytest.mark.parametrize("name", LOCAL_ENGINES)
async def test_a_clock_belongs_to_the_sender_of_the_first_message(
    new_facts: FactsFactory, window: Window, name: str
) -> None:
    """The credited message is the setter's; the first one in the window is AI's, the first one at all a setter's."""
    lead = Lead(
        "l",
        messages=[
            Message("1", "sms", window.start - HOUR, sent_by="setter"),
            Message("2", "sms", window.start, sent_by="ai"),
            Message("3", "email", window.start + HOUR, sent_by="setter"),
        ],
        appointments=[Appointment("a", booked_at=window.start + 2 * HOUR)],
    )
    facts = await new_facts([lead])
    request = DatasetRequest(facts.workspace.slug, window)

    assert counted(await hours_of(facts, name, request)) == {(2, "ai", "booked"): 1}
    only_email = replace(request, channels=(Channel.EMAIL,))
    assert counted(await hours_of(facts, name, only_email)) == {(1, "setter", "booked"): 1}


@pytest.mark.parametrize("name", LOCAL_ENGINES)
async def test_a_lead_that_opted_out_is_lost_at_its_last_known_message(
    new_facts: FactsFactory, window: Window, name: str
) -> None:
    sent = [Message(str(hour), "sms", window.end + hour * HOUR) for hour in (-5, 0, 10)]
    facts = await new_facts([Lead("l", messages=sent, opted_out=True)])
    request = DatasetRequest(facts.workspace.slug, window)

    assert counted(await hours_of(facts, name, request)) == {(15, "setter", "lost"): 1}
    early = replace(request, window=replace(window, as_of=window.end + 9 * HOUR))
    assert counted(await hours_of(facts, name, early)) == {(5, "setter", "lost"): 1}


async def test_a_capped_dataset_has_the_clocks_of_its_sample(facts: Facts, window: Window) -> None:
    request = DatasetRequest(facts.workspace.slug, window, max_leads=25)
    rows = [counted(await hours_of(facts, name, request)) for name in LOCAL_ENGINES]

    assert rows[0] == rows[1]
    assert rows[0].total() == 25


async def test_the_sections_of_a_report_are_the_same_on_every_engine(facts: Facts, window: Window) -> None:
    request = DatasetRequest(facts.workspace.slug, window)
    sections = []
    for name in LOCAL_ENGINES:
        async with facts.engine(name) as engine:
            dataset = await extract(engine, request)
            sections.append((await timing(dataset), await trend(dataset)))

    assert sections[0] == sections[1]
    assert sum(side["leads"] for side in sections[0][0]["senders"]) > 100
    assert len(sections[0][1]["weeks"]) > 3


async def test_a_workspace_without_facts_has_sections_without_numbers(
    new_facts: FactsFactory, window: Window
) -> None:
    facts = await new_facts([])
    async with facts.engine("duckdb") as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window))
        assert (await timing(dataset))["verdict"].startswith("No comparison.")
        assert (await trend(dataset))["verdict"].startswith("No trend can be told yet.")
