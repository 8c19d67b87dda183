"""The channel is looked after: what is wrong at Twitch is repaired, or said."""

import pytest
from attrs import evolve

from showtime_core.domain.broadcasts.stream_check import ListedStream, StreamListing
from showtime_core.domain.health import TwitchHealth
from showtime_core.domain.reactions import Policy
from showtime_core.domain.subscriptions import ENABLED, MISSING
from showtime_core.testing.entries import at
from showtime_core.testing.twins.twitch import MemoryChannels, MemoryHealthStore, MemorySubscriptions
from showtime_core.testing.twins.unit_of_work import MemoryUnitOfWork
from showtime_core.use_cases.check_channel import CheckChannel

OURS = "https://goldenvcr.com/api/showtime/callback"
LISTED = StreamListing(ListedStream("40123", at(0)), at(30))


async def no_pause(_: float) -> None:
    """Wait for nothing: in memory, time stands still."""


class Stage:
    """A channel, Twitch, and whoever looks after it."""

    def __init__(self, listed: StreamListing = LISTED, *, repairs: bool = True) -> None:
        self.now = at(30)
        self.subscriptions = MemorySubscriptions(OURS)
        self.channels = MemoryChannels({"goldenvcr": "953753877"}, listed)
        self.units = MemoryUnitOfWork(clock=lambda: self.now)
        self.record = MemoryHealthStore(lambda: self.now)
        self.watch = CheckChannel(
            login="goldenvcr",
            our_url=OURS,
            channels=self.channels,
            subscriptions=self.subscriptions,
            units=self.units,
            health=self.record,
            policy=Policy(),
            pause=no_pause,
            may_repair=repairs,
        )

    async def check(self, *, is_forced: bool = False) -> TwitchHealth:
        await self.watch.check(self.units.memory.state, is_forced=is_forced)
        assert self.record.twitch
        return self.record.twitch


async def test_a_check_repairs_what_it_finds():
    """All subscriptions are there, and the broadcast that nobody told us of is live."""
    stage = Stage()
    found = await stage.check()
    assert {finding.status for finding in found.findings} == {ENABLED}
    assert stage.units.memory.state.timeline.live
    assert found.checked_at == at(30)


async def test_a_check_that_may_not_repair_changes_nothing_at_twitch():
    """It says what is missing; the broadcast that nobody told us of is live all the same."""
    stage = Stage(repairs=False)
    found = await stage.check()
    assert {finding.status for finding in found.findings} == {MISSING}
    assert not stage.subscriptions.by_id
    assert stage.units.memory.state.timeline.live


async def test_chat_by_eventsub_is_kept_as_well():
    """Where chat is read by EventSub, its subscriptions are there with the rest."""
    stage = Stage()
    stage.watch = evolve(stage.watch, with_chat=True)
    found = await stage.check()
    assert [finding.type for finding in found.findings if finding.is_for_chat] == [
        "channel.chat.message",
        "channel.chat.message_delete",
        "channel.chat.clear",
        "channel.chat.clear_user_messages",
    ]
    assert all(finding.is_healthy for finding in found.findings)


async def test_it_is_checked_when_it_is_due():
    """A check is made when it is due, and not before unless it is asked for."""
    stage = Stage()
    await stage.check()
    stage.now = at(35)
    assert (await stage.check()).checked_at == at(30)
    assert (await stage.check(is_forced=True)).checked_at == at(35)
    stage.now = at(45)
    assert (await stage.check()).checked_at == at(45)


async def test_a_twitch_that_is_away_is_said_and_changes_nothing_else():
    """What was found before is kept beside the failure, and so is a doubt."""
    stage = Stage(StreamListing(LISTED.stream, at(30)))
    await stage.check()
    stage.channels.listed = StreamListing(None, at(40))
    stage.now = at(40)
    doubted = await stage.check()
    assert doubted.missing
    stage.now = at(50)
    stage.subscriptions.is_away = True
    failed = await stage.check()
    assert failed.failure == "Twitch is away"
    assert (failed.findings, failed.missing) == (doubted.findings, doubted.missing)
    stage.subscriptions.is_away = False
    stage.now = at(52)
    assert not (await stage.check()).failure


async def test_streams_that_cannot_be_listed_hinder_no_repair():
    """The failure is told, what is wrong with subscriptions is repaired, and a doubt stays."""
    stage = Stage(StreamListing(LISTED.stream, at(30)))
    await stage.check()
    stage.now, stage.channels.listed = at(40), StreamListing(None, at(40))
    doubted = await stage.check()
    stage.subscriptions.by_id.clear()
    stage.now, stage.channels.is_away = at(50), True
    found = await stage.check()
    assert (found.failure, found.missing) == ("the streams are away", doubted.missing)
    assert {finding.status for finding in found.findings} == {ENABLED}
    assert len(stage.subscriptions.by_id) == len(found.findings)


async def test_a_broadcast_whose_stream_is_missed_long_enough_ends():
    """The doubt is kept from check to check."""
    stage = Stage()
    await stage.check()
    for minutes in (40, 45, 50):
        stage.now, stage.channels.listed = at(minutes), StreamListing(None, at(minutes))
        assert stage.units.memory.state.timeline.live
        await stage.check()
    assert not stage.units.memory.state.timeline.live
    assert [row.ended_at for row in stage.units.memory.broadcasts.values()] == [at(40)]


async def test_what_stays_as_it_was_is_logged_once(caplog: pytest.LogCaptureFixture):
    """However often it is looked while something is wrong, the log tells it once, and again after a start."""
    stage = Stage(repairs=False)
    for minutes in (30, 31, 32):
        stage.now = at(minutes)
        assert (await stage.check()).checked_at == at(minutes)
    assert caplog.text.count("the subscription to stream.online is missing") == 1
    await stage.check(is_forced=True)
    assert caplog.text.count("the subscription to stream.online is missing") == 2
    stage.subscriptions.is_away = True
    for minutes in (33, 34):
        stage.now = at(minutes)
        await stage.check()
    assert caplog.text.count("Twitch cannot be asked") == 1


async def test_a_channel_that_twitch_does_not_know_is_said():
    """The operator has mistyped its name."""
    stage = Stage()
    stage.channels.users = {}
    assert (await stage.check()).failure == "Twitch knows no user 'goldenvcr'"
