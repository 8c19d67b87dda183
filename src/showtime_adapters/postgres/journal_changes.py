"""Writing changes: one statement for all that is usual, and a few more where broadcasts change."""

from collections.abc import Sequence
from functools import cache

from attrs import asdict, astuple

from showtime_adapters.encoding import encode
from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres import statements
from showtime_adapters.postgres.outbox import planned_document
from showtime_adapters.wire import Document, policy_document, shown_document
from showtime_core.domain.alert_tests import AlertTest
from showtime_core.domain.broadcasts.broadcast import Snapshot
from showtime_core.domain.journal import AdmittedBatch, FeedItem, JournalChanges, Verdict
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.reactions import Policy, ViewerUpdate


async def write_changes(
    connection: db.Connection,
    changes: JournalChanges,
    batch: AdmittedBatch,
    policy: Policy,
    assumed_version: int | None = None,
) -> bool:
    """Write all that the changes say, but for broadcasts and the state.

    False: a version of the state was assumed, and it is another one; nothing was written.
    """
    cursor = await connection.execute(
        statements.WRITE_CHANGES,
        {
            "entries": encode(_entries(batch, changes.verdicts)),
            "bodies": [entry.body for entry in batch.new_entries],
            "policy": _policy(policy),
            "viewers": encode(_viewers(changes.viewer_updates)),
            "effects": encode([planned_document(planned) for planned in changes.effects]),
            "shown": encode(_shown(changes.feed_items)),
            "now": batch.now,
            "entry_count": len(batch.new_entries),
            "shown_count": len(changes.feed_items),
            "due_count": sum(planned.status is EffectStatus.DUE for planned in changes.effects),
            "assumed_version": assumed_version,
            "last_broadcast_id": changes.state.last_broadcast_id,
        },
    )
    return cursor.rowcount > 0


@cache
def _policy(policy: Policy) -> str:
    return encode(policy_document(policy))


def _entries(batch: AdmittedBatch, verdicts: Sequence[Verdict]) -> list[Document]:
    return [
        db.columns(entry, "id", "source", "type", "version", "retry", "sent_at")
        | db.columns(verdict, "outcome", "remark")
        | {"fact": None if entry.id in batch.first_reports else entry.recorded_key}
        for entry, verdict in zip(batch.new_entries, verdicts, strict=True)
    ]


def _viewers(updates: Sequence[ViewerUpdate]) -> list[Document]:
    """List every viewer once, for one statement changes a row once: the latest name, and the first times."""
    viewers: dict[str, Document] = {}
    for update in updates:
        times = {name: at for name, at in db.columns(update, "followed_at", "subscribed_at").items() if at}
        row = {"id": update.viewer.id} | times | viewers.get(update.viewer.id, {})
        viewers[update.viewer.id] = row | {"name": update.viewer.name}
    return list(viewers.values())


def _shown(feed_items: Sequence[FeedItem]) -> list[Document]:
    streams = {Snapshot: "state", AlertTest: "tests"}
    return [
        {
            "entry_id": item.entry_id,
            "stream": streams.get(type(item.content), "alerts"),
            "payload": shown_document(item.content),
        }
        for item in feed_items
    ]


async def write_payments(connection: db.Connection, changes: JournalChanges) -> None:
    """Write the payments that were told, under the lock."""
    told = [asdict(each.payment) | {"entry_id": each.entry_id} for each in changes.payments]
    if told:
        await connection.execute(statements.KEEP_PAYMENTS, [encode(told)])


async def write_broadcasts(connection: db.Connection, changes: JournalChanges) -> None:
    """Write the broadcasts and screenings that are new or changed, under the lock."""
    if changes.merged_broadcasts:
        await connection.execute(statements.END_MERGED, [list(changes.merged_broadcasts)])
    for broadcast in changes.broadcasts:
        await connection.execute(statements.SAVE_BROADCAST, astuple(broadcast))
    if changes.broadcasts:
        await connection.execute(statements.KEEP_SEQUENCE)
    for screening in changes.screenings:
        await connection.execute(statements.SAVE_SCREENING, astuple(screening))
    if changes.merged_broadcasts:
        await connection.execute(statements.REMOVE_MERGED, [list(changes.merged_broadcasts)])
