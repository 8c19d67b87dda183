"""The SQL of the outbox, each statement with a line on its purpose."""

from typing import LiteralString

from showtime_adapters.postgres import living_session

# Wakes this session when something was planned.
LISTEN: LiteralString = "listen showtime_outbox"

# Ends the sessions of instances that have been silent for so many seconds while they had something leased:
# they are frozen, or cut off.
END_SILENT = living_session.END_SILENT + "(select owner from showtime.outbox where status = 'leased'))"  # noqa: S608 - both are ours

# Takes back what instances had leased that are gone: it may have been performed. A call to the ledger, which
# is in a lane, may still be sent for a while: an answer of the ledger before that proves nothing.
RECOVER: LiteralString = (
    """
    update showtime.outbox set
        status = 'due', owner = null, doubted_since = coalesce(doubted_since, leased_at), answered_at = null,
        due_at = clock_timestamp() + case when lane is null then interval '0' else %s end,
        remark = 'the instance that performed it is gone'
    where status = 'leased' and owner not in (select key from """  # noqa: S608 - all of it is ours
    + living_session.HELD
    + ")"
)

# Looks at the next lanes after one, and puts in front what is first in its lane and stands behind nobody: it
# comes of rows that were deleted by hand, or of migration 012, whose rule had a gap that 015 has closed. Each
# lane costs a few looks into an index, however much waits in it; so a row is named by its key, and not by
# its status, which has indexes.
FREE_LANES: LiteralString = """
    with recursive lanes as (
        select 0 as number, %(after)s::text as lane
        union all
        select number + 1, (
            select lane from showtime.outbox
            where outbox.lane > lanes.lane and status in ('due', 'leased') order by outbox.lane limit 1)
        from lanes where lane is not null and number < %(most)s
    ), freed as (
        update showtime.outbox set place = 'ready'
        where key = any(array(
            select first.key from lanes cross join lateral (
                select key, place from showtime.outbox
                where outbox.lane = lanes.lane and status = 'due' order by position limit 1
            ) as first
            where number > 0 and place = 'behind' and (
                select true from showtime.outbox
                where outbox.lane = lanes.lane and status = 'leased' limit 1) is null
        )) and place = 'behind'
        returning key
    )
    select (select max(lane) from lanes where number = %(most)s) as last,
           array(select key from freed) as freed
"""

# Gives back what this instance leased without learning it, since the answer was lost: nobody has begun it.
GIVE_BACK: LiteralString = """
    update showtime.outbox set status = 'due', owner = null, remark = 'the answer to its lease was lost'
    where status = 'leased' and owner = %s and kind = any(%s) and key || ' ' || attempts <> all(%s)
"""

# Plans to look once more at what was in doubt, where that is due.
PLAN_CHECKS: LiteralString = """
    with done as (
        update showtime.outbox set check_at = null where check_at <= clock_timestamp()
        returning entry_id, kind, payload, flow_id, doubted_since
    )
    insert into showtime.outbox (key, entry_id, kind, payload, status, created_at, doubted_since)
    select entry_id || ':check-' || kind, entry_id, 'check-' || kind,
           jsonb_build_object('of', payload, 'flow_id', flow_id), 'due', clock_timestamp(), doubted_since
    from done
    on conflict (key) do nothing
"""

# The columns of a job, as `read_job` takes them, but for the image; and its ghost, read by id in a subquery:
# no plan reads more than its one row.
_JOB: LiteralString = """
    outbox.key, outbox.entry_id, kind, payload, attempts, remark, coalesce(leased_at, created_at) as since,
    clock_timestamp() - doubted_since as in_doubt_for, clock_timestamp() - answered_at as answered_for,
    its.id, viewer_id, viewer_login, viewer_display_name, subject, screening_id, step, its.flow_id, url,
    refusal, reason
"""
_GHOST: LiteralString = """
    left join lateral (
        select * from showtime.ghost
        where kind <> 'summon-ghost' and ghost.id = (payload ->> 'ghost_id')::uuid offset 0
    ) as its on true
"""

# Leases what can begin: of what is ready, the lowest turn first, and of what was to come later and is due by
# now. Both are read from the beginning of an index, so many of each kind and no more, however much waits.
# What turns out to stand behind another of its lane, or to come later, is put there, out of the way; another
# look may find more. A lane has one leased at most: two instances that see it at the same moment are kept
# apart by a unique index. Rows are named by key, or read by a subquery of their own: no plan reads more.
LEASE: LiteralString = (
    """
    with near as materialized (
        select near.* from unnest(%(kinds)s::text[]) as wanted (kind) cross join lateral (
            select * from (
                select key, lane, position, turn, due_at from showtime.outbox
                where (case when status = 'due' and place = 'ready' then outbox.kind end) = wanted.kind
                order by turn, position limit %(look)s
                for update skip locked
            ) as ready
            union all select * from (
                select key, lane, position, turn, due_at from showtime.outbox
                where (case when status = 'due' and place = 'later' then outbox.kind end) = wanted.kind
                  and due_at <= statement_timestamp()
                order by due_at limit %(look)s
                for update skip locked
            ) as later
        ) as near
    ), looked as materialized (
        select key, position, turn, due_at > clock_timestamp() as is_early,
               (select true from showtime.outbox as other
                where other.lane = near.lane and other.status = 'leased' limit 1) is not null
               or exists (select from showtime.outbox as other
                          where other.lane = near.lane and other.status = 'due'
                            and other.position < near.position) as is_behind
        from near
    ), put_behind as (
        update showtime.outbox set place = 'behind'
        where key = any(array(select key from looked where is_behind))
          and showtime.stands_behind(lane, position)
        returning 1
    ), put_later as (
        update showtime.outbox set place = 'later'
        where key = any(array(select key from looked where is_early and not is_behind))
        returning 1
    ), leased as (
        update showtime.outbox set
            status = 'leased', owner = %(owner)s, leased_at = clock_timestamp(), attempts = attempts + 1
        where key = any(array(
            select key from looked where not is_early and not is_behind
            order by turn, position limit %(limit)s
        ))
        returning outbox.*
    )
    select (select count(*) from put_behind) + (select count(*) from put_later) as moved, jpeg,"""  # noqa: S608 - all of it is ours
    + _JOB
    + "from (select) as always left join leased as outbox on true"
    + _GHOST
    + "order by turn, position"
)

# Puts back for a while what this instance cannot read; another may, of a newer version.
PUT_BACK: LiteralString = """
    update showtime.outbox set
        status = 'due', owner = null, due_at = clock_timestamp() + interval '1 min',
        remark = 'it cannot be read by the version that tried last'
    where key = any(%s) and owner = %s and status = 'leased'
"""

# Settles jobs, each unless it is no longer ours, or no longer what it was; what has waited for one is due,
# and what comes next is planned. Without a lane it takes a turn: in the round that is under way, or in the
# one after the last in which its viewer waits for the same. Rows are named by key; what they must be besides
# is said so that no other index could be read for it.
SETTLE: LiteralString = """
    with told as materialized (
        select * from json_to_recordset(%(settled)s) as told (
            key text, attempts integer, status text, remark text, flow_id uuid, delay float8,
            in_doubt boolean, has_answered boolean, check_after float8, clears_doubt boolean, planned json)
    ), settled as (
        update showtime.outbox set
            status = told.status, remark = told.remark, owner = null,
            flow_id = coalesce(told.flow_id, outbox.flow_id),
            due_at = clock_timestamp() + make_interval(secs => told.delay),
            doubted_since = case when told.clears_doubt then null
                                 when told.in_doubt then coalesce(doubted_since, leased_at)
                                 else doubted_since end,
            answered_at = case when told.clears_doubt or told.in_doubt then null
                               when told.has_answered then coalesce(answered_at, clock_timestamp())
                               else answered_at end,
            check_at = clock_timestamp() + make_interval(secs => told.check_after)
        from told
        where outbox.key = any(%(keys)s) and outbox.key = told.key and outbox.attempts = told.attempts
          and outbox.status is not distinct from %(was)s and owner is not distinct from %(owner)s
        returning outbox.key, outbox.entry_id, outbox.status, told.planned
    ), freed as (
        update showtime.outbox set status = 'due', due_at = clock_timestamp()
        where depends_on = any(array(select key from settled where status = 'done')) and status = 'waiting'
    ), planned as (
        insert into showtime.outbox (key, entry_id, kind, lane, payload, status, created_at, turn)
        select next.key, settled.entry_id, next.kind, next.lane, next.payload, 'due', clock_timestamp(),
               case when next.lane is null then greatest(
                   coalesce((
                       select turn from showtime.outbox
                       where (case when status = 'due' and place = 'ready' then outbox.kind end) = next.kind
                       order by turn, position limit 1), 0),
                   coalesce((
                       select turn + 1 from showtime.outbox as other
                       where (case when status = 'due' and other.lane is null then other.kind end) = next.kind
                         and other.payload -> 'viewer' ->> 'id' = next.payload -> 'viewer' ->> 'id'
                       order by turn desc limit 1), 0)
               ) else 0 end
        from settled cross join json_to_recordset(settled.planned) as next (
            key text, kind text, lane text, payload jsonb)
        on conflict (key) do nothing
    )
    select key from settled
"""

# Lists what is parked, the oldest first, without its images.
PARKED: LiteralString = (
    "select null as jpeg,"
    + _JOB
    + "from showtime.outbox"
    + _GHOST
    + "where status = 'parked' order by position limit %s"
)

# Takes what is parked under a key, or what waits for it, for changing it.
_TAKE: LiteralString = "select jpeg," + _JOB + "from showtime.outbox" + _GHOST + "where "
TAKE_PARKED: LiteralString = _TAKE + "key = %s and status = 'parked' for update of outbox"
TAKE_WAITING: LiteralString = _TAKE + "depends_on = %s and status = 'waiting' for update of outbox"

# Lists the ghosts that wait for the host, the oldest first.
AWAITING: LiteralString = """
    select id, viewer_id, viewer_login, viewer_display_name, subject, changed_at as since, due_at as until,
           coalesce(remark, '') as reason
    from showtime.ghost join showtime.outbox on key = ghost.entry_id || ':paint-ghost'
    where step = 'awaiting-approval' and refusal is null and status = 'due'
    order by changed_at limit %s
"""

# Takes one of them, for deciding about it.
TAKE_AWAITING: LiteralString = (
    _TAKE  # noqa: S608 - all of it is ours
    + "status = 'due' and key = (select entry_id || ':paint-ghost' from showtime.ghost "
    + "where id = %s and step = 'awaiting-approval') for update of outbox"
)

# Wakes whoever performs effects.
WAKE: LiteralString = "select pg_notify('showtime_outbox', '')"

# Keeps a ghost as it is now, together with the viewer and with what the history shows: the request, and once
# it is paid the image. A viewer may ask for the same again when nobody works on it any more, and when it was
# not shown a moment ago.
KEEP_GHOST: LiteralString = """
    with remembered as (
        insert into showtime.viewer (twitch_user_id, twitch_display_name) values (%(viewer_id)s, %(name)s)
        on conflict (twitch_user_id) do update set twitch_display_name = excluded.twitch_display_name
    ), requested as (
        insert into showtime.image_request (id, twitch_user_id, screening_id, subject_noun_clause, prompt,
                                            created_at, finished_at, error_message)
        select %(id)s, %(viewer_id)s, %(screening_id)s, %(subject)s, %(prompt)s, created_at,
               case when %(is_decided)s then clock_timestamp() end, %(error)s
        from showtime.outbox where key = %(summons)s
        on conflict (id) do update set
            finished_at = coalesce(image_request.finished_at, excluded.finished_at),
            error_message = coalesce(image_request.error_message, excluded.error_message)
    ), depicted as (
        insert into showtime.image (image_request_id, index, url)
        select %(id)s, 0, %(url)s where %(step)s = 'paid'
        on conflict do nothing
    ), released as (
        delete from showtime.fact
        where %(is_settled)s and key = %(fact)s and entry_id = %(entry_id)s
    )
    insert into showtime.ghost (id, entry_id, viewer_id, viewer_login, viewer_display_name, subject,
                                screening_id, step, flow_id, url, refusal, reason, jpeg, changed_at, shown_at)
    values (%(id)s, %(entry_id)s, %(viewer_id)s, %(login)s, %(display_name)s, %(subject)s, %(screening_id)s,
            %(step)s, %(flow_id)s, %(url)s, %(refusal)s, %(reason)s, %(jpeg)b, clock_timestamp(),
            case when %(step)s = 'shown' then clock_timestamp() end)
    on conflict (id) do update set
        step = excluded.step, flow_id = excluded.flow_id, url = excluded.url, refusal = excluded.refusal,
        reason = excluded.reason, changed_at = excluded.changed_at,
        shown_at = coalesce(ghost.shown_at, excluded.shown_at),
        jpeg = case when excluded.step not in ('posted', 'refunded') then
                   coalesce(excluded.jpeg, ghost.jpeg) end
"""

# The transactions of a viewer that are known to be ours; they were all made in the viewer's lane.
CLAIMED: LiteralString = "select flow_id from showtime.outbox where lane = %s and flow_id is not null"

# Whether a transaction of a viewer may be being made that is not known yet.
UNDER_WAY: LiteralString = """
    select true from showtime.outbox
    where lane = %s and status in ('due', 'leased') and (status = 'leased' or doubted_since is not null)
    limit 1
"""
