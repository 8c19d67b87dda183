-- What came of the tries before a night, for all instances; and the latest run, of which there is one at a time.

create table showtime.preflight_run (
    id smallint primary key default 1 constraint preflight_run_only_one check (id = 1),
    run_id uuid,
    began_at timestamptz,
    ended_at timestamptz,
    callback_at timestamptz
);
comment on table showtime.preflight_run is 'One row: the latest run of tries before a night, on whichever instance.';
comment on column showtime.preflight_run.id is 'Always 1.';
comment on column showtime.preflight_run.run_id is 'Names the run; null: there was none.';
comment on column showtime.preflight_run.began_at is 'When it began.';
comment on column showtime.preflight_run.ended_at is
    'When it ended; null: it goes on, unless it began so long ago that its instance must be gone.';
comment on column showtime.preflight_run.callback_at is 'When Twitch was last made to challenge us, in this run or before.';
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
comment on table showtime.preflight_result is 'What the latest try of each link of the show came to.';
comment on column showtime.preflight_result.link is 'Which link.';
comment on column showtime.preflight_result.state is 'ok, warning, failed, unknown (it was not tried, or nobody can tell).';
comment on column showtime.preflight_result.said is 'What was found, in a few words.';
comment on column showtime.preflight_result.remedy is 'What to do about it; null: what is usual for this link.';
comment on column showtime.preflight_result.tried_at is 'When the try ended.';
comment on column showtime.preflight_result.milliseconds is 'How long it took.';
