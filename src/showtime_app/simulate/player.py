"""Plays a night: its steps one after the other, with the pauses between them shortened by a speed."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from showtime_app.simulate.catalogue import event_type
from showtime_app.simulate.deliveries import Manner, Source, deliveries
from showtime_app.simulate.messages import Expectation, Request
from showtime_app.simulate.night import Beat, Screening, Step
from showtime_app.simulate.sender import Sender

RESUME_NOTE = (
    "A night that is played within 15 minutes of the last one resumes that one, as after a drop-out;"
    " so does the drop-out of this one."
)
_AT_ONCE = 8
_GIVE_UP_AFTER = 2
_TAPE_SET = Expectation("204", frozenset({204}))


@frozen
class Host:
    """The broadcaster's hands on the tapes."""

    base: str
    """URL that `/admin/tape` is added to."""
    token: str | None
    """None: the tapes are left out."""

    async def screen(self, sender: Sender, screening: Screening) -> None:
        """Put a tape on or take it off."""
        if self.token is None:
            return
        method, path = request_line(screening)
        await sender.call(method, self.base + path, self.token, _TAPE_SET)


def request_line(screening: Screening) -> tuple[str, str]:
    """Say with which method and path a tape is changed."""
    if screening.tape is None:
        return "DELETE", "/admin/tape"
    return "POST", f"/admin/tape/{screening.tape.id}"


def requests(step: Step, source: Source) -> Iterator[Request]:
    """Make the messages of a step."""
    for beat in step.beats:
        if isinstance(beat, Beat):
            manner = Manner(resend=beat.resend)
            yield from deliveries(event_type(beat.name), beat.wishes, manner, source)


@frozen
class Evening:
    """What an evening is played with."""

    source: Source
    sender: Sender
    host: Host
    speed: float
    """Seconds of the evening in a second."""
    tell: Callable[[str], None]
    """Is told the story."""

    async def play(self, steps: Sequence[Step]) -> None:
        """Play the steps, each when the one before is answered and the pause between them is over.

        It ends early where nothing that was sent so far has been answered as it should be.
        """
        now = 0.0
        for step in steps:
            await asyncio.sleep((step.at - now) / self.speed)
            now = step.at
            if step.said:
                self.tell(f"{step.clock}  {step.said}")
            await self._perform(step)
            tally = self.sender.tally
            if tally.sent >= _GIVE_UP_AFTER and not tally.right:
                self.tell("nothing is answered as it should be: the night is called off")
                return

    async def _perform(self, step: Step) -> None:
        await self.sender.deliver(requests(step, self.source), at_once=_AT_ONCE)
        for beat in step.beats:
            if isinstance(beat, Screening):
                await self.host.screen(self.sender, beat)
