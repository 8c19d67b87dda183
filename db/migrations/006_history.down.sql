create index screening_broadcast_id_index on showtime.screening (broadcast_id);
drop index showtime.screening_of_broadcast_index, showtime.broadcast_started_at_index;
