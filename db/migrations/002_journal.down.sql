-- Takes away what is ours, with all that it holds, and leaves the predecessor's tables as its programs know
-- them. What was healed stays healed, and the comments stay true.

drop table showtime.feed, showtime.outbox, showtime.fact, showtime.journal, showtime.channel;

drop trigger screening_within_broadcast on showtime.screening;
drop trigger broadcast_around_screenings on showtime.broadcast;
drop function showtime.check_screenings_of_broadcast();

alter table showtime.broadcast drop constraint broadcast_ends_after_its_start;
alter table showtime.screening
    drop constraint screening_ends_after_its_start,
    drop constraint screening_tape_id_positive;

drop index showtime.broadcast_open_unique, showtime.screening_open_unique,
    showtime.screening_broadcast_id_index, showtime.image_request_screening_id_index;
