"""How chat is wired: its log, its streams, and whoever reads it."""

from collections.abc import Sequence
from functools import partial

from attrs import frozen

from showtime_adapters.postgres.chat_log import PostgresChatLog
from showtime_adapters.postgres.feed import CHAT, PostgresFeed
from showtime_adapters.postgres.leader import CHAT_KEY, Leadership
from showtime_adapters.twitch.irc import IrcReader
from showtime_app.composition.resources import Ground
from showtime_app.instrumented import ObservedChatLog
from showtime_app.web.hub import Hub
from showtime_app.web.routes.streams import ReadSome, Source
from showtime_core.domain.chat import ChatSource
from showtime_core.domain.journal import Entry
from showtime_core.use_cases.group_commit import GroupCommit
from showtime_core.use_cases.record_chat import hear, hear_entries

_CLIENT_MAY_BE_BEHIND = 4096
"""Lines, in a flood: they are shared by all clients, and what is queued for each is but their place."""


@frozen
class Chat:
    """The chat, as one instance has it."""

    source: Source
    recent: ReadSome
    inbox: GroupCommit
    """Takes what EventSub tells of chat."""
    way: ChatSource
    """By which it is told."""


def wire_chat(ground: Ground) -> Chat:
    """Wire the chat; by IRC one instance reads for all, by EventSub whichever Twitch reaches."""
    settings, parts = ground.settings, ground.parts
    way = settings.chat_source if settings.has_chat else "off"
    log, hub = PostgresChatLog(ground.pool), Hub(ground.metrics, _CLIENT_MAY_BE_BEHIND)
    parts.keep_doing(PostgresFeed(ground.conninfo, CHAT, hub.publish, hub.is_watched).run)
    parts.when_told_to_stop(hub.close)
    if way == "irc" and settings.twitch_channel_name:
        _wire_reader(ground, settings.twitch_channel_name.lower())
    observed = ObservedChatLog(log, ground.metrics, ground.writes)
    take = partial(hear_entries, log=observed) if way == "eventsub" else _ignore
    inbox = parts.hold(GroupCommit(take, log.is_known))
    return Chat(Source(hub, log.missed), log.recent, inbox, way)


def _wire_reader(ground: Ground, channel: str) -> None:
    leadership = Leadership(ground.conninfo, CHAT_KEY)
    log = PostgresChatLog(ground.pool, leadership.require)
    reader = IrcReader(
        ground.settings.twitch_irc_url,
        channel,
        partial(hear, log=ObservedChatLog(log, ground.metrics, ground.writes)),
        log.report,
        ground.settings.twitch_ca_file,
    )
    ground.parts.keep_doing(partial(leadership.run, reader.run))


async def _ignore(_: Sequence[Entry]) -> None:
    """Let chat go that another source tells already, or that nobody wants."""
