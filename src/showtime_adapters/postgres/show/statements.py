"""The SQL of the show, each statement with a line on its purpose."""

from typing import LiteralString

# Takes the lock of the show. How far the feed has come is as old as this statement, which may have waited:
# what was told since is beyond it. The clock is read after the lock.
LOCK: LiteralString = """
    with locked as materialized (select * from showtime.show for update)
    select locked.*, clock_timestamp() as now, (select last_feed_id from showtime.channel) as read_until
    from locked
"""

# The same without the lock.
READ: LiteralString = """
    select show.*, clock_timestamp() as now, (select last_feed_id from showtime.channel) as read_until
    from showtime.show
"""

OVERLAYS: LiteralString = "select id, frames, seen_at, painted_at from showtime.overlay"

# The alerts that have no showing, the first so many.
ARRIVALS: LiteralString = """
    select id, payload ->> 'type' as kind, shown_at as at,
           (payload -> 'data' ->> 'numBits')::bigint as bits, payload::text as payload,
           stream = 'tests' as is_test
    from showtime.feed
    where id > %(cursor)s and stream in ('alerts', 'tests') and id not in (
        select unnest(array_append(joined, alert_id)) from showtime.showing where last_alert_id > %(cursor)s
    )
    order by id limit %(limit)s
"""

# One alert, if it is kept.
ALERT: LiteralString = """
    select id, payload ->> 'type' as kind, shown_at as at,
           (payload -> 'data' ->> 'numBits')::bigint as bits, payload::text as payload,
           stream = 'tests' as is_test
    from showtime.feed where id = %s and stream in ('alerts', 'tests')
"""

# The showings that are open, unless their alert is no longer kept; those that are named, or of an alert that
# is; the one that ended last of those that began; and so many of all that are over.
SHOWINGS: LiteralString = """
    with wanted as (
        select * from showtime.showing where state in ('waiting', 'playing', 'held')
        union select * from showtime.showing where id = any(%(ids)s)
        union select * from showtime.showing where alert_id = any(%(alerts)s)
        union (select * from showtime.showing where began_at is not null and ended_at is not null
               order by ended_at desc limit 1)
        union (select * from showtime.showing where ended_at is not null
               order by ended_at desc, last_alert_id desc limit %(recent)s)
    )
    select wanted.*, coalesce(feed.shown_at, waiting_since) as at,
           (payload -> 'data' ->> 'numBits')::bigint as bits, coalesce(payload::text, '{}') as payload,
           coalesce(stream = 'tests', false) as is_test
    from wanted left join showtime.feed on feed.id = alert_id
    where feed.id is not null or ended_at is not null or wanted.id = any(%(ids)s)
    order by alert_id, attempt
"""

# Keeps the queue itself.
KEEP_SHOW: LiteralString = """
    update showtime.show set
        cursor = %(cursor)s, paused_since = %(paused_since)s, pauses = %(pauses)s::jsonb,
        is_muted = %(is_muted)s, is_safe = %(is_safe)s, ads_until = %(ads_until)s, rules = %(rules)s::jsonb,
        leader = %(leader)s, leader_at = %(leader_at)s, painted_at = %(painted_at)s,
        streamed_at = %(streamed_at)s, streamed_by = %(streamed_by)s
"""

# Keeps what overlays report.
KEEP_OVERLAY: LiteralString = """
    insert into showtime.overlay (id, frames, seen_at, painted_at) values (%s, %s, %s, %s)
    on conflict (id) do update set
        frames = excluded.frames, seen_at = excluded.seen_at, painted_at = excluded.painted_at
"""
FORGET_OVERLAYS: LiteralString = "delete from showtime.overlay where id = any(%s)"

# Keeps showings, new or changed. What is no longer playing comes first, since one at most may be.
KEEP_SHOWINGS: LiteralString = """
    insert into showtime.showing (
        id, alert_id, joined, last_alert_id, kind, state, waiting_since, attempt, is_again, seconds, overlay,
        began_at, leased_until, ended_at, reason
    )
    select id, alert_id, joined, last_alert_id, kind, state, waiting_since, attempt, is_again, seconds,
           overlay, began_at, leased_until, ended_at, reason
    from rows from (json_to_recordset(%s) as (
        id uuid, alert_id bigint, joined bigint[], last_alert_id bigint, kind text, state text,
        waiting_since timestamptz, attempt int, is_again bool, seconds float8, overlay text,
        began_at timestamptz, leased_until timestamptz, ended_at timestamptz, reason text
    )) with ordinality as s (
        id, alert_id, joined, last_alert_id, kind, state, waiting_since, attempt, is_again, seconds, overlay,
        began_at, leased_until, ended_at, reason, ordinal
    )
    order by ordinal
    on conflict (id) do update set
        state = excluded.state, waiting_since = excluded.waiting_since, seconds = excluded.seconds,
        overlay = excluded.overlay, began_at = excluded.began_at, leased_until = excluded.leased_until,
        ended_at = excluded.ended_at, reason = excluded.reason
"""
REMOVE_SHOWINGS: LiteralString = "delete from showtime.showing where id = any(%s)"

# Wakes who tells pages of the queue.
NOTIFY: LiteralString = "select pg_notify('showtime_show', '')"
LISTEN: LiteralString = "listen showtime_show; listen showtime_feed"
