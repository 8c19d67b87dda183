"""The host, who puts tapes on and lets the show pause: a command is sent again until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from attrs import Factory, define

from showtime_core.domain.events import ShowCommanded, ShowCommandName
from showtime_core.errors import Refused, Unavailable
from showtime_core.use_cases.host import start_tape

if TYPE_CHECKING:
    from showtime_core.testing.world.instance import SeededInstance
    from showtime_core.testing.world.world import World

_AGAIN_SECONDS = 2.0


@define(eq=False)
class SeededHost:
    """Commands, and knows what was answered."""

    world: "World"
    tapes: list[int] = Factory(list)
    """Those that were put on."""
    pauses: list[tuple[float, float]] = Factory(list)
    """From when it was answered that the show is paused, until it was told to go on."""
    _commands: int = 0
    _pausing: asyncio.Lock = Factory(asyncio.Lock)

    async def put_on(self, tape_id: int) -> None:
        """Put a tape on."""
        command = self._name()

        async def do(instance: "SeededInstance") -> None:
            await start_tape(tape_id, command, instance.units, instance.channel.policy)

        if await self._command(f"puts tape {tape_id} on", do):
            self.tapes.append(tape_id)

    async def pause(self, seconds: float) -> None:
        """Let nothing be taken for a while."""
        async with self._pausing:
            await self._pause(seconds)

    async def _pause(self, seconds: float) -> None:
        world = self.world
        if await self._command("pauses the show", self._of_show(ShowCommandName.PAUSE)):
            paused = world.loop.now
            await world.pause(seconds)
            self.pauses.append((paused, world.loop.now))
        await self._command("lets the show go on", self._of_show(ShowCommandName.RESUME))

    def _of_show(self, name: ShowCommandName) -> Callable[["SeededInstance"], Awaitable[None]]:
        command = ShowCommanded(self._name(), name)
        return lambda instance: instance.run_show.command(command)

    def _name(self) -> UUID:
        self._commands += 1
        return UUID(int=1000 + self._commands)

    async def _command(self, what: str, do: Callable[["SeededInstance"], Awaitable[None]]) -> bool:
        """Command until it is answered; tells whether it was followed."""
        world = self.world
        world.trace.note("host", what)
        while True:
            instance = world.chance.choice(world.instances)
            try:
                await instance.call(do(instance))  # type: ignore[arg-type]
            except Unavailable:
                await world.pause(_AGAIN_SECONDS)
            except Refused as reason:
                world.trace.note("host", f"is refused: {reason}")
                return False
            else:
                return True
