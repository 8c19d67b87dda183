"""What every API of channels, AutoMod and the clock of Twitch keeps to: to be mixed into classes of tests.

Needs pytest-asyncio in auto mode.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from attrs import frozen

from showtime_core.domain.broadcasts.stream_check import ListedStream
from showtime_core.errors import Refused, Unavailable
from showtime_core.ports import AutoMod, Channels, TwitchClock

STREAM = ListedStream("40123", datetime(2026, 10, 30, 20, tzinfo=UTC))


@frozen
class ChannelsStage:
    """A channel that is not live, as Twitch has it."""

    channels: Channels
    login: str
    user_id: str
    list_stream: Callable[[ListedStream | None], None]
    """Lets a stream be listed; None: nothing."""
    go_away: Callable[[], None]
    """Lets nobody be answered."""


class ChannelsContract:
    """The rules of `showtime_core.ports.Channels`."""

    async def test_a_user_has_one_id(self, stage: ChannelsStage) -> None:
        """A login has the same id however often it is asked for, and in whatever case it is written."""
        for login in (stage.login, stage.login.upper(), stage.login.title(), stage.login):
            assert await stage.channels.user_id(login) == stage.user_id

    async def test_a_login_of_nobody_is_refused(self, stage: ChannelsStage) -> None:
        """A login that nobody has is Refused, and is so the next time."""
        for _ in range(2):
            with pytest.raises(Refused):
                await stage.channels.user_id("nobody_here")

    async def test_a_stream_is_listed_while_it_is(self, stage: ChannelsStage) -> None:
        """A channel is live, with its stream's id and start, for as long as one is listed."""
        for listed in (None, STREAM, None):
            stage.list_stream(listed)
            listing = await stage.channels.stream_listing(stage.user_id)
            assert listing.stream == listed
            assert listing.at.tzinfo is not None

    async def test_while_twitch_is_away_no_channel_is_off_the_air(self, stage: ChannelsStage) -> None:
        """While Twitch is away it is Unavailable, and is not told as a channel that is not live."""
        stage.list_stream(STREAM)
        stage.go_away()
        with pytest.raises(Unavailable):
            await stage.channels.stream_listing(stage.user_id)


@frozen
class AutoModStage:
    """The AutoMod of a channel that lets pass whatever has no demon in it."""

    automod: AutoMod
    go_away: Callable[[], None]
    """Lets nobody be answered."""
    say_nothing: Callable[[], None]
    """Lets everybody be refused an answer."""


class AutoModContract:
    """The rules of `showtime_core.ports.AutoMod`."""

    @pytest.mark.parametrize(
        ("words", "permitted"),
        [('a "baby" seal 👻', True), ("", True), ("a demon", False), ("x" * 500 + "\ndemon", False)],
    )
    async def test_words_pass_or_not(self, stage: AutoModStage, words: str, permitted: bool) -> None:  # noqa: FBT001
        """Words are judged whole and as they are, whatever signs they have; each time anew."""
        for _ in range(2):
            assert await stage.automod.permits(words) is permitted

    async def test_no_answer_is_no_permission(self, stage: AutoModStage) -> None:
        """While Twitch is away it is Unavailable: nothing counts as permitted, and nothing as forbidden."""
        stage.go_away()
        with pytest.raises(Unavailable):
            await stage.automod.permits("a seal")

    async def test_an_automod_that_says_nothing_is_refused(self, stage: AutoModStage) -> None:
        """Where Twitch will not say, it is Refused, since it would not say the next time either."""
        stage.say_nothing()
        with pytest.raises(Refused):
            await stage.automod.permits("a seal")


@frozen
class ClockStage:
    """The clock of Twitch, which can be set and stopped."""

    clock: TwitchClock
    set_ahead: Callable[[timedelta], None]
    """Sets it so far ahead of ours."""
    go_away: Callable[[], None]
    """Lets nobody be answered."""


class TwitchClockContract:
    """The rules of `showtime_core.ports.TwitchClock`."""

    @pytest.mark.parametrize("hours", [-1, 0, 1])
    async def test_the_time_is_twitch_s(self, stage: ClockStage, hours: int) -> None:
        """The time is Twitch's and not ours, in whole seconds, with its time zone."""
        stage.set_ahead(timedelta(hours=hours))
        before = datetime.now(UTC)
        told = await stage.clock.read()
        after = datetime.now(UTC)
        assert (told.microsecond, told.utcoffset()) == (0, timedelta(0))
        assert before - timedelta(seconds=1) <= told - timedelta(hours=hours) <= after + timedelta(seconds=1)

    async def test_no_answer_is_no_time(self, stage: ClockStage) -> None:
        """While Twitch is away it is Unavailable, and no time is made up."""
        stage.go_away()
        with pytest.raises(Unavailable):
            await stage.clock.read()
