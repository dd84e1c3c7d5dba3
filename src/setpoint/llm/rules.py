"""Decisions about calls: what telemetry may hold, what a request may cost at worst, how long to wait."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from setpoint.llm.schemas import Effort, ErrorKind, Limits, ModelSettings

METADATA_KEYS: Final = frozenset({"leadContextBundle", "followupParse", "bookingGate"})
MAX_STRING: Final = 200
MAX_DEPTH: Final = 4
MAX_KEYS: Final = 32
MAX_ITEMS: Final = 32
# Counts, milliseconds and shares lie below; telephone numbers and instants above.
MAX_NUMBER: Final = 999_999_999
_KEY: Final = re.compile(r"[a-z][A-Za-z0-9_]{0,63}")
_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")

# English has some four bytes in a token, and identifiers and figures fewer: this errs on the dear side.
_BYTES_PER_TOKEN: Final = 3
# Above what pydantic-ai grants for thoughts at each effort, and it must be: a provider refuses a request whose
# thoughts may be longer than all that it may answer. Some models reason without being told to.
_THOUGHTS: Final = {None: 4_000, Effort.LOW: 4_000, Effort.MEDIUM: 12_000, Effort.HIGH: 20_000}
_MILLION: Final = Decimal(1_000_000)
_FIRST_WAIT_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 20.0
_NOTHING: Final = object()


def sanitised(metadata: Mapping[str, object]) -> dict[str, Any]:
    """What of a call's metadata may be kept: statistics of the allowlisted parts, and never a text.

    Numbers, booleans and null stay, and a string only where it is a member of an enum that looks like an
    identifier: whatever somebody wrote is a plain string, however short. Keys must look like identifiers. Beyond the
    depth, length and number of keys allowed the rest is dropped.
    """
    return {
        key: kept for key, kept in _members(metadata, MAX_DEPTH) if key in METADATA_KEYS and isinstance(kept, dict)
    }


def _members(mapping: Mapping[Any, object], depth: int) -> list[tuple[str, Any]]:
    named = [(key, value) for key, value in mapping.items() if type(key) is str and _KEY.fullmatch(key)]
    kept = ((key, _kept(value, depth - 1)) for key, value in named)
    return [(key, value) for key, value in kept if value is not _NOTHING][:MAX_KEYS]


def _kept(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        word = value.value
        if isinstance(word, str) and len(word) <= MAX_STRING and _KIND.fullmatch(word):
            return word
    elif isinstance(value, int | float) and math.isfinite(value) and abs(value) <= MAX_NUMBER:
        return float(value) if isinstance(value, float) else int(value)
    elif isinstance(value, Mapping) and depth > 0:
        return dict(_members(value, depth))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray) and depth > 0:
        return [kept for item in value[:MAX_ITEMS] if (kept := _kept(item, depth - 1)) is not _NOTHING]
    return _NOTHING


def estimated_tokens(text: str | bytes) -> int:
    """About how many tokens a text has, rather too many than too few."""
    size = len(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return math.ceil(size / _BYTES_PER_TOKEN)


def most_output(settings: ModelSettings, limits: Limits) -> int:
    """Most tokens that one answer may have: its own, and those of the thoughts before it, which count as output."""
    return limits.output_tokens + _THOUGHTS[settings.effort]


def own_price(settings: ModelSettings, input_tokens: int, output_tokens: int) -> Decimal | None:
    """US dollars at the workspace's own prices; None where it has not both."""
    if settings.input_price is None or settings.output_price is None:
        return None
    return (settings.input_price * input_tokens + settings.output_price * output_tokens) / _MILLION


@dataclass(frozen=True, slots=True)
class Spent:
    """What counts against a cap so far."""

    usd: Decimal = Decimal(0)
    tokens: int = 0


def cap_reached(
    settings: ModelSettings, day: Spent, run: Spent | None, usd: Decimal | None, tokens: int
) -> ErrorKind | None:
    """Which cap a call would go beyond that takes at worst so much; None where it may go ahead.

    Without a price (`usd` None) only the caps in tokens can hold. `run` is None for a call that belongs to none,
    which is then a run of its own.
    """
    for error, spent, most_usd, most_tokens in (
        (ErrorKind.RUN_CAP, run or Spent(), settings.run_usd, settings.run_tokens),
        (ErrorKind.DAILY_CAP, day, settings.daily_usd, settings.daily_tokens),
    ):
        if most_tokens is not None and spent.tokens + tokens > most_tokens:
            return error
        if most_usd is not None and usd is not None and spent.usd + usd > most_usd:
            return error
    return None


def wait_seconds(attempt: int, retry_after: float | None) -> float:
    """How long to wait after the failed attempt of this number (from 1): as told, or twice as long each time."""
    if retry_after is not None:
        return max(retry_after, 0.0)
    return min(_FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1), _LONGEST_WAIT_SECONDS)
