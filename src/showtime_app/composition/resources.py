"""What every part of the service stands on."""

from typing import Self

from attrs import frozen
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.http_client import Telemetry
from showtime_adapters.postgres.pool import Connection, make_pool
from showtime_adapters.postgres.writability import Writability
from showtime_app.composition.lifecycle import Parts
from showtime_app.config import Settings
from showtime_app.metrics import Metrics
from showtime_app.web.middleware import request_id
from showtime_app.web.middleware.access import Guard, broadcaster_only, viewers_only
from showtime_core.ports import Authenticator


@frozen
class Ground:
    """The settings, the database, what is measured, and the parts that there are already."""

    settings: Settings
    conninfo: str
    metrics: Metrics
    parts: Parts
    pool: AsyncConnectionPool[Connection]
    """For reading: whoever borrows a connection has a transaction."""
    recording: AsyncConnectionPool[Connection]
    """For writing: each statement is a transaction of its own."""
    writes: Writability
    """Whether what is written is taken."""

    @classmethod
    def lay(cls, settings: Settings, conninfo: str) -> Self:
        """Lay the ground for one instance."""
        parts = Parts()
        pool = parts.hold(make_pool(conninfo))
        recording = parts.hold(make_pool(conninfo, autocommit=True))
        return cls(settings, conninfo, Metrics(), parts, pool, recording, Writability(recording))

    def telemetry(self, neighbour: str) -> Telemetry:
        """Measure how long a neighbour takes, and tell it for which request of ours it is asked."""
        return Telemetry(request_id.current, self.metrics.neighbour(neighbour))


@frozen
class Guards:
    """Who may."""

    viewers_only: Guard
    broadcaster_only: Guard

    @classmethod
    def post(cls, authenticator: Authenticator) -> Self:
        """Have this one tell who somebody is."""
        return cls(viewers_only(authenticator), broadcaster_only(authenticator))
