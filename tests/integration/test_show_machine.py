"""Overlays that die, come back, freeze, duplicate and lie, before a queue in PostgreSQL."""

from contextlib import AsyncExitStack

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from showtime_core.testing.contracts.show import ShowStage
from showtime_core.testing.machines.show import ShowMachine
from support.databases import empty
from support.show import show_staged


def test_what_holds_in_memory_holds_in_postgres(migrated: str):
    """Whatever overlays do, on two instances, each alert has one complete showing, or a reason for none."""

    class PostgresShowMachine(ShowMachine):
        """Plays in PostgreSQL, whose clock goes on by itself as well."""

        async def open_stage(self) -> ShowStage:
            empty(migrated)
            self.stack = AsyncExitStack()
            return await self.stack.enter_async_context(show_staged(migrated))

        async def close_stage(self) -> None:
            await self.stack.aclose()

    run_state_machine_as_test(
        PostgresShowMachine,
        settings=settings(
            max_examples=settings.default.max_examples // 6,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
