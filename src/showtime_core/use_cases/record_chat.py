"""Use case: chat in. What was heard, by whatever way, is written to the chat log, once and in order."""

import logging
from collections.abc import Sequence

from showtime_core.domain.chat import Heard
from showtime_core.domain.events import ChatEvent
from showtime_core.domain.journal import Entry
from showtime_core.errors import Unavailable
from showtime_core.ports import ChatLog

_log = logging.getLogger(__name__)


async def hear(heard: Sequence[Heard], log: ChatLog) -> None:
    """Write what was heard; what spoils the rest is left out, and the rest is not hurt by it.

    Raises Unavailable if the database is away: say it again, and nothing is shown twice.
    """
    try:
        await log.write(heard)
    except Unavailable:
        raise
    except Exception:
        _log.exception("%d lines of chat could not be written, and are redone one by one", len(heard))
        for each in heard:
            await _hear_alone(each, log)


async def _hear_alone(heard: Heard, log: ChatLog) -> None:
    try:
        await log.write([heard])
    except Unavailable:
        raise
    except Exception:  # whatever it is, the next has its own chance; chat is not money
        _log.exception("a line of chat cannot be written, and is left out")


async def hear_entries(entries: Sequence[Entry], log: ChatLog) -> None:
    """Write what EventSub messages say of chat; raises Unavailable."""
    await hear(
        [
            Heard(entry.content, entry.id, entry.sent_at)
            for entry in entries
            if isinstance(entry.content, ChatEvent)
        ],
        log,
    )
