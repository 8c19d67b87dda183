-- Whether something stands behind another of its lane is looked up, and may change before the commit.

create or replace function showtime.stands_behind(its_lane text, its_position bigint) returns boolean language plpgsql as $$
begin
    return exists (select from showtime.outbox where lane = its_lane and status = 'leased')
        or exists (select from showtime.outbox
                   where lane = its_lane and status = 'due' and position < its_position);
end
$$;
