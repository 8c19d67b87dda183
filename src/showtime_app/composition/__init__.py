"""The composition root: the only package that names adapters."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from litestar.types import ControllerRouterHandler

from showtime_adapters.auth import AuthService
from showtime_adapters.local.tokens import TokenIssuer
from showtime_adapters.postgres import migrations
from showtime_adapters.postgres.backlog import read_backlog
from showtime_adapters.postgres.feed import FEED, PostgresFeed, missed_alerts
from showtime_adapters.postgres.ghosts import PostgresGhosts
from showtime_adapters.postgres.group_commit import GroupCommit
from showtime_adapters.postgres.history import PostgresHistory
from showtime_adapters.postgres.ledger import PostgresLedger
from showtime_adapters.postgres.pool import make_pool
from showtime_adapters.postgres.pulse import Pulse
from showtime_adapters.postgres.readiness import require_ready
from showtime_adapters.postgres.retention import Retention
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_adapters.shapes import shapes
from showtime_adapters.twitch.eventsub import Receiver, Sorted
from showtime_app.composition.chat import wire_chat
from showtime_app.composition.effects import wire_relay
from showtime_app.composition.neighbours import Laptop, watched, wire_neighbours
from showtime_app.composition.parked import open_desk, wire_desk
from showtime_app.composition.twitch import Keeper, at_home, at_twitch, read_standing
from showtime_app.config import Settings
from showtime_app.dev_file import DevFile
from showtime_app.metrics import Metrics
from showtime_app.observed import ObservedUnits
from showtime_app.server import Server, create_app
from showtime_app.web import (
    admin,
    callback,
    console,
    ghosts,
    history,
    parked,
    request_id,
    shield,
    status,
    streams,
)
from showtime_app.web.access import broadcaster_only, viewers_only
from showtime_app.web.hub import Hub
from showtime_app.web.patience import Patience
from showtime_app.web.places import StreamLimits
from showtime_core.effects import Feature
from showtime_core.journal import Entry
from showtime_core.ports import Authenticator, UnitOfWork
from showtime_core.reactions import Policy
from showtime_core.receiving import receive
from showtime_core.requesting import Counter
from showtime_core.viewers import Role, Viewer

__all__ = [
    "at_home",
    "at_twitch",
    "dev",
    "embedded_database",
    "issue_local_token",
    "live",
    "migrate_down",
    "migrate_up",
    "migration_status",
    "open_desk",
    "set_vod_url",
]

_log = logging.getLogger(__name__)

migrate_up = migrations.migrate_up
migrate_down = migrations.migrate_down
migration_status = migrations.status


def live(settings: Settings) -> Server:
    """Wire the service for a channel, from its settings."""
    return _compose(settings, settings.conninfo, settings.webhook_secrets)


def dev(settings: Settings, conninfo: str, dev_file: DevFile, data_dir: Path) -> Server:
    """Wire the service for a laptop: every feature is on, and tokens are our own where the database is."""
    secrets = (dev_file.webhook_secret, *settings.webhook_secrets)
    if "chat_source" not in settings.model_fields_set:  # what is simulated comes by EventSub
        settings = settings.model_copy(update={"chat_source": "eventsub"})
    laptop = Laptop(data_dir, dev_file.url)
    return _compose(settings, conninfo, secrets, dev_file.token_secret, laptop)


@contextmanager
def embedded_database(data_dir: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own in this folder; gives its connection string. Raises Unavailable."""
    # Each is imported here, since the one needs a Unix system, and `serve` needs neither.
    if os.name == "nt":
        from showtime_adapters.postgres.embedded_portable import portable_postgres  # noqa: PLC0415

        with portable_postgres(data_dir) as conninfo:
            yield conninfo
    else:
        from showtime_adapters.postgres.embedded import EmbeddedPostgres  # noqa: PLC0415

        with EmbeddedPostgres.start(data_dir) as server:
            yield server.conninfo


async def set_vod_url(conninfo: str, broadcast_id: int, url: str) -> None:
    """Keep where the recording of a night is; raises NotFound, or Unavailable."""
    async with make_pool(conninfo, max_size=1) as pool:
        await PostgresHistory(pool).set_vod_url(broadcast_id, url)


def issue_local_token(secret: str, viewer: Viewer, role: Role) -> str:
    """Issue a bearer token that `showtime dev` accepts."""
    return TokenIssuer(secret).issue(viewer, role)


def _compose(
    settings: Settings,
    conninfo: str,
    secrets: tuple[str, ...],
    token_secret: str | None = None,
    laptop: Laptop | None = None,
) -> Server:
    """Wire the service; without a secret for tokens of our own they are the business of the auth service.

    A laptop is harmless: it makes itself what the settings do not name, and changes nothing at Twitch.
    """
    metrics = Metrics()
    auth = AuthService(settings.auth_url, watched(metrics, "auth"))
    authenticator: Authenticator = TokenIssuer(token_secret) if token_secret else auth
    pool = make_pool(conninfo)
    recording = make_pool(conninfo, autocommit=True)
    bank = PostgresLedger(recording)
    pulse = Pulse()
    neighbours = wire_neighbours(settings, bank, pulse.require, metrics, laptop)
    policy = Policy(settings.alert_gift_recipients, neighbours.features)
    kept = PostgresUnitOfWork(recording)
    units = ObservedUnits(kept, metrics)
    past = PostgresHistory(pool)
    group = GroupCommit(partial(_receive, units, policy), kept.is_known)
    hub = Hub(metrics)
    feed = PostgresFeed(conninfo, FEED, hub.publish, hub.is_watched)
    chat = wire_chat(settings, conninfo, pool, metrics)
    relay = wire_relay(settings, conninfo, recording, neighbours, group.submit, metrics, pulse)
    keeps = laptop is None and settings.twitch_app is not None
    keeper = Keeper(settings, conninfo, pool, units, policy, watched(metrics, "twitch")) if keeps else None
    retention = Retention(conninfo, pool, timedelta(days=settings.retention_days))
    work = (feed.run, retention.run, *chat.work, *((keeper.run,) if keeper else ()))
    check = partial(require_ready, pool)
    asked = PostgresGhosts(recording)
    counter = Counter(units, neighbours.bank or bank, asked, policy)
    patience = Patience(ghosts.WAIT_SECONDS)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with (
            pool,
            recording,
            group,
            chat.inbox,
            auth,
            neighbours.opened(),
            relay or nullcontext(),
            _background(*work),
        ):
            yield

    def stop() -> None:
        hub.close()
        chat.hub.close()
        patience.end()
        if relay:
            relay.stop()

    off = sorted(set(Feature) - policy.features) + ([] if settings.has_chat else ["chat"])
    replay = timedelta(minutes=settings.alert_replay_minutes)
    handlers: list[ControllerRouterHandler] = [
        *streams.routes(
            streams.Source(hub, partial(missed_alerts, pool, replay)),
            streams.Source(chat.hub, chat.log.missed),
            chat.log.recent,
        ),
        *status.routes(
            status.Watch(
                partial(read_standing, pool),
                off,
                is_checked=keeper is not None,
                is_chat_read=chat.source == "irc",
            ),
            check,
            metrics,
            partial(read_backlog, pool),
        ),
        history.router(past),
        *ghosts.routes(counter, asked, patience, viewers_only(authenticator)),
        console.route(partial(read_standing, pool), off, broadcaster_only(authenticator)),
        admin.router(units, past, policy, broadcaster_only(authenticator)),
        parked.router(wire_desk(recording, units), broadcaster_only(authenticator)),
        *neighbours.routes,
    ]
    app = create_app(handlers, running, shapes(), settings.cors_allowed_origins)
    limits = StreamLimits(settings.max_streams, settings.max_streams_per_address, settings.trusted_networks)
    receiver = Receiver(secrets, Sorted(group, chat.inbox))
    front = callback.in_front(shield.shielded(app, limits, metrics), receiver.receive, metrics)
    return Server(request_id.with_request_id(front), stop, off)


async def _receive(units: UnitOfWork, policy: Policy, entries: Sequence[Entry]) -> None:
    await receive(entries, units, policy)


@asynccontextmanager
async def _background(*work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Let something run beside the service, until the service stops."""
    tasks = [asyncio.create_task(each()) for each in work]
    for task in tasks:
        task.add_done_callback(_tell_of_failure)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell_of_failure(task: asyncio.Task[None]) -> None:
    """None of it is meant to end: if it does, somebody must know."""
    if not task.cancelled() and (failure := task.exception()):
        _log.error("something ended that must run beside the service", exc_info=failure)
