drop table showtime.preflight_result;
drop table showtime.preflight_run;
