"""The feed of the night in PostgreSQL: the journal from its end, with what became of each entry.

How far back a night reaches is found by walking the journal backwards, so that it costs no more than the
night has entries.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from attrs import frozen
from psycopg.rows import class_row

from showtime_adapters.postgres import pool as db
from showtime_adapters.postgres.journal import read_entry
from showtime_adapters.postgres.show.statements import NOTIFY
from showtime_adapters.wire import find_effect
from showtime_core.domain.broadcasts.broadcast import Broadcast
from showtime_core.domain.journal import Outcome
from showtime_core.domain.lights import EffectTry
from showtime_core.domain.night_feed.descriptions import GIFT_TYPES
from showtime_core.domain.night_feed.rows import NightAlert, NightEffect, NightEntry, NightQuery
from showtime_core.domain.night_feed.totals import SLOT, NightTally
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.points_and_ghosts.effects import FIRST_KINDS
from showtime_core.domain.points_and_ghosts.ghosts import GhostTask
from showtime_core.errors import NotFound

_KINDS = (*FIRST_KINDS.values(), *GhostTask)
_OUTCOMES = [Outcome.REACTED, Outcome.PARKED, Outcome.RETRIED, Outcome.DISMISSED]

_NOW: LiteralString = "select clock_timestamp()"
_LATEST: LiteralString = """
    select id, started_at, ended_at from showtime.broadcast order by started_at desc, id desc limit 2
"""

# Entries of some types, and what is parked or was revoked, from the newest on. Never prepared: its plan would
# be one for the size that the journal had by then.
_ENTRIES: LiteralString = """
    select position, id, source, type, version, retry, sent_at, body, reacted_at, outcome, remark, handled_at
    from showtime.journal
    where position > coalesce((
        select position from showtime.journal where reacted_at < %(since)s order by position desc limit 1
    ), -1) and position > %(after)s and (%(before)s::bigint is null or position < %(before)s)
      and outcome = any(%(outcomes)s)
      and (type = any(%(types)s) or %(has_trouble)s and (outcome = 'parked' or source = 'revocation'))
    order by position desc limit %(limit)s
"""

# Gifts and their recipients between two places.
_GIFTS: LiteralString = """
    select position, id, source, type, version, retry, sent_at, body, reacted_at, outcome, remark, handled_at
    from showtime.journal
    where position between %s and %s and type = any(%s) and outcome = any(%s) order by position
"""

# The alerts of some entries, each with its latest showing: the one that is open, or else that ended last.
_ALERTS: LiteralString = """
    select entry_id, feed.id, reason, began_at,
           coalesce(state, case when feed.id > cursor then 'waiting' else 'streamed' end) as state
    from showtime.feed cross join showtime.show left join lateral (
        select state, reason, began_at from (
            select * from showtime.showing where alert_id = feed.id
            union all
            select * from showtime.showing
            where joined <> '{}' and last_alert_id >= feed.id and alert_id < feed.id and feed.id = any(joined)
        ) as found
        order by ended_at desc nulls first, attempt desc limit 1
    ) as latest on true
    where entry_id = any(%s) and stream in ('alerts', 'tests') order by feed.id
"""

_EFFECTS: LiteralString = """
    select entry_id, kind, payload, status, remark from showtime.outbox where key = any(%s)
    order by created_at, key
"""

# Alerts and credited points since a moment, in slots from then on.
_TALLY: LiteralString = """
    with first as materialized (
        select coalesce((
            select position from showtime.journal where reacted_at < %(since)s order by position desc limit 1
        ), -1) as position, coalesce((
            select id from showtime.feed where shown_at < %(since)s order by id desc limit 1
        ), -1) as feed_id
    ), credits as (
        select journal.reacted_at as at, 'points' as what,
               coalesce((payload ->> 'points')::bigint, (payload ->> 'base_points')::bigint
                        * (payload ->> 'multiplier')::bigint
                        * coalesce((payload ->> 'num_subscriptions')::bigint, 1)) as amount
        from first join showtime.journal on journal.position > first.position
        cross join unnest(%(kinds)s::text[]) as credit (name)
        join showtime.outbox on outbox.key = journal.id || ':' || credit.name
        where status = 'done'
    ), told as (
        select shown_at as at, payload ->> 'type' as what,
               coalesce(payload -> 'data' ->> 'numBits', payload -> 'data' ->> 'numSubscriptions',
                        payload -> 'data' ->> 'numViewers', '0')::bigint as amount
        from first join showtime.feed on feed.id > first.feed_id
        where stream = 'alerts'
    )
    select date_bin(%(slot)s, at, coalesce(%(since)s, timestamptz 'epoch')) as at, what,
           count(*)::int as number, sum(amount)::bigint as amount
    from (select * from credits union all select * from told) as all_of_it
    group by 1, 2 order by 1, 2
"""

# The effects of the latest entries that were tried.
_EFFECT_TRIES: LiteralString = """
    select outbox.kind, status, outbox.remark, leased_at as at
    from (select id from showtime.journal order by position desc limit 300) as latest
    cross join unnest(%s::text[]) as effect (kind)
    join showtime.outbox on key = latest.id || ':' || effect.kind
    where leased_at is not null
"""

# Marks an entry. The lock of the show comes first, as where a command changes both.
_COUNT_MARK: LiteralString = "update showtime.show set marks = marks + 1"
_MARK: LiteralString = """
    update showtime.journal set
        handled_at = case when %s then coalesce(handled_at, clock_timestamp()) end
    where position = %s returning position
"""

# All that the host reads beside the queue, as a word that changes with it.
_REVISION: LiteralString = """
    select concat_ws('-', last_position, marks,
        (select count(*) from showtime.journal where outcome = 'parked'),
        (select count(*) from showtime.outbox where status = 'parked'),
        (select concat_ws('.', count(*), extract(epoch from max(changed_at))) from showtime.ghost
         where step = 'awaiting-approval'))
    from showtime.channel cross join showtime.show
"""


@frozen
class PostgresNightFeedStore:
    """What the host reads of the journal; see `showtime_core.ports.NightFeedStore`."""

    pool: db.Pool

    async def latest_broadcasts(self) -> tuple[datetime, Sequence[Broadcast]]:
        """Give the time by the database's clock, and the two latest broadcasts."""
        async with db.connected(self.pool) as connection:
            now: datetime = await db.fetch_value(connection, _NOW)
            return now, await db.fetch_all(connection, _LATEST, class_row(Broadcast))

    async def entries(self, asked: NightQuery) -> Sequence[NightEntry]:
        """Read entries, the newest first."""
        wanted = {
            "since": asked.since,
            "before": asked.before,
            "after": -1 if asked.after is None else asked.after,
            "types": sorted(asked.types),
            "has_trouble": asked.has_trouble,
            "outcomes": _OUTCOMES,
            "limit": asked.limit,
        }
        async with db.connected(self.pool) as connection:
            rows = await db.fetch_all(connection, _ENTRIES, db.by_name, wanted, prepare=False)
            ids = [row.id for row in rows]
            alerts = await db.fetch_all(connection, _ALERTS, db.by_name, [ids], prepare=False)
            keys = [f"{each}:{kind}" for each in ids for kind in _KINDS]
            effects = await db.fetch_all(connection, _EFFECTS, db.by_name, [keys], prepare=False)
        alerts_of = _by_entry(alerts, lambda row: NightAlert(row.id, row.state, row.reason, row.began_at))
        effects_of = _by_entry(effects, _effect)
        return [_entry(row, alerts_of.get(row.id, ()), effects_of.get(row.id, ())) for row in rows]

    async def gifts(self, first: int, last: int) -> Sequence[NightEntry]:
        """Read gifts of subscriptions and their recipients, in order."""
        wanted = [first, last, list(GIFT_TYPES), _OUTCOMES]
        rows = await db.fetch_all(self.pool, _GIFTS, db.by_name, wanted, prepare=False)
        return [_entry(row) for row in rows]

    async def tally(self, since: datetime | None) -> Sequence[NightTally]:
        """Count alerts and credited points, for each slot."""
        kinds = [kind for kind in FIRST_KINDS.values() if kind.startswith("credit-")]
        wanted = {"since": since, "slot": SLOT, "kinds": kinds}
        return await db.fetch_all(self.pool, _TALLY, class_row(NightTally), wanted, prepare=False)

    async def effect_tries(self) -> Sequence[EffectTry]:
        """Tell of effects that were tried."""
        rows = await db.fetch_all(self.pool, _EFFECT_TRIES, db.by_name, [list(_KINDS)], prepare=False)
        return [EffectTry(row.kind, EffectStatus(row.status), row.remark, row.at) for row in rows]

    async def mark(self, position: int, *, is_handled: bool) -> None:
        """Mark an entry as handled, or not."""
        async with db.connected(self.pool) as connection, connection.transaction():
            await connection.execute(_COUNT_MARK)
            if await db.fetch_value(connection, _MARK, [is_handled, position]) is None:
                raise NotFound("no such row")
            await connection.execute(NOTIFY)

    async def revision(self) -> str:
        """Give a word that is another whenever something has changed."""
        word: str = await db.fetch_value(self.pool, _REVISION)
        return word


def _by_entry(rows: Sequence[Any], read: Any) -> Mapping[str, tuple[Any, ...]]:  # noqa: ANN401 - rows by name
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if (value := read(row)) is not None:
            found[row.entry_id].append(value)
    return {entry_id: tuple(values) for entry_id, values in found.items()}


def _effect(row: Any) -> NightEffect | None:  # noqa: ANN401 - a row by its names
    effect = find_effect(row.kind, row.payload)
    return NightEffect(effect, EffectStatus(row.status), row.remark) if effect else None


def _entry(
    row: Any,  # noqa: ANN401 - a row by its names
    alerts: tuple[NightAlert, ...] = (),
    effects: tuple[NightEffect, ...] = (),
) -> NightEntry:
    outcome = Outcome(row.outcome)
    return NightEntry(
        row.position, read_entry(row), row.reacted_at, outcome, row.remark, row.handled_at, alerts, effects
    )
