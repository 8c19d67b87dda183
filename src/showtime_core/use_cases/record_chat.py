"""Use case: chat in. What was heard, by whatever way, is written to the chat log, once and in order."""

import logging
from collections.abc import Sequence

from showtime_core.domain.chat import ChatReport
from showtime_core.domain.events import ChatEvent
from showtime_core.domain.journal import Entry
from showtime_core.errors import Unavailable
from showtime_core.ports import ChatLog

_log = logging.getLogger(__name__)


async def record_chat(reports: Sequence[ChatReport], log: ChatLog) -> None:
    """Write reports of chat in order; one that cannot be written is left out, without hurting the others.

    Raises Unavailable if the database is away: report them again, and nothing is shown twice.
    """
    try:
        await log.write(reports)
    except Unavailable:
        raise
    except Exception:
        _log.exception("%d lines of chat could not be written, and are redone one by one", len(reports))
        for each in reports:
            await _record_alone(each, log)


async def _record_alone(report: ChatReport, log: ChatLog) -> None:
    try:
        await log.write([report])
    except Unavailable:
        raise
    except Exception:  # whatever it is, the next has its own chance; chat is not money
        _log.exception("a line of chat cannot be written, and is left out")


async def record_chat_entries(entries: Sequence[Entry], log: ChatLog) -> None:
    """Write what EventSub messages report of chat; raises Unavailable."""
    await record_chat(
        [
            ChatReport(entry.content, entry.id, entry.sent_at)
            for entry in entries
            if isinstance(entry.content, ChatEvent)
        ],
        log,
    )
