-- The commands stay in the journal; of what was tried again, no more is known than that it is not parked.

update showtime.journal set outcome = 'dismissed' where outcome = 'retried';
alter table showtime.journal drop constraint journal_outcome_known;
alter table showtime.journal add constraint journal_outcome_known
    check (outcome in ('reacted', 'kept', 'repeated', 'parked', 'dismissed'));

comment on column showtime.journal.outcome is
    'reacted: done; kept: nothing follows from it; repeated: its fact was known from another message; '
    'parked: it failed and waits for the operator; dismissed: the operator let it go.';
comment on column showtime.journal.reacted_at is
    'The time that the reaction was told; later than received_at if a parked entry was tried again.';
comment on column showtime.journal.remark is
    'Why it is parked, or what else there is to say; null: nothing.';
