"""The SQL of this package, each statement with a line on its purpose; `%b` sends a parameter in binary."""

from typing import LiteralString

# Ends the session that holds the channel's lock while its client has not moved for two seconds: an instance
# that is frozen. PostgreSQL's own limit for sessions idle in a transaction does not help here. It counts only
# from a Sync that nothing follows; but a pipeline may be cut off in its middle, and psycopg sends a Flush
# after the Sync of each.
END_FROZEN: LiteralString = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and usename = current_user
      and wait_event_type = 'Client' and state_change < clock_timestamp() - interval '2 s'
      and pid in (
          select pid from pg_locks
          where relation = 'showtime.channel'::regclass
            and mode in ('RowShareLock', 'RowExclusiveLock') and granted
      )
"""

# Writes changes, but for broadcasts and the state: entries with what became of them, their dedup keys
# (`fact`), viewers, whose names are the latest and whose times are set once and never changed, effects on the
# outside, what the streams show, numbered in the order of commits, and how far the channel has come. One
# statement, since each costs its client as much as ten messages.
#
# Everything waits for its first part, which takes the lock of the channel, as every transaction does first
# that writes its state or its feed. Where a version is assumed and the state is another by then, it finds no
# row, and neither does the rest. Where an id or a dedup key is known after all, the keys of the tables end
# it. The clock is read after the lock: the time at which a transaction began may be earlier than what its
# predecessor wrote. Those who follow the feed, or perform effects, are woken with the commit, on channels of
# our own: the predecessor's triggers speak on `showtime`.
WRITE_CHANGES: LiteralString = """
    with moved as (
        update showtime.channel set
            last_position = last_position + %(entry_count)s, last_feed_id = last_feed_id + %(shown_count)s
        where %(assumed_version)s::bigint is null or (
            state_version = %(assumed_version)s
            and (select coalesce(max(id), 0) from showtime.broadcast) <= %(last_broadcast_id)s
        )
        returning last_position - %(entry_count)s as last_position,
                  last_feed_id - %(shown_count)s as last_feed_id,
                  coalesce(%(now)s, clock_timestamp()) as now
    ), fresh as (
        select * from rows from (
            json_to_recordset(%(entries)s) as (id text, source text, type text, version text, retry int4,
                                               sent_at timestamptz, fact text, outcome text, remark text),
            unnest(%(bodies)b::bytea[])
        ) with ordinality
            as f (id, source, type, version, retry, sent_at, fact, outcome, remark, body, ordinal)
    ), recorded as (
        insert into showtime.journal (id, position, source, type, version, retry, sent_at,
                                      received_at, reacted_at, body, policy, outcome, remark)
        select id, last_position + ordinal, source, type, version, retry, sent_at,
               now, now, body, %(policy)s::jsonb, outcome, remark
        from moved, fresh
    ), claimed as (
        insert into showtime.fact (key, entry_id)
        select fact, id from moved, fresh where fact is not null
    ), remembered as (
        insert into showtime.viewer (twitch_user_id, twitch_display_name, first_followed_at,
                                     first_subscribed_at)
        select id, name, followed_at, subscribed_at
        from moved, json_to_recordset(%(viewers)s)
            as v (id text, name text, followed_at timestamptz, subscribed_at timestamptz)
        on conflict (twitch_user_id) do update set
            twitch_display_name = excluded.twitch_display_name,
            first_followed_at = coalesce(viewer.first_followed_at, excluded.first_followed_at),
            first_subscribed_at = coalesce(viewer.first_subscribed_at, excluded.first_subscribed_at)
    ), planned as (
        insert into showtime.outbox (key, entry_id, kind, lane, payload, status, depends_on, remark,
                                     created_at)
        select key, entry_id, kind, lane, payload, status, depends_on, remark, now
        from moved, json_to_recordset(%(effects)s)
            as e (key text, entry_id text, kind text, lane text, payload jsonb, status text, depends_on text,
                  remark text)
    ), shown as (
        insert into showtime.feed (id, entry_id, stream, payload, shown_at)
        select last_feed_id + ordinal, entry_id, stream, payload, now
        from moved, rows from (
            json_to_recordset(%(shown)s) as (entry_id text, stream text, payload json)
        ) with ordinality as s (entry_id, stream, payload, ordinal)
    )
    select (select pg_notify('showtime_feed', '') where %(shown_count)s > 0),
           (select pg_notify('showtime_outbox', '') where %(due_count)s > 0)
    from moved
"""

# Takes the lock of the channel, before looking how things stand. The state is sent only if it is not the one
# that this instance saw last.
LOCK: LiteralString = """
    with locked as materialized (
        select state_version, case when state_version <> %s then state end as state
        from showtime.channel for update
    )
    select *, clock_timestamp() as now from locked
"""

# Looks, under the lock, what is known: a statement of its own, for what it sees is from when it began. Never
# prepared: its plan would be one for the size that the journal had by then.
LOOK: LiteralString = """
    select (select max(id) from showtime.broadcast) as newest_id,
           array(select id from showtime.journal where id = any(%(ids)s)) as ids,
           (select coalesce(json_object_agg(key, entry_id), '{}') from showtime.fact
            where key = any(%(facts)s)) as facts,
           array(select id from showtime.journal where id = any(%(abouts)s) and outcome = 'parked') as parked
"""

# The payments that were told of some viewers: a dozen each year. While an upgrade goes on, an older instance
# may credit without telling one here: its credits tell it, as in step 011. Never prepared, as above.
PAYMENTS_OF: LiteralString = """
    select viewer_id, tier, is_shared, at from showtime.payment where viewer_id = any(%(payers)s)
    union all
    select lane, case payload ->> 'multiplier' when '1' then '1000' when '2' then '2000' else '3000' end,
           payload ->> 'is_initial' = 'false', sent_at
    from (
        select * from showtime.outbox where lane = any(%(payers)s) and flow_id is not null
        union all
        select * from showtime.outbox where lane = any(%(payers)s) and status in ('due', 'leased')
                                        and flow_id is null
        union all
        select * from showtime.outbox where lane = any(%(payers)s) and status = 'parked' and flow_id is null
    ) as credit cross join lateral (
        select sent_at from showtime.journal where id = credit.entry_id and sent_at is not null offset 0
    ) as sent
    where kind = 'credit-subscription' and payload ->> 'is_gift' = 'false'
      and (select true from showtime.payment where payment.entry_id = credit.entry_id) is null
"""

# Keeps payments that were told.
KEEP_PAYMENTS: LiteralString = """
    insert into showtime.payment (entry_id, viewer_id, tier, is_shared, at)
    select entry_id, viewer_id, tier, is_shared, at
    from json_to_recordset(%s) as p (entry_id text, viewer_id text, tier text, is_shared bool, at timestamptz)
"""

# Says what has become of an entry that was parked, as the operator has decided.
DECIDE: LiteralString = "update showtime.journal set outcome = %s where id = %s"

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

# Keeps the state, under a new version.
KEEP_STATE: LiteralString = "update showtime.channel set state = %s::jsonb, state_version = %s"

# The newest broadcast and the greatest number, for a channel whose state was not kept by us: after an
# adoption, or after the predecessor has been at work again.
NEWEST_BROADCAST: LiteralString = """
    select id, started_at, ended_at, (select max(id) from showtime.broadcast) as last_id
    from showtime.broadcast order by started_at desc, id desc limit 1
"""

# The same of those that had begun, or had ended, before a moment: for a replay, which may take its time. What
# has a greater number than a later one was added afterwards, by hand.
NEWEST_BROADCAST_BEFORE: LiteralString = """
    with known as (
        select id, started_at, ended_at, coalesce(
            case when %(only_ended)s then ended_at else started_at end < %(moment)s, false) as is_before
        from showtime.broadcast
    ), before as (
        select * from known
        where is_before and id < all (select id from known as later where not later.is_before)
    )
    select id, started_at, case when ended_at < %(moment)s then ended_at end as ended_at,
           (select max(id) from before) as last_id
    from before order by started_at desc, id desc limit 1
"""

# Its screenings; one that ended with its broadcast goes on if the broadcast does. A tape whose number no tape
# can have is kept, but never shown.
SCREENINGS_OF: LiteralString = """
    select id as screening_id, tape_id, started_at as at, nullif(ended_at, %s::timestamptz) as stopped_at
    from showtime.screening
    where broadcast_id = %s and tape_id > 0
    order by started_at, id
"""

# The journal after a position, in the order of reactions.
JOURNAL_AFTER: LiteralString = """
    select position, id, source, type, version, retry, sent_at, body, reacted_at, policy, outcome, remark
    from showtime.journal where position > %s order by position limit %s
"""

# Tells whether an entry was ever recorded.
IS_KNOWN: LiteralString = "select exists (select from showtime.journal where id = %s)"

# The epoch is another in a database that was made anew or restored: its ids begin again, and those of the
# former one mean nothing. A table that was restored has another number, a standby that took over another
# timeline, another server another name.
_CHANNEL: LiteralString = """
    from (
        select left(encode(sha256(convert_to(concat_ws(
                   '-', epoch, 'showtime.channel'::regclass::oid,
                   (select timeline_id from pg_control_checkpoint()),
                   (select system_identifier from pg_control_system())
               ), 'UTF8')), 'hex'), 16) as epoch,
               last_feed_id, state_version, state,
               (select max(id) from showtime.broadcast) as newest_id
        from showtime.channel
    ) as channel
"""

# Where the feed stands, without the lock, together with what was on at that moment.
TIP: LiteralString = "select epoch, last_feed_id as id, state_version, state, newest_id" + _CHANNEL

# Where the chat stands, under the same epoch.
CHAT_TIP: LiteralString = "select epoch, last_line_id as id" + _CHANNEL + "cross join showtime.chat_room"

# What the feed shows after an id.
FEED_AFTER: LiteralString = """
    select id, stream, payload::text from showtime.feed where id > %s order by id limit %s
"""

# The alerts that a client has missed, the old ones left out.
MISSED_ALERTS: LiteralString = """
    select id, stream, payload::text from showtime.feed
    where id > %s and id <= %s and stream = 'alerts' and shown_at > clock_timestamp() - %s
    order by id
"""

# What is shown of chat after an id.
CHAT_AFTER: LiteralString = """
    select id, 'chat' as stream, payload::text from showtime.chat_line where id > %s order by id limit %s
"""

# Wake this session with every commit that shows something.
LISTEN: LiteralString = "listen showtime_feed"
LISTEN_TO_CHAT: LiteralString = "listen showtime_chat"
