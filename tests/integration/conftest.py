"""One PostgreSQL for all integration tests, and a database of its own for each."""

import functools
from collections.abc import Iterator

import botocore.loaders
import httpx
import pytest

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from support.browser import browser
from support.databases import fresh_database
from support.in_process import running_here
from support.server import Served
from support.twitch import Twitch

# Nothing that a test writes has to outlive the machine; and who cleans up in a database keeps it from going.
IN_A_HURRY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


# Each of boto3's sessions reads again what there is at Amazon, for 200 ms of CPU; it is the same for all.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres.start(tmp_path_factory.mktemp("postgres"), settings=IN_A_HURRY) as server:
        yield server


@pytest.fixture
def database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Give the conninfo of a fresh, empty database."""
    with fresh_database(postgres_server.conninfo, is_migrated=False) as conninfo:
        yield conninfo


@pytest.fixture
def migrated(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Give the conninfo of a fresh database that showtime can use."""
    with fresh_database(postgres_server.conninfo) as conninfo:
        yield conninfo


@pytest.fixture
def server(migrated: str) -> Iterator[Served]:
    """Serve a channel on a database of its own."""
    with running_here(migrated) as server:
        yield server


@pytest.fixture
def twitch(server: Served) -> Iterator[Twitch]:
    """Send what Twitch sends to that server."""
    with httpx.Client(timeout=60) as client:
        yield Twitch(server.url, client)


@pytest.fixture(scope="session")
def chrome(require_tool, tmp_path_factory):
    """Run one browser for all tests: none relies on what another has left open."""
    chromium, driver = require_tool("chromium"), require_tool("chromium-driver")
    with browser(chromium, driver, tmp_path_factory.mktemp("pages") / "profile") as chrome:
        chrome.set_script_timeout(30)
        yield chrome
