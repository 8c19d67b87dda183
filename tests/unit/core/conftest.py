"""The core is tested with the harness that it brings along."""

import pytest
from hypothesis import settings

pytest.register_assert_rewrite(
    *(f"showtime_core.testing.{module}" for module in ("contracts", "invariants", "machine", "pages"))
)

# No deadline, for tests share their machine; no database, for every run stands for itself.
settings.register_profile("unit", max_examples=60, stateful_step_count=25, deadline=None, database=None)
settings.load_profile("unit")
