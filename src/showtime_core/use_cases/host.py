"""Use cases of the host: put a tape on, take it off."""

from uuid import UUID

from showtime_core.domain.own_entries import start_tape_entry, stop_tape_entry
from showtime_core.domain.reactions import Policy
from showtime_core.ports import UnitOfWork
from showtime_core.use_cases.receive import plan_command


async def start_tape(tape_id: int, command_id: UUID, units: UnitOfWork, policy: Policy) -> None:
    """Put a tape on, in place of the one that is on, in one step.

    `command_id` becomes the id of the screening. Raises Refused if no broadcast is live, leaving no trace.
    """
    await units.record([start_tape_entry(command_id, tape_id)], policy, plan_command)


async def stop_tape(command_id: UUID, units: UnitOfWork, policy: Policy) -> None:
    """Take the tape off, if one is on. Raises Refused if no broadcast is live, leaving no trace."""
    await units.record([stop_tape_entry(command_id)], policy, plan_command)
