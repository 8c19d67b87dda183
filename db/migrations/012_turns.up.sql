-- What can begin next is read from one index, in order, however much waits and whatever the planner believes of
-- the tables; and viewers take turns at what everybody waits for.
--
-- Whoever leases keeps `place` true when it looks, so an older version, which does not know it, harms nothing:
-- what it plans is taken for ready, and looked at. Only what frees a lane must say so, and a trigger does, for
-- every version.

alter table showtime.outbox
    add place text not null default 'ready'
        constraint outbox_place_known check (place in ('ready', 'behind', 'later')),
    add turn bigint not null default 0;

-- What waits already gets its turns, each viewer's one after the other.
update showtime.outbox set turn = waiting.turn
from (
    select key, row_number() over (partition by kind, payload -> 'viewer' ->> 'id' order by position) - 1 as turn
    from showtime.outbox where status = 'due' and lane is null
) as waiting
where waiting.key = outbox.key and waiting.turn > 0;

-- Each is read by an expression, so that no other index can be taken for it.
create index outbox_ready_index on showtime.outbox
    ((case when status = 'due' and place = 'ready' then kind end), turn, position)
    where (case when status = 'due' and place = 'ready' then kind end) is not null;
create index outbox_later_index on showtime.outbox
    ((case when status = 'due' and place = 'later' then kind end), due_at)
    where (case when status = 'due' and place = 'later' then kind end) is not null;
create index outbox_turn_index on showtime.outbox
    ((case when status = 'due' and lane is null then kind end), (payload -> 'viewer' ->> 'id'), turn)
    where (case when status = 'due' and lane is null then kind end) is not null;

-- Whether anything of a lane is leased, or due before something, is told by its beginning alone.
drop index showtime.outbox_lane_index;
create index outbox_lane_index on showtime.outbox (lane, status, position) where status in ('due', 'leased');
drop index showtime.outbox_due_index; -- it could be taken for each of these

-- Looks again, at the moment of the call and not of the statement, whether something stands behind another.
create function showtime.stands_behind(its_lane text, its_position bigint) returns boolean language plpgsql as $$
begin
    return exists (select from showtime.outbox where lane = its_lane and status = 'leased')
        or exists (select from showtime.outbox
                   where lane = its_lane and status = 'due' and position < its_position);
end
$$;

-- When something leaves its lane, or is due again, the first one is ready. It is locked before it is looked at: whoever puts it
-- behind at this moment has then done so, and is overruled.
create function showtime.free_lane() returns trigger language plpgsql as $$
declare
    next_key text;
    next_place text;
begin
    select key, place into next_key, next_place from showtime.outbox
    where lane = new.lane and status = 'due' order by position limit 1 for update;
    if next_place = 'behind' then
        update showtime.outbox set place = 'ready' where key = next_key;
    end if;
    return null;
end
$$;
create trigger outbox_lane_freed after update of status on showtime.outbox
    for each row when (old.status in ('due', 'leased') and new.status not in (old.status, 'leased')
                       and new.lane is not null)
    execute function showtime.free_lane();

-- A foreign key is looked up by a hidden query for each row, whose plan is kept from when the table was small;
-- and these are a third of what a message costs. One statement writes an entry and all that names it.
alter table showtime.fact drop constraint fact_entry_id_fk;
alter table showtime.feed drop constraint feed_entry_id_fk;
alter table showtime.outbox
    drop constraint outbox_entry_id_fk,
    drop constraint outbox_depends_on_fk;
alter table showtime.ghost
    drop constraint ghost_entry_id_fk,
    drop constraint ghost_viewer_id_fk;

comment on column showtime.outbox.place is
    'Where it stands while it is due. ready: it can begin, as far as is known, and is looked at next; behind: '
    'something of its lane comes before it; later: its time has not come.';
comment on column showtime.outbox.turn is
    'Among what is ready of its kind the lowest turn begins first, then what was planned first. Fixed when it is '
    'planned: a viewer''s waiting effects of a kind without lane have one turn each, one after the other.';
comment on column showtime.outbox.depends_on is
    'The effect that must be done before: a ghost waits for the points of its cheer; null: none. It may have '
    'been removed, once it was old.';
