"""The long proofs: tests of `make test` in their long form, by the same code. Run by `make soak` alone."""

import pytest

from support.scale import LONG, Scale

pytest.register_assert_rewrite("integration")

from integration import conftest as usual  # noqa: E402 - what it imports must read as well when it fails

postgres_server = usual.postgres_server
migrated = usual.migrated
chrome = usual.chrome
server = usual.server
twitch = usual.twitch


@pytest.fixture(scope="session")
def scale() -> Scale:
    """Play all of it."""
    return LONG
