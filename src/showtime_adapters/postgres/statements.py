"""The SQL of this package, each statement with a line on its purpose; `%b` sends a parameter in binary."""

from typing import LiteralString

# The lock of the channel: taken first by every transaction that writes its state or its feed. The state is
# sent only if it is not the one that this instance saw last.
LOCK_CHANNEL: LiteralString = """
    select state_version, last_feed_id, case when state_version <> %s then state end
    from showtime.channel for update
"""

# Records the entries that are new, and claims the facts that they report. The clock is read here, after the
# lock was taken: the time at which a transaction began may be earlier than what its predecessor wrote.
ADMIT: LiteralString = """
    with at as materialized (
        select clock_timestamp() as now, last_position,
               (select max(id) from showtime.broadcast) as newest_id
        from showtime.channel
    ), offered as (
        select * from unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::int4[],
                             %b::timestamptz[], %b::bytea[], %b::text[])
            with ordinality as o (id, source, type, version, retry, sent_at, body, fact, ordinal)
    ), fresh as (
        insert into showtime.journal (id, position, source, type, version, retry, sent_at,
                                      received_at, reacted_at, body, policy, outcome)
        select id, last_position + ordinal, source, type, version, retry, sent_at, now, now, body,
               %s::jsonb, 'reacted'
        from offered, at order by ordinal
        on conflict (id) do nothing returning id
    ), claimed as (
        insert into showtime.fact (key, entry_id)
        select fact, id from offered join fresh using (id) where fact is not null order by ordinal
        on conflict (key) do nothing returning entry_id
    )
    select fresh.id, fresh.id in (select entry_id from claimed), now, newest_id
    from at left join fresh on true
"""

# Notes what became of entries to which there was no reaction, or about which there is something to say.
NOTE_VERDICTS: LiteralString = """
    update showtime.journal set outcome = v.outcome, remark = v.remark
    from unnest(%b::text[], %b::text[], %b::text[]) as v (id, outcome, remark)
    where journal.id = v.id
"""

# Remembers viewers. Names are the latest; the times are set once and never changed.
REMEMBER_VIEWERS: LiteralString = """
    insert into showtime.viewer (twitch_user_id, twitch_display_name, first_followed_at, first_subscribed_at)
    select * from unnest(%b::text[], %b::text[], %b::timestamptz[], %b::timestamptz[])
    on conflict (twitch_user_id) do update set
        twitch_display_name = excluded.twitch_display_name,
        first_followed_at = coalesce(viewer.first_followed_at, excluded.first_followed_at),
        first_subscribed_at = coalesce(viewer.first_subscribed_at, excluded.first_subscribed_at)
"""

# Adds to what the streams show, numbered in the order of commits.
SHOW: LiteralString = """
    insert into showtime.feed (id, entry_id, stream, payload, shown_at)
    select id, entry_id, stream, payload::json, %s
    from unnest(%b::int8[], %b::text[], %b::text[], %b::text[]) as s (id, entry_id, stream, payload)
"""

# Plans effects on the outside.
PLAN_EFFECTS: LiteralString = """
    insert into showtime.outbox (key, entry_id, kind, lane, payload, status, created_at)
    select key, entry_id, kind, lane, payload::jsonb, status, %s
    from unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
        as e (key, entry_id, kind, lane, payload, status)
"""

# Ends a broadcast that turned out to be part of another, so that the other can be the live one.
END_MERGED: LiteralString = """
    update showtime.broadcast set ended_at = greatest(started_at, coalesce(ended_at, started_at))
    where id = any(%s)
"""

# Removes a broadcast that turned out to be part of another; its screenings have gone over by then.
REMOVE_MERGED: LiteralString = "delete from showtime.broadcast where id = any(%s)"

# Records a broadcast; those that ended come first, since one at most may be open.
SAVE_BROADCAST: LiteralString = """
    insert into showtime.broadcast (id, started_at, ended_at) values (%s, %s, %s)
    on conflict (id) do update set started_at = excluded.started_at, ended_at = excluded.ended_at
"""

# Keeps the sequence of ids after ours: whoever inserts a broadcast by hand gets a free one.
KEEP_SEQUENCE: LiteralString = """
    select setval(pg_get_serial_sequence('showtime.broadcast', 'id'), max(id)) from showtime.broadcast
"""

# Records a screening; those that ended come first, since one at most may be open.
SAVE_SCREENING: LiteralString = """
    insert into showtime.screening (id, broadcast_id, tape_id, started_at, ended_at)
    values (%s, %s, %s, %s, %s)
    on conflict (id) do update set broadcast_id = excluded.broadcast_id, ended_at = excluded.ended_at
"""

# Moves the channel on: the positions in its journal and in its feed.
ADVANCE_CHANNEL: LiteralString = """
    update showtime.channel set
        last_position = last_position + %s,
        last_feed_id = %s
"""

# Keeps the state, under a new version.
KEEP_STATE: LiteralString = "update showtime.channel set state = %s::jsonb, state_version = %s"

# Wakes the instances that follow the feed; sent with the commit. The channel is our own: the predecessor's
# triggers speak on `showtime`.
WAKE_FEED: LiteralString = "select pg_notify('showtime_feed', %s)"

# The newest broadcast, for a channel whose state was not kept by us: after an adoption, or after the
# predecessor has been at work again.
NEWEST_BROADCAST: LiteralString = """
    select id, started_at, ended_at from showtime.broadcast order by id desc limit 1
"""

# Its screenings. A tape whose number no tape can have is kept, but never shown.
SCREENINGS_OF: LiteralString = """
    select id, tape_id, started_at, ended_at from showtime.screening
    where broadcast_id = %s and tape_id > 0
    order by started_at, id
"""

# Tells whether an entry was ever recorded.
IS_KNOWN: LiteralString = "select exists (select from showtime.journal where id = %s)"

# Where the feed stands, together with what was on at that moment. The epoch is another in a database that
# was made anew or restored: its ids begin again, and those of the former one mean nothing.
TIP: LiteralString = """
    select epoch || to_hex((select oid::bigint from pg_database where datname = current_database()))
               || 't' || (select timeline_id from pg_control_checkpoint()),
           last_feed_id, state_version, state,
           (select max(id) from showtime.broadcast)
    from showtime.channel
"""

# What the feed shows after an id.
FEED_AFTER: LiteralString = """
    select id, stream, payload::text from showtime.feed where id > %s order by id limit %s
"""

# The alerts that a client has missed, the old ones left out.
MISSED_ALERTS: LiteralString = """
    select id, stream, payload::text from showtime.feed
    where id > %s and id <= %s and stream = 'alerts' and shown_at > clock_timestamp() - %s
    order by id limit %s
"""

# Wakes this session with every commit that shows something.
LISTEN: LiteralString = "listen showtime_feed"

# The state, without the lock: for telling how it stands.
READ_STATE: LiteralString = """
    select state_version, state, (select max(id) from showtime.broadcast) from showtime.channel
"""
