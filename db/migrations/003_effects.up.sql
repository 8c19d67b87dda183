-- What is to be done outside is performed: the outbox says how far each effect is, and the ghosts are kept
-- while they are made. Effects that were planned before are taken over as they are due.

alter table showtime.journal drop constraint journal_source_known;
alter table showtime.journal add constraint journal_source_known
    check (source in ('notification', 'revocation', 'other', 'host', 'viewer', 'relay'));

alter table showtime.outbox
    add position bigint,
    add depends_on text constraint outbox_depends_on_fk references showtime.outbox (key),
    add due_at timestamptz not null default now(),
    add attempts integer not null default 0,
    add owner bigint,
    add leased_at timestamptz,
    add doubted_since timestamptz,
    add flow_id uuid,
    add remark text,
    drop constraint outbox_status_known;

update showtime.outbox set position = numbered.position
from (select key, row_number() over (order by created_at, entry_id, kind) as position from showtime.outbox)
    as numbered
where numbered.key = outbox.key;

-- A ghost waits for the points of its own cheer, and its first step is a ledger call, in its viewer's lane.
update showtime.outbox set
    status = case status when 'due' then 'waiting' else status end,
    depends_on = entry_id || ':credit-cheer',
    lane = payload -> 'viewer' ->> 'id',
    payload = payload || jsonb_build_object('ghost_id', gen_random_uuid(), 'screening_id', null)
where kind = 'summon-ghost';

do $$
declare
    adopted bigint;
begin
    select count(*) into adopted from showtime.outbox where status in ('due', 'waiting');
    if adopted > 0 then
        raise notice 'adopted: % effect(s) that were planned before will be performed', adopted;
    end if;
end
$$;

alter table showtime.outbox
    alter position set not null,
    alter position add generated always as identity,
    add constraint outbox_status_known check (status in (
        'due', 'waiting', 'leased', 'done', 'refused', 'parked', 'dismissed', 'skipped')),
    add constraint outbox_leased_by_owner check (
        (status = 'leased') = (owner is not null) and (owner is null or leased_at is not null)),
    add constraint outbox_waiting_for_another check (status <> 'waiting' or depends_on is not null),
    add constraint outbox_parked_with_reason check (status <> 'parked' or remark is not null);
select setval(pg_get_serial_sequence('showtime.outbox', 'position'), max(position) + 1, false)
from showtime.outbox having max(position) is not null;

drop index showtime.outbox_due_index;
create index outbox_due_index on showtime.outbox (position) where status = 'due';
create index outbox_waiting_index on showtime.outbox (depends_on) where status = 'waiting';
create index outbox_parked_index on showtime.outbox (position) where status = 'parked';
create index outbox_flow_index on showtime.outbox (lane) where flow_id is not null;
create index outbox_lane_index on showtime.outbox (lane, position) where status in ('due', 'leased');
-- One of a lane at a time, whatever two instances see.
create unique index outbox_lane_leased_unique on showtime.outbox (lane) where status = 'leased';
create unique index outbox_ghost_unique on showtime.outbox ((payload ->> 'ghost_id'))
    where kind = 'summon-ghost';

create table showtime.ghost (
    id uuid primary key,
    entry_id text not null constraint ghost_entry_id_fk references showtime.journal (id),
    viewer_id text not null constraint ghost_viewer_id_fk references showtime.viewer (twitch_user_id),
    viewer_login text not null,
    viewer_display_name text not null,
    subject text not null,
    screening_id uuid,
    step text not null constraint ghost_step_known check (step in (
        'reserved', 'painted', 'stored', 'paid', 'shown', 'posted', 'refused', 'refunded')),
    flow_id uuid,
    url text,
    refusal text constraint ghost_refusal_known check (refusal in (
        'not-enough-points', 'content', 'failure')),
    reason text,
    jpeg bytea,
    changed_at timestamptz not null,
    constraint ghost_reserved_by_flow check (step = 'refused' or flow_id is not null),
    constraint ghost_refused_with_reason check ((refusal is null) = (reason is null)),
    constraint ghost_shown_with_url check (step not in ('stored', 'paid', 'shown', 'posted') or url is not null),
    constraint ghost_paid_is_not_refused check (step not in ('paid', 'shown', 'posted') or refusal is null)
);
create unique index ghost_flow_id_unique on showtime.ghost (flow_id);

-- The embedded ledger.
create table showtime.flow (
    id uuid primary key,
    position bigint generated always as identity,
    viewer_id text not null,
    type text not null,
    state text not null constraint flow_state_known check (state in ('pending', 'accepted', 'rejected')),
    points integer not null,
    description text not null,
    at timestamptz not null
);
create index flow_viewer_id_index on showtime.flow (viewer_id, position);

comment on column showtime.journal.source is
    'notification: an event; revocation: Twitch ended a subscription; other: a kind of message not known '
    'here; host: a command; viewer: a request; relay: news of what was done outside.';

comment on table showtime.outbox is
    'What is to be done outside: planned in the transaction of the reaction, performed later until settled.';
comment on column showtime.outbox.position is 'The order in which effects were planned. Grows.';
comment on column showtime.outbox.depends_on is
    'The effect that must be done before: a ghost waits for the points of its cheer; null: none.';
comment on column showtime.outbox.due_at is 'When it may be tried, at the earliest.';
comment on column showtime.outbox.attempts is 'How often it was tried.';
comment on column showtime.outbox.owner is
    'The instance that performs it: the number of an advisory lock, which its session holds while it lives.';
comment on column showtime.outbox.leased_at is 'When the latest try began.';
comment on column showtime.outbox.doubted_since is
    'When the first try began that may have been performed although nothing is known of it; null: none. '
    'Before it is tried again, it is looked whether it was performed.';
comment on column showtime.outbox.flow_id is
    'The transaction that the ledger made for it: no other effect may take it for its own.';
comment on column showtime.outbox.remark is 'What came of the latest try, where there is something to say.';
comment on column showtime.outbox.status is
    'due: waits to be performed; waiting: for another effect; leased: an instance performs it; done; '
    'refused: for good; parked: waits for the operator; dismissed: the operator let it go; skipped: its '
    'feature was off.';

comment on table showtime.ghost is
    'Ghosts for which points were reserved, or could not be: how far each has come.';
comment on column showtime.ghost.id is 'Names the ghost; the id of its image request.';
comment on column showtime.ghost.entry_id is 'The entry of the journal that asked for it.';
comment on column showtime.ghost.viewer_id is 'Who asked, and pays: the id at Twitch.';
comment on column showtime.ghost.viewer_login is 'The viewer''s login, which the ledger''s tokens name.';
comment on column showtime.ghost.viewer_display_name is 'The viewer''s name when the ghost was asked for.';
comment on column showtime.ghost.subject is 'What it is a ghost of, in the viewer''s words.';
comment on column showtime.ghost.screening_id is 'The tape that was on; null: none.';
comment on column showtime.ghost.step is
    'reserved: the points are set aside; painted; stored; paid: the points are spent; shown; posted; '
    'refused: it never began, and nothing was taken; refunded: it failed, and the points are back.';
comment on column showtime.ghost.flow_id is 'The ledger''s transaction that pays for it.';
comment on column showtime.ghost.url is 'Where its image is stored.';
comment on column showtime.ghost.refusal is
    'Why there is no ghost: not-enough-points; content: the painter will not paint it; failure. Null: it is '
    'not known to have failed.';
comment on column showtime.ghost.reason is 'The same in words; those on content are told to the viewer.';
comment on column showtime.ghost.jpeg is 'The image, until it is stored and posted.';
comment on column showtime.ghost.changed_at is 'When it came to this step, by this database''s clock.';

comment on table showtime.flow is
    'The embedded ledger: fun points that viewers earned and spent. Empty where a ledger service keeps them.';
comment on column showtime.flow.id is 'Names the transaction: made from the key of the effect, so that it is made once.';
comment on column showtime.flow.position is 'The order in which transactions were made. Grows.';
comment on column showtime.flow.viewer_id is 'Whose points they are: the id at Twitch.';
comment on column showtime.flow.type is 'cheer, subscription, gift-sub, alert-redemption.';
comment on column showtime.flow.state is
    'pending: set aside; accepted: it counts; rejected: it never did.';
comment on column showtime.flow.points is 'What it adds to the balance; negative for what is spent.';
comment on column showtime.flow.description is 'A sentence for people.';
comment on column showtime.flow.at is
    'When it was made while it is pending, when it was decided afterwards, by this database''s clock.';
