-- The show on the screen: a queue of what the feed tells, for overlays that take an alert and acknowledge it.
-- Apart from the channel's row and its lock: whatever is played delays nothing that is received.

create table showtime.show (
    id smallint primary key default 1 constraint show_only_one check (id = 1),
    cursor bigint,
    paused_since timestamptz,
    pauses jsonb not null default '[]',
    is_muted boolean not null default false,
    is_safe boolean not null default false,
    ads_until timestamptz,
    rules jsonb not null default '{}',
    leader text,
    leader_at timestamptz,
    painted_at timestamptz,
    constraint show_leader_painted check ((leader is null) = (leader_at is null))
);
insert into showtime.show default values;

create table showtime.overlay (
    id text primary key,
    frames bigint not null,
    seen_at timestamptz not null,
    painted_at timestamptz
);

create table showtime.showing (
    id uuid primary key,
    alert_id bigint not null,
    joined bigint[] not null default '{}',
    last_alert_id bigint not null,
    kind text not null,
    state text not null constraint showing_state_known
        check (state in ('waiting', 'playing', 'shown', 'skipped', 'held', 'missed', 'interrupted')),
    waiting_since timestamptz not null,
    attempt integer not null default 1,
    is_again boolean not null default false,
    seconds float8 not null default 0,
    overlay text,
    began_at timestamptz,
    leased_until timestamptz,
    ended_at timestamptz,
    reason text,
    constraint showing_taken_by_an_overlay check ((overlay is null) = (began_at is null)),
    constraint showing_playing_is_leased
        check (state <> 'playing' or (began_at is not null and leased_until is not null)),
    constraint showing_over_has_ended
        check ((ended_at is null) = (state in ('waiting', 'playing', 'held'))),
    constraint showing_not_shown_with_reason
        check (state not in ('skipped', 'missed', 'interrupted') or reason is not null)
);
create unique index showing_playing_unique on showtime.showing ((true)) where state = 'playing';
create index showing_open_index on showtime.showing (alert_id) where state in ('waiting', 'playing', 'held');
create index showing_alert_id_index on showtime.showing (alert_id);
create index showing_last_alert_id_index on showtime.showing (last_alert_id);
create index showing_ended_at_index on showtime.showing (ended_at) where ended_at is not null;
create index showing_played_index on showtime.showing (ended_at)
    where began_at is not null and ended_at is not null;

create table showtime.show_secret (
    id uuid primary key,
    kind text not null constraint show_secret_kind_known check (kind in ('overlay', 'hotkey')),
    name text not null,
    digest bytea not null constraint show_secret_digest_unique unique,
    made_at timestamptz not null
);

-- A ghost may wait for the host before it is painted: it is under way meanwhile.
alter table showtime.ghost drop constraint ghost_step_known;
alter table showtime.ghost add constraint ghost_step_known check (step in (
    'reserved', 'awaiting-approval', 'approved', 'painted', 'stored', 'paid', 'shown', 'posted', 'refused',
    'refunded'));
drop index showtime.ghost_open_index;
create index ghost_open_index on showtime.ghost (viewer_id)
    where step in ('reserved', 'awaiting-approval', 'approved', 'painted', 'stored', 'paid');
create index ghost_awaiting_index on showtime.ghost (changed_at) where step = 'awaiting-approval';

comment on column showtime.ghost.step is
    'reserved: the points are set aside; awaiting-approval: it waits for the host before it is painted; approved: the '
    'host lets it be painted; painted; stored; paid: the points are spent; shown; posted; refused: it never began, and '
    'nothing was taken; refunded: it failed, and the points are back.';

comment on table showtime.show is
    'One row: the queue of what is on the screen. Whoever takes, acknowledges or commands locks it first.';
comment on column showtime.show.id is 'Always 1.';
comment on column showtime.show.cursor is
    'The id in the feed up to which every alert has a showing; null: there is no queue, for no overlay ever had a secret.';
comment on column showtime.show.paused_since is 'Since when nothing is taken, as the host commanded; null: it is not paused.';
comment on column showtime.show.pauses is
    'Pauses that are over, each with its two times, as far as they count for what is missed.';
comment on column showtime.show.is_muted is 'Whether overlays make no sound.';
comment on column showtime.show.is_safe is 'Whether kinds are joined or dropped, as their rules say.';
comment on column showtime.show.ads_until is 'Until when the channel''s ads run, as far as is known; null: none have.';
comment on column showtime.show.rules is 'Rules of kinds of alerts that the broadcaster has set; the others are the default.';
comment on column showtime.show.leader is 'The overlay that plays, and that others mirror; null: none has ever.';
comment on column showtime.show.leader_at is 'When it last proved that it paints, by this database''s clock.';
comment on column showtime.show.painted_at is 'When any overlay last did; null: never.';

comment on table showtime.overlay is 'Overlays that have reported within an hour: each is a page that was loaded.';
comment on column showtime.overlay.id is 'The name that the page gave itself.';
comment on column showtime.overlay.frames is 'How many frames it said it had painted.';
comment on column showtime.overlay.seen_at is 'When it said so, by this database''s clock.';
comment on column showtime.overlay.painted_at is
    'When its count had grown within a second, for the last time; null: never.';

comment on table showtime.showing is
    'What became of alerts on the screen: a row for each time one is taken, and for each that is held or dropped. '
    'What has none, beyond the cursor, waits.';
comment on column showtime.showing.id is 'Names the showing; follows from the alert, the showing before or the command.';
comment on column showtime.showing.alert_id is 'The alert: its id in the feed, which may have been pruned.';
comment on column showtime.showing.joined is 'The ids of those that became one with it.';
comment on column showtime.showing.last_alert_id is 'The greatest of all these ids.';
comment on column showtime.showing.kind is 'The type of the alert, as clients know it.';
comment on column showtime.showing.state is
    'waiting: put back, released or shown again, and not taken yet; playing: an overlay has it by a lease; shown: it was '
    'acknowledged; skipped; held: until the host releases it; missed; interrupted: its lease ended.';
comment on column showtime.showing.waiting_since is 'When it began to wait, by this database''s clock.';
comment on column showtime.showing.attempt is 'Counts the showings of one alert that follow each other, from 1.';
comment on column showtime.showing.is_again is 'Whether the host had it shown again.';
comment on column showtime.showing.seconds is 'How long it plays; 0 until it is taken.';
comment on column showtime.showing.overlay is 'The overlay that has or had it; null: none has.';
comment on column showtime.showing.began_at is 'When it was taken.';
comment on column showtime.showing.leased_until is 'Until when the overlay has it, unless it shows that it still paints.';
comment on column showtime.showing.ended_at is 'When it was over; null: it is not.';
comment on column showtime.showing.reason is 'Why it is not played, or was not to its end; null: there is no more to say.';

comment on table showtime.show_secret is 'Secrets by which overlays read and acknowledge, and hotkeys command.';
comment on column showtime.show_secret.id is 'Names the secret, for withdrawing it: then it is deleted.';
comment on column showtime.show_secret.kind is 'overlay, hotkey.';
comment on column showtime.show_secret.name is 'What the broadcaster calls it.';
comment on column showtime.show_secret.digest is 'SHA-256 of the secret, which is itself kept nowhere.';
comment on column showtime.show_secret.made_at is 'When it was made, by this database''s clock.';
