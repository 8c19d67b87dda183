-- What came of the tries before a night, for all instances; and the latest run, of which there is one at a time.

create table showtime.preflight_run (
    id boolean primary key default true check (id),
    run_id uuid,
    began_at timestamptz,
    ended_at timestamptz,
    callback_at timestamptz
);
comment on table showtime.preflight_run is 'One row: the latest run of tries, and when Twitch was last made to challenge us.';
insert into showtime.preflight_run default values;

create table showtime.preflight_result (
    link text primary key,
    state text not null check (state in ('ok', 'warning', 'failed', 'unknown')),
    said text not null,
    remedy text,
    tried_at timestamptz not null,
    milliseconds integer not null
);
comment on table showtime.preflight_result is 'The latest result of each link that was tried.';
