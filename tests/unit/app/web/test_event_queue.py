"""The queue of one stream: what is put is taken once and in order, and no more waits than may."""

import asyncio

import pytest

from showtime_app.web.hub import EncodedEvent, EventQueue


def event(number: int) -> EncodedEvent:
    return EncodedEvent(number, b"", "")


async def test_what_is_put_is_taken_in_order_also_by_who_waits_already():
    """A reader that waits has the next event at once, and those after it in the order in which they came."""
    queue = EventQueue(3)
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert [queue.put_nowait(event(number)) for number in (1, 2, 3)] == [True, False, False]
    queue.wake()
    assert [await reader, await queue.get(), await queue.get()] == [event(1), event(2), event(3)]


async def test_a_reader_that_gives_up_loses_nothing():
    """What comes after a reader has given up, or in the same moment, is there for the next one."""
    queue = EventQueue(3)
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait(event(1))
    queue.wake()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    queue.put_nowait(event(2))
    assert [await queue.get(), await queue.get()] == [event(1), event(2)]


async def test_no_more_waits_than_may():
    """One more than its length is refused; once one is taken there is room again."""
    queue = EventQueue(1)
    queue.put_nowait(event(1))
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(event(2))
    await queue.get()
    queue.put_nowait(event(2))
    assert await queue.get() == event(2)
