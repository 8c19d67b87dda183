"""What is missing is created and what is broken replaced, without touching what is others'."""

import pytest
from attrs import define, evolve
from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain.preflight.rules import throw_away
from showtime_core.domain.subscriptions import (
    ENABLED,
    MISSING,
    PENDING,
    EventSubSubscription,
    WantedSubscription,
    reconcile,
    wanted_subscriptions,
)
from showtime_core.errors import Refused, Unavailable
from showtime_core.testing.twins.twitch import MemorySubscriptions
from showtime_core.use_cases.keep_subscriptions import (
    ensure_subscriptions,
    inspect_subscriptions,
    replace_subscriptions,
)

OURS = "https://goldenvcr.com/api/showtime/callback"
WANTED = wanted_subscriptions("953753877")
BROKEN = "notification_failures_exceeded"


async def no_pause(_: float) -> None:
    """Wait for nothing: in memory, time stands still."""


def listed(
    wanted: WantedSubscription, status: str = ENABLED, url: str | None = OURS, name: str = ""
) -> EventSubSubscription:
    return EventSubSubscription(
        f"{name}{wanted.type}", wanted.type, wanted.version, wanted.condition, status, url
    )


def twitch(*there: EventSubSubscription, **options: object) -> MemorySubscriptions:
    return MemorySubscriptions(OURS, {one.id: one for one in there}, **options)  # type: ignore[arg-type]


async def statuses(subscriptions: MemorySubscriptions, *, may_delete: bool = True) -> dict[str, str]:
    findings = await ensure_subscriptions(WANTED, subscriptions, OURS, no_pause, may_delete=may_delete)
    return {finding.type: finding.status for finding in findings}


async def test_all_are_created_and_verified():
    """From nothing all subscriptions are created and verified, and the next time kept as they are."""
    subscriptions = twitch()
    assert set((await statuses(subscriptions)).values()) == {ENABLED}
    before = dict(subscriptions.by_id)
    assert set((await statuses(subscriptions)).values()) == {ENABLED}
    assert subscriptions.by_id == before


async def test_what_a_try_before_a_night_has_made_is_left_alone():
    """The throw-away subscription of a preflight is left as it is by who repairs, whatever its status."""
    for status in (ENABLED, PENDING, BROKEN):
        thrown = listed(throw_away("953753877"), status)
        subscriptions = twitch(thrown)
        assert set((await statuses(subscriptions)).values()) == {ENABLED}
        assert subscriptions.by_id[thrown.id] == thrown


@given(
    st.lists(
        st.tuples(
            st.sampled_from(WANTED),
            st.sampled_from((ENABLED, PENDING, BROKEN, "authorization_revoked")),
            st.sampled_from((OURS, OURS, "https://example.com/", None)),
        ),
        max_size=30,
    ),
    st.booleans(),
)
async def test_others_are_never_touched(crowd, may_delete):
    """What calls another URL is never touched, nothing is deleted without leave, and none is doubled."""
    there = [listed(each, status, url, f"{n}-") for n, (each, status, url) in enumerate(crowd)]
    subscriptions = twitch(*there)
    await ensure_subscriptions(WANTED, subscriptions, OURS, no_pause, may_delete=may_delete)
    for one in there:
        if one.callback != OURS:
            assert subscriptions.by_id[one.id] == one
        elif not may_delete:
            assert one.id in subscriptions.by_id
    assert subscriptions.max_of_a_kind <= 1


async def test_what_is_broken_is_replaced():
    """A broken subscription is deleted once a new one is created, and what nothing wants stays."""
    broken = listed(WANTED[0], BROKEN)
    unwanted = evolve(listed(WANTED[1], name="other-"), type="channel.moon_phase")
    subscriptions = twitch(broken, unwanted)
    assert set((await statuses(subscriptions)).values()) == {ENABLED}
    assert broken.id not in subscriptions.by_id
    assert unwanted.id in subscriptions.by_id


async def test_another_version_is_replaced_and_never_doubled():
    """Both would tell everything twice: the other goes first, and without leave to delete nothing is made."""
    older = evolve(listed(WANTED[0], name="older-"), version="0")
    subscriptions = twitch(older)
    assert (await statuses(subscriptions, may_delete=False))[older.type] == MISSING
    assert [one for one in subscriptions.by_id.values() if one.type == older.type] == [older]
    assert (await statuses(subscriptions))[older.type] == ENABLED
    assert older.id not in subscriptions.by_id
    assert subscriptions.max_of_a_kind == 1


async def test_what_was_not_consented_to_tells_why():
    """A subscription without consent is left as evidence if it is there, and nothing else is hurt."""
    revoked = listed(next(each for each in WANTED if each.type == "channel.cheer"), "authorization_revoked")
    subscriptions = twitch(revoked, consented=frozenset({"moderator:read:followers"}))
    findings = {
        each.type: each
        for each in await ensure_subscriptions(WANTED, subscriptions, OURS, no_pause, may_delete=True)
    }
    assert findings["channel.follow"].is_healthy
    assert (findings["channel.cheer"].status, findings["channel.cheer"].problem) == (
        "authorization_revoked",
        "no consent",
    )
    assert findings["channel.hype_train.begin"].status == MISSING
    assert findings["channel.hype_train.begin"].is_optional
    assert subscriptions.by_id[revoked.id] == revoked


async def test_where_broken_ones_are_in_the_way_they_go_first():
    """Three of a kind are the most that Twitch allows, whoever they call."""
    each = WANTED[0]
    broken = [listed(each, BROKEN, name=f"{number}-") for number in range(2)]
    other = listed(each, url="https://example.com/", name="other-")
    subscriptions = twitch(*broken, other)
    assert (await statuses(subscriptions))[each.type] == ENABLED
    assert other.id in subscriptions.by_id
    full = twitch(
        *(listed(each, url=f"https://example.com/{number}", name=f"{number}") for number in range(3))
    )
    assert (await statuses(full))[each.type] == MISSING


async def test_what_is_not_verified_is_told():
    """A subscription that is not verified is told with Twitch's word for it."""
    subscriptions = twitch(verdict="webhook_callback_verification_failed")
    assert set((await statuses(subscriptions)).values()) == {"webhook_callback_verification_failed"}


async def test_looking_changes_nothing():
    """It finds what keeping would have to repair."""
    subscriptions = twitch(listed(WANTED[0], BROKEN), listed(WANTED[1], PENDING))
    before = dict(subscriptions.by_id)
    findings = inspect_subscriptions(reconcile(WANTED, await subscriptions.list_all(), OURS))
    assert {finding.type: finding.status for finding in findings} == {
        **{each.type: MISSING for each in WANTED},
        WANTED[0].type: BROKEN,
        WANTED[1].type: PENDING,
    }
    assert subscriptions.by_id == before


async def test_a_twitch_that_is_away_is_unavailable():
    """While Twitch is away keeping raises Unavailable, and succeeds later."""
    with pytest.raises(Unavailable):
        await statuses(twitch(is_away=True))


def kept(subscriptions: MemorySubscriptions) -> list[tuple[WantedSubscription, EventSubSubscription]]:
    return [(each, subscriptions.by_id[each.type]) for each in WANTED]


async def test_rotation_replaces_all_one_by_one():
    """No two of a kind are ever there; the gap of each is measured; the least important goes first."""
    subscriptions = twitch(*(listed(each) for each in WANTED))
    ticks = iter(range(1000))
    gaps = [
        gap
        async for gap in replace_subscriptions(
            kept(subscriptions), subscriptions, subscriptions, no_pause, lambda: float(next(ticks))
        )
    ]
    assert [gap.type for gap in gaps] == [each.type for each in reversed(WANTED)]
    assert {gap.seconds for gap in gaps} == {1.0}
    assert subscriptions.max_of_a_kind == 1
    assert all(one.id.startswith("made-") and one.status == ENABLED for one in subscriptions.by_id.values())


@define
class Lagging(MemorySubscriptions):
    """A Twitch that for a while takes the last that was deleted for there still, and then is away."""

    troubles: int = 0
    gone: EventSubSubscription | None = None

    async def delete(self, subscription_id: str) -> None:
        self.gone, self.troubles = self.by_id.get(subscription_id), 4
        await super().delete(subscription_id)

    async def create(self, wanted: WantedSubscription) -> EventSubSubscription:
        self.troubles -= 1
        if self.troubles > 2 and self.gone:
            return self.gone
        if self.troubles > 0:
            raise Unavailable("Twitch is away")
        return await super().create(wanted)


async def test_rotation_insists():
    """What was deleted is created again, whatever Twitch says for a moment, and is not taken for the new."""
    there = [listed(each) for each in WANTED]
    subscriptions = Lagging(OURS, {one.id: one for one in there})
    gaps = [
        gap
        async for gap in replace_subscriptions(
            kept(subscriptions), subscriptions, subscriptions, no_pause, lambda: 0.0
        )
    ]
    assert len(gaps) == len(WANTED)
    assert len(subscriptions.by_id) == len(WANTED)
    assert all(one.id.startswith("made-") for one in subscriptions.by_id.values())


async def test_rotation_stops_at_the_first_that_twitch_will_not_have_again():
    """The first subscription that Twitch refuses is named, and no other is touched."""
    there = {each.type: listed(each) for each in WANTED}
    subscriptions = MemorySubscriptions(OURS, dict(there), withdrawn=frozenset({WANTED[-1].type}))
    with pytest.raises(Refused, match=rf"{WANTED[-1].type} was deleted, and cannot be created again: with"):
        _ = [
            gap
            async for gap in replace_subscriptions(
                kept(subscriptions), subscriptions, subscriptions, no_pause, lambda: 0.0
            )
        ]
    assert set(subscriptions.by_id) == set(there) - {WANTED[-1].type}


async def test_rotation_stops_at_the_first_that_is_not_verified():
    """It is put back under the former secret, and no other is touched."""
    subscriptions = twitch(*(listed(each) for each in WANTED), verdict="webhook_callback_verification_failed")
    former = MemorySubscriptions(OURS, subscriptions.by_id, count=100)
    with pytest.raises(Refused, match="restart every `showtime serve`"):
        _ = [
            gap
            async for gap in replace_subscriptions(
                kept(subscriptions), subscriptions, former, no_pause, lambda: 0.0
            )
        ]
    assert {one.status for one in subscriptions.by_id.values()} == {ENABLED}
    assert len(subscriptions.by_id) == len(WANTED)
    assert [one.type for one in subscriptions.by_id.values() if one.id.startswith("made-")] == [
        WANTED[-1].type
    ]
