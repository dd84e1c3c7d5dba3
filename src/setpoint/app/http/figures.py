"""What Prometheus is told. Labels are names of kinds: no workspace, no id, nothing that people wrote."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector
from sqlalchemy.pool import QueuePool

from setpoint.domain.vocabulary import RunStatus
from setpoint.jobs.application import QUEUES
from setpoint.jobs.figures import Figures
from setpoint.storage.database import Database

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Pages take milliseconds; what waits for a model or draws a report takes seconds.
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The figures of one process since it began."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "setpoint_http_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "setpoint_http_request_seconds",
            "How long it took to answer.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer, by the template of its route. `status` 0 means that it broke off."""
        # A stranger may send any word as the method.
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' format."""
        return generate_latest(self._registry)


def text_of(database: Database, figures: Figures | None) -> bytes:
    """The state of the database in Prometheus' format; `figures` None says that it did not answer."""
    registry = CollectorRegistry()
    up = Gauge("setpoint_database_up", "Whether the database answered this scrape.", registry=registry)
    up.set(figures is not None)
    pool = database.engine.pool
    if isinstance(pool, QueuePool):
        connections = Gauge("setpoint_database_connections", "The pool.", ("state",), registry=registry)
        connections.labels("in_use").set(pool.checkedout())
        connections.labels("idle").set(pool.checkedin())
        most = Gauge("setpoint_database_connections_max", "The most that the pool opens.", registry=registry)
        most.set(pool.size())
    if figures is not None:
        _tell(registry, figures)
    return generate_latest(registry)


def _tell(registry: CollectorRegistry, figures: Figures) -> None:
    runs = Gauge("setpoint_report_runs", "Report runs on record.", ("status",), registry=registry)
    for status in RunStatus:
        runs.labels(status.value).set(figures.runs.get(status.value, 0))
    jobs = Gauge("setpoint_queue_jobs", "Jobs that wait or are under way.", ("queue", "state"), registry=registry)
    for queue in QUEUES:
        jobs.labels(queue, "waiting").set(figures.waiting.get(queue, 0))
        jobs.labels(queue, "under_way").set(figures.under_way.get(queue, 0))
    waiting = Gauge(
        "setpoint_queue_oldest_seconds", "How long the oldest job waits that could be taken up.", registry=registry
    )
    waiting.set(figures.waiting_seconds or 0)
    workers = Gauge("setpoint_workers", "Workers that were heard of in the last 30 seconds.", registry=registry)
    workers.set(figures.workers)
    weekly = Gauge("setpoint_weekly_workspaces", "Workspaces that want a weekly report.", registry=registry)
    weekly.set(figures.weekly_workspaces)
