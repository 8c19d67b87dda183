"""Plays a night from its file: what Twitch sent, signed anew and at any speed; and the host's tapes."""

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from attrs import define, evolve, field, frozen

from showtime_app.simulate import timestamps
from showtime_app.simulate.deliveries import DeliveryContext
from showtime_app.simulate.messages import ACCEPTED, Request, sign
from showtime_app.simulate.player import GIVE_UP_AFTER, TAPE_SET
from showtime_app.simulate.sender import Sender
from showtime_core.domain.journal import PRUNED, Entry, EntrySource, JournalRecord
from showtime_core.texts import format_time

_TIME = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)"')
_MESSAGE_TYPES = {
    EntrySource.NOTIFICATION: "notification",
    EntrySource.REVOCATION: "revocation",
    EntrySource.OTHER: "showtime_recorded_other",
}
"""The header that says what a message is; of a kind that is not known, its own name was not recorded."""


@frozen
class TapeCall:
    """The host puts a tape on or off."""

    method: str
    path: str


@frozen
class RecordedStep:
    """What happened at one moment of the night."""

    at: timedelta
    """Since the first entry of the night."""
    entry: Entry
    call: TapeCall | None = None
    """None: it is a message of Twitch."""

    @property
    def said(self) -> str:
        """What is told of it."""
        return f"{self.call.method} {self.call.path}" if self.call else self.entry.type


def steps_of(records: Sequence[JournalRecord]) -> tuple[tuple[RecordedStep, ...], int]:
    """Give what can be played, in order, and how many entries cannot be.

    Those are what showtime wrote down by itself, such as ghosts that were paid; and what was pruned.
    """
    moments = [record.entry.sent_at or record.now for record in records]
    began = min(moments, default=None)
    steps = [
        RecordedStep(moment - began, record.entry, call)
        for record, moment in zip(records, moments, strict=True)
        if began and record.entry.content is not PRUNED
        if (call := _tape_call(record.entry)) or record.entry.source in _MESSAGE_TYPES
    ]
    return tuple(steps), len(records) - len(steps)


def _tape_call(entry: Entry) -> TapeCall | None:
    if entry.source is not EntrySource.HOST:
        return None
    if entry.type == "tape.start":
        return TapeCall("POST", f"/admin/tape/{json.loads(entry.body)['tapeId']}")
    return TapeCall("DELETE", "/admin/tape") if entry.type == "tape.stop" else None


@define
class RecordedPlayer:
    """What a night is played with."""

    context: DeliveryContext
    sender: Sender
    base: str
    """URL that the paths of the tapes are added to."""
    token: str | None
    """The broadcaster's; None: the tapes are left out."""
    speed: float
    """Seconds of the night in a second."""
    keeps_ids: bool
    """Whether messages have the ids of the file; else new ones, since a server knows those of before."""
    say: Callable[[str], None]

    async def play(self, steps: Sequence[RecordedStep]) -> None:
        """Play the steps, each when the one before is answered and the pause between them is over.

        It ends early where nothing that was sent so far has been answered as it should be.
        """
        loop, shift = asyncio.get_running_loop(), TimeShift(self.speed)
        started = loop.time()
        for step in steps:
            await asyncio.sleep(step.at.total_seconds() / self.speed - (loop.time() - started))
            if step.call is None:
                await self.sender.deliver(self._requests(step.entry, shift))
            elif self.token:
                url = self.base + step.call.path
                await self.sender.call(step.call.method, url, self.token, TAPE_SET)
            tally = self.sender.tally
            if tally.sent >= GIVE_UP_AFTER and not tally.right:
                self.say("nothing is answered as it should be: the night is called off")
                return

    def _requests(self, entry: Entry, shift: "TimeShift") -> Iterator[Request]:
        name = (
            entry.id if self.keeps_ids else str(uuid.UUID(int=self.context.ids.getrandbits(128), version=4))
        )
        yield request_of(evolve(entry, id=name), self.context, shift)


@define
class TimeShift:
    """Moves times that stand in messages to when those are sent: as long before, at the speed of the night.

    A time that comes again is moved to the same, so that what Twitch tells twice is still one thing.
    """

    speed: float
    _moved: dict[str, str] = field(factory=dict)

    def body(self, entry: Entry, now: int) -> bytes:
        """Move all times in a body that stand alone, as texts of JSON; `now` is in nanoseconds since 1970."""
        sent = timestamps.read(format_time(entry.sent_at)) if entry.sent_at else now

        def move(found: re.Match[bytes]) -> bytes:
            time = found[1].decode()
            moved = timestamps.written(now + round((timestamps.read(time) - sent) / self.speed))
            return b'"%s"' % self._moved.setdefault(time, moved).encode()

        return _TIME.sub(move, entry.body)


def request_of(entry: Entry, context: DeliveryContext, shift: TimeShift) -> Request:
    """Sign a recorded message as it is sent now, with the times in it moved."""
    now = context.clock()
    timestamp, body = timestamps.written(now), shift.body(entry, now)
    headers = {
        "Twitch-Eventsub-Message-Id": entry.id,
        "Twitch-Eventsub-Message-Retry": "0",
        "Twitch-Eventsub-Message-Type": _MESSAGE_TYPES[entry.source],
        "Twitch-Eventsub-Message-Signature": sign(context.address.secret, entry.id, timestamp, body),
        "Twitch-Eventsub-Message-Timestamp": timestamp,
        "Twitch-Eventsub-Subscription-Type": entry.type,
        "Twitch-Eventsub-Subscription-Version": entry.version,
        "Content-Type": "application/json",
    }
    return Request(entry.type, tuple(headers.items()), body, ACCEPTED)
