"""PostgreSQL 15 to 18: the channel's state, the journal, the outbox and the feed of the streams."""
