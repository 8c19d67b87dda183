"""What is tried of a link leaves nothing behind, and proves what it says."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from attrs import define

from showtime_core.domain.points_and_ghosts.ledger import Balance
from showtime_core.domain.preflight.links import Finding, LinkState
from showtime_core.domain.preflight.rules import throw_away
from showtime_core.domain.subscriptions import PENDING
from showtime_core.errors import Unavailable
from showtime_core.testing.twins.twitch import MemoryChannels, MemorySubscriptions
from showtime_core.use_cases.try_links import (
    TRIED_VIEWER,
    TryCallback,
    try_clock,
    try_ledger,
    try_model,
    try_storage,
)
from support.virtual_time import elapsed, in_virtual_time

AT = datetime(2026, 10, 30, 20, tzinfo=UTC)
OURS = "https://goldenvcr.com/api/showtime/callback"


def now() -> datetime:
    return AT + timedelta(seconds=elapsed())


@define
class Stage:
    """Twitch, and the try of the callback."""

    twitch: MemorySubscriptions
    is_alone: bool = True

    async def alone(self, work, _):
        if not self.is_alone:
            raise Unavailable("another showtime has been at it for more than 2 s")
        return await work()

    def callback(self) -> TryCallback:
        channels = MemoryChannels({"goldenvcr": "953753877"}, None)
        return TryCallback("goldenvcr", channels, self.twitch, self.alone, asyncio.sleep)


@in_virtual_time
async def test_the_callback_is_well_once_twitch_has_challenged_us():
    """The throw-away subscription is made, enabled, and deleted; so is one that an earlier try has left."""
    stage = Stage(MemorySubscriptions(OURS))
    for _ in range(2):
        finding = await stage.callback()()
        assert finding == Finding(LinkState.OK, "Twitch challenged us")
        assert stage.twitch.by_id == {}
        left = await stage.twitch.create(throw_away("953753877"))
        await stage.twitch.find(left.id)


@pytest.mark.parametrize("verdict", ["webhook_callback_verification_failed", PENDING])
def test_nothing_is_left_of_a_callback_that_fails(verdict):
    """A subscription that Twitch does not enable is deleted all the same."""

    @in_virtual_time
    async def scenario():
        stage = Stage(MemorySubscriptions(OURS, verdict=verdict))
        assert (await stage.callback()()).state is LinkState.FAILED
        assert stage.twitch.by_id == {}

    scenario()


@define
class SlowTwitch(MemorySubscriptions):
    """Takes a second for every subscription."""

    async def create_anew(self, wanted):
        made = await super().create_anew(wanted)
        await asyncio.sleep(1)
        return made


@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_nothing_is_left_of_a_callback_that_is_cancelled(seconds):
    """A try that is cancelled, while the subscription is being made or afterwards, leaves none."""

    @in_virtual_time
    async def scenario():
        stage = Stage(SlowTwitch(OURS, verdict=PENDING))
        trying = asyncio.create_task(stage.callback()())
        await asyncio.sleep(seconds)
        assert stage.twitch.by_id
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying
        assert stage.twitch.by_id == {}

    scenario()


@in_virtual_time
async def test_a_callback_that_another_tries_is_not_tried():
    """While another instance tries the callback, or nobody can tell, it is unknown: Twitch is not asked."""
    stage = Stage(MemorySubscriptions(OURS), is_alone=False)
    finding = await stage.callback()()
    assert (finding.state, stage.twitch.max_of_a_kind) == (LinkState.UNKNOWN, 0)


@define
class StubbornTwitch(MemorySubscriptions):
    """Deletes nothing."""

    async def delete(self, subscription_id):  # noqa: ARG002 - as the port has it
        raise Unavailable("not now")


@in_virtual_time
async def test_a_subscription_that_stays_is_told_of():
    """If the throw-away subscription cannot be deleted, the light is not green: the next try deletes it."""
    finding = await Stage(StubbornTwitch(OURS)).callback()()
    assert (finding.state, finding.said.startswith("Twitch challenged us")) == (LinkState.WARNING, True)


@define
class TellingClock:
    """Tells a time after a while."""

    seconds: float
    said: datetime

    async def read(self):
        await asyncio.sleep(self.seconds)
        return self.said


@in_virtual_time
async def test_the_way_of_an_answer_is_no_error_of_the_clock():
    """Half of the time that the answer takes, and half a second, are not taken for an error of the clock."""
    finding = await try_clock(TellingClock(6.0, AT + timedelta(seconds=3)), now)
    assert finding == Finding(LinkState.OK, "0.5 s behind Twitch")


class Everything:
    """A ledger, a model and a storage that note what they are asked for."""

    def __init__(self):
        self.asked = []

    async def balance(self, viewer):
        self.asked.append(viewer)
        return Balance(0, 0)

    async def look_up(self):
        return "gpt-image-2.6-flare"

    async def prove(self, key, jpeg):
        self.asked.append((key, jpeg))


async def test_a_ledger_that_tells_a_balance_is_well():
    """A balance is read, of a viewer whom nobody has paid."""
    there = Everything()
    assert (await try_ledger(there)).state is LinkState.OK
    assert there.asked == [TRIED_VIEWER]


async def test_a_model_that_answers_is_not_green():
    """What credit is left nobody tells, so a model that answers is a warning."""
    assert (await try_model(Everything())).state is LinkState.WARNING


async def test_an_object_has_a_key_of_its_own():
    """Each try stores under another key, so that no cache answers for the storage."""
    there = Everything()
    for _ in range(2):
        assert (await try_storage(there, b"jpeg", uuid4)).state is LinkState.OK
    (one, _), (other, _) = there.asked
    assert one != other
    assert one.startswith("preflight/")
