-- A month that a subscriber paid may be told by two messages, and earns points once.

create table showtime.payment (
    entry_id text primary key,
    viewer_id text not null,
    tier text not null,
    is_shared boolean not null,
    at timestamptz not null
);
create index payment_viewer_id_index on showtime.payment (viewer_id);

-- The months of which the second message may yet come.
insert into showtime.payment (entry_id, viewer_id, tier, is_shared, at)
select entry_id, payload -> 'viewer' ->> 'id',
       case payload ->> 'multiplier' when '1' then '1000' when '2' then '2000' else '3000' end,
       payload ->> 'is_initial' = 'false', sent_at
from showtime.outbox join showtime.journal on journal.id = outbox.entry_id
where kind = 'credit-subscription' and payload ->> 'is_gift' = 'false'
  and sent_at > now() - interval '60 days';

comment on table showtime.payment is
    'Months that subscribers paid, each as one message told it; those that began or were shared within 28 days '
    'of each other are one. Kept for ever, a dozen for each subscriber and year.';
comment on column showtime.payment.entry_id is 'The entry of the journal that tells of it.';
comment on column showtime.payment.viewer_id is 'Who paid: the id at Twitch.';
comment on column showtime.payment.tier is 'What was paid for, as Twitch numbers it.';
comment on column showtime.payment.is_shared is
    'Whether the viewer shared it (channel.subscription.message); else it began (channel.subscribe).';
comment on column showtime.payment.at is 'When Twitch sent the message.';
