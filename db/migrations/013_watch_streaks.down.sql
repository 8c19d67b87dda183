-- Watch streaks stay in the journal, under the name of what they are nearest to: a message of another kind.

update showtime.journal set source = 'other' where source = 'chat';
alter table showtime.journal drop constraint journal_source_known;
alter table showtime.journal add constraint journal_source_known
    check (source in ('notification', 'revocation', 'other', 'host', 'viewer', 'relay', 'repair'));
comment on column showtime.journal.source is
    'notification: an event; revocation: Twitch ended a subscription; other: a kind of message not known '
    'here; host: a command; viewer: a request; relay: news of what was done outside; repair: a message was '
    'lost, as Twitch''s API has shown.';
