-- Takes the chat away, with what is kept of it.

drop table showtime.chat_heard, showtime.chat_line, showtime.chat_room;
