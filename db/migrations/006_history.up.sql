-- What the history is read by: nights in their order, and the tapes of a night in theirs, from an index alone.

create index broadcast_started_at_index on showtime.broadcast (started_at, id);

create index screening_of_broadcast_index on showtime.screening (broadcast_id, started_at, id) include (tape_id);
drop index showtime.screening_broadcast_id_index; -- the same beginning
