"""How a stream is resumed at an instance that may be behind the one that the client comes from."""

import asyncio
from contextlib import aclosing

import pytest

from showtime_app.metrics import Metrics
from showtime_app.web.hub import Hub
from showtime_app.web.routes import streams
from showtime_core.domain.feed import FeedEntry, FeedPosition
from showtime_core.errors import Unavailable


class Instance:
    """An instance whose hub has come to 4, while the table leads to 5."""

    def __init__(self, epoch: str = "e", stream: str = "alerts") -> None:
        self.hub, self.tip, self.is_away = Hub(Metrics()), FeedPosition(epoch, 5, ""), False
        self.source = streams.StreamSource(self.hub, self.missed, self.read_tip)
        self.client, self.stream = self.hub.join(stream), stream
        self.publish(4)

    def publish(self, number: int) -> None:
        self.hub.publish(
            FeedPosition("e", number, ""), [FeedEntry(number, self.stream, f'{{"id":{number}}}')]
        )

    async def missed(self, after: int, until: int) -> list[FeedEntry]:
        raise AssertionError((after, until))

    async def read_tip(self) -> FeedPosition:
        if self.is_away:
            self.is_away = False
            raise Unavailable("the database is away")
        return self.tip

    async def resume(self, last_event_id: str, count: int) -> list[bytes]:
        """Resume, publish two more once it has begun, and give so many chunks after the first comment."""
        chunks = []
        async with aclosing(streams.resumed(self.source, last_event_id, None, self.client)) as resumed:
            assert await anext(resumed) == b":\n\n"
            while len(chunks) < count:
                chunks.append(await asyncio.wait_for(anext(resumed), 20))
                if chunks[-1].startswith(b"id") and self.hub.position.id == 4:
                    self.publish(5)
                    self.publish(6)
        return chunks


@pytest.mark.parametrize("stream", ["alerts", "chat"])
async def test_what_another_instance_has_shown_is_not_shown_again(stream):
    """A client goes on after its own id, also where this instance has not come to it yet."""
    chunks = await Instance(stream=stream).resume("e-5", 2)
    assert chunks == [b"id: e-5\nretry: 3000\n\n", b'id: e-6\ndata: {"id":6}\n\n']


@pytest.mark.parametrize(("last", "epoch"), [("e-6", "e"), ("e-5", "restored")])
async def test_an_id_that_the_table_does_not_reach_counts_as_none(last, epoch):
    """An id beyond all there is, or of a database that is gone, begins anew where this instance stands."""
    chunks = await Instance(epoch).resume(last, 3)
    ids = [chunk.partition(b"\n")[0] for chunk in chunks]
    assert ids == [b"id: e-4", b"id: e-5", b"id: e-6"]


async def test_a_resume_waits_while_nobody_can_tell(monkeypatch):
    """While the database is away the stream is kept open by comments, and resumed once it answers."""
    monkeypatch.setattr(streams, "_READ_AGAIN_SECONDS", 0.0)
    instance = Instance()
    instance.is_away = True
    assert [chunk[:8] for chunk in await instance.resume("e-5", 3)] == [b":\n\n", b"id: e-5\n", b"id: e-6\n"]
