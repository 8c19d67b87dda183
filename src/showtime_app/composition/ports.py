"""What the service is given: all that is outside it, be it PostgreSQL and neighbours or in memory."""

import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, Self

from attrs import evolve, frozen

from showtime_app.composition.neighbours import Neighbours
from showtime_app.instrumented import InstrumentedChatLog, InstrumentedUnitOfWork, Perform, Writes
from showtime_app.metrics import Metrics
from showtime_app.setup.ports import Exclusive, TwitchAccess
from showtime_app.web.routes.streams import ReadSome
from showtime_core import ports
from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.chat import ChatReport
from showtime_core.domain.feed import FeedEntry, FeedPosition
from showtime_core.domain.health import Health, PendingWork
from showtime_core.domain.viewers import Viewer

if TYPE_CHECKING:  # a laptop alone needs what simulates
    from showtime_app.simulate.panel import SimulationPanel

Work = Callable[[], Coroutine[Any, Any, None]]
"""Begins something that runs beside the service until it is cancelled."""
Follow = Callable[[Callable[[FeedPosition, Sequence[FeedEntry]], None], Callable[[], bool]], Work]
"""Makes the work that hands what is new, and how far it leads, to the first function while the second tells
that somebody is there to be shown it."""
ReadTip = Callable[[], Awaitable[FeedPosition]]
"""Reads how far what was recorded leads, of which this instance may not have read all; raises Unavailable."""
RecordChat = Callable[[Sequence[ChatReport]], Awaitable[None]]


class Relay(AbstractAsyncContextManager[Any], Protocol):
    """Performs what is due in the outbox while its context is open."""

    def stop(self) -> None:
        """Begin nothing more."""


@frozen(kw_only=True)
class Storage:
    """What is kept for all instances of a channel, and how one instance hears of what another has written."""

    resources: Sequence[AbstractAsyncContextManager[Any]]
    """What is opened before anything here is used."""
    require_ready: Callable[[], Awaitable[None]]
    """Raises Unavailable while it cannot be used, with the reason."""
    require_writable: Callable[[], Awaitable[None]]
    """Raises Unavailable from a write that failed until one succeeds."""
    writes: Writes
    prune: Work
    """Lets go what is older than it has to be kept."""

    units: ports.UnitOfWork
    is_recorded: Callable[[str], Coroutine[Any, Any, bool]]
    """Tells whether the journal has an entry of this id; raises Unavailable."""
    parked: ports.ParkedItems
    history: ports.History
    nights: ports.Nights
    ghosts: ports.Ghosts
    ghost_approvals: ports.GhostApprovals
    health: ports.HealthStore
    read_health: Callable[[], Awaitable[tuple[ChannelState, Health]]]
    """Reads how everything stands; raises Unavailable."""
    read_pending_work: Callable[[], Awaitable[PendingWork]]
    exclusive: Exclusive
    """Does what is done at Twitch."""
    preflight: ports.PreflightStore
    challenge_alone: Exclusive
    """Does what makes Twitch challenge us."""
    trial: ports.WritableDatabase

    follow_feed: Follow
    missed_alerts: Callable[[timedelta, int, int], Awaitable[Sequence[FeedEntry]]]
    """Reads alerts that are not older than this, after one id and up to another; raises Unavailable."""

    night_feed: ports.NightFeedStore
    show: ports.ShowStore
    show_secrets: ports.ShowSecrets
    sessions: ports.Sessions
    moderators: ports.Moderators
    one_time_codes: ports.OneTimeCodes
    follow_show: Callable[[Callable[[], Awaitable[None]], Callable[[], bool]], Work]
    """Makes the work that calls the first function whenever the show may have changed, while the second tells
    that somebody is there to be told; the first raises Unavailable."""

    read_feed_tip: ReadTip
    follow_chat: Follow
    read_chat_tip: ReadTip
    chat_log: ports.ChatLog
    is_chat_known: Callable[[str], Coroutine[Any, Any, bool]]
    missed_chat: ReadSome
    recent_chat: ReadSome
    lead_chat: Callable[[Work], Coroutine[Any, Any, None]]
    """Does work while no other instance does it, until cancelled."""
    leader_chat_log: ports.ChatLog
    """The chat log for that work: raises Unavailable where another leads by now."""
    report_chat: Callable[[str | None], Awaitable[None]]
    """Says for that work how it fares."""

    ledger: ports.PagedLedger
    """The embedded one."""
    outbox: ports.Outbox
    relay: Callable[[Perform], Relay]
    require_alive: Callable[[], None]
    """Raises Unavailable if other instances may take this one for gone, and its effects for theirs."""

    def instrumented(self, metrics: Metrics, clock: Callable[[], datetime]) -> Self:
        """Count, time and log what is written."""
        return evolve(
            self,
            units=InstrumentedUnitOfWork(self.units, metrics, self.writes),
            chat_log=InstrumentedChatLog(self.chat_log, metrics, self.writes, clock),
            leader_chat_log=InstrumentedChatLog(self.leader_chat_log, metrics, self.writes, clock),
        )


@frozen(kw_only=True)
class Ports:
    """All that is outside one instance of the service."""

    storage: Storage
    neighbours: Neighbours
    authenticator: ports.Authenticator
    twitch: Callable[[], AbstractAsyncContextManager[TwitchAccess]] | None = None
    """None: nobody looks after the channel at Twitch."""
    identity_provider: ports.IdentityProvider | None = None
    """Where hosts sign in; None: nowhere."""
    local_host: Viewer | None = None
    """As whom one is let in on a laptop; None: nobody is."""
    look_up_keys: Callable[[], Awaitable[int]] | None = None
    """Fetches the keys of auth, and tells how many there are; None: tokens are our own."""
    read_chat: Callable[[RecordChat], Work] | None = None
    """Makes the work that reads chat; None: it comes as messages do, or there is none."""
    simulation: "SimulationPanel | None" = None
    """Sends simulated events, for a page of a laptop; None: nobody does."""
    chance: Callable[[], float] = random.random
    """Gives numbers from 0 up to 1, which spread the tries of effects."""
    clock: Callable[[], datetime] = partial(datetime.now, UTC)
    """Tells the time by which messages must be recent, and the lag of chat is measured."""
