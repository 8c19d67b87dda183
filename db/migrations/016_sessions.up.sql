-- Hosts sign in: their sessions, the moderators among them, and codes that are used once.
-- Of tokens and codes only digests are kept.

create table showtime.moderator (
    id text primary key,
    login text not null,
    display_name text not null,
    named_at timestamptz not null
);

create table showtime.session (
    digest bytea primary key,
    way text not null constraint session_way_known check (way in ('twitch', 'laptop')),
    viewer_id text not null,
    login text not null,
    display_name text not null,
    moderator_id text constraint session_of_a_moderator references showtime.moderator on delete cascade,
    opened_at timestamptz not null,
    expires_at timestamptz not null,
    constraint session_moderator_is_the_viewer check (moderator_id is null or moderator_id = viewer_id)
);
create index session_expires_at_index on showtime.session (expires_at);
create index session_moderator_index on showtime.session (moderator_id) where moderator_id is not null;

create table showtime.one_time_code (
    digest bytea primary key,
    purpose text not null constraint one_time_code_purpose_known check (purpose in ('sign-in', 'pairing')),
    browser bytea,
    leads_to text not null,
    expires_at timestamptz not null
);
create index one_time_code_expires_at_index on showtime.one_time_code (expires_at);

comment on table showtime.moderator is 'The moderators whom the broadcaster has named.';
comment on column showtime.moderator.id is 'The user id at Twitch, which stays when a login passes to somebody else.';
comment on column showtime.moderator.login is 'The login when the moderator was named.';
comment on column showtime.moderator.display_name is 'The name as people saw it then.';
comment on column showtime.moderator.named_at is 'When the broadcaster named the moderator, by this database''s clock.';

comment on table showtime.session is 'Hosts who are signed in, each in one browser. Whoever signs out is deleted.';
comment on column showtime.session.digest is 'SHA-256 of the token, which only the browser has.';
comment on column showtime.session.way is 'twitch, or laptop: without Twitch, and accepted by showtime dev alone.';
comment on column showtime.session.viewer_id is 'The user id at Twitch.';
comment on column showtime.session.login is 'The login at the time of the sign-in.';
comment on column showtime.session.display_name is 'The name as people see it, at that time.';
comment on column showtime.session.moderator_id is
    'The moderator whose session it is; it ends when the moderator is withdrawn. Null: the broadcaster.';
comment on column showtime.session.opened_at is 'When the host signed in, by this database''s clock.';
comment on column showtime.session.expires_at is 'Until when it holds, unless it is used; put off once a day at most.';

comment on table showtime.one_time_code is 'What is accepted once, and soon: states of sign-ins, and codes that pair a phone.';
comment on column showtime.one_time_code.digest is 'SHA-256 of the state or the code.';
comment on column showtime.one_time_code.purpose is 'sign-in: a state that Twitch brings back; pairing: a code of showtime dev.';
comment on column showtime.one_time_code.browser is 'SHA-256 of what the browser that may use it has; null: any may.';
comment on column showtime.one_time_code.leads_to is 'The path of the service at which the browser ends up.';
comment on column showtime.one_time_code.expires_at is 'Until when it is accepted, by this database''s clock.';
