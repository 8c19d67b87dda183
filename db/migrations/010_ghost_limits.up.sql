-- Who asks again for a ghost that was shown a moment ago gets that one, and ghosts are counted against limits.

alter table showtime.ghost add shown_at timestamptz;
create index ghost_shown_index on showtime.ghost (viewer_id, shown_at);
create index ghost_open_index on showtime.ghost (viewer_id) where step in ('reserved', 'painted', 'stored', 'paid');
create index outbox_summoned_index on showtime.outbox (lane)
    where kind = 'summon-ghost' and status in ('due', 'waiting', 'leased', 'parked');
create index outbox_painting_index on showtime.outbox (key)
    where kind = 'paint-ghost' and status in ('due', 'waiting', 'leased', 'parked');
create index outbox_painted_index on showtime.outbox (leased_at) where kind = 'paint-ghost' and status = 'done';

comment on column showtime.ghost.shown_at is
    'When it was found to be on the screen, by this database''s clock; null: it was not, or by an older version.';
comment on column showtime.outbox.status is
    'due: waits to be performed; waiting: for another effect; leased: an instance performs it; done; '
    'refused: for good; parked: waits for the operator; dismissed: the operator let it go; skipped: its '
    'feature was off, or a ghost was over a limit, which the remark names.';
