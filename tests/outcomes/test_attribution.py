"""The expression against the specification in plain Python, and the specification's own examples."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import duckdb
import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.outcomes.specification import Appointment, Lead, Message, Row, in_order, label_lead
from tests.outcomes.worlds import DRAFT_DISPOSITIONS, RESPONSE_MODES, arrow_tables, make_world, worlds

from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import Window, make_window
from setpoint.outcomes.attribution import label, messages_by_standing
from setpoint.outcomes.facts import facts

WINDOWS = [
    make_window("2026-03-01", "2026-06-01"),
    make_window("2026-03-01", "2026-03-20", "2026-04-10"),
    make_window("2026-03-01", "2026-06-01", "2026-03-25"),
    make_window("2026-03-01", "2026-03-02", "2026-03-20", 0, 0),
    make_window("2026-03-01", "2026-03-10", "2026-03-09", 3, 30),
    make_window("2026-03-01", "2026-03-20", "2026-02-20", 14, 7),
    make_window("2026-03-01T00:00:00.25Z", "2026-03-20", "2026-03-22T11:30:00.500001Z"),
]
CHANNELS = [(), (Channel.SMS,), (Channel.EMAIL, Channel.LINKEDIN)]


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@cache
def compiled(window: Window, channels: tuple[Channel, ...]) -> str:
    return str(ibis.to_sql(label(facts(), window, channels), dialect="duckdb"))


def labelled(
    engine: duckdb.DuckDBPyConnection, world: list[Lead], window: Window, channels: tuple[Channel, ...] = ()
) -> tuple[list[Row], dict[str, str]]:
    """What the expression says: the dataset's rows in order, and the dropped leads with their reasons."""
    for name, table in arrow_tables(world).items():
        engine.register(f"{name}_arrow", table)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {name}_arrow")
    rows: list[dict[str, Any]] = engine.sql(compiled(window, channels)).to_arrow_table().to_pylist()
    dropped = {row["lead_id"]: row["dropped"] for row in rows if row["dropped"]}
    return in_order([{k: v for k, v in row.items() if k != "dropped"} for row in rows if not row["dropped"]]), dropped


def specified(
    world: list[Lead], window: Window, channels: tuple[Channel, ...] = ()
) -> tuple[list[Row], dict[str, str]]:
    rows, dropped = [], {}
    for lead in world:
        found, reason = label_lead(lead, window, channels, RESPONSE_MODES, DRAFT_DISPOSITIONS)
        rows += found
        if reason is not None:
            dropped[lead.external_id] = reason
    return in_order(rows), dropped


@pytest.mark.parametrize("window", WINDOWS, ids=range(len(WINDOWS)))
@pytest.mark.parametrize("channels", CHANNELS, ids=["all", "sms", "email+linkedin"])
def test_the_expression_is_the_specification(
    engine: duckdb.DuckDBPyConnection, window: Window, channels: tuple[Channel, ...]
) -> None:
    @settings(max_examples=15, deadline=None)
    @given(worlds(window))
    def check(world: list[Lead]) -> None:
        assert labelled(engine, world, window, channels) == specified(world, window, channels)

    check()


@given(st.sampled_from(WINDOWS).flatmap(lambda w: st.tuples(st.just(w), worlds(w))), st.sampled_from(CHANNELS))
@settings(max_examples=20, deadline=None)
def test_every_message_of_the_window_counts_or_has_a_reason(
    case: tuple[Window, list[Lead]], channels: tuple[Channel, ...]
) -> None:
    window, world = case
    messages = arrow_tables(world)["messages"]
    with duckdb.connect(config={"threads": 1}) as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.register("messages", messages)
        query = ibis.to_sql(messages_by_standing(facts(), window, channels), dialect="duckdb")
        counted = {row["standing"]: row["n"] for row in engine.sql(str(query)).to_arrow_table().to_pylist()}
    inside = [m for lead in world for m in lead.messages if window.start <= m.sent_at < window.end]
    counting = [
        m
        for m in inside
        if m.direction == "outbound"
        and m.kind in (None, "message")
        and m.status != "failed"
        and m.sent_at <= window.as_of
        and (not channels or m.channel in channels)
    ]
    assert sum(counted.values()) == len(inside)
    assert counted.get("counting", 0) == len(counting)
    assert counted.get("inbound", 0) == sum(m.direction == "inbound" for m in inside)


MARCH = make_window("2026-03-01", "2026-04-01")


def at(day: int, hour: int = 12, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def only_row(engine: duckdb.DuckDBPyConnection, lead: Lead, window: Window = MARCH) -> Row:
    rows, dropped = labelled(engine, [lead], window)
    assert not dropped
    across = [row for row in rows if row["attribution"] == "cross_channel"]
    assert len(across) == 1
    return across[0]


def test_the_last_message_before_the_booking_is_credited(engine: duckdb.DuckDBPyConnection) -> None:
    lead = Lead("l", messages=[Message("a", "email", at(3)), Message("b", "sms", at(5)), Message("c", "sms", at(9))])
    lead.appointments.append(Appointment("x", booked_at=at(7)))
    row = only_row(engine, lead)
    assert (row["outcome"], row["message_id"], row["booked_at"]) == ("BOOKED", "b", at(7))


def test_a_booking_belongs_to_the_message_before_the_window_that_made_it(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    lead = Lead("l", messages=[Message("before", "email", at(25, month=2))])
    lead.appointments.append(Appointment("x", booked_at=at(2)))
    assert only_row(engine, lead)["message_id"] == "before"


@pytest.mark.parametrize(
    ("sent_at", "outcome"),
    [
        (at(20) - timedelta(days=14), "BOOKED"),
        (at(20) - timedelta(days=14, microseconds=1), "UNATTRIBUTED"),
        (at(20), "BOOKED"),
        (at(20) + timedelta(microseconds=1), "UNATTRIBUTED"),
    ],
)
def test_both_ends_of_the_attribution_window_are_inside(
    engine: duckdb.DuckDBPyConnection, sent_at: datetime, outcome: str
) -> None:
    lead = Lead("l", messages=[Message("m", "email", sent_at)], appointments=[Appointment("x", booked_at=at(20))])
    assert only_row(engine, lead)["outcome"] == outcome


@pytest.mark.parametrize(
    ("sent_at", "outcome"),
    [(at(25, 0), "PENDING"), (at(25, 0) - timedelta(microseconds=1), "NOT_BOOKED")],
)
def test_a_lead_is_pending_within_the_maturity_buffer(
    engine: duckdb.DuckDBPyConnection, sent_at: datetime, outcome: str
) -> None:
    assert only_row(engine, Lead("l", messages=[Message("m", "email", sent_at)]))["outcome"] == outcome


def test_a_cancellation_is_unknown_before_it_happened(engine: duckdb.DuckDBPyConnection) -> None:
    lead = Lead("l", messages=[Message("m", "email", at(2))])
    lead.appointments.append(Appointment("x", "canceled", booked_at=at(3), canceled_at=at(2, month=4)))
    assert only_row(engine, lead)["outcome"] == "BOOKED"
    later = make_window("2026-03-01", "2026-04-01", "2026-04-03")
    assert only_row(engine, lead, later)["outcome"] == "NOT_BOOKED"


def test_a_canceled_appointment_outweighs_what_the_crm_says(engine: duckdb.DuckDBPyConnection) -> None:
    lead = Lead("l", booked_hint=True, messages=[Message("m", "email", at(2))])
    assert only_row(engine, lead)["outcome"] == "BOOKED_NO_TIMESTAMP"
    lead.appointments.append(Appointment("x", "canceled"))
    assert only_row(engine, lead)["outcome"] == "NOT_BOOKED"


def test_a_moved_meeting_was_booked_when_the_first_was(engine: duckdb.DuckDBPyConnection) -> None:
    lead = Lead("l", messages=[Message("first", "email", at(2)), Message("reminder", "email", at(8))])
    lead.appointments += [
        Appointment("x", "canceled", booked_at=at(3), canceled_at=at(9)),
        Appointment("y", "confirmed", booked_at=at(9), rescheduled_from="x"),
    ]
    row = only_row(engine, lead)
    assert (row["message_id"], row["booked_at"]) == ("first", at(3))


def test_two_senders_at_the_same_instant_are_ambiguous(engine: duckdb.DuckDBPyConnection) -> None:
    lead = Lead(
        "l",
        messages=[Message("a", "email", at(2), sent_by="ai"), Message("b", "email", at(2), sent_by="setter")],
    )
    row = only_row(engine, lead)
    assert (row["message_id"], row["ambiguous"]) == ("b", True)


def test_ids_are_compared_as_bytes(engine: duckdb.DuckDBPyConnection) -> None:
    lead = Lead("l", messages=[Message(name, "email", at(2)) for name in ("Z", "a", "é", "_")])
    assert only_row(engine, lead)["message_id"] == "é"


@pytest.mark.proof
@pytest.mark.parametrize("channels", CHANNELS, ids=["all", "sms", "email+linkedin"])
@pytest.mark.parametrize("window", WINDOWS, ids=range(len(WINDOWS)))
def test_a_hundred_thousand_leads_are_labelled_as_specified(
    engine: duckdb.DuckDBPyConnection, window: Window, channels: tuple[Channel, ...]
) -> None:
    for seed in range(14):
        world = make_world(Random(seed), window, 500)
        assert labelled(engine, world, window, channels) == specified(world, window, channels)
