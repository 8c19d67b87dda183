"""What PostgreSQL keeps, it keeps by the same rules as what is in memory, and does the same."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from showtime_core.testing.contracts.chat_log import ChatLogContract, ChatStage
from showtime_core.testing.contracts.sessions import SessionsContract, SessionsStage
from showtime_core.testing.contracts.unit_of_work import UnitOfWorkContract
from showtime_core.testing.machines.nights import ChannelMachine
from showtime_core.testing.records import Stage
from support.chat import chat_staged
from support.databases import empty
from support.records import staged
from support.sessions import sessions_staged


class TestPostgresUnitOfWork(UnitOfWorkContract):
    """The contract of the unit of work, on two instances of PostgreSQL's."""

    @pytest.fixture
    async def stage(self, migrated: str) -> AsyncIterator[Stage]:
        async with staged(migrated) as stage:
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
