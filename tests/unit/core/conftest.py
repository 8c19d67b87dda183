"""The core is tested with the harness that it brings along."""

from hypothesis import settings

# No deadline, for tests share their machine; no database, for every run stands for itself.
settings.register_profile("unit", max_examples=60, stateful_step_count=25, deadline=None, database=None)
settings.load_profile("unit")
