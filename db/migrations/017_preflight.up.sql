-- What came of the tries before a night, for all instances; and the latest run, of which there is one at a time.

create table showtime.preflight_run (
    id smallint primary key default 1 constraint preflight_run_only_one check (id = 1),
    run_id uuid,
    began_at timestamptz,
    ended_at timestamptz,
    callback_at timestamptz
);
comment on column showtime.preflight_run.callback_at is 'When Twitch was last made to challenge us.';
insert into showtime.preflight_run default values;

create table showtime.preflight_result (
    link text primary key,
    state text not null,
    said text not null,
    remedy text,
    tried_at timestamptz not null,
    milliseconds integer not null,
    constraint preflight_result_state_known check (state in ('ok', 'warning', 'failed', 'unknown'))
);
