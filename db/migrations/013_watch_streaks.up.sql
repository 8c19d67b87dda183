-- What somebody has shared in chat, a watch streak, is an entry of the journal, for its alert.

alter table showtime.journal drop constraint journal_source_known;
alter table showtime.journal add constraint journal_source_known
    check (source in ('notification', 'revocation', 'other', 'host', 'viewer', 'relay', 'chat', 'repair'))
    not valid; -- what is there kept to the narrower list
comment on column showtime.journal.source is
    'notification: an event; revocation: Twitch ended a subscription; other: a kind of message not known '
    'here; host: a command; viewer: a request; relay: news of what was done outside; chat: a watch streak '
    'was shared there; repair: a message was lost, as Twitch''s API has shown.';
