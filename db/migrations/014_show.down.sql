-- Alerts are streamed, and what becomes of them is nobody's business.

drop table showtime.show_secret, showtime.showing, showtime.overlay, showtime.show;
