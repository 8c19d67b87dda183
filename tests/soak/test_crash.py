"""A busy night with ten crashes of the server, and one of the database."""

from integration import test_crash as short

folder = short.folder
durable = short.durable
test_a_server_that_is_killed_reacts_to_every_message_once = (
    short.test_a_server_that_is_killed_reacts_to_every_message_once
)
test_a_database_that_is_killed_loses_nothing_that_was_answered = (
    short.test_a_database_that_is_killed_loses_nothing_that_was_answered
)
