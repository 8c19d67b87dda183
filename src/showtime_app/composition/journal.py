"""How what arrives is recorded, and how what was recorded is shown."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from attrs import frozen

from showtime_adapters.postgres.feed import FEED, PostgresFeed, missed_alerts
from showtime_adapters.postgres.retention import Retention
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_app.composition.resources import Ground
from showtime_app.instrumented import ObservedUnits
from showtime_app.web.hub import Hub
from showtime_app.web.routes.streams import Source
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


def wire_recording(ground: Ground, policy: Policy) -> Recording:
    """Record, and let go what is old."""
    kept = PostgresUnitOfWork(ground.recording)
    units = ObservedUnits(kept, ground.metrics, ground.writes)
    inbox = ground.parts.hold(GroupCommit(partial(_receive, units, policy), kept.is_known))
    retention = Retention(ground.conninfo, ground.pool, timedelta(days=ground.settings.retention_days))
    ground.parts.keep_doing(retention.run)
    return Recording(units, policy, inbox)


def wire_feed(ground: Ground) -> Source:
    """Follow what was recorded, whichever instance has recorded it."""
    hub = Hub(ground.metrics)
    feed = PostgresFeed(ground.conninfo, FEED, hub.publish, hub.is_watched)
    ground.parts.keep_doing(feed.run)
    ground.parts.when_told_to_stop(hub.close)
    replay = timedelta(minutes=ground.settings.alert_replay_minutes)
    return Source(hub, partial(missed_alerts, ground.pool, replay))


async def _receive(units: UnitOfWork, policy: Policy, entries: Sequence[Entry]) -> None:
    await receive(entries, units, policy)
