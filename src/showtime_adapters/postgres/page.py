"""Writing a page: a handful of multi-row statements, in one pipeline together with the commit."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from showtime_adapters.postgres import statements
from showtime_adapters.postgres.pool import Connection
from showtime_adapters.wire import encode_alert, encode_effect, encode_snapshot
from showtime_core.broadcast import Snapshot
from showtime_core.effects import kind, lane
from showtime_core.journal import Outcome, Page, PlannedEffect, Shown, Verdict
from showtime_core.reactions import Acquaintance


async def write_page(connection: Connection, page: Page, now: datetime, last_feed_id: int) -> int:
    """Queue all that a page says, but for the state itself; returns the id of the newest in the feed."""
    await _note(connection, page.verdicts)
    await _remember(connection, page.acquaintances)
    await _plan(connection, page.effects, now)
    await _record_broadcasts(connection, page)
    await _show(connection, page.shown, last_feed_id + 1, now)
    return last_feed_id + len(page.shown)


async def _note(connection: Connection, verdicts: Sequence[Verdict]) -> None:
    notable = [verdict for verdict in verdicts if verdict.remark or verdict.outcome is not Outcome.REACTED]
    if notable:
        await connection.execute(
            statements.NOTE_VERDICTS,
            [
                [verdict.entry_id for verdict in notable],
                [verdict.outcome.value for verdict in notable],
                [verdict.remark for verdict in notable],
            ],
        )


async def _remember(connection: Connection, met: Sequence[Acquaintance]) -> None:
    viewers: dict[str, list[Acquaintance]] = {}
    for acquaintance in met:
        viewers.setdefault(acquaintance.viewer.id, []).append(acquaintance)
    if viewers:  # one row each, since one statement cannot change a row twice
        await connection.execute(
            statements.REMEMBER_VIEWERS,
            [
                list(viewers),
                [times[-1].viewer.name for times in viewers.values()],
                [_first(seen.followed_at for seen in times) for times in viewers.values()],
                [_first(seen.subscribed_at for seen in times) for times in viewers.values()],
            ],
        )


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return next((moment for moment in moments if moment), None)


async def _plan(connection: Connection, effects: Sequence[PlannedEffect], now: datetime) -> None:
    if effects:
        await connection.execute(
            statements.PLAN_EFFECTS,
            [
                now,
                [planned.key for planned in effects],
                [planned.entry_id for planned in effects],
                [kind(planned.effect) for planned in effects],
                [lane(planned.effect) for planned in effects],
                [encode_effect(planned.effect) for planned in effects],
                ["skipped" if planned.skipped else "due" for planned in effects],
            ],
        )


async def _record_broadcasts(connection: Connection, page: Page) -> None:
    if page.merged_broadcasts:
        await connection.execute(statements.END_MERGED, [list(page.merged_broadcasts)])
    for broadcast in page.broadcasts:
        await connection.execute(
            statements.SAVE_BROADCAST, [broadcast.id, broadcast.started_at, broadcast.ended_at]
        )
    if page.broadcasts:
        await connection.execute(statements.KEEP_SEQUENCE)
    for screening in page.screenings:
        await connection.execute(
            statements.SAVE_SCREENING,
            [
                screening.id,
                screening.broadcast_id,
                screening.tape_id,
                screening.started_at,
                screening.ended_at,
            ],
        )
    if page.merged_broadcasts:
        await connection.execute(statements.REMOVE_MERGED, [list(page.merged_broadcasts)])


async def _show(connection: Connection, shown: Sequence[Shown], first_id: int, now: datetime) -> None:
    if shown:
        await connection.execute(
            statements.SHOW,
            [
                now,
                list(range(first_id, first_id + len(shown))),
                [entry.entry_id for entry in shown],
                ["state" if isinstance(entry.what, Snapshot) else "alerts" for entry in shown],
                [
                    encode_snapshot(entry.what)
                    if isinstance(entry.what, Snapshot)
                    else encode_alert(entry.what)
                    for entry in shown
                ],
            ],
        )
        await connection.execute(statements.WAKE_FEED, [str(first_id + len(shown) - 1)])
