"""How chat is wired: its log, its streams, and whoever reads it."""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from attrs import frozen
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.postgres.chat_log import PostgresChatLog
from showtime_adapters.postgres.feed import CHAT, PostgresFeed
from showtime_adapters.postgres.group_commit import GroupCommit
from showtime_adapters.postgres.leader import CHAT_KEY, Leadership
from showtime_adapters.postgres.pool import Connection
from showtime_adapters.twitch.irc import IrcReader
from showtime_app.config import ChatSource, Settings
from showtime_app.metrics import Metrics
from showtime_app.observed import ObservedChatLog
from showtime_app.web.hub import Hub
from showtime_core.hearing import hear, hear_entries
from showtime_core.journal import Entry

_CLIENT_MAY_BE_BEHIND = 4096
"""Lines, in a flood: they are shared by all clients, and what is queued for each is but their place."""


@frozen
class Chat:
    """The chat, as one instance has it."""

    log: PostgresChatLog
    hub: Hub
    inbox: GroupCommit
    """Takes what EventSub tells of chat."""
    source: ChatSource
    work: tuple[Callable[[], Coroutine[Any, Any, None]], ...]
    """What must run beside the service."""


def wire_chat(
    settings: Settings,
    conninfo: str,
    pool: AsyncConnectionPool[Connection],
    metrics: Metrics,
) -> Chat:
    """Wire the chat; by IRC one instance reads for all, by EventSub whichever Twitch reaches."""
    source = settings.chat_source if settings.has_chat else "off"
    log, hub = PostgresChatLog(pool), Hub(metrics, _CLIENT_MAY_BE_BEHIND)
    follow = PostgresFeed(conninfo, CHAT, hub.publish, hub.is_watched)
    take = partial(hear_entries, log=ObservedChatLog(log, metrics)) if source == "eventsub" else _ignore
    work: list[Callable[[], Coroutine[Any, Any, None]]] = [follow.run]
    if source == "irc" and settings.twitch_channel_name:
        leadership = Leadership(conninfo, CHAT_KEY)
        led = PostgresChatLog(pool, leadership.require)
        reader = IrcReader(
            settings.twitch_irc_url,
            settings.twitch_channel_name.lower(),
            partial(hear, log=ObservedChatLog(led, metrics)),
            led.report,
            settings.twitch_ca_file,
        )
        work.append(partial(leadership.run, reader.run))
    return Chat(log, hub, GroupCommit(take, log.is_known), source, tuple(work))


async def _ignore(_: Sequence[Entry]) -> None:
    """Let chat go that another source tells already, or that nobody wants."""
