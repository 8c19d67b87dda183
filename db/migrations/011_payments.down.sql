-- What is taken away is known from the outbox again, as far back as that is kept.

drop table showtime.payment;
