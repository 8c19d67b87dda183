-- What waits in a lane is never forgotten. Who left a lane looked for the first that waits in it, and committed a
-- moment later; what came into the lane in between, and was put behind the one that was leaving, stayed there.

-- Says whether something stands behind another of its lane, at the moment of the call and not of the statement, and
-- keeps that other where it is until the caller has committed. Who wants to leave waits for this, and then sees who
-- stands behind. Who is leaving already counts as gone: nobody waits for that.
create or replace function showtime.stands_behind(its_lane text, its_position bigint) returns boolean
language plpgsql as $$
begin
    perform 1 from showtime.outbox where lane = its_lane and status = 'leased'
    limit 1 for share skip locked;
    if not found then
        perform 1 from showtime.outbox
        where lane = its_lane and status = 'due' and position < its_position
        order by position limit 1 for share skip locked;
    end if;
    return found;
end
$$;
