"""What the operator can measure, in the terms of Prometheus."""

import math
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from typing import TypeVar

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from showtime_app import DISTRIBUTION
from showtime_core.domain.health import PendingWork
from showtime_core.domain.lights import LastAnswer

CONTENT_TYPE = prometheus.CONTENT_TYPE_LATEST

_DEFINITIONS = tomllib.loads(files(__package__).joinpath("metrics.toml").read_text("utf-8"))
_PENDING = ("parked_messages", "parked_effects", "waiting_effects", "oldest_effect_seconds")
"""Metrics that are fields of `PendingWork`."""
_Metric = TypeVar("_Metric", Counter, Gauge, Histogram, Info)


def _make(kind: type[_Metric], registry: CollectorRegistry, name: str) -> _Metric:
    """Make a metric as `metrics.toml` defines it."""
    definition = dict(_DEFINITIONS[name])
    meaning, labels = definition.pop("meaning"), definition.pop("labels", ())
    return kind(f"showtime_{name}", meaning, labels, registry=registry, **definition)


class Metrics:
    """The metrics of one instance, in a registry of its own."""

    def __init__(self) -> None:
        """Make every metric, at zero."""
        # When each series began is of no use, and doubles their number.
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        counter, gauge = partial(_make, Counter, registry), partial(_make, Gauge, registry)
        histogram = partial(_make, Histogram, registry)
        prometheus.ProcessCollector(registry=registry)
        _make(Info, registry, "build").info({"version": version(DISTRIBUTION)})
        self.stream_clients = gauge("stream_clients")
        self.dropped_stream_clients = counter("dropped_stream_clients")
        self.refused_streams = counter("refused_streams")
        self._database_up = gauge("database_up")
        self._pending = {name: gauge(name) for name in _PENDING}
        self.callback_requests = counter("callback_requests")
        self.callback_seconds = histogram("callback_seconds")
        self.entries = counter("entries")
        self.unit_seconds = histogram("unit_seconds")
        self.revocations = counter("revocations")
        self.denied_ghosts = counter("denied_ghosts")
        self.chat_lag = histogram("chat_lag_seconds")
        self.effects = counter("effects")
        self._neighbour_seconds = histogram("neighbour_seconds")
        self.last_answers: dict[str, LastAnswer] = {}
        """How the last request to each neighbour ended."""

    def set_pending_work(self, pending: PendingWork | None) -> None:
        """Take over what waits in the database; None: it cannot be told."""
        self._database_up.set(pending is not None)
        for name, gauge in self._pending.items():
            gauge.set(getattr(pending, name, math.nan))

    def neighbour(self, name: str) -> Callable[[str, float], None]:
        """Make what is told how each request to a neighbour ended, and how many seconds it took."""

        def observe(outcome: str, seconds: float) -> None:
            self._neighbour_seconds.labels(name, outcome).observe(seconds)
            is_answered = outcome in {"2xx", "3xx", "4xx"}
            self.last_answers[name] = LastAnswer(is_answered, round(seconds * 1000), datetime.now(UTC))

        return observe

    def render(self) -> bytes:
        """Write all metrics in Prometheus' text format."""
        return prometheus.generate_latest(self.registry)
