"""Messages that were lost are made up for by what Twitch's API lists, which is itself late and forgetful."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain.broadcasts.broadcast import ChannelState, snapshot_of
from showtime_core.domain.broadcasts.stream_check import ListedStream, MissingStream, StreamListing, compare
from showtime_core.domain.events import StreamFound, StreamMissed
from showtime_core.domain.journal import Outcome
from showtime_core.domain.own_entries import repair_entry
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import at, offline, online
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.check_channel import record_repair
from showtime_core.use_cases.receive import receive

POLICY = Policy()
NOTHING = None


def listing(minutes: float, stream: str | None = None, started: float = 0) -> StreamListing:
    return StreamListing(ListedStream(stream, at(started)) if stream else None, at(minutes))


async def told(*entries) -> MemoryUnitOfWork:
    """Give a channel that was told this by messages."""
    units = MemoryUnitOfWork(clock=lambda: at(600))
    await receive(entries, units, POLICY)
    return units


async def look(
    units: MemoryUnitOfWork, seen: StreamListing, missing: MissingStream | None = None
) -> MissingStream | None:
    """Compare, and record what follows."""
    compared = compare(units.memory.state, seen, missing)
    if compared.event:
        await record_repair(compared.event, units, POLICY)
    return compared.missing


def nights(units: MemoryUnitOfWork) -> list[tuple[float, float | None]]:
    """Start and end of each broadcast, in minutes."""
    return [
        tuple(moment and (moment - at(0)) / timedelta(minutes=1) for moment in (row.started_at, row.ended_at))
        for row in units.memory.broadcasts.values()
    ]


async def test_a_stream_that_nobody_told_us_of_is_a_broadcast():
    """A listed stream is a broadcast from its own start, and its late message changes nothing."""
    units = await told()
    await look(units, listing(20, "halloween", 0))
    assert nights(units) == [(0, None)]
    assert [shown.content.is_live for shown in units.memory.feed_items] == [True]
    await receive([online("halloween", 21, started=0)], units, POLICY)
    assert nights(units) == [(0, None)]


async def test_a_drop_out_whose_end_was_lost_is_resumed():
    """The same stream is listed some minutes after we were told of its end."""
    units = await told(online("halloween", 0), offline(60))
    await look(units, listing(66, "halloween", 0))
    assert nights(units) == [(0, None)]


async def test_another_stream_resumes_at_once():
    """It began after the end that we were told of, so it cannot be the ended one, listed late."""
    units = await told(online("halloween", 0), offline(60))
    await look(units, listing(62, "afterparty", 61))
    assert nights(units) == [(0, None)]
    assert units.memory.state.timeline.nights[-1].streams == ("halloween", "afterparty")


async def test_a_stream_that_has_just_ended_may_still_be_listed():
    """The answer is cached: that is no reason to resume."""
    units = await told(online("halloween", 0), offline(60))
    await look(units, listing(61, "halloween", 0))
    assert nights(units) == [(0, 60)]


async def test_another_stream_while_one_is_live_means_that_an_end_was_lost():
    """One broadcast ends where the other begins; an older stream than ours is only listed late."""
    units = await told(online("halloween", 0))
    await look(units, listing(90, "november", 80))
    assert nights(units) == [(0, 80), (80, None)]
    await look(units, listing(91, "halloween", 0))
    assert nights(units) == [(0, 80), (80, None)]


@pytest.mark.parametrize("entries", [(), (online("halloween", 0),), (online("halloween", 0), offline(1))])
async def test_what_is_known_leaves_no_trace(entries):
    """Nothing is written of a stream that is live and listed, or neither."""
    units = await told(*entries)
    before = units.memory
    is_live = bool(before.state.timeline.live)
    assert await look(units, listing(30, "halloween" if is_live else None)) is None
    assert units.memory == before


async def test_what_a_message_has_told_meanwhile_leaves_no_trace():
    """Between the listing and the lock, the message came."""
    units = await told()
    event = compare(ChannelState(), listing(20, "halloween", 0), None).event
    await receive([online("halloween", 19, started=0)], units, POLICY)
    before = units.memory
    await record_repair(event, units, POLICY)
    assert units.memory == before


async def test_a_stream_that_is_missed_for_long_is_over():
    """A stream missed three times within ten minutes is over, from when it was missed first."""
    units = await told(online("halloween", 0))
    missing = None
    for minutes in (120, 125, 129.9):
        missing = await look(units, listing(minutes), missing)
        assert nights(units) == [(0, None)]
    assert await look(units, listing(130), missing) is None
    assert nights(units) == [(0, 120)]


@pytest.mark.parametrize("minutes", [(120, 131), (120, 121, 122, 123, 129.99)])
async def test_twice_or_not_for_long_is_not_enough(minutes):
    """The list is known to miss streams."""
    units = await told(online("halloween", 0))
    missing = None
    for moment in minutes:
        missing = await look(units, listing(moment), missing)
    assert nights(units) == [(0, None)]


@pytest.mark.parametrize("sign", [listing(125, "halloween"), online("halloween", 125), online("other", 125)])
async def test_a_sign_of_life_ends_the_doubt(sign):
    """A stream that is listed again, or told of by a message, is counted as missing from the beginning."""
    units = await told(online("halloween", 0))
    missing = await look(units, listing(120))
    missing = await look(units, listing(121), missing)
    if isinstance(sign, StreamListing):
        missing = await look(units, sign, missing)
    else:
        await receive([sign], units, POLICY)
    missing = await look(units, listing(131), missing)
    assert missing
    assert (missing.since, missing.checks) == (at(131), 1)
    assert units.memory.state.timeline.live


async def test_the_true_end_may_come_later():
    """The message of an end, delivered after all, is the truth that counts."""
    units = await told(online("halloween", 0))
    await record_repair(StreamMissed(at(120), at(130)), units, POLICY)
    await receive([offline(118)], units, POLICY)
    assert nights(units) == [(0, 118)]


TOLD = st.lists(
    st.builds(online, st.sampled_from("ab"), st.integers(0, 90)) | st.builds(offline, st.integers(0, 90)),
    max_size=6,
)


@given(TOLD, st.sampled_from(["a", "b", None]), st.integers(0, 200), st.integers(91, 200))
async def test_listed_often_enough_it_is_what_it_is(entries, stream, started, seen):
    """A listing that stays the same is believed in the end, whatever was told before."""
    units = await told(*entries)
    missing = None
    for minutes in (0, 6, 12, 18):
        missing = await look(units, listing(seen + minutes, stream, min(started, seen)), missing)
    on = snapshot_of(units.memory.state).is_live
    assert on == (stream is not None)


async def test_a_stream_that_was_missed_ends_no_other():
    """Between the last look and the lock, a message tells of a stream that began before the doubt did."""
    units = await told(online("halloween", 0))
    missing = None
    for minutes in (120, 125):
        missing = await look(units, listing(minutes), missing)
    compared = compare(units.memory.state, listing(130), missing)
    await receive([online("afterparty", 130, started=119)], units, POLICY)
    await record_repair(compared.event, units, POLICY)
    assert nights(units) == [(0, 119), (119, None)]


@pytest.mark.parametrize(
    "event",
    [StreamFound("40123", at(0), at(7.5)), StreamMissed(at(0), at(10.25)), StreamMissed(at(0), at(1), "40")],
)
async def test_a_repair_is_reacted_to(event):
    """What follows from a repair follows as from a message of Twitch."""
    units = await told(repair_entry(event))
    assert [line.outcome for line in units.memory.records] == [Outcome.REACTED]
