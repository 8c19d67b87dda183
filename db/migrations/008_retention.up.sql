-- What is old is let go: bodies of the journal, settled effects, and what the streams have shown.

-- An effect and the one that it waited for may go in any order, and neither is searched for among all others.
alter table showtime.outbox
    drop constraint outbox_depends_on_fk,
    add constraint outbox_depends_on_fk foreign key (depends_on) references showtime.outbox (key)
        on delete set null;
create index outbox_depends_on_index on showtime.outbox (depends_on) where depends_on is not null;
drop index showtime.outbox_waiting_index; -- the same, of fewer rows

comment on column showtime.journal.body is
    'The message as it came, to the byte; null once it is pruned for its age, which one that is parked never is.';
comment on table showtime.outbox is
    'What is to be done outside: planned in the transaction of the reaction, performed later until settled; '
    'removed once it is both settled and old.';
comment on column showtime.outbox.key is
    'The id of the entry and the kind of the effect. No effect is planned twice, for no entry is recorded twice.';
comment on table showtime.feed is
    'What the streams show, in the order of commits: alerts for the overlay, and changes of the state. What is '
    'old is removed; its ids are never given out again.';
