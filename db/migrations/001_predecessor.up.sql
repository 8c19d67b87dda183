-- The schema of the predecessor at its migration 12, for a database that is empty. Where the predecessor
-- has been at work this step is recorded as applied and not run. It has no way down: these tables are the
-- history of the channel.

create schema if not exists showtime;

create table showtime.viewer (
    twitch_user_id text primary key,
    twitch_display_name text not null,
    first_followed_at timestamptz,
    first_subscribed_at timestamptz
);

create table showtime.broadcast (
    id serial primary key,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    vod_url text
);

create table showtime.screening (
    id uuid primary key default gen_random_uuid(),
    broadcast_id integer not null
        constraint screening_broadcast_id_fk references showtime.broadcast (id),
    tape_id integer not null,
    started_at timestamptz not null default now(),
    ended_at timestamptz
);
create index screening_tape_id_index on showtime.screening (tape_id);

create table showtime.image_request (
    id uuid primary key,
    twitch_user_id text not null
        constraint image_request_viewer_id_fk references showtime.viewer (twitch_user_id),
    screening_id uuid,
    subject_noun_clause text not null,
    prompt text not null,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    error_message text
);

create table showtime.image (
    image_request_id uuid not null
        constraint image_request_id_fk references showtime.image_request (id),
    index integer not null,
    url text not null,
    constraint image_request_id_index_unique unique (image_request_id, index)
);

-- The predecessor follows its own tables by these, and clients of its time may too.

create function public.emit_broadcast_change_notification() returns trigger language plpgsql as $$
declare
    changed json := json_build_object('id', new.id, 'started_at', new.started_at, 'ended_at', new.ended_at);
begin
    perform pg_notify('showtime', json_build_object('type', 'broadcast', 'data', changed)::text);
    return new;
end
$$;

create function public.emit_screening_change_notification() returns trigger language plpgsql as $$
declare
    changed json := json_build_object(
        'broadcast_id', new.broadcast_id, 'tape_id', new.tape_id,
        'started_at', new.started_at, 'ended_at', new.ended_at);
begin
    perform pg_notify('showtime', json_build_object('type', 'screening', 'data', changed)::text);
    return new;
end
$$;

create trigger notify_on_broadcast_change
    after insert or update on showtime.broadcast
    for each row execute function public.emit_broadcast_change_notification();

create trigger notify_on_screening_change
    after insert or update on showtime.screening
    for each row execute function public.emit_screening_change_notification();
