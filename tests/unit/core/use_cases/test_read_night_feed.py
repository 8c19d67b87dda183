"""The host reads the feed of the night."""

import pytest

from showtime_core.domain import events as ev
from showtime_core.domain.broadcasts.broadcast import Broadcast
from showtime_core.domain.night_feed.rows import NightKind
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import BOB, MARGE, at, cheers, follows
from showtime_core.testing.strategies import entry
from showtime_core.testing.twins.night_feed import MemoryNightFeedStore
from showtime_core.testing.twins.show import MemoryShow
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.read_night_feed import ReadNightFeed
from showtime_core.use_cases.receive import receive

ALL = list(NightKind)


@pytest.fixture
def units():
    return MemoryUnitOfWork(clock=lambda: at(5))


@pytest.fixture
def feed(units):
    """Read what a channel in memory has recorded, whose entries are read already."""
    return ReadNightFeed(MemoryNightFeedStore(units, MemoryShow(units)), parse=lambda each: each)


def gift(total, minutes=1.0):
    return entry(f"gift-{minutes}", ev.GiftedSubscriptions(MARGE, "1000", total), at(minutes))


def received(number, minutes=1.0):
    content = ev.SubscriptionStart(BOB, "1000", is_gift=True, sent_at=at(minutes))
    return entry(f"received-{minutes}-{number}", content, at(minutes))


async def names(feed, **asked):
    page = await feed.page(ALL, **({"limit": 50} | asked))
    return [row.entry.entry.id for row in page.rows], page.following


async def test_a_gift_is_one_row_on_every_page(feed, units):
    """Recipients are part of their gift, wherever a page ends, and a page is filled with rows."""
    told = [follows("f"), *(received(number) for number in range(30)), gift(60)]
    told += [*(received(number) for number in range(30, 60)), cheers("c")]
    await receive(told, units, Policy())
    assert await names(feed) == (["c", "gift-1.0", "f"], None)
    assert await names(feed, limit=2) == (["c", "gift-1.0"], 32)
    assert await names(feed, limit=2, before=32) == (["f"], None)
    [_, row, _] = (await feed.page(ALL, 50)).rows
    assert len(row.parts) == 60


async def test_who_received_without_a_gift_is_a_row(feed, units):
    """A recipient whose gift Twitch has not told of is a row like any other."""
    await receive([received(1), gift(1, minutes=9)], units, Policy())
    assert await names(feed) == (["gift-9", "received-1.0-1"], None)


async def test_only_this_night_is_shown(feed, units):
    """Rows of the night before are left out, with the recipients of its gifts."""
    await receive([follows("before")], units, Policy())
    ended = Broadcast(1, at(-600), at(-300))
    units.memory.broadcasts[1] = ended
    units.clock = lambda: at(200)
    assert (await names(feed))[0] == ["before"]
    units.memory.broadcasts[1] = Broadcast(1, at(-600), at(6))
    units.clock = lambda: at(6 + 6 * 60)
    assert await names(feed) == ([], None)


async def test_what_nobody_can_read_is_passed_over(units):
    """An entry whose body cannot be read any more has no row, and hides none."""

    def fail(_):
        raise ValueError

    feed = ReadNightFeed(MemoryNightFeedStore(units, MemoryShow(units)), parse=fail)
    await receive([follows("f")], units, Policy())
    assert await names(feed) == ([], None)


async def test_a_night_is_added_up(feed, units):
    """The sums are those of this night."""
    await receive([cheers("one", 100, "hi"), cheers("two", 250, "hi")], units, Policy())
    assert (await feed.totals()).bits == 350
