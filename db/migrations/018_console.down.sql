-- Nothing is tried out, and nothing is marked. What was tried out is forgotten: its ids are not given out again.

delete from showtime.showing where alert_id in (select id from showtime.feed where stream = 'tests');
delete from showtime.feed where stream = 'tests';
alter table showtime.feed drop constraint feed_stream_known;
alter table showtime.feed add constraint feed_stream_known check (stream in ('alerts', 'state'));
drop index showtime.feed_entry_id_index, showtime.showing_joined_index;

comment on column showtime.feed.stream is 'alerts: shown on /alerts; state: shown on /state.';

alter table showtime.journal drop column handled_at;
alter table showtime.show drop column marks;
