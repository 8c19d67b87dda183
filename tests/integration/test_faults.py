"""Faults on the real thing: whatever fails or is killed, nothing is lost, and nothing is doubled.

What it does by chance follows from a seed, which is printed: `SHOWTIME_FAULTS=seed` plays it again, as far as
processes that race each other do so.
"""

from pathlib import Path

import pytest

from support.faults import play, set_up
from support.faults_points import POINTS
from support.scale import Scale

pytestmark = pytest.mark.long


async def test_nothing_is_lost_and_nothing_doubled_whatever_fails(tmp_path: Path, scale: Scale):
    """Instances, database, its line and neighbours fail in every way: all comes out even in the end."""
    for point in POINTS:
        point.find()  # where one is not there any more, this fails
    async with set_up(tmp_path, scale) as stage:
        verdict = await play(stage)
    counted = [f"{count:6} {what}" for what, count in stage.counted.most_common()]
    reached = [f"{count:6} {point}" for point, count in stage.fired.items()]
    print("\n".join(["faults:", *counted, "killed at:", *reached, str(verdict)]))  # noqa: T201 - for people
    assert stage.counted.total() >= scale.faults
    assert len(stage.fired) >= scale.fault_points
