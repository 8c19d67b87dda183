"""Use case: write what IRC or EventSub reports of chat to the chat log, once and in order."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from attrs import frozen

from showtime_core.domain.chat import ChatReport
from showtime_core.domain.events import ChatEvent, ChatMessageSent, WatchStreak
from showtime_core.domain.journal import Entry
from showtime_core.domain.own_entries import watch_streak_entry
from showtime_core.errors import Unavailable
from showtime_core.ports import ChatLog

_log = logging.getLogger(__name__)


@frozen
class RecordChat:
    """Use case: show what is reported of chat, and announce the watch streaks in it."""

    log: ChatLog
    shows_shared: bool = False
    """Whether what was written in other rooms of a shared chat is shown; it is never announced."""
    announce: Callable[[Entry], Awaitable[None]] | None = None
    """Records a watch streak in the journal, where it has its alert; None: they have none."""

    async def record(self, reports: Sequence[ChatReport]) -> None:
        """Write reports of chat in order; one that cannot be written is left out, without hurting the others.

        Raises Unavailable if the database is away: report them again, and nothing is shown twice.
        """
        shown = [each for each in reports if self.shows_shared or not _source_channel(each.event)]
        try:
            if shown:
                await self.log.write(shown)
        except Unavailable:
            raise
        except Exception:
            _log.exception("%d lines of chat could not be written, and are redone one by one", len(shown))
            for each in shown:
                await self._record_alone(each)
        for each in shown:
            await self._announce(each.event)

    async def record_entries(self, entries: Sequence[Entry]) -> None:
        """Write what EventSub messages report of chat; raises Unavailable."""
        await self.record(
            [
                ChatReport(entry.content, entry.id, entry.sent_at)
                for entry in entries
                if isinstance(entry.content, ChatEvent)
            ]
        )

    async def _record_alone(self, report: ChatReport) -> None:
        try:
            await self.log.write([report])
        except Unavailable:
            raise
        except Exception:  # whatever it is, the next has its own chance; chat is not money
            _log.exception("a line of chat cannot be written, and is left out")

    async def _announce(self, event: ChatEvent) -> None:
        match event:
            case WatchStreak(message_id, source_channel="") if self.announce and message_id:
                await self.announce(watch_streak_entry(event))


def _source_channel(event: ChatEvent) -> str:
    return event.source_channel if isinstance(event, ChatMessageSent) else ""
