"""What the operator can measure, in the terms of Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The metrics of one instance, in a registry of its own."""

    def __init__(self) -> None:
        """Make every metric, at zero."""
        self._registry = CollectorRegistry()
        self.callback_requests = Counter(
            "showtime_callback_requests",
            "Requests to the callback by outcome: accepted, or why it was rejected.",
            ["outcome"],
            registry=self._registry,
        )
        self.stream_clients = Gauge(
            "showtime_stream_clients", "Open streams.", ["stream"], registry=self._registry
        )
        self.dropped_clients = Counter(
            "showtime_dropped_stream_clients",
            "Streams that were ended because their client was too slow.",
            ["stream"],
            registry=self._registry,
        )

    def render(self) -> bytes:
        """Write all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
