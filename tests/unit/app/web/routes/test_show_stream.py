"""How a page of ours is told of alerts and of chat in one stream, and by which ids it resumes."""

import asyncio
import re
from collections.abc import AsyncIterator

from showtime_app.metrics import Metrics
from showtime_app.web.hub import Hub
from showtime_app.web.routes import show_stream
from showtime_app.web.routes.streams import StreamSource
from showtime_core.domain.feed import FeedEntry, FeedPosition
from showtime_core.domain.health import Readiness


def alert(number: int) -> FeedEntry:
    return FeedEntry(number, "alerts", f'{{"type":"{number}"}}')


async def read(stream: AsyncIterator[bytes], chunks: asyncio.Queue[bytes]) -> None:
    async for chunk in stream:
        chunks.put_nowait(chunk)


async def test_an_alert_before_the_place_in_chat_is_known_has_no_id():
    """Until the place in chat is known no id is given: by one without it all of chat would come again."""
    feed, chat, is_there = Hub(Metrics()), Hub(Metrics()), asyncio.Event()

    async def read_tip() -> FeedPosition:
        await is_there.wait()
        return FeedPosition("e", 9, "")

    async def nobody(*_: object) -> Readiness:
        raise AssertionError

    sources = show_stream.ShowSources(
        StreamSource(feed, nobody, nobody), StreamSource(chat, nobody, read_tip), nobody, {}, nobody
    )
    feed.publish(FeedPosition("e", 1, "{}"), [])
    chat.publish(FeedPosition("e", 8, ""), [])
    page = show_stream.OpenPage(sources, ["alert", "chat"], "e-1.9", 0, None)
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    async with show_stream.joined(page) as clients:
        reading = asyncio.create_task(read(show_stream.chunks_of(page, clients), chunks))
        told = [await asyncio.wait_for(chunks.get(), 60)]
        feed.publish(FeedPosition("e", 2, "{}"), [alert(2)])
        told.append(await asyncio.wait_for(chunks.get(), 60))
        is_there.set()
        chat.publish(FeedPosition("e", 10, ""), [FeedEntry(10, "chat", "{}")])
        told.append(await asyncio.wait_for(chunks.get(), 60))
        feed.publish(FeedPosition("e", 3, "{}"), [alert(3)])
        told.append(await asyncio.wait_for(chunks.get(), 60))
        reading.cancel()
        await asyncio.wait([reading])
    ids = [re.findall(r"^id: (.*)$", chunk.decode(), re.MULTILINE) for chunk in told]
    assert ids == [[], [], ["e-2.10"], ["e-3.10"]]
