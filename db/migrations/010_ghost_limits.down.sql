-- Ghosts are not counted.

drop index showtime.outbox_painted_index;
drop index showtime.outbox_painting_index;
drop index showtime.outbox_summoned_index;
drop index showtime.ghost_open_index;
drop index showtime.ghost_shown_index;
alter table showtime.ghost drop column shown_at;

comment on column showtime.outbox.status is
    'due: waits to be performed; waiting: for another effect; leased: an instance performs it; done; '
    'refused: for good; parked: waits for the operator; dismissed: the operator let it go; skipped: its '
    'feature was off.';
