"""An instance that hears nothing of what others record, until it is told to look."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pytest
from attrs import evolve, frozen

from showtime_adapters.postgres import feed
from showtime_app.composition import postgres
from support.in_process import running_here


@frozen
class DeafInstance:
    """It is at its place, and its notifications are lost."""

    url: str
    conninfo: str

    def look(self) -> None:
        """Have it read on: what it has missed, it shows."""
        with psycopg.connect(self.conninfo) as connection:
            connection.execute("notify deaf")


@contextmanager
def deaf_instance(conninfo: str, settings: Mapping[str, str] | None = None) -> Iterator[DeafInstance]:
    """Serve an instance whose notifications are lost, and which does not look of its own accord."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "_POLL_SECONDS", 3600.0)
        for name in ("FEED", "CHAT"):
            patch.setattr(postgres, name, evolve(getattr(feed, name), listen="listen deaf"))
        with running_here(conninfo, settings or {}) as server:
            for name in ("FEED", "CHAT"):
                patch.setattr(postgres, name, getattr(feed, name))
            yield DeafInstance(server.url, conninfo)
