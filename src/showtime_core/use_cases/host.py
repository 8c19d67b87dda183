"""Use cases of the host: tape on, tape off."""

import json
from uuid import UUID

from showtime_core.domain.events import TapeStarted, TapeStopped
from showtime_core.domain.journal import Entry, EntrySource
from showtime_core.domain.reactions import Policy
from showtime_core.ports import UnitOfWork
from showtime_core.use_cases.receive import plan_command


async def start_tape(tape_id: int, command_id: UUID, units: UnitOfWork, policy: Policy) -> None:
    """Put a tape on, in place of the one that is on, in one step.

    `command_id` becomes the id of the screening. Raises Refused if no broadcast is live.
    """
    body = json.dumps({"tapeId": tape_id, "screeningId": str(command_id)}).encode()
    await _record_command(
        Entry(
            f"host:{command_id}", EntrySource.HOST, "tape.start", None, TapeStarted(command_id, tape_id), body
        ),
        units,
        policy,
    )


async def stop_tape(command_id: UUID, units: UnitOfWork, policy: Policy) -> None:
    """Take the tape off, if one is on. Raises Refused if no broadcast is live."""
    await _record_command(
        Entry(f"host:{command_id}", EntrySource.HOST, "tape.stop", None, TapeStopped(), b"{}"), units, policy
    )


async def _record_command(command: Entry, units: UnitOfWork, policy: Policy) -> None:
    """Record a command; raises Refused where it would be parked, leaving no trace."""
    await units.record([command], policy, plan_command)
