alter table showtime.show drop column streamed_at, drop column streamed_by;
