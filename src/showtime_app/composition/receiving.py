"""How what Twitch tells is taken in: recorded with all that follows from it; chat has a log of its own."""

from collections.abc import Sequence
from functools import partial

from attrs import frozen

from showtime_adapters.twitch.eventsub import Receiver, RoutingInbox
from showtime_app.composition.ports import Ports, Storage
from showtime_app.config import Settings
from showtime_core.domain.journal import Entry
from showtime_core.domain.reactions import Policy
from showtime_core.use_cases.group_commit import GroupCommit
from showtime_core.use_cases.receive import receive
from showtime_core.use_cases.record_chat import RecordChat


@frozen
class Receiving:
    """What takes messages in."""

    inbox: GroupCommit
    """Takes what is recorded in the journal."""
    chat_inbox: GroupCommit
    record_chat: RecordChat
    receiver: Receiver
    """Takes the requests of Twitch."""


def make_receiving(settings: Settings, ports: Ports, storage: Storage, policy: Policy) -> Receiving:
    """Take messages in as the settings say, into this storage."""
    inbox = GroupCommit(partial(receive, units=storage.units, policy=policy), storage.is_recorded)
    streaks = inbox.submit if settings.alert_watch_streaks else None
    record_chat = RecordChat(storage.chat_log, settings.show_shared_chat, streaks)
    is_told_of_chat = settings.chat_way == "eventsub"
    record = record_chat.record_entries if is_told_of_chat else _ignore
    chat_inbox = GroupCommit(record, storage.is_chat_known)
    receiver = Receiver(settings.webhook_secrets, RoutingInbox(inbox, chat_inbox), ports.clock)
    return Receiving(inbox, chat_inbox, record_chat, receiver)


async def _ignore(_: Sequence[Entry]) -> None:
    """Let chat go that another source tells already, or that nobody wants."""
