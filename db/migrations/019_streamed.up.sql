-- Whether alerts are streamed beside the queue, at whichever instance: overlays that read the stream show them twice.

alter table showtime.show add column streamed_at timestamptz, add column streamed_by uuid;

comment on column showtime.show.streamed_at is
    'When an instance last had somebody who reads /alerts, while there is a queue; null: none ever had.';
comment on column showtime.show.streamed_by is 'That instance, by the name that it gave itself at its start.';
