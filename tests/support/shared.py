"""A database and a server that all tests of a module share, for modules that say so.

    database = shared.database
    server = shared.server

Their tests do not rely on what others have left there, since they run in any order.
"""

from collections.abc import Iterator

import pytest

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from support.databases import fresh_database
from support.in_process import running_here
from support.server import Served


@pytest.fixture(scope="module")
def database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Give the conninfo of a database that showtime can use."""
    with fresh_database(postgres_server.conninfo) as conninfo:
        yield conninfo


@pytest.fixture(scope="module")
def server(database: str) -> Iterator[Served]:
    """Serve a channel on that database, with no neighbours."""
    with running_here(database) as server:
        yield server
