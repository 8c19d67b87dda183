"""The queue of what is on the screen: read whole, changed purely, and written where it differs.

Whoever changes it holds the lock of its one row, never before that of the channel; so of any number of
instances one takes an alert. A report of an overlay reads a few rows and writes two.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from attrs import evolve, frozen
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from showtime_adapters.encoding import encode
from showtime_adapters.postgres.pool import Connection, by_name, columns, connected, fetch_all, fetch_one
from showtime_adapters.postgres.show import statements
from showtime_adapters.postgres.state import require_channel
from showtime_adapters.wire import decode_kind_rule, kind_rule_document
from showtime_core.domain.events import ShowCommanded
from showtime_core.domain.show.commands import ShowChange, apply_change
from showtime_core.domain.show.queue import (
    Modes,
    OverlayReport,
    Pause,
    QueuedAlert,
    Show,
    Showing,
    ShowingState,
    ShowView,
    next_showing_id,
)
from showtime_core.ports import Answer, ChangeShow

ARRIVALS_AT_ONCE = 1000
"""So many of the alerts that wait are looked at by an overlay that asks, and joined at most."""
_ALL = 2**31 - 2
_RECENT = 50
# The columns that are called as the fields are.
_OF_SHOW = ("cursor", "leader", "leader_at", "painted_at", "streamed_at", "streamed_by")
_OF_MODES = ("paused_since", "is_muted", "is_safe", "ads_until")
_OF_SHOWING = (
    *("id", "waiting_since", "attempt", "is_again", "seconds"),
    *("overlay", "began_at", "leased_until", "ended_at", "reason"),
)


@frozen
class PostgresShow:
    """The queue of what is on the screen; see `showtime_core.ports.ShowStore`.

    Its pool is one in which each statement is a transaction of its own.
    """

    pool: AsyncConnectionPool[Connection]
    limit: int = ARRIVALS_AT_ONCE

    async def change(self, change: ChangeShow[Answer], named: UUID | None = None) -> Answer:
        """Change the queue in one step."""
        ids = [named, next_showing_id(named)] if named else []
        async with connected(self.pool) as connection, connection.transaction():
            before = (await _load(connection, statements.LOCK, self.limit, ids=ids)).show
            after, answer = change(before)
            await _keep(connection, before, after)
        return answer

    async def read(self) -> ShowView:
        """Read the queue as it stands."""
        async with connected(self.pool) as connection:
            return await _load(connection, statements.READ, self.limit, recent=_RECENT)


async def change_with_journal(connection: Connection, changes: Sequence[ShowChange]) -> None:
    """Change the queue in the transaction that records why; raises what the change refuses."""
    for change in changes:
        alert_id = change.alert_id if isinstance(change, ShowCommanded) else None
        named = await fetch_one(connection, statements.ALERT, class_row(QueuedAlert), [alert_id])
        alerts = [] if alert_id is None else [alert_id]
        before = (await _load(connection, statements.LOCK, _ALL, alerts=alerts)).show
        await _keep(connection, before, apply_change(before, change, named))


async def _load(  # noqa: PLR0913 - what may be asked for
    connection: Connection,
    show: LiteralString,
    limit: int,
    *,
    ids: Sequence[UUID] = (),
    alerts: Sequence[int] = (),
    recent: int = 0,
) -> ShowView:
    """Read the queue, with the showings of these ids, those of these alerts, and so many that are over."""
    row = require_channel(await fetch_one(connection, show, by_name))
    reports = await fetch_all(connection, statements.OVERLAYS, by_name)
    arrivals: list[QueuedAlert] = []
    if row.cursor is not None:
        beyond = {"cursor": row.cursor, "limit": limit + 1}
        found = class_row(QueuedAlert)
        arrivals = await fetch_all(connection, statements.ARRIVALS, found, beyond, prepare=False)
    wanted = {"ids": list(ids), "alerts": list(alerts), "recent": recent}
    kept = await fetch_all(connection, statements.SHOWINGS, by_name, wanted, prepare=False)
    showings = [_showing(each) for each in kept]
    over = [each for each in showings if each.ended_at]
    over.sort(key=lambda each: (each.ended_at, max(each.covers)), reverse=True)
    is_truncated, arrivals = len(arrivals) > limit, arrivals[:limit]
    queue = Show(
        modes=_modes(row),
        rules={kind: decode_kind_rule(rule) for kind, rule in row.rules.items()},
        overlays={one.id: OverlayReport(one.frames, one.seen_at, one.painted_at) for one in reports},
        arrivals=tuple(arrivals),
        is_truncated=is_truncated,
        read_until=arrivals[-1].id if is_truncated else row.read_until,
        showings={each.id: each for each in showings},
        latest=next((each for each in over if each.began_at), None),
        **columns(row, "now", *_OF_SHOW),
    )
    return ShowView(queue, tuple(over[:recent]))


async def _keep(connection: Connection, before: Show, after: Show) -> None:
    """Write where the queue differs, and tell who shows it to pages, unless it is a report alone."""
    if (row := _row(after)) != _row(before):
        await connection.execute(statements.KEEP_SHOW, row)
    for name, said in after.overlays.items():
        if before.overlays.get(name) != said:
            kept = [name, said.frames, said.seen_at, said.painted_at]
            await connection.execute(statements.KEEP_OVERLAY, kept)
    if forgotten := [name for name in before.overlays if name not in after.overlays]:
        await connection.execute(statements.FORGET_OVERLAYS, [forgotten])
    if removed := [key for key in before.showings if key not in after.showings]:
        await connection.execute(statements.REMOVE_SHOWINGS, [removed])
    changed = [each for key, each in after.showings.items() if before.showings.get(key) != each]
    if changed:
        changed.sort(key=lambda each: each.state is ShowingState.PLAYING)
        await connection.execute(statements.KEEP_SHOWINGS, [encode([_document(each) for each in changed])])
    if _told(before) != _told(after):
        await connection.execute(statements.NOTIFY)


def _row(show: Show) -> Mapping[str, Any]:
    return {
        **columns(show, *_OF_SHOW),
        **columns(show.modes, *_OF_MODES),
        "pauses": encode([[each.since, each.until] for each in show.modes.pauses]),
        "rules": encode({kind: kind_rule_document(rule) for kind, rule in show.rules.items()}),
    }


def _told(show: Show) -> tuple[Any, ...]:
    """What pages are told of the queue: all but what each report changes."""
    showings = {key: evolve(each, leased_until=None) for key, each in show.showings.items()}
    modes = evolve(show.modes, pauses=())
    return showings, modes, show.cursor, show.rules, show.leader, len(show.overlays)


def _document(showing: Showing) -> dict[str, Any]:
    return {
        **columns(showing, "joined", "state", *_OF_SHOWING),
        "alert_id": showing.alert.id,
        "last_alert_id": max(showing.covers),
        "kind": showing.alert.kind,
    }


def _showing(row: Any) -> Showing:  # noqa: ANN401 - a named tuple
    return Showing(
        alert=QueuedAlert(row.alert_id, row.kind, row.at, row.bits, row.payload, row.is_test),
        state=ShowingState(row.state),
        joined=tuple(row.joined),
        **columns(row, *_OF_SHOWING),
    )


def _modes(row: Any) -> Modes:  # noqa: ANN401 - a named tuple
    pauses = tuple(Pause(*map(datetime.fromisoformat, pause)) for pause in row.pauses)
    return Modes(pauses=pauses, **columns(row, *_OF_MODES))
