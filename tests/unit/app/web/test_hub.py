"""The hub: what is published comes to every stream once, and a crowd of them leaves the others their turn."""

import asyncio
from itertools import pairwise

from showtime_app.metrics import Metrics
from showtime_app.web.hub import Hub
from showtime_core.domain.feed import FeedEntry, FeedPosition


async def test_a_crowd_is_woken_in_turns_and_all_of_it_has_everything():
    """Of thousands of streams some hundreds go on in each turn of the loop, so that messages have theirs."""
    hub = Hub(Metrics())
    readers = [asyncio.create_task(hub.join("alerts").queue.get()) for _ in range(1000)]
    await asyncio.sleep(0)
    for number in (1, 2):
        hub.publish(FeedPosition("e", number, ""), [FeedEntry(number, "alerts", "{}")])
    gone_on = [0]
    while gone_on[-1] < len(readers):
        await asyncio.sleep(0)
        gone_on.append(sum(reader.done() for reader in readers))
    assert 0 < max(after - before for before, after in pairwise(gone_on)) < 500
    assert {(await reader).id for reader in readers} == {1}
    assert {(await client.queue.get()).id for client in hub.clients} == {2}
