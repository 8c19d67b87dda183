"""Plays a night: its steps one after the other, with the pauses between them shortened by a speed."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from showtime_app.simulate.catalogue import event_type
from showtime_app.simulate.deliveries import DeliveryContext, DeliveryOptions, deliveries
from showtime_app.simulate.messages import Expectation, Request
from showtime_app.simulate.night import NightStep, SimulatedEvent, TapeChange
from showtime_app.simulate.sender import Sender

RESUME_NOTE = (
    "A night that is played within 15 minutes of the last one resumes that one, as after a drop-out;"
    " so does the drop-out of this one."
)
_AT_ONCE = 8
_GIVE_UP_AFTER = 2
_TAPE_SET = Expectation("204", frozenset({204}))


@frozen
class HostClient:
    """The broadcaster's hands on the tapes."""

    base: str
    """URL that `/admin/tape` is added to."""
    token: str | None
    """None: the tapes are left out."""

    async def screen(self, sender: Sender, screening: TapeChange) -> None:
        """Put a tape on or take it off."""
        if self.token is None:
            return
        method, path = request_line(screening)
        await sender.call(method, self.base + path, self.token, _TAPE_SET)


def request_line(screening: TapeChange) -> tuple[str, str]:
    """Say with which method and path a tape is changed."""
    if screening.tape is None:
        return "DELETE", "/admin/tape"
    return "POST", f"/admin/tape/{screening.tape.id}"


def requests(step: NightStep, context: DeliveryContext) -> Iterator[Request]:
    """Make the messages of a step."""
    for happening in step.happenings:
        if isinstance(happening, SimulatedEvent):
            delivery = DeliveryOptions(resend=happening.resend)
            yield from deliveries(event_type(happening.name), happening.options, delivery, context)


@frozen
class NightPlayer:
    """What an evening is played with."""

    context: DeliveryContext
    sender: Sender
    host: HostClient
    speed: float
    """Seconds of the evening in a second."""
    say: Callable[[str], None]
    """Is told the story."""

    async def play(self, steps: Sequence[NightStep]) -> None:
        """Play the steps, each when the one before is answered and the pause between them is over.

        It ends early where nothing that was sent so far has been answered as it should be.
        """
        now = 0.0
        for step in steps:
            await asyncio.sleep((step.at - now) / self.speed)
            now = step.at
            if step.said:
                self.say(f"{step.clock}  {step.said}")
            await self._perform(step)
            tally = self.sender.tally
            if tally.sent >= _GIVE_UP_AFTER and not tally.right:
                self.say("nothing is answered as it should be: the night is called off")
                return

    async def _perform(self, step: NightStep) -> None:
        await self.sender.deliver(requests(step, self.context), at_once=_AT_ONCE)
        for happening in step.happenings:
            if isinstance(happening, TapeChange):
                await self.host.screen(self.sender, happening)
