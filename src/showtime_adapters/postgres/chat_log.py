"""The chat log in PostgreSQL: bounded, in one order, and apart from the channel's lock."""

from collections.abc import Awaitable, Callable, Sequence
from typing import LiteralString

from attrs import frozen
from psycopg.rows import class_row, scalar_row

from showtime_adapters.encoding import encode
from showtime_adapters.postgres import pool as db
from showtime_adapters.wire import chat_document
from showtime_core.domain import chat
from showtime_core.domain.feed import FeedEntry

MAX_LINES = 20_000
"""How many of the latest lines are kept, for instances that are behind in a flood; and how many of the latest
keys, for Twitch repeats a message within minutes."""
_PRUNED_EVERY = 1000
"""Lines, or keys: to look for what is old takes longer than to write a few lines."""

# Takes the lock of the chat, as every transaction does first that writes lines: ids are in the order of
# commits. The rest is read in a statement of its own, which sees what the one before has committed.
_LOCK: LiteralString = "select from showtime.chat_room for update"

# The messages of the backlog, oldest first.
_BACKLOG: LiteralString = """
    select message_id, viewer_id, is_deleted from (
        select * from showtime.chat_line where message_id is not null order by id desc limit %s
    ) as latest order by id
"""

# Tells which of some keys were heard before. It is never prepared, nor is `_WRITE`: a plan that was made for
# small tables reads all of them for each key, until the server has looked at them again.
_KNOWN: LiteralString = "select key from showtime.chat_heard where key = any(%s)"

# Writes all that follows in one statement, and wakes those who follow the chat.
_WRITE: LiteralString = """
    with shown as (
        insert into showtime.chat_line (id, message_id, viewer_id, is_deleted, payload, shown_at)
        select last_line_id + ordinal, message_id, viewer_id, coalesce(message_id = any(%(deleted)s), false),
               payload, clock_timestamp()
        from showtime.chat_room, rows from (
            json_to_recordset(%(lines)s) as (message_id text, viewer_id text, payload json)
        ) with ordinality as l (message_id, viewer_id, payload, ordinal)
    ), deleted as (
        update showtime.chat_line set is_deleted = true
        where message_id = any(%(deleted)s) and not is_deleted
    ), heard as (
        insert into showtime.chat_heard (key, position)
        select key, last_position + ordinal
        from showtime.chat_room, unnest(%(keys)s::text[]) with ordinality as k (key, ordinal)
    )
    update showtime.chat_room set
        last_line_id = last_line_id + %(line_count)s,
        last_position = last_position + %(key_count)s
    returning last_line_id, last_position, (select pg_notify('showtime_chat', '') where %(line_count)s > 0)
"""

# Removes the oldest lines and keys.
_PRUNE: LiteralString = """
    with room as (select last_line_id, last_position from showtime.chat_room), lines as (
        delete from showtime.chat_line where id <= (select last_line_id from room) - %(kept)s
    )
    delete from showtime.chat_heard where position <= (select last_position from room) - %(kept)s
"""

# What a client has missed, but no more than the latest messages.
_MISSED: LiteralString = """
    select id, 'chat' as stream, payload::text from showtime.chat_line
    where id <= %(until)s and id > %(after)s and id > coalesce((
        select id from showtime.chat_line where message_id is not null
        order by id desc offset %(messages)s limit 1), 0)
    order by id
"""

# Those of the latest messages that are still to be seen, oldest first.
_RECENT: LiteralString = """
    with backlog as (
        select id, is_deleted, payload from showtime.chat_line
        where message_id is not null and id <= %(until)s order by id desc limit %(messages)s
    ), seen as (
        select id, payload::text from backlog where not is_deleted order by id desc limit %(count)s
    )
    select id, 'chat' as stream, payload from seen order by id
"""

_REPORT: LiteralString = "update showtime.chat_room set trouble = %s, seen_at = clock_timestamp()"


async def _require_nothing(_: db.Connection) -> None:
    """Let anybody write."""


@frozen
class PostgresChatLog:
    """What is shown of chat; see `showtime_core.ports.ChatLog`."""

    pool: db.Pool
    require: Callable[[db.Connection], Awaitable[None]] = _require_nothing
    """Raises Unavailable if whoever writes here may not any more. Asked under the lock, so that whoever may
    instead writes after it."""

    async def write(self, reports: Sequence[chat.ChatReport]) -> None:
        """Write what follows from what had not been heard before; raises Unavailable."""
        keys = [key for each in reports for key in each.dedup_keys]
        async with db.connected(self.pool) as connection:
            async with connection.pipeline():  # in one round trip: in a flood they are what takes the time
                await connection.execute(_LOCK)
                known = connection.cursor(row_factory=scalar_row)
                await known.execute(_KNOWN, [keys], prepare=False)
                backlog = connection.cursor(row_factory=class_row(chat.BacklogMessage))
                await backlog.execute(_BACKLOG, [chat.BACKLOG_LENGTH])
                await self.require(connection)
            changes = chat.plan_chat_changes(
                tuple(await backlog.fetchall()), set(await known.fetchall()), reports
            )
            if changes.lines or changes.dedup_keys:
                await _write(connection, changes)

    async def is_known(self, entry_id: str) -> bool:
        """Tell whether an EventSub message is among those heard lately; raises Unavailable."""
        return await db.fetch_value(self.pool, _KNOWN, [[chat.report_key(entry_id)]]) is not None

    async def missed(self, after: int, until: int) -> Sequence[FeedEntry]:
        """Read what was shown after one id, up to another; no more than the backlog. Raises Unavailable."""
        wanted = {"after": after, "until": until, "messages": chat.BACKLOG_LENGTH}
        return await db.fetch_all(self.pool, _MISSED, class_row(FeedEntry), wanted)

    async def recent(self, count: int, until: int) -> Sequence[FeedEntry]:
        """Read so many of the latest messages up to an id that are still to be seen; raises Unavailable."""
        wanted = {"until": until, "count": count, "messages": chat.BACKLOG_LENGTH}
        return await db.fetch_all(self.pool, _RECENT, class_row(FeedEntry), wanted)

    async def report(self, failure: str | None) -> None:
        """Say how the reader fares, for every instance to tell; raises Unavailable."""
        async with db.connected(self.pool) as connection:
            await connection.execute(_LOCK)
            await self.require(connection)
            await connection.execute(_REPORT, [failure])


async def _write(connection: db.Connection, changes: chat.ChatChanges) -> None:
    written = {
        "lines": encode([_row(line) for line in changes.lines]),
        "deleted": list(changes.deleted_ids),
        "keys": list(changes.dedup_keys),
        "line_count": len(changes.lines),
        "key_count": len(changes.dedup_keys),
    }
    [room] = await db.fetch_all(connection, _WRITE, db.by_name, written, prepare=False)
    latest = ((room.last_line_id, len(changes.lines)), (room.last_position, len(changes.dedup_keys)))
    if any(last // _PRUNED_EVERY > (last - count) // _PRUNED_EVERY for last, count in latest):
        await connection.execute(_PRUNE, {"kept": MAX_LINES})


def _row(line: chat.ChatLine) -> dict[str, object]:
    said = {"message_id": line.id, "viewer_id": line.viewer_id} if isinstance(line, chat.ChatMessage) else {}
    return said | {"payload": chat_document(line)}
