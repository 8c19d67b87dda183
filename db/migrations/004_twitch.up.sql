-- What showtime finds out at Twitch by itself: how its subscriptions stand, and messages that were lost.

alter table showtime.journal drop constraint journal_source_known;
alter table showtime.journal add constraint journal_source_known
    check (source in ('notification', 'revocation', 'other', 'host', 'viewer', 'relay', 'repair'));

create table showtime.twitch_health (
    id smallint primary key default 1 constraint twitch_health_only_one check (id = 1),
    checked_at timestamptz not null,
    report jsonb not null
);

comment on column showtime.journal.source is
    'notification: an event; revocation: Twitch ended a subscription; other: a kind of message not known '
    'here; host: a command; viewer: a request; relay: news of what was done outside; repair: a message was '
    'lost, as Twitch''s API has shown.';

comment on table showtime.twitch_health is
    'One row at most: how the subscriptions at Twitch stand, and the broadcast compared with Twitch''s API, '
    'as found by whichever instance looked last. All of them answer by it.';
comment on column showtime.twitch_health.id is 'Always 1.';
comment on column showtime.twitch_health.checked_at is 'When it was looked at, by this database''s clock.';
comment on column showtime.twitch_health.report is 'What was found.';
