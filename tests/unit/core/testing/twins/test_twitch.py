"""Twitch in memory keeps to the rules of every API of it."""

from functools import partial
from itertools import count

import pytest

from showtime_core.domain.broadcasts.stream_check import StreamListing
from showtime_core.domain.subscriptions import EventSubSubscription
from showtime_core.errors import Refused, Unavailable
from showtime_core.testing.contracts import subscriptions as of_subscriptions
from showtime_core.testing.contracts.subscriptions import SubscriptionsContract, SubscriptionsStage
from showtime_core.testing.contracts.twitch import (
    AutoModContract,
    AutoModStage,
    ChannelsContract,
    ChannelsStage,
    ClockStage,
    TwitchClockContract,
)
from showtime_core.testing.entries import at
from showtime_core.testing.twins.automod import MemoryAutoMod, MemoryTwitchClock
from showtime_core.testing.twins.twitch import MemoryChannels, MemorySubscriptions

OURS = "https://goldenvcr.example/api/showtime/callback"


class TestMemorySubscriptions(SubscriptionsContract):
    """The contract, in memory."""

    @pytest.fixture
    def stage(self) -> SubscriptionsStage:
        consented = frozenset().union(*(each.scopes for each in of_subscriptions.WANTED.values()))
        api = MemorySubscriptions(OURS, consented=consented - of_subscriptions.AD_BREAK.scopes)
        numbers = count()

        def add(wanted, url, status):
            name = f"there-{next(numbers)}"
            api.by_id[name] = EventSubSubscription(
                name, wanted.type, wanted.version, wanted.condition, status, url
            )
            return name

        def withdraw(wanted):
            api.withdrawn = frozenset({wanted.type})

        return SubscriptionsStage(api, OURS, add, withdraw, partial(setattr, api, "is_away", True))


class TestMemoryChannels(ChannelsContract):
    """The contract, in memory."""

    @pytest.fixture
    def stage(self) -> ChannelsStage:
        api = MemoryChannels({"goldenvcr": "953753877"}, StreamListing(None, at(0)))

        def list_stream(listed):
            api.listed = StreamListing(listed, at(0))

        return ChannelsStage(
            api, "goldenvcr", "953753877", list_stream, partial(setattr, api, "is_away", True)
        )


class TestMemoryAutoMod(AutoModContract):
    """The contract, in memory."""

    @pytest.fixture
    def stage(self) -> AutoModStage:
        automod = MemoryAutoMod()
        fail = partial(setattr, automod, "failure")
        return AutoModStage(automod, partial(fail, Unavailable("away")), partial(fail, Refused("not you")))


class TestMemoryTwitchClock(TwitchClockContract):
    """The contract, in memory."""

    @pytest.fixture
    def stage(self) -> ClockStage:
        clock = MemoryTwitchClock()
        return ClockStage(clock, partial(setattr, clock, "ahead"), partial(setattr, clock, "is_away", True))
