"""A long evening on which the session of the feed is ended again and again."""

from integration import test_feed as short

client = short.client
test_a_lost_session_of_the_feed_loses_nothing = short.test_a_lost_session_of_the_feed_loses_nothing
