"""Many requests to each route, thought up from its description."""

from integration import test_schema as short

dev = short.dev
secret = short.secret
test_schemathesis_finds_nothing = short.test_schemathesis_finds_nothing
