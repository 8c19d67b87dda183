-- Alerts are streamed, and what becomes of them is nobody's business.

-- What waits for the host is as it was before it did: it is painted.
drop index showtime.ghost_awaiting_index, showtime.ghost_open_index;
update showtime.ghost set step = 'reserved' where step in ('awaiting-approval', 'approved');
create index ghost_open_index on showtime.ghost (viewer_id) where step in ('reserved', 'painted', 'stored', 'paid');
alter table showtime.ghost drop constraint ghost_step_known;
alter table showtime.ghost add constraint ghost_step_known check (step in (
    'reserved', 'painted', 'stored', 'paid', 'shown', 'posted', 'refused', 'refunded'));
comment on column showtime.ghost.step is
    'reserved: the points are set aside; painted; stored; paid: the points are spent; shown; posted; '
    'refused: it never began, and nothing was taken; refunded: it failed, and the points are back.';

drop table showtime.show_secret, showtime.showing, showtime.overlay, showtime.show;
