-- Takes away the ghosts that are being made, the points of the embedded ledger, and what is known of effects. One that was tried is not tried
-- again, since nothing would tell any more what came of it: it counts as skipped.

drop table showtime.ghost, showtime.flow;

update showtime.journal set source = 'host' where source in ('viewer', 'relay');
alter table showtime.journal drop constraint journal_source_known;
alter table showtime.journal add constraint journal_source_known
    check (source in ('notification', 'revocation', 'other', 'host'));
comment on column showtime.journal.source is
    'notification: an event; revocation: Twitch ended a subscription; other: a kind of message not known '
    'here; host: a command.';

drop index showtime.outbox_due_index, showtime.outbox_waiting_index, showtime.outbox_parked_index,
    showtime.outbox_flow_index, showtime.outbox_lane_index, showtime.outbox_lane_leased_unique,
    showtime.outbox_ghost_unique;
alter table showtime.outbox
    drop constraint outbox_status_known,
    drop constraint outbox_leased_by_owner,
    drop constraint outbox_waiting_for_another,
    drop constraint outbox_parked_with_reason;
update showtime.outbox set
    status = case when status in ('due', 'waiting') and attempts = 0 then 'due' else 'skipped' end,
    lane = case kind when 'summon-ghost' then null else lane end,
    payload = case kind when 'summon-ghost' then payload - 'ghost_id' - 'screening_id' else payload end;
alter table showtime.outbox
    drop position, drop depends_on, drop due_at, drop attempts, drop owner, drop leased_at,
    drop doubted_since, drop flow_id, drop remark,
    add constraint outbox_status_known check (status in ('due', 'skipped'));
create index outbox_due_index on showtime.outbox (created_at) where status = 'due';
comment on column showtime.outbox.status is
    'due: waits to be performed; skipped: its feature was off, and it will not be.';
