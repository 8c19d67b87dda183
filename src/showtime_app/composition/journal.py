"""How what arrives is recorded, and how what was recorded is shown."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from attrs import frozen

from showtime_adapters.postgres.feed import FEED, PostgresFeed, missed_alerts
from showtime_adapters.postgres.retention import Retention
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_app.composition.resources import Resources
from showtime_app.instrumented import InstrumentedUnitOfWork
from showtime_app.web.hub import Hub
from showtime_app.web.routes.streams import StreamSource
from showtime_core.domain.journal import Entry
from showtime_core.domain.reactions import Policy
from showtime_core.ports import UnitOfWork
from showtime_core.use_cases.group_commit import GroupCommit
from showtime_core.use_cases.receive import receive


@frozen
class Recording:
    """Where everything is recorded that happens to the channel."""

    units: UnitOfWork
    policy: Policy
    inbox: GroupCommit
    """Takes what need not be answered at once by itself."""


def wire_recording(resources: Resources, policy: Policy) -> Recording:
    """Record, and let go what is old."""
    kept = PostgresUnitOfWork(resources.recording)
    units = InstrumentedUnitOfWork(kept, resources.metrics, resources.writes)
    inbox = resources.lifecycle.manage(GroupCommit(partial(_receive, units, policy), kept.is_known))
    retention = Retention(
        resources.conninfo, resources.pool, timedelta(days=resources.settings.retention_days)
    )
    resources.lifecycle.run_in_background(retention.run)
    return Recording(units, policy, inbox)


def wire_feed(resources: Resources) -> StreamSource:
    """Follow what was recorded, whichever instance has recorded it."""
    hub = Hub(resources.metrics)
    feed = PostgresFeed(resources.conninfo, FEED, hub.publish, hub.is_watched)
    resources.lifecycle.run_in_background(feed.run)
    resources.lifecycle.on_stop(hub.close)
    replay = timedelta(minutes=resources.settings.alert_replay_minutes)
    return StreamSource(hub, partial(missed_alerts, resources.pool, replay))


async def _receive(units: UnitOfWork, policy: Policy, entries: Sequence[Entry]) -> None:
    await receive(entries, units, policy)
