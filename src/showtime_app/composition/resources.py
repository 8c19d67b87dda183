"""What every part of the service shares."""

from typing import Self

from attrs import frozen
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.http_client import Telemetry
from showtime_adapters.postgres.pool import Connection, make_pool
from showtime_adapters.postgres.writability import Writability
from showtime_app.composition.lifecycle import Lifecycle
from showtime_app.config import Settings
from showtime_app.metrics import Metrics
from showtime_app.web.middleware import request_id
from showtime_app.web.middleware.access import Guard, broadcaster_only, viewers_only
from showtime_core.ports import Authenticator


@frozen
class Resources:
    """What every part of the service shares: settings, database pools, metrics, lifecycle."""

    settings: Settings
    conninfo: str
    metrics: Metrics
    lifecycle: Lifecycle
    pool: AsyncConnectionPool[Connection]
    """For reading: whoever borrows a connection has a transaction."""
    recording: AsyncConnectionPool[Connection]
    """For writing: each statement is a transaction of its own."""
    writes: Writability
    """Whether what is written is taken."""

    @classmethod
    def open(cls, settings: Settings, conninfo: str) -> Self:
        """Make the resources of one instance; nothing is connected before the lifecycle runs."""
        lifecycle = Lifecycle()
        pool = lifecycle.manage(make_pool(conninfo))
        recording = lifecycle.manage(make_pool(conninfo, autocommit=True))
        return cls(settings, conninfo, Metrics(), lifecycle, pool, recording, Writability(recording))

    def telemetry(self, neighbour: str) -> Telemetry:
        """Measure how long a neighbour takes, and tell it for which request of ours it is asked."""
        return Telemetry(request_id.current, self.metrics.neighbour(neighbour))


@frozen
class Guards:
    """Route guards: they raise NotAuthenticated or NotAllowed for who may not pass."""

    viewers_only: Guard
    broadcaster_only: Guard

    @classmethod
    def of(cls, authenticator: Authenticator) -> Self:
        """Make guards that ask this authenticator who bears a token."""
        return cls(viewers_only(authenticator), broadcaster_only(authenticator))
