"""Nights as they come, and how they are delivered to several instances while tapes and settings change."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from attrs import evolve

from showtime_adapters.twitch.fields import read_time
from showtime_adapters.twitch.messages import read_entry, read_json
from showtime_core.domain.journal import Entry, Malformed
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.domain.reactions import Policy
from showtime_core.errors import Refused
from showtime_core.ports import UnitOfWork
from showtime_core.use_cases.host import start_tape, stop_tape
from showtime_core.use_cases.receive import receive
from support.evening import evening, messages
from support.records import OF_OLD
from support.twitch import Message, offline, online

Hand = Callable[[UnitOfWork, Policy, random.Random], Awaitable[None]]
POLICIES = (
    Policy(),
    Policy(alert_gift_recipients=True, features=frozenset({Feature.POINTS})),
    Policy(features=frozenset()),
)


def read(sent: Message) -> Entry:
    """Read a message as the callback does."""
    headers = {name.lower(): value for name, value in sent.headers.items()}
    sent_at = read_time(headers["twitch-eventsub-message-timestamp"])
    return read_entry(headers, sent.id, sent_at, sent.body, read_json(sent.body))


def read_badly(sent: Message) -> Entry:
    """Read a message as an older version might: it is parked, and will be understood."""
    return evolve(read(sent), content=Malformed(OF_OLD))


def believable_night(*, days_ago: int = 0, stream: str = "41000") -> list[Message]:
    """Make a night with a drop-out, as it comes: nothing out of order."""
    opening = datetime.now(UTC) - timedelta(hours=3, days=days_ago)
    crowd = messages(evening(90, seed=1 + days_ago))
    back, curtain = opening + timedelta(minutes=90), opening + timedelta(minutes=170)
    return [
        online(stream, opening, at=opening + timedelta(seconds=9)),
        *crowd[:40],
        offline(at=back - timedelta(minutes=4)),
        online(stream, opening, at=back),
        *crowd[40:],
        offline(at=curtain),
    ]


async def play(
    night: Sequence[Entry], instances: Sequence[UnitOfWork], chance: random.Random, *hands: Hand
) -> None:
    """Deliver a night in batches, to several instances at once, while tapes and settings change."""
    waiting = [*night]
    while waiting:
        policy, jobs = chance.choice(POLICIES), []
        for units in instances:
            size = chance.choice([1, 3, 10])
            batch, waiting = waiting[:size], waiting[size:]
            if batch:
                jobs.append(receive(batch, units, policy))
            jobs += [each(units, policy, chance) for each in (command, *hands)]
        await asyncio.gather(*jobs)


async def command(units: UnitOfWork, policy: Policy, chance: random.Random) -> None:
    command_id, tape_id = UUID(int=chance.getrandbits(128)), chance.randint(1, 300)
    with suppress(Refused):  # no broadcast is live
        if chance.random() < 0.3:
            await start_tape(tape_id, command_id, units, policy)
        elif chance.random() < 0.2:
            await stop_tape(command_id, units, policy)
