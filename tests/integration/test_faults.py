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
    """Instances are killed at named points, the database, its line and neighbours fail: all comes out even."""
    for point in POINTS:
        point.find()
    async with set_up(tmp_path, scale) as stage:
        verdict = await play(stage)
    missed = [str(point) for point in stage.points if point not in stage.fired]
    report = "\n".join(f"{count:6} {what}" for what, count in stage.counted.most_common())
    print(f"{stage.counted.total()} faults:\n{report}\nnot reached: {missed}\n{verdict}")  # noqa: T201 - they are counted for people
    assert stage.counted.total() >= scale.faults
    assert len(missed) <= scale.fault_points_missed
