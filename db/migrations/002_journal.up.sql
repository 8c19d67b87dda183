-- The journal, the outbox and the feed; and before them, order in the tables that the predecessor left.
--
-- The predecessor could start a broadcast twice, and left screenings open when their broadcast ended. Here
-- rows are healed that the constraints further down forbid. None is deleted; each healing says what it did
-- by a notice, with the value that was there where one is overwritten. The runner passes these on.

-- Whoever still writes waits until all is done: nothing is added between its healing and its constraint.
lock table showtime.broadcast, showtime.image, showtime.image_request, showtime.screening, showtime.viewer;

-- What ended before it began, by somebody's hand or by a clock that was set: it ends when it begins.
do $$
declare
    broken record;
begin
    for broken in
        select id, started_at, ended_at from showtime.screening where ended_at < started_at
    loop
        update showtime.screening set ended_at = started_at where id = broken.id;
        raise notice 'healed: screening % had ended at %, before its start: it ends at its start, %',
            broken.id, broken.ended_at, broken.started_at;
    end loop;
    for broken in
        select id, started_at, ended_at from showtime.broadcast where ended_at < started_at order by id
    loop
        update showtime.broadcast set ended_at = started_at where id = broken.id;
        raise notice 'healed: broadcast % had ended at %, before its start: it ends at its start, %',
            broken.id, broken.ended_at, broken.started_at;
    end loop;
end
$$;

-- Only the newest broadcast may be live. An older one ends with the last that is known of it, and not after
-- the next has begun.
do $$
declare
    healed text;
begin
    with known as (
        select id, lead(started_at) over (order by started_at, id) as next_started_at,
               (select max(greatest(screening.started_at, screening.ended_at))
                from showtime.screening where broadcast_id = broadcast.id) as last_seen_at
        from showtime.broadcast
    ), ended as (
        update showtime.broadcast
        set ended_at = least(next_started_at, greatest(started_at, last_seen_at))
        from known
        where known.id = broadcast.id and ended_at is null and next_started_at is not null
        returning broadcast.id
    )
    select string_agg(id::text, ', ' order by id) into healed from ended;
    if healed is not null then
        raise notice 'healed: older broadcasts that were still open have ended: %', healed;
    end if;
end
$$;

-- A broadcast contains its screenings. Where one goes on for longer, the broadcast does too, as far as the
-- next broadcast lets it; then a screening is cut to what its broadcast has room for.
do $$
declare
    broken record;
begin
    for broken in
        with known as (
            select id, ended_at, lead(started_at) over (order by started_at, id) as next_started_at,
                   (select max(greatest(screening.started_at, screening.ended_at))
                    from showtime.screening where broadcast_id = broadcast.id) as last_seen_at
            from showtime.broadcast
        )
        select id, ended_at, healed_at
        from known, least(next_started_at, greatest(ended_at, last_seen_at)) as healed_at
        where ended_at < healed_at order by id
    loop
        update showtime.broadcast set ended_at = broken.healed_at where id = broken.id;
        raise notice 'healed: broadcast % had ended at %, before its last screening: it ends at %',
            broken.id, broken.ended_at, broken.healed_at;
    end loop;
    for broken in
        select screening.id, broadcast_id, screening.started_at, screening.ended_at,
               broadcast.started_at as first_moment, broadcast.ended_at as last_moment
        from showtime.screening join showtime.broadcast on broadcast.id = broadcast_id
        where screening.started_at < broadcast.started_at
           or screening.started_at > broadcast.ended_at
           or screening.ended_at > broadcast.ended_at
    loop
        update showtime.screening set
            started_at = least(greatest(started_at, broken.first_moment), broken.last_moment),
            ended_at = case when ended_at is not null then
                least(greatest(ended_at, broken.first_moment), broken.last_moment) end
        where id = broken.id;
        raise notice 'healed: screening % had lasted from % to %: it is cut to the time of its broadcast %',
            broken.id, broken.started_at, coalesce(broken.ended_at::text, 'no end'), broken.broadcast_id;
    end loop;
end
$$;

-- An open screening ends with its broadcast; in the live one, where the next one begins.
do $$
declare
    healed text;
begin
    with ended as (
        update showtime.screening set ended_at = broadcast.ended_at
        from showtime.broadcast
        where broadcast.id = broadcast_id and screening.ended_at is null and broadcast.ended_at is not null
        returning broadcast_id
    )
    select format('%s screening(s) left open in broadcasts that have ended: %s',
                  count(*), string_agg(distinct broadcast_id::text, ', ')) into healed
    from ended having count(*) > 0;
    if healed is not null then
        raise notice 'healed: % have ended with them', healed;
    end if;

    with known as (
        select id, lead(started_at) over (partition by broadcast_id order by started_at, id) as next_started_at
        from showtime.screening
    ), ended as (
        update showtime.screening set ended_at = next_started_at
        from known
        where known.id = screening.id and ended_at is null and next_started_at is not null
        returning tape_id
    )
    select string_agg(tape_id::text, ', ') into healed from ended;
    if healed is not null then
        raise notice 'healed: tapes of the live broadcast have ended where the next one began: %', healed;
    end if;
end
$$;

-- A tape whose number is not positive is kept, but cannot be on: the clients reject a state that names it.
do $$
declare
    broken record;
begin
    for broken in select id, tape_id from showtime.screening where ended_at is null and tape_id <= 0 loop
        update showtime.screening set ended_at = started_at where id = broken.id;
        raise notice 'healed: screening % of tape %, a number that no tape has, has ended at its start',
            broken.id, broken.tape_id;
    end loop;
end
$$;

-- Nobody works on these any more, and they are never resumed.
do $$
declare
    healed bigint;
begin
    update showtime.image_request set
        finished_at = greatest(created_at, now()),
        error_message = coalesce(error_message, 'the request was never finished')
    where finished_at is null;
    get diagnostics healed = row_count;
    if healed > 0 then
        raise notice 'healed: % image request(s) that never finished have ended with an error message', healed;
    end if;
end
$$;

-- What the predecessor's tables may hold from now on.

alter table showtime.broadcast
    add constraint broadcast_ends_after_its_start check (ended_at >= started_at);
create unique index broadcast_open_unique on showtime.broadcast ((true)) where ended_at is null;

-- `not valid`: what is there stays, and nothing is added.
alter table showtime.screening
    add constraint screening_ends_after_its_start check (ended_at >= started_at),
    add constraint screening_tape_id_positive check (tape_id > 0) not valid;
create unique index screening_open_unique on showtime.screening ((true)) where ended_at is null;

create index screening_broadcast_id_index on showtime.screening (broadcast_id);
create index image_request_screening_id_index on showtime.image_request (screening_id);

-- An index cannot compare two tables. This looks when the transaction commits, so that a broadcast and its
-- screenings may change in any order.
create function showtime.check_screenings_of_broadcast() returns trigger language plpgsql as $$
declare
    changed_id integer;
    stray record;
begin
    if tg_table_name = 'broadcast' then
        changed_id := new.id;
    else
        changed_id := new.broadcast_id;
    end if;
    -- Waits for whoever is changing the broadcast, and holds up whoever is about to. A foreign key does not:
    -- it minds the id only, and two transactions could each commit half of a contradiction.
    perform from showtime.broadcast where id = changed_id for share;
    select screening.id into stray
    from showtime.screening join showtime.broadcast on broadcast.id = broadcast_id
    where broadcast_id = changed_id and (
        screening.started_at < broadcast.started_at
        or screening.started_at > broadcast.ended_at
        or coalesce(screening.ended_at, 'infinity') > broadcast.ended_at)
    limit 1;
    if found then
        raise exception using
            errcode = 'check_violation',
            constraint = 'screening_within_broadcast',
            schema = 'showtime',
            table = 'screening',
            message = format('screening %s does not lie within its broadcast %s', stray.id, changed_id),
            hint = 'A screening starts and ends during its broadcast, and is open only while that is live.';
    end if;
    return null;
end
$$;

create constraint trigger screening_within_broadcast
    after insert or update of broadcast_id, started_at, ended_at on showtime.screening
    deferrable initially deferred
    for each row execute function showtime.check_screenings_of_broadcast();

create constraint trigger broadcast_around_screenings
    after update of id, started_at, ended_at on showtime.broadcast
    deferrable initially deferred
    for each row execute function showtime.check_screenings_of_broadcast();

-- Our own tables. Thousands of rows a second go into these, so they have no triggers.

create table showtime.channel (
    id smallint primary key default 1 constraint channel_only_one check (id = 1),
    epoch text not null default substr(replace(gen_random_uuid()::text, '-', ''), 1, 8),
    state jsonb,
    state_version bigint not null default 0,
    last_position bigint not null default 0,
    last_feed_id bigint not null default 0,
    constraint channel_state_versioned check ((state is null) = (state_version = 0) and state_version >= 0)
);
insert into showtime.channel default values;

create table showtime.journal (
    id text primary key,
    position bigint not null,
    source text not null constraint journal_source_known
        check (source in ('notification', 'revocation', 'other', 'host')),
    type text not null,
    version text not null,
    retry integer not null,
    sent_at timestamptz,
    received_at timestamptz not null,
    reacted_at timestamptz not null,
    body bytea,
    policy jsonb not null,
    outcome text not null constraint journal_outcome_known
        check (outcome in ('reacted', 'kept', 'repeated', 'parked', 'dismissed')),
    remark text,
    constraint journal_parked_with_reason check (outcome <> 'parked' or remark is not null)
);
create unique index journal_position_unique on showtime.journal (position);
create index journal_parked_index on showtime.journal (position) where outcome = 'parked';

create table showtime.fact (
    key text primary key,
    entry_id text not null constraint fact_entry_id_fk references showtime.journal (id)
);

create table showtime.outbox (
    key text primary key,
    entry_id text not null constraint outbox_entry_id_fk references showtime.journal (id),
    kind text not null,
    lane text,
    payload jsonb not null,
    status text not null constraint outbox_status_known check (status in ('due', 'skipped')),
    created_at timestamptz not null
);
create index outbox_due_index on showtime.outbox (created_at) where status = 'due';

create table showtime.feed (
    id bigint primary key,
    entry_id text not null constraint feed_entry_id_fk references showtime.journal (id),
    stream text not null constraint feed_stream_known check (stream in ('alerts', 'state')),
    payload json not null,
    shown_at timestamptz not null
);

-- What everything means.

comment on schema showtime is 'The live show of one Twitch channel: what happened, and what follows from it.';

comment on table showtime.viewer is
    'People known from Twitch, who have done something for which they are remembered. Never anonymous ones.';
comment on column showtime.viewer.twitch_user_id is 'The viewer''s id at Twitch: digits, kept as text.';
comment on column showtime.viewer.twitch_display_name is
    'The name as Twitch shows it, when the viewer was last seen.';
comment on column showtime.viewer.first_followed_at is
    'When the viewer first followed the channel, by Twitch''s clock. Set once; null: never seen to.';
comment on column showtime.viewer.first_subscribed_at is
    'When the viewer first subscribed, paid or by a gift, by Twitch''s clock. Set once; null: never seen to.';

comment on table showtime.broadcast is 'Nights on the air. One at most is live.';
comment on column showtime.broadcast.id is 'The number of the broadcast, which the website shows.';
comment on column showtime.broadcast.started_at is 'When the stream started, by Twitch''s clock.';
comment on column showtime.broadcast.ended_at is
    'When the stream ended, by Twitch''s clock; null: it is live. Null again if it returns soon after.';
comment on column showtime.broadcast.vod_url is
    'Where to watch the recording; set by hand. Null: not known.';

comment on table showtime.screening is
    'Tapes played during broadcasts: each within its broadcast, and one at most is on.';
comment on column showtime.screening.id is 'Names the screening, for the image requests made during it.';
comment on column showtime.screening.broadcast_id is 'The broadcast during which the tape was played.';
comment on column showtime.screening.tape_id is
    'The number of the tape. Rows of the predecessor may hold one that is not positive: kept, never shown.';
comment on column showtime.screening.started_at is 'When the tape was put on, by this database''s clock.';
comment on column showtime.screening.ended_at is
    'When it was taken off, or the next was put on, or the broadcast ended; null: it is on.';

comment on table showtime.image_request is 'Ghosts that viewers asked for, with how each request ended.';
comment on column showtime.image_request.id is
    'Names the request; part of the addresses of its images, and of the ledger''s entry that pays for it.';
comment on column showtime.image_request.twitch_user_id is 'The viewer who asked, and who pays.';
comment on column showtime.image_request.screening_id is
    'The screening that was on at that moment; null: none.';
comment on column showtime.image_request.subject_noun_clause is
    'What it is a ghost of, in the viewer''s words.';
comment on column showtime.image_request.prompt is 'The whole text given to the painter.';
comment on column showtime.image_request.created_at is 'When the viewer asked.';
comment on column showtime.image_request.finished_at is
    'When the ghost was paid for, or the request failed; null: it is being worked on.';
comment on column showtime.image_request.error_message is
    'Why there is no ghost; null with an end: there is one, and it was paid for.';

comment on table showtime.image is 'The images of ghosts, as they are stored for everybody to see.';
comment on column showtime.image.image_request_id is 'The request that the image was made for.';
comment on column showtime.image.index is 'Its place among the images of the request, from 0.';
comment on column showtime.image.url is 'Where the image is stored.';

comment on table showtime.channel is
    'One row, the channel. Whoever writes to its state, journal or feed locks it first, so that there is one '
    'order of things however many instances run.';
comment on column showtime.channel.id is 'Always 1.';
comment on column showtime.channel.epoch is
    'Drawn by lot when this table is made; part of the ids on the streams, so that an id from a database '
    'that was wiped counts as none.';
comment on column showtime.channel.state is
    'All that a reaction may depend on; null: nothing was received yet, and the tables of broadcasts and '
    'screenings say how the channel stands.';
comment on column showtime.channel.state_version is
    'Drawn by lot with each change of the state, so that an instance knows whether it holds the latest, also '
    'of a database that was made anew; 0: no state.';
comment on column showtime.channel.last_position is 'The greatest position given out in the journal.';
comment on column showtime.channel.last_feed_id is 'The greatest id given out in the feed.';

comment on table showtime.journal is
    'Every message of Twitch and every command of the host, once, with what became of it. A night can be '
    'replayed from it.';
comment on column showtime.journal.id is
    'Twitch''s message id, or the id of a command. Kept for ever: the same again is a duplicate.';
comment on column showtime.journal.position is 'The order of reactions. Grows; numbers may be missing.';
comment on column showtime.journal.source is
    'notification: an event; revocation: Twitch ended a subscription; other: a kind of message not known '
    'here; host: a command.';
comment on column showtime.journal.type is 'EventSub''s subscription type, or the name of the command.';
comment on column showtime.journal.version is 'The version of the subscription type; empty for a command.';
comment on column showtime.journal.retry is 'How often Twitch had sent the message before.';
comment on column showtime.journal.sent_at is 'When Twitch sent it, by its own clock; null for a command.';
comment on column showtime.journal.received_at is 'When it was recorded, by this database''s clock.';
comment on column showtime.journal.reacted_at is
    'The time that the reaction was told; later than received_at if a parked entry was tried again.';
comment on column showtime.journal.body is 'The message as it came, to the byte; null once pruned.';
comment on column showtime.journal.policy is 'The settings that the reaction depended on, as they were then.';
comment on column showtime.journal.outcome is
    'reacted: done; kept: nothing follows from it; repeated: its fact was known from another message; '
    'parked: it failed and waits for the operator; dismissed: the operator let it go.';
comment on column showtime.journal.remark is
    'Why it is parked, or what else there is to say; null: nothing.';

comment on table showtime.fact is
    'What must not happen twice though Twitch tells it in two messages: a follow, a step of a hype train, …';
comment on column showtime.fact.key is 'The natural key of the fact. Kept for ever.';
comment on column showtime.fact.entry_id is 'The entry of the journal that told it first.';

comment on table showtime.outbox is
    'What is to be done outside: planned in the transaction of the reaction, performed later until settled.';
comment on column showtime.outbox.key is
    'The id of the entry and the kind of the effect: no effect is ever planned twice. Kept for ever.';
comment on column showtime.outbox.entry_id is 'The entry of the journal from which it follows.';
comment on column showtime.outbox.kind is 'What is to be done: a credit, a ghost, …';
comment on column showtime.outbox.lane is
    'Effects of one lane, a viewer''s id, are performed one at a time and in order; null: in no lane.';
comment on column showtime.outbox.payload is 'All that is needed to perform it.';
comment on column showtime.outbox.status is
    'due: waits to be performed; skipped: its feature was off, and it will not be.';
comment on column showtime.outbox.created_at is 'When it was planned, by this database''s clock.';

comment on table showtime.feed is
    'What the streams show, in the order of commits: alerts for the overlay, and changes of the state.';
comment on column showtime.feed.id is 'Grows by one; the number in the ids on the streams.';
comment on column showtime.feed.entry_id is 'The entry of the journal from which it follows.';
comment on column showtime.feed.stream is 'alerts: shown on /alerts; state: shown on /state.';
comment on column showtime.feed.payload is 'The very text that is sent.';
comment on column showtime.feed.shown_at is 'When it was shown, by this database''s clock.';
