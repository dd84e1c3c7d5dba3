"""What telemetry may hold, what a call may cost, how long to wait."""

import json
import math
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.llm.rules import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_KEYS,
    MAX_NUMBER,
    METADATA_KEYS,
    Spent,
    cap_reached,
    estimated_tokens,
    own_price,
    sanitised,
    wait_seconds,
)
from setpoint.llm.schemas import ErrorKind, ModelSettings


class Profile(StrEnum):
    DRAFT = "draft"
    SENTENCE = "not a kind"


class Level(Enum):
    HIGH = 3


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*Profile, *Level])
    | st.binary()
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner), max_leaves=12
)
documents = st.dictionaries(st.sampled_from(sorted(METADATA_KEYS)) | st.text(), anything)


def walk(value: Any, depth: int = 1) -> None:
    """Everything in it is a number, a boolean, null or the name of a kind, within the bounds."""
    if isinstance(value, dict):
        assert depth <= MAX_DEPTH
        assert len(value) <= MAX_KEYS
        for key, inner in value.items():
            assert key.isidentifier()
            assert len(key) <= 64
            walk(inner, depth + 1)
    elif isinstance(value, list):
        assert depth <= MAX_DEPTH
        assert len(value) <= MAX_ITEMS
        for inner in value:
            walk(inner, depth + 1)
    elif isinstance(value, str):
        assert value == "draft"
    else:
        assert value is None or (
            type(value) in (bool, int, float) and math.isfinite(value) and abs(value) <= MAX_NUMBER
        )


@given(documents)
def test_only_statistics_pass(metadata: dict[str, Any]) -> None:
    kept = sanitised(metadata)

    assert set(kept) <= METADATA_KEYS
    assert sanitised(metadata) == kept
    walk(kept)
    json.dumps(kept, allow_nan=False)


def test_statistics_stay_as_they_are() -> None:
    metadata = {
        "leadContextBundle": {
            "profile": Profile.DRAFT,
            "tokens": 812,
            "truncated": True,
            "shares": [0.25, 1.0, None],
        },
        "bookingGate": {"confidence": 0.93, "byChannel": {"email": 2}},
    }
    assert sanitised(metadata) == {
        "leadContextBundle": {"profile": "draft", "tokens": 812, "truncated": True, "shares": [0.25, 1.0, None]},
        "bookingGate": {"confidence": 0.93, "byChannel": {"email": 2}},
    }


@pytest.mark.parametrize(
    "value",
    [
        *("Ann", "draft", "ann@example.test", "x" * 201, Profile.SENTENCE, Level.HIGH, b"bytes", object()),
        *(14155550123, float("nan"), float("inf"), {"a": {"b": {"c": {"d": 1}}}}),
    ],
    ids=lambda value: f"{type(value).__name__} {value}"[:40] if type(value) is not object else "object",
)
def test_what_may_be_a_text_or_a_person_is_dropped(value: object) -> None:
    assert "1" not in json.dumps(sanitised({"followupParse": {"value": value}}))
    assert json.dumps(sanitised({"followupParse": {"value": value}})) in (
        '{"followupParse": {}}',
        '{"followupParse": {"value": {"a": {}}}}',
    )


@pytest.mark.parametrize("key", ["subject line", "Ann", "ann@example.test", "k" * 65, "", 7, "été"])
def test_a_key_that_may_be_a_text_is_dropped(key: object) -> None:
    assert sanitised({"bookingGate": {key: 1}}) == {"bookingGate": {}}


@pytest.mark.parametrize("metadata", [{"prompt": {"tokens": 1}}, {"bookingGate": 1}, {"bookingGate": "denied"}, {}])
def test_only_the_allowlisted_parts_are_kept(metadata: dict[str, Any]) -> None:
    assert sanitised(metadata) == {}


def test_there_is_never_more_than_the_bounds_allow() -> None:
    kept = sanitised({"bookingGate": {f"k{n}": list(range(1000)) for n in range(1000)}})
    assert len(kept["bookingGate"]) == MAX_KEYS
    assert kept["bookingGate"]["k0"] == list(range(MAX_ITEMS))


def test_tokens_are_estimated_on_the_dear_side() -> None:
    assert estimated_tokens("") == 0
    assert estimated_tokens("a" * 300) == 100
    assert estimated_tokens("ü" * 300) == 200
    assert estimated_tokens("\ud800") == 1


def test_the_workspaces_own_price() -> None:
    settings = ModelSettings("openai:x", input_price=Decimal("2.5"), output_price=Decimal(10))
    # 2.5 × 1,000 / 1,000,000 + 10 × 100 / 1,000,000
    assert own_price(settings, 1000, 100) == Decimal("0.0035")
    assert own_price(ModelSettings("openai:x", input_price=Decimal(1)), 1000, 100) is None


CAPS = ModelSettings("openai:x", daily_usd=Decimal(5), run_usd=Decimal(1), daily_tokens=10_000, run_tokens=2_000)


@pytest.mark.parametrize(
    ("day", "run", "usd", "tokens", "expected"),
    [
        (Spent(), None, Decimal(1), 2_000, None),
        (Spent(), None, Decimal("1.01"), 0, ErrorKind.RUN_CAP),
        (Spent(), None, None, 2_001, ErrorKind.RUN_CAP),
        (Spent(), Spent(Decimal("0.5"), 0), Decimal("0.5"), 0, None),
        (Spent(), Spent(Decimal("0.5"), 0), Decimal("0.51"), 0, ErrorKind.RUN_CAP),
        (Spent(Decimal("4.5"), 0), Spent(), Decimal("0.5"), 0, None),
        (Spent(Decimal("4.5"), 0), Spent(), Decimal("0.51"), 0, ErrorKind.DAILY_CAP),
        (Spent(Decimal(0), 9_999), None, None, 2, ErrorKind.DAILY_CAP),
        (Spent(Decimal(100), 0), None, None, 1, None),
    ],
)
def test_caps(day: Spent, run: Spent | None, usd: Decimal | None, tokens: int, expected: ErrorKind | None) -> None:
    assert cap_reached(CAPS, day, run, usd, tokens) is expected


def test_a_cap_that_is_not_set_does_not_hold() -> None:
    free = ModelSettings("openai:x", daily_usd=None, run_usd=None, daily_tokens=None, run_tokens=None)
    assert cap_reached(free, Spent(Decimal(10**6), 10**12), None, Decimal(10**6), 10**12) is None


def test_waits_grow_unless_the_provider_says_how_long() -> None:
    assert [wait_seconds(attempt, None) for attempt in (1, 2, 3, 4, 20)] == [0.5, 1.0, 2.0, 4.0, 20.0]
    assert wait_seconds(1, 7.0) == 7.0
    assert wait_seconds(1, 0.0) == 0.0
