"""A connection to chat that is cut twenty times, and a flood."""

from integration import test_chat_reader as short

certificate = short.certificate
twitch = short.twitch
settings = short.settings
test_a_connection_that_is_killed_doubles_nothing = short.test_a_connection_that_is_killed_doubles_nothing
test_a_flood_is_kept_whole_and_memory_stays_flat = short.test_a_flood_is_kept_whole_and_memory_stays_flat
