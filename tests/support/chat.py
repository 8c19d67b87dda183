"""What PostgreSQL has kept of chat, read back in the words of the core."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from showtime_adapters.postgres.chat_log import PostgresChatLog
from showtime_adapters.postgres.pool import make_pool
from showtime_core.domain.chat import ChatLine, ChatMessage, Clear, Deletion, Emote
from showtime_core.testing.contracts.chat_log import ChatStage

LINES = "select payload, viewer_id from showtime.chat_line order by id"


def render(text: str, emotes: Sequence[Emote]) -> str:
    """Put back the words for their codes, as a client puts pictures."""
    words = {str(number): emote.name for number, emote in enumerate(emotes)} | {"$": "$"}
    return re.sub(r"\$(\$|[0-9]+)", lambda code: words[code[1]], text)


@asynccontextmanager
async def chat_staged(conninfo: str) -> AsyncIterator[ChatStage]:
    """Set a stage on this database, for two instances."""

    async def read() -> list[ChatLine]:
        return chat_lines(conninfo)

    async with make_pool(conninfo) as pool, make_pool(conninfo) as other:
        yield ChatStage(PostgresChatLog(pool), PostgresChatLog(other), read)


def chat_lines(conninfo: str) -> list[ChatLine]:
    with psycopg.connect(conninfo) as connection:
        return [_read(*row) for row in connection.execute(LINES)]


def _read(payload: dict[str, Any], viewer_id: str | None) -> ChatLine:
    match payload:
        case {"type": "message", "message": {"emotes": emotes, **message}}:
            pictures = tuple(Emote(emote["url"].split("/")[5], emote["name"]) for emote in emotes)
            source = message.pop("channel", "")
            return ChatMessage(**message, viewer_id=viewer_id or "", emotes=pictures, source_channel=source)
        case {"type": "deletion", "deletion": {"messageIds": ids}}:
            return Deletion(tuple(ids))
        case {"type": "clear"}:
            return Clear()
    raise AssertionError(payload)
