"""The seeded world with the hub and the streams of the service, and code in which a bug is planted."""

import inspect
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from types import FunctionType, ModuleType

from showtime_app.metrics import Metrics
from showtime_app.web.hub import Hub, StreamClient
from showtime_app.web.routes.streams import StreamSource, resumed
from showtime_core.domain.feed import FeedEntry, FeedPosition
from showtime_core.testing.world.feed import Missed, ReadTip, Told

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
                for event_id, number in _events(chunk):
                    yield event_id, number
                if client.closed.is_set():
                    return
        finally:
            self._hub.leave(client)

    def close(self) -> None:
        self._hub.close()


def _events(chunk: bytes) -> Iterator[Told]:
    for block in chunk.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and line[0] != ":")
        if "id" in fields:
            yield fields["id"], int(fields["data"]) if "data" in fields else None


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
