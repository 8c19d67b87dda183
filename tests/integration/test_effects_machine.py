"""Points and ghosts in PostgreSQL, among neighbours that fail and instances that die: conserved."""

from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from showtime_core.testing.machines.effects import EffectsMachine
from showtime_core.testing.machines.effects_stage import EffectsStage
from support.databases import empty, strays
from support.effects import effects_staged


@pytest.mark.long
def test_points_are_conserved_in_postgres(migrated: str):
    """What holds in memory holds in PostgreSQL, on two instances, whatever is lost and whoever dies."""

    class PostgresEffectsMachine(EffectsMachine):
        """Plays in PostgreSQL, whose clock goes on by itself as well."""

        late_after = timedelta(seconds=5)

        async def open_stage(self) -> EffectsStage:
            empty(migrated)
            self.stack = AsyncExitStack()
            return await self.stack.enter_async_context(effects_staged(migrated))

        async def close_stage(self) -> None:
            await self.stack.aclose()
            assert strays(migrated) == []

    run_state_machine_as_test(
        PostgresEffectsMachine,
        settings=settings(
            max_examples=settings.default.max_examples // 6,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
