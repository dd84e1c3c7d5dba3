"""The cells and messages that a fair comparison rests on are those of a slow, obvious reading, on every engine."""

from collections import Counter
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from tests.datasets.conftest import LOCAL_ENGINES, SPARK, Facts, FactsFactory, odd_leads
from tests.outcomes.specification import Appointment, Lead, Message, label_lead
from tests.outcomes.worlds import DRAFT_DISPOSITIONS, RESPONSE_MODES, make_world

from setpoint.datasets import cells as room
from setpoint.datasets.cells import LeadCell, MessageRows, fetch_comparison
from setpoint.datasets.service import DatasetRequest, extract
from setpoint.domain.vocabulary import Channel, Sender
from setpoint.domain.windows import Window

Channels = tuple[Channel, ...]


@dataclass
class Known:
    """What is known of one lead of the comparison."""

    lead: Lead
    row: dict[str, Any]
    counting: list[Message]
    first_word: datetime | None

    @property
    def booked(self) -> bool:
        return bool(self.row["outcome"] == "BOOKED")

    def in_window(self, window: Window) -> list[Message]:
        """Its messages in the window up to its booking."""
        until = self.row["booked_at"]
        inside = [m for m in self.counting if window.start <= m.sent_at < window.end]
        return [m for m in inside if until is None or m.sent_at <= until]

    def had_written(self, instant: datetime) -> bool:
        return self.first_word is not None and self.first_word < instant


def comparison(world: list[Lead], window: Window, channels: Channels) -> list[Known]:
    """The leads, pending or mature, that are credited without ambiguity, by their ids compared as bytes."""
    found = []
    for lead in sorted(world, key=lambda lead: lead.external_id.encode()):
        rows, _ = label_lead(lead, window, tuple(map(str, channels)), RESPONSE_MODES, DRAFT_DISPOSITIONS)
        row = next((row for row in rows if row["attribution"] == "cross_channel"), None)
        if row is None or row["outcome"] not in ("BOOKED", "NOT_BOOKED", "PENDING") or row["ambiguous"]:
            continue
        known = [m for m in lead.messages if window.start - window.attribution <= m.sent_at <= window.as_of]
        known = [m for m in known if m.kind in (None, "message")]
        words = [m.sent_at for m in known if m.direction == "inbound"]
        sent = [m for m in known if m.direction == "outbound" and m.status != "failed"]
        sent = [m for m in sent if not channels or m.channel in channels]
        sent.sort(key=lambda m: (m.sent_at, m.external_id.encode()))
        found.append(Known(lead, row, sent, min(words, default=None)))
    return found


def band(n: int) -> str:
    return "1" if n == 1 else "2-3" if n <= 3 else "4-6" if n <= 6 else "7+"


def cell_of(known: Known, window: Window, large: set[str]) -> LeadCell:
    row, inside = known.row, known.in_window(window)
    campaign = row["campaign"]
    by_credit = [m for m in known.counting if m.sent_at <= row["sent_at"]]
    aged = bool(inside) and inside[0].sent_at <= window.as_of - window.attribution
    channel = stage = before = ""
    if inside:
        entry = inside[0].sent_at
        channel = next(
            c for c in ("email", "sms", "linkedin") if c in [m.channel for m in inside if m.sent_at == entry]
        )
        earlier = sum(m.sent_at < entry for m in known.counting)
        stage = "written" if known.had_written(entry) else "contacted" if earlier else "new"
        before = str(earlier) if earlier < 2 else "2-3" if earlier <= 3 else "4+"
    return LeadCell(
        sender=Sender(row["sender"]),
        entered=bool(inside),
        channel=channel,
        response_mode=row["response_mode"],
        campaign=campaign if campaign in large or not campaign else None,
        stage=stage,
        touches_before=before,
        credit_channel=row["channel"],
        credit_touch=band(len(by_credit)),
        credit_written=known.had_written(row["sent_at"]),
        both_wrote=len({m.sender for m in by_credit}) == 2,
        n=int(row["outcome"] != "PENDING"),
        booked=int(known.booked),
        pending=int(row["outcome"] == "PENDING"),
        aged=int(aged),
        aged_booked=int(aged and known.booked and row["booked_at"] - window.attribution <= inside[0].sent_at),
    )


COUNTED = ("n", "booked", "pending", "aged", "aged_booked")


def specified_cells(leads: list[Known], window: Window) -> Counter[tuple[object, ...]]:
    """Leads of each kind that is counted by all that a cell holds besides."""
    mature = [known.row for known in leads if known.row["outcome"] != "PENDING"]
    sizes = Counter(row["campaign"] for row in mature if row["campaign"])
    large = sorted(
        (name for name in sizes if sizes[name] >= room.CAMPAIGN_LEADS), key=lambda c: (-sizes[c], c.encode())
    )
    found: Counter[tuple[object, ...]] = Counter()
    for known in leads:
        spelled = astuple(cell_of(known, window, set(large[: room.CAMPAIGNS])))
        for name, count in zip(COUNTED, spelled[-5:], strict=True):
            found[(*spelled[:-5], name)] += count
    return +found


def as_counts(cells: list[LeadCell]) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for cell in cells:
        spelled = astuple(cell)
        assert (*spelled[:-5], "n") not in found
        found |= Counter({(*spelled[:-5], name): n for name, n in zip(COUNTED, spelled[-5:], strict=True)})
    return +found


Spelled = tuple[int, str, str, str, bool, bool, bool]


def specified_messages(leads: list[Known], window: Window) -> list[Spelled]:
    return [
        (
            number,
            message.channel,
            known.row["response_mode"],
            band(1 + known.counting.index(message)),
            known.had_written(message.sent_at),
            message.sender == "ai",
            known.booked and message.external_id == known.row["message_id"],
        )
        for number, known in enumerate(leads)
        for message in known.in_window(window)
        if message.sent_at < window.as_of - window.maturity
    ]


def spelled(rows: MessageRows) -> list[Spelled]:
    names = [
        (channel, mode, touch, written)
        for channel in ("email", "sms", "linkedin")
        for mode in ("", "ai_auto_send", "setter_managed")
        for touch in ("1", "2-3", "4-6", "7+")
        for written in (False, True)
    ]
    return [
        (int(lead), *names[stratum], bool(by_ai), bool(booked))
        for lead, stratum, by_ai, booked in zip(rows.lead, rows.stratum, rows.by_ai, rows.booked, strict=True)
    ]


def talking_leads(window: Window) -> list[Lead]:
    """Leads who wrote: before anything, on the very instant of a message, between two, and after the last."""
    day, start = timedelta(days=1), window.start
    leads = []
    for number, word_at in enumerate(
        [start - day, start + day, start + day + timedelta(microseconds=1), start + 9 * day]
    ):
        for booked in (False, True):
            name = f"talk{number}{booked:d}"
            messages = [
                Message(f"{name}m{i}", channel, start + (i + 1) * day, sent_by=sent_by)
                for i, (channel, sent_by) in enumerate(
                    [("sms", "ai"), ("email", "setter"), ("sms", "ai"), ("sms", "ai"), ("sms", "ai"), ("sms", "ai")]
                )
            ]
            messages.append(Message(f"{name}w", "email", word_at, "inbound"))
            messages.append(Message(f"{name}s", "email", start - 13 * day, "inbound", "system"))
            made = [Appointment(f"{name}a", booked_at=start + 4 * day)] if booked else []
            leads.append(Lead(name, "warm", None, messages, made))
    seven = [Message(f"seven{i}", "sms", start - (7 - i) * day, sent_by="setter") for i in range(8)]
    return [*leads, Lead("seven", "cold", None, seven)]


@pytest_asyncio.fixture(scope="module")
async def talks(new_facts: FactsFactory, window: Window) -> Facts:
    """Adversarial leads, leads with odd ids, and leads who wrote."""
    return await new_facts([*make_world(Random(21), window, 150), *odd_leads(window), *talking_leads(window)])


async def fetched(
    facts: Facts, name: str, window: Window, channels: Channels = (), leads: int = room.MAX_MESSAGE_LEADS
) -> tuple[list[LeadCell], MessageRows]:
    async with facts.engine(name) as engine:
        dataset = await extract(engine, DatasetRequest(facts.workspace.slug, window, channels))
        return await fetch_comparison(dataset, leads)


@pytest.mark.parametrize(
    ("name", "channels", "known"),
    [
        (name, channels, timedelta(days=days))
        for name in LOCAL_ENGINES
        for channels, days in [((), 0), ((Channel.EMAIL, Channel.SMS), 0), ((), -3)]
    ]
    + [pytest.param("spark", (), timedelta(), marks=[*SPARK.marks, pytest.mark.proof])],
)
async def test_cells_and_messages_are_those_of_the_specification(
    talks: Facts,
    window: Window,
    name: str,
    channels: Channels,
    known: timedelta,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "CAMPAIGN_LEADS", 5)
    monkeypatch.setattr(room, "CAMPAIGNS", 2)
    window = replace(window, as_of=window.as_of + known)
    leads = comparison(talks.world, window, channels)

    cells, messages = await fetched(talks, name, window, channels)

    assert as_counts(cells) == specified_cells(leads, window)
    assert Counter(spelled(messages)) == Counter(specified_messages(leads, window))
    assert (messages.leads, messages.sampled) == (len(leads), False)
    assert {type(cell.n) for cell in cells} == {type(cell.booked) for cell in cells} == {int}
    assert any(cell.pending for cell in cells)
    assert sum(cell.aged for cell in cells) > sum(cell.aged_booked for cell in cells) > 0
    assert {cell.campaign for cell in cells} > {None, ""}
    assert {cell.stage for cell in cells} == {"", "new", "contacted", "written"}
    assert {cell.credit_touch for cell in cells} == {"1", "2-3", "4-6", "7+"}
    assert {cell.both_wrote for cell in cells} == {cell.credit_written for cell in cells} == {False, True}


async def test_a_sample_of_the_leads_is_the_same_on_every_engine(talks: Facts, window: Window) -> None:
    everything = Counter(row[1:] for row in specified_messages(comparison(talks.world, window, ()), window))
    samples = [await fetched(talks, name, window, leads=20) for name in LOCAL_ENGINES]
    (cells, messages), (other_cells, other_messages) = samples
    assert cells == other_cells  # All the leads.
    assert spelled(messages) == spelled(other_messages)
    assert (messages.leads, messages.sampled) == (20, True)
    assert 0 < len(set(messages.lead)) <= 20
    assert Counter(row[1:] for row in spelled(messages)) < everything


@pytest.mark.parametrize("name", LOCAL_ENGINES)
async def test_a_window_in_which_nothing_happened(talks: Facts, window: Window, name: str) -> None:
    start = window.start - timedelta(days=10)
    empty = replace(window, start=start, end=start + timedelta(seconds=1), as_of=start + timedelta(seconds=1))
    cells, messages = await fetched(talks, name, empty)
    assert cells == []
    assert (len(messages.booked), messages.leads, messages.sampled) == (0, 0, False)
