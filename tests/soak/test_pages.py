"""Nothing flashes, at sixty frames a second."""

from integration import test_pages as short

database = short.database
server = short.server
test_nothing_flashes = short.test_nothing_flashes
