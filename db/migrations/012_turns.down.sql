-- What is due is looked for among all that is due again, and every row that names another is checked.

drop trigger outbox_lane_freed on showtime.outbox;
drop function showtime.free_lane(), showtime.stands_behind(text, bigint);
drop index showtime.outbox_ready_index, showtime.outbox_later_index, showtime.outbox_turn_index,
    showtime.outbox_lane_index;
create index outbox_lane_index on showtime.outbox (lane, position) where status in ('due', 'leased');
create index outbox_due_index on showtime.outbox (position) where status = 'due';
alter table showtime.outbox drop place, drop turn;

update showtime.outbox set depends_on = null
where not exists (select from showtime.outbox as other where other.key = outbox.depends_on)
  and depends_on is not null and status <> 'waiting';
alter table showtime.fact
    add constraint fact_entry_id_fk foreign key (entry_id) references showtime.journal (id);
alter table showtime.feed
    add constraint feed_entry_id_fk foreign key (entry_id) references showtime.journal (id);
alter table showtime.outbox
    add constraint outbox_entry_id_fk foreign key (entry_id) references showtime.journal (id),
    add constraint outbox_depends_on_fk foreign key (depends_on) references showtime.outbox (key)
        on delete set null;
alter table showtime.ghost
    add constraint ghost_entry_id_fk foreign key (entry_id) references showtime.journal (id),
    add constraint ghost_viewer_id_fk foreign key (viewer_id) references showtime.viewer (twitch_user_id);

comment on column showtime.outbox.depends_on is
    'The effect that must be done before: a ghost waits for the points of its cheer; null: none.';
