-- A database of the predecessor at its migration 12, as its own migrations leave one behind: columns that
-- came later stand at the end of their tables. Written from its documentation, apart from db/migrations, so
-- that the two can be compared.

create schema showtime;

create table showtime.viewer (
    twitch_user_id text primary key,
    twitch_display_name text not null,
    first_logged_in_at timestamptz,
    first_followed_at timestamptz
);
create table showtime.broadcast (
    id serial primary key,
    started_at timestamptz not null default now(),
    ended_at timestamptz
);
create table showtime.screening (
    broadcast_id integer not null,
    tape_id integer not null,
    started_at timestamptz not null default now(),
    ended_at timestamptz
);
create table showtime.image_request (
    id uuid primary key,
    twitch_user_id text not null,
    subject_noun_clause text not null,
    prompt text not null,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    error_message text
);
create table showtime.image (
    image_request_id uuid not null,
    index integer not null,
    url text not null
);

alter table showtime.viewer drop column first_logged_in_at;
alter table showtime.screening add constraint screening_broadcast_id_fk
    foreign key (broadcast_id) references showtime.broadcast (id);
create index screening_tape_id_index on showtime.screening (tape_id);
alter table showtime.image_request add constraint image_request_viewer_id_fk
    foreign key (twitch_user_id) references showtime.viewer (twitch_user_id);
alter table showtime.image add constraint image_request_id_fk
    foreign key (image_request_id) references showtime.image_request (id);
alter table showtime.image add constraint image_request_id_index_unique unique (image_request_id, index);
alter table showtime.screening add column id uuid;
alter table showtime.screening add primary key (id);
alter table showtime.screening alter column id set default gen_random_uuid();
alter table showtime.image_request add column screening_id uuid;
alter table showtime.broadcast add column vod_url text;
alter table showtime.viewer add column first_subscribed_at timestamptz;
comment on table showtime.viewer is 'The predecessor had comments of its own.';

create function public.emit_broadcast_change_notification() returns trigger as $trigger$
begin
    perform pg_notify('showtime', json_build_object('type', 'broadcast', 'data', json_build_object(
        'id', new.id, 'started_at', new.started_at, 'ended_at', new.ended_at))::text);
    return new;
end;
$trigger$ language plpgsql;

create function public.emit_screening_change_notification() returns trigger as $trigger$
begin
    perform pg_notify('showtime', json_build_object('type', 'screening', 'data', json_build_object(
        'broadcast_id', new.broadcast_id, 'tape_id', new.tape_id,
        'started_at', new.started_at, 'ended_at', new.ended_at))::text);
    return new;
end;
$trigger$ language plpgsql;

create trigger notify_on_broadcast_change after insert or update on showtime.broadcast
    for each row execute procedure public.emit_broadcast_change_notification();
create trigger notify_on_screening_change after insert or update on showtime.screening
    for each row execute procedure public.emit_screening_change_notification();

create table public.showtime_migrations (version bigint not null primary key, dirty boolean not null);
insert into public.showtime_migrations values (12, false);
