-- What may have been done is looked for once the ledger answers again, and once more when it has been done.

alter table showtime.outbox
    add answered_at timestamptz,
    add check_at timestamptz;
create index outbox_check_index on showtime.outbox (check_at) where check_at is not null;

comment on column showtime.outbox.answered_at is
    'When the ledger first answered after the latest try that may have been performed although nothing is known '
    'of it, by this database''s clock; null: it has not answered since. What is not in the ledger a while later '
    'was not made.';
comment on column showtime.outbox.check_at is
    'When it is looked whether the ledger has made it twice: it was in doubt, and is done; null: never, or it was.';
