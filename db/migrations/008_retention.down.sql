-- What was pruned stays away.

create index outbox_waiting_index on showtime.outbox (depends_on) where status = 'waiting';
drop index showtime.outbox_depends_on_index;
alter table showtime.outbox
    drop constraint outbox_depends_on_fk,
    add constraint outbox_depends_on_fk foreign key (depends_on) references showtime.outbox (key);

comment on column showtime.journal.body is 'The message as it came, to the byte; null once pruned.';
comment on table showtime.outbox is
    'What is to be done outside: planned in the transaction of the reaction, performed later until settled.';
comment on column showtime.outbox.key is
    'The id of the entry and the kind of the effect: no effect is ever planned twice. Kept for ever.';
comment on table showtime.feed is
    'What the streams show, in the order of commits: alerts for the overlay, and changes of the state.';
