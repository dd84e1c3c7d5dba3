"""What every request works with; it is made once, where the application is."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from starlette.requests import HTTPConnection

from setpoint.app.http.config import HttpConfig
from setpoint.app.http.figures import Metrics
from setpoint.storage.database import Database


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Service:
    """The database, the configuration, the clock, the log and the figures.

    `drawing` is held while a report is drawn: its charts take a second of computing each, and pages go first.
    """

    database: Database
    config: HttpConfig
    clock: Callable[[], datetime]
    log: Any
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)
    metrics: Metrics = field(default_factory=Metrics)


def service_of(connection: HTTPConnection) -> Service:
    """The service that a request came to."""
    service: Service = connection.app.state.service
    return service


def json_log(stream: TextIO | None = None, level: str = "info") -> Any:
    """A log of one JSON object a line, of this level and above, on standard error by default."""
    return structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr if stream is None else stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
