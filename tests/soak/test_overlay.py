"""Three hundred alerts, while page, network and server die a hundred times; a thousand messages of chat."""

from integration import test_overlay as short

stage = short.stage
show = short.show
test_each_alert_is_played_once_whoever_dies = short.test_each_alert_is_played_once_whoever_dies
test_a_flood_of_follows_that_are_joined_is_one_alert = (
    short.test_a_flood_of_follows_that_are_joined_is_one_alert
)
test_a_flood_of_chat_leaves_the_page_small = short.test_a_flood_of_chat_leaves_the_page_small
