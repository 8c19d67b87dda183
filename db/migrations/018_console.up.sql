-- The host's console: the feed of the night, with what is handled; and alerts that the host tries out, which wait
-- in the queue of the show and are told nowhere else.

alter table showtime.feed drop constraint feed_stream_known;
alter table showtime.feed add constraint feed_stream_known check (stream in ('alerts', 'state', 'tests')) not valid;
create index feed_entry_id_index on showtime.feed (entry_id);

create index showing_joined_index on showtime.showing (last_alert_id) where joined <> '{}';

alter table showtime.journal add column handled_at timestamptz;
alter table showtime.show add column marks bigint not null default 0;

comment on column showtime.feed.stream is
    'alerts: what happened; state: what is on; tests: alerts that the host tries out, for the queue of the show alone.';
comment on column showtime.journal.handled_at is
    'When the host marked it as handled, by this database''s clock; null: it is not.';
comment on column showtime.show.marks is 'Grows with each mark that the host sets or takes back in the feed of the night.';
