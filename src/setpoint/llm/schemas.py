"""What goes to a model and what comes back, whoever the provider is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from setpoint.domain.errors import SetpointError

T = TypeVar("T")


class ModelUnavailable(SetpointError):
    """A model is configured and cannot be opened; `kind` says what is missing."""

    code = "model_unavailable"

    def __init__(self, message: str, kind: "ErrorKind") -> None:
        super().__init__(message)
        self.kind = kind


class Status(StrEnum):
    """How a call ended. All but `ok` and `cached` are failures; `started` is one that never reported back."""

    STARTED = "started"
    OK = "ok"
    CACHED = "cached"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"
    INVALID_OUTPUT = "invalid_output"
    PROVIDER_ERROR = "provider_error"
    BUDGET_EXCEEDED = "budget_exceeded"
    NO_MODEL = "no_model"
    CANCELLED = "cancelled"


class ErrorKind(StrEnum):
    """What went wrong, as a kind from a closed list: a provider's own words are never kept."""

    TIMED_OUT = "TimedOut"
    TOO_MANY_REQUESTS = "TooManyRequests"
    CONTENT_REFUSED = "ContentRefused"
    SCHEMA_MISMATCH = "SchemaMismatch"
    CHECK_FAILED = "CheckFailed"
    ANSWER_CUT_OFF = "AnswerCutOff"
    TOOLS_WITHOUT_END = "ToolsWithoutEnd"
    UNREADABLE_REPLY = "UnreadableReply"
    CONNECTION_FAILED = "ConnectionFailed"
    QUOTA_USED_UP = "QuotaUsedUp"
    SERVER_FAULT = "ServerFault"
    BAD_CREDENTIALS = "BadCredentials"
    REQUEST_REJECTED = "RequestRejected"
    INPUT_TOO_LONG = "InputTooLong"
    RUN_CAP = "RunCap"
    DAILY_CAP = "DailyCap"
    NO_MODEL = "NoModel"
    NOT_CONFIGURED = "NotConfigured"
    CANCELLED = "Cancelled"
    UNEXPECTED = "Unexpected"


class Effort(StrEnum):
    """How hard a model that reasons should think."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one prompt may take. Tokens are estimates before the call and the provider's count after it.

    `output_tokens` is for the answer; thoughts before it have an allowance of their own, by effort. `seconds` covers
    everything: waiting, every attempt, every tool. `attempts` is for requests that the provider turned away (429,
    5xx, no connection); `corrections` is how often the model may mend an answer that has not the schema or that a
    check found wanting; `tool_rounds` how often it may call tools.
    """

    input_tokens: int = 60_000
    output_tokens: int = 4_000
    seconds: float = 120.0
    attempts: int = 3
    corrections: int = 2
    tool_rounds: int = 8


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them. `cost_usd` is None where no price is known, and never zero for that."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A typed answer, and what is needed to say where it came from. `cached` means that it cost nothing now."""

    value: T
    model: str
    effort: Effort | None
    prompt_key: str
    prompt_version: int
    prompt_hash: str
    usage: Usage
    call_id: UUID
    attempts: int
    latency_ms: int
    cached: bool = False


_SENTENCES: Final = {
    Status.TIMEOUT: "The model did not answer in time: try again, or choose a faster model or a lower effort.",
    Status.RATE_LIMITED: "The model's provider takes no more requests for now: wait a while and run this again.",
    Status.REFUSED: "The model refused to answer.",
    Status.INVALID_OUTPUT: "The model's answers did not hold what was asked for: try again, or choose another model.",
    Status.PROVIDER_ERROR: (
        "The model's provider could not be reached or failed: look at `setpoint model show`, its API key and address."
    ),
    Status.BUDGET_EXCEEDED: (
        "A request to the model could have gone beyond a budget and was not made: `setpoint model show` has the caps."
    ),
    Status.NO_MODEL: "This workspace has no model: `setpoint model set` connects one.",
    Status.CANCELLED: "The question to the model was called off.",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. It is a result like any other: `message` is a sentence of ours for the reader."""

    status: Status
    error: ErrorKind
    usage: Usage = Usage()
    call_id: UUID | None = None
    attempts: int = 0
    latency_ms: int = 0

    @property
    def message(self) -> str:
        return _SENTENCES[self.status]


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The model of a workspace. Keys of APIs are not here and nowhere in the database.

    `model` is spelled `provider:name`, as `openai:gpt-5-mini`; `base_url` is that of a server that is not the
    provider's own, such as a local one. Prices are US dollars for a million tokens and win over the price list. A day
    is one of UTC, a run what the caller names so; a cap that is None does not hold.
    """

    model: str
    base_url: str | None = None
    effort: Effort | None = None
    daily_usd: Decimal | None = Decimal(5)
    run_usd: Decimal | None = Decimal(1)
    daily_tokens: int | None = 5_000_000
    run_tokens: int | None = 1_000_000
    input_price: Decimal | None = None
    output_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a model, as `ai_calls` keeps it: numbers and names of kinds, never a text.

    `held_usd` and `held_tokens` count against the caps: what is known to be spent, and the worst that may have been
    where nobody knows. `held_usd` is None where no price is known.
    """

    id: UUID
    feature: str
    prompt_key: str
    prompt_version: int
    prompt_hash: str
    model: str
    effort: Effort | None = None
    run_id: UUID | None = None
    status: Status = Status.STARTED
    error_kind: ErrorKind | None = None
    usage: Usage = Usage()
    held_usd: Decimal | None = None
    held_tokens: int = 0
    attempts: int = 0
    latency_ms: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
