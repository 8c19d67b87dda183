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
_GIVE_UP_AFTER = 2
"""After so many answers, of which none is right, a night is called off."""
_TAPE_SET = Expectation("204", frozenset({204}))
"""What a server answers to the host who changes the tape."""


def requests(step: NightStep, context: DeliveryContext) -> Iterator[Request]:
    """Make the messages of a step."""
    for happening in step.happenings:
        if isinstance(happening, SimulatedEvent):
            delivery = DeliveryOptions(resend=happening.resend)
            yield from deliveries(event_type(happening.name), happening.options, delivery, context)


@frozen
class TapeCall:
    """The host puts a tape on or off."""

    method: str
    path: str


def tape_call(tape_id: int | None) -> TapeCall:
    """Give the call that puts this tape on, or takes off what is on (None)."""
    return (
        TapeCall("DELETE", "/admin/tape") if tape_id is None else TapeCall("POST", f"/admin/tape/{tape_id}")
    )


def tape_calls(step: NightStep) -> Iterator[TapeCall]:
    """Give the calls with which the tapes of a step are changed."""
    for happening in step.happenings:
        if isinstance(happening, TapeChange):
            yield tape_call(happening.tape.id if happening.tape else None)


@frozen
class Playback:
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

    async def change_tape(self, call: TapeCall) -> None:
        """Put a tape on or off, unless tapes are left out."""
        if self.token:
            await self.sender.call(call.method, self.base + call.path, self.token, _TAPE_SET)

    def is_called_off(self) -> bool:
        """Tell whether nothing that was sent so far has been answered as it should be, and say so."""
        tally = self.sender.tally
        if is_hopeless := tally.sent >= _GIVE_UP_AFTER and not tally.right:
            self.say("nothing is answered as it should be: the night is called off")
        return is_hopeless


async def play_night(playback: Playback, steps: Sequence[NightStep]) -> None:
    """Play the steps, each when the one before is answered and the pause between them is over.

    It ends early where nothing that was sent so far has been answered as it should be.
    """
    now = 0.0
    for step in steps:
        await asyncio.sleep((step.at - now) / playback.speed)
        now = step.at
        if step.said:
            playback.say(f"{step.clock}  {step.said}")
        await playback.sender.deliver(requests(step, playback.context), at_once=_AT_ONCE)
        for call in tape_calls(step):
            await playback.change_tape(call)
        if playback.is_called_off():
            return
