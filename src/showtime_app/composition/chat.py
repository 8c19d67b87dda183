"""How chat is wired: its log, its streams, and whoever reads it."""

from collections.abc import Sequence
from functools import partial

from attrs import frozen

from showtime_adapters.postgres.chat_log import PostgresChatLog
from showtime_adapters.postgres.feed import CHAT, PostgresFeed
from showtime_adapters.postgres.leader import CHAT_KEY, Leadership
from showtime_adapters.twitch.irc import IrcReader
from showtime_app.composition.resources import Resources
from showtime_app.instrumented import InstrumentedChatLog
from showtime_app.web.hub import Hub
from showtime_app.web.routes.streams import ReadSome, StreamSource
from showtime_core.domain.chat import ChatSource
from showtime_core.domain.journal import Entry
from showtime_core.use_cases.group_commit import GroupCommit
from showtime_core.use_cases.record_chat import record_chat, record_chat_entries

_CLIENT_MAY_BE_BEHIND = 4096
"""Lines, in a flood: they are shared by all clients, and what is queued for each is but their place."""


@frozen
class Chat:
    """The chat, as one instance has it."""

    source: StreamSource
    recent: ReadSome
    inbox: GroupCommit
    """Takes what EventSub tells of chat."""
    kind: ChatSource
    """By which it is told."""


def wire_chat(resources: Resources) -> Chat:
    """Wire the chat; by IRC one instance reads for all, by EventSub whichever Twitch reaches."""
    settings, lifecycle = resources.settings, resources.lifecycle
    way = settings.chat_source if settings.has_chat else "off"
    log, hub = PostgresChatLog(resources.pool), Hub(resources.metrics, _CLIENT_MAY_BE_BEHIND)
    lifecycle.run_in_background(PostgresFeed(resources.conninfo, CHAT, hub.publish, hub.is_watched).run)
    lifecycle.on_stop(hub.close)
    if way == "irc" and settings.twitch_channel_name:
        _wire_reader(resources, settings.twitch_channel_name.lower())
    observed = InstrumentedChatLog(log, resources.metrics, resources.writes)
    take = partial(record_chat_entries, log=observed) if way == "eventsub" else _ignore
    inbox = lifecycle.manage(GroupCommit(take, log.is_known))
    return Chat(StreamSource(hub, log.missed), log.recent, inbox, way)


def _wire_reader(resources: Resources, channel: str) -> None:
    leadership = Leadership(resources.conninfo, CHAT_KEY)
    log = PostgresChatLog(resources.pool, leadership.require)
    reader = IrcReader(
        resources.settings.twitch_irc_url,
        channel,
        partial(record_chat, log=InstrumentedChatLog(log, resources.metrics, resources.writes)),
        log.report,
        resources.settings.twitch_ca_file,
    )
    resources.lifecycle.run_in_background(partial(leadership.run, reader.run))


async def _ignore(_: Sequence[Entry]) -> None:
    """Let chat go that another source tells already, or that nobody wants."""
