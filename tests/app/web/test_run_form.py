"""What the form of a report begins with, and what it says of each field that is wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from setpoint.app.web.run_form import RunFields, Wrong, first_fields, request_in
from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import Window

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
GOOD = RunFields("2026-03-01", "2026-06-01")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "window"),
    [
        ("2025-01-01T08:00", "2026-06-30T23:59", ("2026-04-02", "2026-07-01")),
        ("2025-01-01T08:00", "2026-06-24T16:30", ("2026-04-02", "2026-07-01")),
        ("2025-01-01T08:00", "2026-06-23T16:30", ("2026-03-26", "2026-06-24")),
        ("2024-01-01T08:00", "2025-02-10T00:00", ("2024-11-13", "2025-02-11")),
        ("2026-06-20T08:00", "2026-06-29T16:30", ("2026-06-20", "2026-07-01")),
        ("2026-05-01T08:00", "2026-05-01T08:00", ("2026-05-01", "2026-05-02")),
        ("2026-07-01T07:00", "2026-07-01T08:00", ("2026-07-01", "2026-07-02")),
    ],
    ids=["yesterday", "a week ago", "longer ago", "last year", "for few days", "once", "today only"],
)
def test_it_begins_with_the_last_ninety_days_and_never_empty(first: str, last: str, window: tuple[str, str]) -> None:
    assert first_fields((at(first), at(last)), NOW) == RunFields(*window)
    assert at(window[0]) <= at(last) < at(window[1])


def test_it_begins_with_nothing_where_nothing_was_sent() -> None:
    assert first_fields(None, NOW) == RunFields()


def test_it_asks_for_what_it_says() -> None:
    asked = request_in(replace(GOOD, channels=("sms", "sms"), max_leads=" 1,000 ", as_of="2026-06-15"), "acme", NOW)
    assert asked.window == Window(at("2026-03-01"), at("2026-06-01"), at("2026-06-15"))
    assert (asked.workspace, asked.channels, asked.max_leads) == ("acme", (Channel.SMS,), 1000)
    assert request_in(replace(GOOD, channels=("email", "sms", "linkedin")), "acme", NOW).channels == ()


@pytest.mark.parametrize(
    ("changed", "field", "told"),
    [
        ({"start": ""}, "from", "From is missing: choose a day."),
        ({"end": "2026-02-30"}, "to", "Up to '2026-02-30' is not a date: write it like 2026-01-31."),
        ({"start": "2026-06-01"}, "from", "From must lie before Up to."),
        ({"as_of": "tomorrow"}, "as_of", "As of 'tomorrow' is not a date: write it like 2026-01-31."),
        ({"as_of": "2026-07-03"}, "as_of", "This lies in the future"),
        ({"end": "2026-07-03"}, "to", "This lies in the future"),
        ({"attribution_days": "2.5"}, "attribution_days", "Write a whole number from 0 to 3,660."),
        ({"maturity_days": "-1"}, "maturity_days", "Write a whole number from 0 to 3,660."),
        ({"max_leads": "0"}, "max_leads", "Write a whole number from 1 to 1,000,000,000."),
        ({"max_leads": "٣"}, "max_leads", "Write a whole number from 1 to 1,000,000,000."),
        ({"channels": ("fax",)}, "channels", "There is no such channel: choose among those that are shown."),
    ],
)
def test_each_field_says_what_is_wrong_with_it(changed: dict[str, str], field: str, told: str) -> None:
    with pytest.raises(Wrong) as wrong:
        request_in(replace(GOOD, **changed), "acme", NOW)  # type: ignore[arg-type]
    assert list(wrong.value.faults) == [field]
    assert wrong.value.faults[field].startswith(told)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Wrong) as wrong:
        request_in(RunFields(maturity_days="x"), "acme", NOW)
    assert set(wrong.value.faults) == {"from", "to", "maturity_days"}
    with pytest.raises(Wrong) as wrong:
        request_in(replace(GOOD, start="2026-06-01", max_leads="many"), "acme", NOW)
    assert set(wrong.value.faults) == {"from", "max_leads"}


def test_today_may_be_in_the_window() -> None:
    midnight = (NOW + timedelta(days=1)).date().isoformat()
    assert request_in(replace(GOOD, end=midnight), "acme", NOW).window.as_of == at(midnight)


def test_an_address_has_what_is_not_as_it_always_begins() -> None:
    assert GOOD.query() == [
        ("from", "2026-03-01"),
        ("to", "2026-06-01"),
        ("attribution_days", "14"),
        ("maturity_days", "7"),
    ]
    changed = replace(GOOD, channels=("sms", "email"), attribution_days="7", max_leads="50", model=False)
    assert changed.query()[2:] == [
        ("channels", "sms"),
        ("channels", "email"),
        ("attribution_days", "7"),
        ("maturity_days", "7"),
        ("max_leads", "50"),
        ("model", "no"),
    ]
