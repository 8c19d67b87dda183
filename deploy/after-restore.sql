-- Run once after a restore, before the first instance is started: see docs/how-to/back-up-and-restore.md. What
-- happened after the backup is not known here, and some of it did happen.

begin;

-- Numbers of alerts and of chat that were given out then will be given out again, and mean something else: ids
-- begin with another word from now on.
update showtime.channel set epoch = default;

-- Points that were still to be credited may have been credited: it is looked in the ledger before it is done.
update showtime.outbox
set status = 'due', owner = null, doubted_since = coalesce(doubted_since, created_at)
where status in ('due', 'leased') and kind like 'credit-%';

-- How far a ghost has come nobody can look up, for it may have been paid, shown and posted: a person decides.
update showtime.outbox
set status = 'parked', owner = null, doubted_since = coalesce(doubted_since, created_at),
    remark = 'restored from a backup: the ghost may have gone on since'
where status in ('due', 'leased', 'waiting') and kind not like 'credit-%';

commit;
