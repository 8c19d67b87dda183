"""What every store of the health of the show keeps to: to be mixed into a class of tests.

Needs pytest-asyncio in auto mode.
"""

from datetime import UTC, datetime, timedelta

from showtime_core.domain.broadcasts.stream_check import MissingStream
from showtime_core.domain.health import TwitchHealth
from showtime_core.domain.subscriptions import ENABLED, MISSING, SubscriptionFinding
from showtime_core.ports import HealthStore

AT = datetime(2026, 10, 30, 20, tzinfo=UTC)
FINDINGS = (
    SubscriptionFinding("stream.online", is_optional=False, status=ENABLED),
    SubscriptionFinding("channel.raid", is_optional=False, status="a word that Twitch has yet to invent"),
    SubscriptionFinding(
        "channel.ad_break.begin",
        is_optional=True,
        status=MISSING,
        problem="sign in again",
        lacks_consent=True,
    ),
)


class HealthStoreContract:
    """The rules of `showtime_core.ports.HealthStore`; the fixture `stores` gives two instances of one."""

    async def test_nothing_is_known_at_first(self, stores: tuple[HealthStore, HealthStore]) -> None:
        """Before the first check and the first report of chat, the time alone is known."""
        health = await stores[0].read()
        assert (health.twitch, health.chat, health.painted) == (None, None, 0)
        assert health.now.tzinfo is not None

    async def test_a_check_is_known_to_all(self, stores: tuple[HealthStore, HealthStore]) -> None:
        """What one instance saves, another reads as it was: every finding, a failure, and what is missing."""
        one, other = stores
        for check in (
            TwitchHealth(AT, FINDINGS, missing=MissingStream(7, AT - timedelta(minutes=3), 2)),
            TwitchHealth(AT + timedelta(minutes=1), FINDINGS[:1], failure="Twitch cannot be reached"),
            TwitchHealth(AT + timedelta(minutes=2)),
        ):
            await one.save_twitch(check)
            assert (await other.read()).twitch == check

    async def test_the_latest_check_counts(self, stores: tuple[HealthStore, HealthStore]) -> None:
        """A check that was begun earlier and is saved later does not hide the other."""
        one, other = stores
        latest = TwitchHealth(AT + timedelta(seconds=1), FINDINGS)
        await one.save_twitch(latest)
        await other.save_twitch(TwitchHealth(AT, failure="Twitch cannot be reached"))
        assert (await one.read()).twitch == latest

    async def test_a_check_that_is_saved_again_changes_nothing(
        self, stores: tuple[HealthStore, HealthStore]
    ) -> None:
        """A check whose save is repeated, since the answer was lost, is there once and unchanged."""
        one, other = stores
        for store in (one, other, one):
            await store.save_twitch(TwitchHealth(AT, FINDINGS))
        assert (await other.read()).twitch == TwitchHealth(AT, FINDINGS)
