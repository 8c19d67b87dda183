-- What is parked can be tried again: what follows from an entry follows from the operator's command then.

alter table showtime.journal drop constraint journal_outcome_known;
alter table showtime.journal add constraint journal_outcome_known
    check (outcome in ('reacted', 'kept', 'repeated', 'parked', 'retried', 'dismissed'));

comment on column showtime.journal.outcome is
    'reacted: done; kept: nothing follows from it; repeated: its fact was known from another entry, which '
    'the remark names; parked: it failed and waits for the operator; retried: it was parked, and what follows '
    'from it followed from the operator''s command; dismissed: it was parked, and the operator let it go.';
comment on column showtime.journal.reacted_at is
    'The time that the reaction was told, by this database''s clock.';
comment on column showtime.journal.remark is
    'Why it is or was parked, which entry it repeats, or what else there is to say; null: nothing.';
