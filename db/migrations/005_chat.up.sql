-- Chat: what is shown of it lately, and what was heard already. Apart from the channel's row and its lock: a
-- chat that runs wild delays no alert.

create table showtime.chat_room (
    id smallint primary key default 1 constraint chat_room_only_one check (id = 1),
    last_line_id bigint not null default 0,
    last_position bigint not null default 0,
    trouble text,
    seen_at timestamptz
);
insert into showtime.chat_room default values;

create table showtime.chat_line (
    id bigint primary key,
    message_id text,
    viewer_id text,
    is_deleted boolean not null default false,
    payload json not null,
    shown_at timestamptz not null,
    constraint chat_line_message_with_viewer check ((message_id is null) = (viewer_id is null)),
    constraint chat_line_message_deleted check (message_id is not null or not is_deleted)
);
create unique index chat_line_message_id_unique on showtime.chat_line (message_id);

create table showtime.chat_heard (
    key text primary key,
    position bigint not null
);
create index chat_heard_position_index on showtime.chat_heard (position);

comment on table showtime.chat_room is
    'One row. Whoever writes to the chat locks it first, so that there is one order of lines however many '
    'instances run; and how the reader of the chat fares, for all instances to tell.';
comment on column showtime.chat_room.id is 'Always 1.';
comment on column showtime.chat_room.last_line_id is 'The greatest id given out in chat_line.';
comment on column showtime.chat_room.last_position is 'The greatest position given out in chat_heard.';
comment on column showtime.chat_room.trouble is
    'Why the reader of IRC is not connected to the chat; null: it is, or nobody has ever read.';
comment on column showtime.chat_room.seen_at is
    'When the reader of IRC last said how it fares, by this database''s clock; null: never.';

comment on table showtime.chat_line is
    'What is shown of chat: messages, and what moderators did among them. The oldest lines are removed.';
comment on column showtime.chat_line.id is 'Grows by one, in the order of commits; the number in the ids on the stream.';
comment on column showtime.chat_line.message_id is 'Twitch''s id of the message; null: it is no message.';
comment on column showtime.chat_line.viewer_id is
    'The id at Twitch of who wrote the message, empty where Twitch gave none; null: it is no message.';
comment on column showtime.chat_line.is_deleted is
    'Whether a moderator has taken the message away since; it is kept for clients that resume.';
comment on column showtime.chat_line.payload is 'The very text that is sent.';
comment on column showtime.chat_line.shown_at is 'When it was shown, by this database''s clock.';

comment on table showtime.chat_heard is
    'What was heard of chat lately, so that nothing is shown twice however often Twitch tells it. The oldest '
    'are removed.';
comment on column showtime.chat_heard.key is
    'Names a message of chat by Twitch''s id, or an EventSub message that told of chat by its id.';
comment on column showtime.chat_heard.position is 'The order in which they were heard.';
