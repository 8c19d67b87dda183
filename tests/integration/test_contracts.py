"""What PostgreSQL keeps, it keeps by the same rules as what is in memory, and does the same."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from showtime_adapters.postgres.health import PostgresHealthStore
from showtime_adapters.postgres.pool import Pool, connected, make_pool
from showtime_adapters.postgres.show.secret_store import PostgresShowSecrets
from showtime_core.ports import HealthStore, ShowSecrets
from showtime_core.testing.contracts.chat_log import ChatLogContract, ChatStage
from showtime_core.testing.contracts.health import HealthStoreContract
from showtime_core.testing.contracts.sessions import SessionsContract, SessionsStage
from showtime_core.testing.contracts.show_secrets import ShowSecretsContract
from showtime_core.testing.contracts.unit_of_work import UnitOfWorkContract
from showtime_core.testing.machines.nights import ChannelMachine
from showtime_core.testing.records import Stage
from support.chat import chat_staged
from support.databases import empty, fresh_database
from support.records import staged
from support.sessions import sessions_staged


@pytest.fixture(scope="module")
def shared(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Give the conninfo of a database that is emptied for each test that shares it."""
    with fresh_database(postgres_server.conninfo) as conninfo:
        yield conninfo


@pytest.fixture
async def pools(shared: str) -> AsyncIterator[tuple[Pool, Pool]]:
    """Give what two instances ask an empty database by."""
    empty(shared)
    async with make_pool(shared, autocommit=True) as one, make_pool(shared, autocommit=True) as other:
        yield one, other


class TestPostgresUnitOfWork(UnitOfWorkContract):
    """The contract of the unit of work, on two instances of PostgreSQL's."""

    @pytest.fixture
    async def stage(self, shared: str) -> AsyncIterator[Stage]:
        empty(shared)
        async with staged(shared) as stage:
            yield stage


class TestPostgresChatLog(ChatLogContract):
    """The contract of the chat log, on two instances of PostgreSQL's."""

    @pytest.fixture
    async def chat(self, migrated: str) -> AsyncIterator[ChatStage]:
        async with chat_staged(migrated) as stage:
            yield stage


class TestPostgresSessions(SessionsContract):
    """The contract of sessions, moderators and one-time codes, on two instances of PostgreSQL's."""

    @pytest.fixture
    async def stage(self, migrated: str) -> AsyncIterator[SessionsStage]:
        async with sessions_staged(migrated) as stage:
            yield stage


class TestPostgresHealthStore(HealthStoreContract):
    """The contract of the health of the show, on two instances of PostgreSQL's."""

    @pytest.fixture
    async def stores(self, pools: tuple[Pool, Pool]) -> tuple[HealthStore, HealthStore]:
        async with connected(pools[0]) as connection:
            await connection.execute("delete from showtime.twitch_health")
        return PostgresHealthStore(pools[0]), PostgresHealthStore(pools[1])


class TestPostgresShowSecrets(ShowSecretsContract):
    """The contract of the secrets of the show, on two instances of PostgreSQL's."""

    @pytest.fixture
    async def stores(self, pools: tuple[Pool, Pool]) -> tuple[ShowSecrets, ShowSecrets]:
        return PostgresShowSecrets(pools[0]), PostgresShowSecrets(pools[1])


@pytest.mark.long
def test_nights_in_postgres_are_the_nights_in_memory(migrated: str):
    """Whatever is played, on one instance or two, PostgreSQL keeps what a channel in memory keeps."""

    class PostgresMachine(ChannelMachine):
        """Plays in PostgreSQL, and compares with memory after every step."""

        head_start = timedelta(hours=2)  # the database's clock is real: the night begins before it

        async def open_stage(self) -> Stage:
            empty(migrated)
            self.stack = AsyncExitStack()
            return await self.stack.enter_async_context(staged(migrated))

        async def close_stage(self) -> None:
            await self.stack.aclose()

    run_state_machine_as_test(
        PostgresMachine,
        settings=settings(
            max_examples=settings.default.max_examples // 7,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
