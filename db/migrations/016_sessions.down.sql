-- Everybody is signed out, and the moderators are to be named again.

drop table showtime.one_time_code;
drop table showtime.session;
drop table showtime.moderator;
