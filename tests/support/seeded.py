"""The seeded world with the receiver and the streams of the service, and code in which a bug is planted."""

import inspect
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from operator import attrgetter
from types import FunctionType, ModuleType
from typing import Any

from showtime_adapters.twitch.eventsub import Receiver
from showtime_app.metrics import Metrics
from showtime_app.web.hub import Hub, StreamClient
from showtime_app.web.routes.streams import StreamSource, resumed
from showtime_core.domain import events as ev
from showtime_core.domain.feed import FeedEntry, FeedPosition
from showtime_core.domain.journal import Entry, Malformed
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.world.feed import Missed, ReadTip, Told
from showtime_core.testing.world.front import Recorder
from showtime_core.testing.world.world import Parts
from support.server import SECRET
from support.twitch import CHANNEL, message

_METRICS = Metrics()


class _Clients(dict):
    """A set of clients in the order of their coming: addresses decide nothing."""

    def add(self, client: StreamClient) -> None:
        self[client] = None

    def remove(self, client: StreamClient) -> None:
        del self[client]


class ServedStreams:
    """The alerts as the service shows them: its hub, and its events as they are written."""

    def __init__(self, missed: Missed, read_tip: ReadTip) -> None:
        self._hub = Hub(_METRICS, clients=_Clients())
        self._source = StreamSource(self._hub, missed, read_tip)

    def publish(self, position: FeedPosition, entries: Sequence[FeedEntry]) -> None:
        self._hub.publish(position, entries)

    async def follow(self, last_event_id: str) -> AsyncGenerator[Told, None]:
        client = self._hub.join("alerts")
        try:
            async for chunk in resumed(self._source, last_event_id, None, client):
                for event_id, said in _events(chunk):
                    yield event_id, said
                if client.closed.done():
                    return
        finally:
            self._hub.leave(client)

    def close(self) -> None:
        self._hub.close()


def _events(chunk: bytes) -> Iterator[Told]:
    for block in chunk.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and line[0] != ":")
        if "id" in fields:
            yield fields["id"], fields.get("data")


class SignedFront:
    """The receiver of the service: it is sent what Twitch writes, and signs."""

    def __init__(self, inbox: Recorder, clock: Callable[[], datetime]) -> None:
        self._receiver = Receiver((SECRET,), inbox, clock)

    async def receive(self, entry: Entry, *, is_forged: bool) -> bool:
        sent_at = entry.sent_at
        written = message(
            entry.type,
            _written(entry.content) | CHANNEL,
            at=sent_at,
            timestamp=sent_at.isoformat(),
            message_id=entry.id,
            secret="another" if is_forged else SECRET,
        )
        headers = {name.lower(): value for name, value in written.headers.items()}
        return (await self._receiver.receive(headers, written.body)).status < HTTPStatus.BAD_REQUEST


def _written(event: ev.Event) -> dict[str, Any]:  # noqa: C901, PLR0911 - one for each kind
    """Write an event as Twitch does."""
    viewer = getattr(event, "viewer", None)
    named = _viewer(viewer) if viewer else {}
    match event:
        case ev.StreamOnline(stream, kind, started_at):
            return {"id": stream, "type": kind, "started_at": started_at.isoformat()}
        case ev.StreamOffline(_, stream):
            return {"id": stream} if stream else {}
        case ev.Cheer(_, bits, words):
            return named | {"is_anonymous": viewer is None, "bits": bits, "message": words}
        case ev.Follow(_, followed_at):
            return named | {"followed_at": followed_at.isoformat()}
        case ev.Raid(raider, viewers):
            return _viewer(raider, "from_broadcaster_user") | {"viewers": viewers}
        case ev.GiftedSubscriptions(_, tier, total):
            return named | {"is_anonymous": False, "tier": tier, "total": total}
        case ev.SubscriptionStart(_, tier, is_gift):
            return named | {"tier": tier, "is_gift": is_gift}
        case ev.Resubscription(_, tier, months, words):
            return named | {"tier": tier, "cumulative_months": months, "message": {"text": words}}
        case ev.ChatMessageSent(message_id, writer, color, text):
            words = {"text": text, "fragments": [{"type": "text", "text": text}]}
            return _viewer(writer, "chatter_user") | {
                "message_id": message_id,
                "message": words,
                "color": color,
            }
        case Malformed():
            return {}
    raise ValueError(event)


def _viewer(viewer: Viewer, prefix: str = "user") -> dict[str, str]:
    return {
        f"{prefix}_id": viewer.id,
        f"{prefix}_login": viewer.login,
        f"{prefix}_name": viewer.display_name,
    }


SERVED = Parts(ServedStreams, SignedFront)
"""An instance with what is around the core in the service."""


@contextmanager
def planted(module: ModuleType, name: str, right: str, wrong: str) -> Iterator[None]:
    """Let a named function of a module do what it would if one piece of the module's source were another."""
    function = attrgetter(name)(module)
    assert isinstance(function, FunctionType)
    source = inspect.getsource(module)
    assert source.count(right) == 1, f"{right!r} is {source.count(right)} times in {module.__name__}"
    assert right in inspect.getsource(function)
    changed = ModuleType(module.__name__)
    changed.__package__ = module.__package__
    code = compile(source.replace(right, wrong), inspect.getfile(module), "exec", dont_inherit=True)
    exec(code, vars(changed))
    kept = function.__code__
    function.__code__ = attrgetter(name)(changed).__code__
    try:
        yield
    finally:
        function.__code__ = kept
