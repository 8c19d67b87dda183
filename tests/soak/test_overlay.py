"""Three hundred alerts, while the page, the network and the server die a hundred times."""

from integration import test_overlay as short

show = short.show
test_each_alert_is_played_once_whoever_dies = short.test_each_alert_is_played_once_whoever_dies
