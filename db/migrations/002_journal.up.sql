create table showtime.channel (
    id smallint primary key default 1 constraint channel_only_one check (id = 1),
    epoch text not null default substr(replace(gen_random_uuid()::text, '-', ''), 1, 8),
    state jsonb,
    state_version bigint not null default 0,
    last_position bigint not null default 0,
    last_feed_id bigint not null default 0
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
    remark text
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
