"""What every API of EventSub subscriptions keeps to: a suite of rules, to be mixed into a class of tests.

Needs pytest-asyncio in auto mode.
"""

from collections.abc import Callable

import pytest
from attrs import frozen

from showtime_core.domain.subscriptions import (
    ENABLED,
    PENDING,
    EventSubSubscription,
    WantedSubscription,
    wanted_subscriptions,
)
from showtime_core.errors import NotAllowed, Refused, Unavailable
from showtime_core.ports import ThrowAwaySubscriptions

BROADCASTER_ID = "953753877"
WANTED = {each.type: each for each in wanted_subscriptions(BROADCASTER_ID)}
ONLINE, RAID = WANTED["stream.online"], WANTED["channel.raid"]
AD_BREAK = WANTED["channel.ad_break.begin"]
"""Needs a consent that was not given."""
BROKEN = "notification_failures_exceeded"
THEIR_URL = "https://others.example/{}"


@frozen
class SubscriptionsStage:
    """The subscriptions of a client id, and what happens to them without us; there are none at first."""

    subscriptions: ThrowAwaySubscriptions
    our_url: str
    add: Callable[[WantedSubscription, str, str], str]
    """Lets one be there that calls a URL and has a status; gives its id."""
    withdraw: Callable[[WantedSubscription], None]
    """Lets there be no such type and version any more."""
    go_away: Callable[[], None]
    """Lets nobody be answered."""

    async def listed(self) -> dict[str, EventSubSubscription]:
        """List all by their ids; none is listed twice."""
        found = await self.subscriptions.list_all()
        by_id = {each.id: each for each in found}
        assert len(by_id) == len(found)
        return by_id


class SubscriptionsContract:
    """The rules of `showtime_core.ports.EventSubSubscriptions` and `ThrowAwaySubscriptions`."""

    async def test_one_is_made_found_and_deleted(self, stage: SubscriptionsStage) -> None:
        """What is created calls our URL, is what was wanted, is found and listed, and goes when deleted."""
        api = stage.subscriptions
        made = await api.create(ONLINE)
        assert (made.callback, made.status, made.fulfils(ONLINE)) == (stage.our_url, PENDING, True)
        assert (await stage.listed()).keys() == {made.id}
        found = await api.find(made.id)
        assert found is not None
        assert found.fulfils(ONLINE)
        await api.delete(made.id)
        assert (await api.find(made.id), await stage.listed()) == (None, {})

    async def test_what_is_not_there_is_deleted_already(self, stage: SubscriptionsStage) -> None:
        """To delete a subscription that is gone changes nothing and is no error; so is to look for it."""
        made = await stage.subscriptions.create(ONLINE)
        await stage.subscriptions.delete(made.id)
        await stage.subscriptions.delete(made.id)
        assert await stage.subscriptions.find(made.id) is None

    async def test_all_are_listed_whoever_made_them(self, stage: SubscriptionsStage) -> None:
        """However many there are, each is listed once, whatever URL it calls and whatever its status."""
        others = [stage.add(wanted, THEIR_URL.format(1), ENABLED) for wanted in WANTED.values()]
        ours = stage.add(RAID, stage.our_url, BROKEN)
        listed = await stage.listed()
        assert listed.keys() == {*others, ours}
        assert (listed[ours].status, listed[ours].callback) == (BROKEN, stage.our_url)
        assert listed[ours].fulfils(RAID)

    async def test_one_that_is_there_is_not_made_again(self, stage: SubscriptionsStage) -> None:
        """To create what calls our URL already gives the one that is there, and makes no second."""
        there = stage.add(ONLINE, stage.our_url, ENABLED)
        for _ in range(2):
            assert (await stage.subscriptions.create(ONLINE)).id == there
        assert (await stage.listed()).keys() == {there}

    async def test_what_others_have_is_theirs(self, stage: SubscriptionsStage) -> None:
        """A subscription of the same events that calls another URL is neither given for ours nor deleted."""
        other = stage.add(ONLINE, THEIR_URL.format(1), ENABLED)
        for make in (stage.subscriptions.create, stage.subscriptions.create_anew):
            made = await make(ONLINE)
            assert made.callback == stage.our_url
            assert (await stage.listed()).keys() == {other, made.id}

    async def test_one_is_made_anew_in_place_of_ours(self, stage: SubscriptionsStage) -> None:
        """What is created anew is another than the one that was there, which is gone."""
        there = stage.add(ONLINE, stage.our_url, ENABLED)
        made = await stage.subscriptions.create_anew(ONLINE)
        assert (made.id == there, made.status) == (False, PENDING)
        assert (await stage.listed()).keys() == {made.id}

    async def test_broken_ones_are_not_in_the_way(self, stage: SubscriptionsStage) -> None:
        """Broken ones of ours, which count among the three that Twitch allows, give way to one made anew."""
        broken = {stage.add(ONLINE, stage.our_url, BROKEN) for _ in range(2)}
        other = stage.add(ONLINE, THEIR_URL.format(1), ENABLED)
        made = await stage.subscriptions.create_anew(ONLINE)
        listed = await stage.listed()
        assert {other, made.id} == listed.keys()
        assert not broken & listed.keys()

    async def test_three_of_others_are_refused(self, stage: SubscriptionsStage) -> None:
        """Where others have the three that Twitch allows, another is Refused, and none is deleted."""
        others = {stage.add(ONLINE, THEIR_URL.format(number), ENABLED) for number in range(3)}
        for make in (stage.subscriptions.create, stage.subscriptions.create_anew):
            with pytest.raises(Refused):
                await make(ONLINE)
        assert (await stage.listed()).keys() == others

    async def test_without_consent_nothing_is_made(self, stage: SubscriptionsStage) -> None:
        """While the broadcaster's consent is missing it is NotAllowed, and nothing is made."""
        with pytest.raises(NotAllowed):
            await stage.subscriptions.create(AD_BREAK)
        with pytest.raises(NotAllowed):
            await stage.subscriptions.create_anew(AD_BREAK)
        assert await stage.listed() == {}

    async def test_what_is_withdrawn_is_refused(self, stage: SubscriptionsStage) -> None:
        """A type that Twitch has withdrawn is Refused; no consent would help."""
        stage.withdraw(ONLINE)
        with pytest.raises(Refused) as refused:
            await stage.subscriptions.create(ONLINE)
        assert not isinstance(refused.value, NotAllowed)

    async def test_while_twitch_is_away_nothing_is_known(self, stage: SubscriptionsStage) -> None:
        """While Twitch is away everything is Unavailable: nothing counts as missing, made or deleted."""
        there = stage.add(ONLINE, stage.our_url, ENABLED)
        stage.go_away()
        api = stage.subscriptions
        for asked in (
            api.list_all(),
            api.find(there),
            api.create(RAID),
            api.create_anew(RAID),
            api.delete(there),
        ):
            with pytest.raises(Unavailable):
                await asked
