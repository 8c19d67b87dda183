"""Plays a night: its steps one after the other, with the pauses between them shortened by a speed."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from showtime_app.simulate.catalogue import event_type
from showtime_app.simulate.deliveries import DeliveryContext, DeliveryOptions, deliveries
from showtime_app.simulate.messages import Expectation, Request
from showtime_app.simulate.night import NightStep, SimulatedEvent, TapeChange
from showtime_app.simulate.sender import Sender

_AT_ONCE = 8
GIVE_UP_AFTER = 2
"""After so many answers, of which none is right, a night is called off."""
TAPE_SET = Expectation("204", frozenset({204}))
"""What a server answers to the host who changes the tape."""


def requests(step: NightStep, context: DeliveryContext) -> Iterator[Request]:
    """Make the messages of a step."""
    for happening in step.happenings:
        if isinstance(happening, SimulatedEvent):
            delivery = DeliveryOptions(resend=happening.resend)
            yield from deliveries(event_type(happening.name), happening.options, delivery, context)


def tape_calls(step: NightStep) -> Iterator[tuple[str, str]]:
    """Give method and path of the calls with which the tapes of a step are changed."""
    for happening in step.happenings:
        if isinstance(happening, TapeChange):
            tape = happening.tape
            yield ("POST", f"/admin/tape/{tape.id}") if tape else ("DELETE", "/admin/tape")


@frozen
class NightPlayer:
    """What an evening is played with."""

    context: DeliveryContext
    sender: Sender
    base: str
    """URL that the paths of the tapes are added to."""
    token: str | None
    """The broadcaster's; None: the tapes are left out."""
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
            await self.sender.deliver(requests(step, self.context), at_once=_AT_ONCE)
            for method, path in tape_calls(step) if self.token else ():
                await self.sender.call(method, self.base + path, self.token or "", TAPE_SET)
            tally = self.sender.tally
            if tally.sent >= GIVE_UP_AFTER and not tally.right:
                self.say("nothing is answered as it should be: the night is called off")
                return
