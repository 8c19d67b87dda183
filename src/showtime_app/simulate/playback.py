"""Plays a night from its file: what Twitch sent, signed anew and at any speed; and the host's tapes."""

import asyncio
import json
import re
from collections.abc import Sequence
from datetime import timedelta

from attrs import define, evolve, field, frozen

from showtime_app.simulate import timestamps
from showtime_app.simulate.deliveries import DeliveryContext
from showtime_app.simulate.event_options import Scene
from showtime_app.simulate.messages import ACCEPTED, Request, eventsub_headers, sign
from showtime_app.simulate.player import Playback, TapeCall, tape_call
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
        return tape_call(json.loads(entry.body)["tapeId"])
    return tape_call(None) if entry.type == "tape.stop" else None


async def play_recorded(playback: Playback, steps: Sequence[RecordedStep], *, keeps_ids: bool) -> None:
    """Play the steps, each when the one before is answered and the pause between them is over.

    It ends early where nothing that was sent so far has been answered as it should be.
    With `keeps_ids` messages keep the ids of the file; else new ones, since a server knows those of before.
    """
    context = playback.context
    names = Scene(context.rng, context.ids, timestamp="")
    loop, shift = asyncio.get_running_loop(), TimeShift(playback.speed)
    started = loop.time()
    for step in steps:
        await asyncio.sleep(step.at.total_seconds() / playback.speed - (loop.time() - started))
        if step.call is None:
            entry = step.entry if keeps_ids else evolve(step.entry, id=names.uuid())
            await playback.sender.deliver(iter([request_of(entry, context, shift)]))
        else:
            await playback.change_tape(step.call)
        if playback.is_called_off():
            return


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
    signature = sign(context.address.secret, entry.id, timestamp, body)
    kind, subscription = _MESSAGE_TYPES[entry.source], (entry.type, entry.version)
    headers = eventsub_headers(entry.id, kind, timestamp, signature, subscription)
    return Request(entry.type, tuple(headers.items()), body, ACCEPTED)
