"""What is kept in PostgreSQL: for the service, and for commands that look at it beside the servers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from psycopg_pool import AsyncConnectionPool

from showtime_adapters.ledger import CHANGES_AT_ONCE
from showtime_adapters.postgres.chat_log import PostgresChatLog
from showtime_adapters.postgres.empty_channel import PostgresEmptyChannel
from showtime_adapters.postgres.feed import CHAT, FEED, PostgresFeed, missed_alerts
from showtime_adapters.postgres.ghost_approvals import PostgresGhostApprovals
from showtime_adapters.postgres.ghosts import PostgresGhosts
from showtime_adapters.postgres.health import PostgresHealthStore, read_pending_work
from showtime_adapters.postgres.heartbeat import VALID_FOR, Heartbeat
from showtime_adapters.postgres.history import PostgresHistory
from showtime_adapters.postgres.leader import CHAT_KEY, PREFLIGHT_KEY, PRUNING_KEY, TWITCH_KEY, Leadership
from showtime_adapters.postgres.ledger import PostgresLedger
from showtime_adapters.postgres.night_feed import PostgresNightFeedStore
from showtime_adapters.postgres.nights import PostgresNights
from showtime_adapters.postgres.outbox import PostgresOutbox
from showtime_adapters.postgres.parked import PostgresParkedItems
from showtime_adapters.postgres.pool import Connection, make_pool
from showtime_adapters.postgres.preflight import PostgresPreflightStore, PostgresTrial
from showtime_adapters.postgres.readiness import require_ready
from showtime_adapters.postgres.recorded import recorded_show
from showtime_adapters.postgres.relay import Relay
from showtime_adapters.postgres.retention import Retention
from showtime_adapters.postgres.sessions import PostgresModerators, PostgresOneTimeCodes, PostgresSessions
from showtime_adapters.postgres.show.follower import ShowFollower
from showtime_adapters.postgres.show.secret_store import PostgresShowSecrets
from showtime_adapters.postgres.show.store import PostgresShow
from showtime_adapters.postgres.state import read_state
from showtime_adapters.postgres.unit_of_work import PostgresUnitOfWork
from showtime_adapters.postgres.writability import Writability
from showtime_adapters.twitch.messages import read_again
from showtime_app.composition.ports import Storage, Work
from showtime_app.config import Settings
from showtime_app.instrumented import Perform
from showtime_app.setup.ports import ChannelDatabase
from showtime_app.upkeep import repeat
from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.health import Health
from showtime_core.domain.nights.file import NightFile
from showtime_core.domain.points_and_ghosts.ghosts import GhostTask
from showtime_core.errors import Unavailable
from showtime_core.use_cases import transfer
from showtime_core.use_cases.decide_parked import DecideParked
from showtime_core.use_cases.dispatch import WorkerPool
from showtime_core.use_cases.pressure import Pressure
from showtime_core.use_cases.replay.differences import Tell
from showtime_core.use_cases.replay.replay import Replay, ReplaySummary

_POINTS = ("credit-cheer", "credit-subscription", "credit-gift-subs", "summon-ghost")
_WORKER_POOLS = (
    WorkerPool(
        frozenset({*_POINTS, *(f"check-{kind}" for kind in _POINTS), GhostTask.PAY, GhostTask.REFUND}),
        size=48,
        at_most=CHANGES_AT_ONCE,
    ),
    WorkerPool(frozenset({GhostTask.PAINT}), size=2),
    WorkerPool(frozenset({GhostTask.STORE, GhostTask.SHOW, GhostTask.POST}), size=4),
)
"""Points wait for nobody who paints; painting is slow, and paid for by the image."""


def postgres_storage(conninfo: str, retention: timedelta) -> Storage:
    """Keep everything in one database; nothing is connected yet."""
    pool = make_pool(conninfo)  # whoever borrows a connection has a transaction
    recording = make_pool(conninfo, autocommit=True)  # each statement is a transaction of its own
    writes, heartbeat, chat_leadership = Writability(recording), Heartbeat(), Leadership(conninfo, CHAT_KEY)
    units = PostgresUnitOfWork(recording)
    outbox = PostgresOutbox(recording, VALID_FOR, watched=writes.watched)
    chat_log, leader_chat_log = PostgresChatLog(pool), PostgresChatLog(pool, chat_leadership.require)
    return Storage(
        resources=(pool, recording),
        require_ready=partial(_require_ready_to_write, pool, writes),
        require_writable=writes.require,
        writes=writes,
        prune=_pruning(conninfo, pool, retention),
        units=units,
        is_recorded=units.is_known,
        parked=PostgresParkedItems(recording),
        history=PostgresHistory(pool),
        nights=PostgresNights(pool),
        ghosts=PostgresGhosts(recording),
        ghost_approvals=PostgresGhostApprovals(recording),
        health=PostgresHealthStore(pool),
        read_health=partial(_read_health, pool),
        read_pending_work=partial(read_pending_work, pool),
        exclusive=Leadership(conninfo, TWITCH_KEY).once,
        preflight=PostgresPreflightStore(recording),
        challenge_alone=Leadership(conninfo, PREFLIGHT_KEY).once,
        trial=PostgresTrial(pool, writes),
        follow_feed=lambda publish, is_watched: PostgresFeed(conninfo, FEED, publish, is_watched).run,
        missed_alerts=partial(missed_alerts, pool),
        read_feed_tip=partial(FEED.read_tip_of, pool),
        night_feed=PostgresNightFeedStore(pool),
        show=PostgresShow(recording),
        show_secrets=PostgresShowSecrets(recording),
        sessions=PostgresSessions(recording),
        moderators=PostgresModerators(recording),
        one_time_codes=PostgresOneTimeCodes(recording),
        follow_show=lambda look, is_watched: ShowFollower(conninfo, look, is_watched).run,
        follow_chat=lambda publish, is_watched: PostgresFeed(conninfo, CHAT, publish, is_watched).run,
        read_chat_tip=partial(CHAT.read_tip_of, pool),
        chat_log=chat_log,
        is_chat_known=chat_log.is_known,
        missed_chat=chat_log.missed,
        recent_chat=chat_log.recent,
        lead_chat=chat_leadership.run,
        leader_chat_log=leader_chat_log,
        report_chat=leader_chat_log.report,
        ledger=PostgresLedger(recording),
        outbox=outbox,
        relay=partial(_make_relay, conninfo, outbox, heartbeat, units.pressure),
        require_alive=heartbeat.require,
    )


def _make_relay(
    conninfo: str, outbox: PostgresOutbox, heartbeat: Heartbeat, pressure: Pressure, perform: Perform
) -> Relay:
    return Relay(conninfo, outbox, perform, _WORKER_POOLS, heartbeat, pressure=pressure)


def _pruning(conninfo: str, pool: AsyncConnectionPool[Connection], retention: timedelta) -> Work:
    """Prune once a day, on one instance."""
    prune = Retention(pool, retention).prune
    once = partial(Leadership(conninfo, PRUNING_KEY).once, prune, patience_seconds=5.0)
    return partial(repeat, "pruning", once, 24 * 3600.0, after_failure=600.0)


async def _require_ready_to_write(pool: AsyncConnectionPool[Connection], writes: Writability) -> None:
    await require_ready(pool)
    await writes.require()


async def _read_health(pool: AsyncConnectionPool[Connection]) -> tuple[ChannelState, Health]:
    return await read_state(pool), await PostgresHealthStore(pool).read()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[ChannelDatabase | None]:
    """Reach the database of the channel, where one is named."""
    if not settings.has_database:
        yield None
        return
    async with make_pool(settings.conninfo, max_size=1) as pool:
        exclusive = Leadership(settings.conninfo, TWITCH_KEY).once
        yield ChannelDatabase(exclusive, partial(_read_health, pool), PostgresHealthStore(pool).save_twitch)


@asynccontextmanager
async def open_decide_parked(conninfo: str) -> AsyncIterator[DecideParked]:
    """Open the use case for a while, beside the servers that may run."""
    async with make_pool(conninfo, max_size=1, autocommit=True) as pool:
        yield DecideParked(PostgresParkedItems(pool), PostgresUnitOfWork(pool), read_again)


async def replay(conninfo: str, tell: Tell) -> ReplaySummary:
    """Replay the journal, and tell where what follows is not what was recorded; raises Unavailable."""
    async with make_pool(conninfo, max_size=1) as pool, recorded_show(pool) as recorded:
        return await Replay(recorded, read_again, tell).run()


async def export_night(conninfo: str, broadcast_id: int | None, *, with_names: bool) -> Iterator[str]:
    """Give the lines of the file of a night, or of the latest; raises NotFound, or Unavailable."""
    async with make_pool(conninfo, max_size=1) as pool:
        return await transfer.export_night(
            PostgresNights(pool), read_again, broadcast_id, with_names=with_names
        )


async def import_night(conninfo: str, night: NightFile) -> transfer.ImportSummary:
    """Record a night from its file in an empty channel; raises Refused, or Unavailable."""
    async with make_pool(conninfo, max_size=1, autocommit=True) as pool:
        return await transfer.ImportNight(PostgresEmptyChannel(pool), read_again).run(night)


async def set_vod_url(conninfo: str, broadcast_id: int, url: str) -> None:
    """Keep where the recording of a night is; raises NotFound, or Unavailable."""
    async with make_pool(conninfo, max_size=1) as pool:
        await PostgresHistory(pool).set_vod_url(broadcast_id, url)


@contextmanager
def embedded_database(data_dir: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own in this folder; gives its connection string. Raises Unavailable."""
    if find_spec("fcntl") is None:
        raise Unavailable(
            "there is no embedded PostgreSQL on Windows: run a PostgreSQL of your own, and name it by PGHOST,"
            " PGUSER, PGPASSWORD and PGDATABASE"
        )
    from showtime_adapters.postgres.embedded.database import EmbeddedPostgres  # noqa: PLC0415 - Unix alone has it

    with EmbeddedPostgres.start(data_dir) as server:
        yield server.conninfo
