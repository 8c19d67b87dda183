"""What the operator can measure, in the terms of Prometheus."""

import math
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from showtime_app import DISTRIBUTION
from showtime_core.domain.health import PendingWork

CONTENT_TYPE = CONTENT_TYPE_LATEST

_LAG_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SECONDS_OF_OTHERS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""To paint takes a minute; nobody but a frozen ledger is waited for any longer than two."""


class Metrics:
    """The metrics of one instance, in a registry of its own."""

    def __init__(self) -> None:
        """Make every metric, at zero."""
        # When each series began is of no use, and doubles their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        counter, histogram = partial(Counter, registry=registry), partial(Histogram, registry=registry)
        ProcessCollector(registry=registry)
        build = Info("showtime_build", "The version that runs.", registry=registry)
        build.info({"version": version(DISTRIBUTION)})
        self.streams = StreamMetrics(registry)
        self.backlog = PendingWorkMetrics(registry)
        self.callback_requests = counter(
            "showtime_callback_requests",
            "Requests to the callback, by outcome: accepted, or why they were not.",
            ["outcome"],
        )
        self.callback_seconds = histogram(
            "showtime_callback_seconds",
            "From the arrival of a message to the answer: verified, recorded and reacted to.",
            buckets=_SECONDS,
        )
        self.entries = counter(
            "showtime_entries",
            "Messages and commands by what became of them; a duplicate was known before.",
            ["outcome"],
        )
        self.unit_seconds = histogram(
            "showtime_unit_seconds",
            "One transaction: the reactions to a batch of entries, worked out and written.",
            buckets=_SECONDS,
        )
        self.revocations = counter(
            "showtime_revocations",
            "Subscriptions that Twitch has ended, by type and by its reason.",
            ["type", "reason"],
        )
        self.denied_ghosts = counter(
            "showtime_denied_ghosts", "Ghosts that were asked for and not made, since there were too many."
        )
        self.chat_lag = histogram(
            "showtime_chat_lag_seconds",
            "From Twitch's timestamp on what was said in chat until it was written, and so shown.",
            buckets=_LAG_SECONDS,
        )
        self.effects = counter(
            "showtime_effects",
            "Tries to perform an effect, by its kind and by what came of it.",
            ["kind", "outcome"],
        )
        self._neighbour_seconds = histogram(
            "showtime_neighbour_seconds",
            "One request to a neighbour, by its name and by how it ended.",
            ["neighbour", "outcome"],
            buckets=_SECONDS_OF_OTHERS,
        )

    def neighbour(self, name: str) -> Callable[[str, float], None]:
        """Make what is told how each request to a neighbour ended, and how many seconds it took."""

        def observe(outcome: str, seconds: float) -> None:
            self._neighbour_seconds.labels(name, outcome).observe(seconds)

        return observe

    def render(self) -> bytes:
        """Write all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class StreamMetrics:
    """How many watch, and who could not."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make them, at zero."""
        self.clients = Gauge("showtime_stream_clients", "Open streams.", ["stream"], registry=registry)
        self.dropped = Counter(
            "showtime_dropped_stream_clients",
            "Streams that were ended because their client was too slow.",
            ["stream"],
            registry=registry,
        )
        self.refused = Counter(
            "showtime_refused_streams",
            "Streams for which there was no place, by the limit: of one address, or of all.",
            ["limit"],
            registry=registry,
        )


class PendingWorkMetrics:
    """What waits in the database, when it was last asked."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make them, at zero."""
        gauge = partial(Gauge, registry=registry)
        self._database_up = gauge(
            "showtime_database_up", "Whether the database could be asked for what waits in it: 1 or 0."
        )
        self._by_field = {
            "parked_messages": gauge(
                "showtime_parked_messages",
                "Messages that are set aside with a reason, and wait for the operator.",
            ),
            "parked_effects": gauge(
                "showtime_parked_effects",
                "Effects of which only a person can tell what is to become, and that wait for the operator.",
            ),
            "waiting_effects": gauge("showtime_waiting_effects", "Effects to be performed."),
            "oldest_effect_seconds": gauge(
                "showtime_oldest_effect_seconds",
                "How long the oldest effect has waited to be performed; 0: none does.",
            ),
        }

    def set(self, pending: PendingWork | None) -> None:
        """Take over what waits in the database; None: it cannot be told."""
        self._database_up.set(pending is not None)
        for name, gauge in self._by_field.items():
            gauge.set(getattr(pending, name, math.nan))
