"""Each wanted subscription is there once, and nobody else's is touched."""

from hypothesis import given
from hypothesis import strategies as st

from showtime_core.domain.subscriptions import (
    ENABLED,
    PENDING,
    EventSubSubscription,
    SubscriptionPlan,
    optional_scopes,
    reconcile,
    required_scopes,
    wanted_subscriptions,
)

OURS = "https://goldenvcr.com/api/showtime/callback"
URLS = (OURS, OURS + "/", "https://goldenvcr.com/api/other", "https://example.com/", None)
STATUSES = (ENABLED, ENABLED, PENDING, "notification_failures_exceeded", "a_word_of_tomorrow")
WANTED = wanted_subscriptions("953753877", with_chat=True)
ELSEWHERE = wanted_subscriptions("31337", with_chat=True)


@st.composite
def crowds(draw: st.DrawFn) -> list[EventSubSubscription]:
    """Subscriptions of everybody who shares the client id, ours among them."""
    count = draw(st.integers(0, 40))
    crowd = []
    for number in range(count):
        like = draw(st.sampled_from((*WANTED, *WANTED, *ELSEWHERE)))
        version = draw(st.sampled_from((like.version, like.version, "beta")))
        status, url = draw(st.sampled_from(STATUSES)), draw(st.sampled_from(URLS))
        crowd.append(EventSubSubscription(f"id-{number}", like.type, version, like.condition, status, url))
    return crowd


def carried_out(plan: SubscriptionPlan, crowd: list[EventSubSubscription]) -> list[EventSubSubscription]:
    """Do what a plan says."""
    made = [
        EventSubSubscription(f"made-{number}", each.type, each.version, each.condition, ENABLED, OURS)
        for number, each in enumerate(plan.create)
    ]
    return [one for one in crowd if one not in plan.delete] + made


@given(crowds())
def test_after_the_plan_each_is_there_once(crowd):
    """After the plan each is alive once and calls our URL, and the next plan does nothing."""
    after = carried_out(reconcile(WANTED, crowd, OURS), crowd)
    for each in WANTED:
        there = [one for one in after if one.callback == OURS and one.overlaps(each)]
        assert [one.is_alive and one.fulfils(each) for one in there] == [True]
    again = reconcile(WANTED, after, OURS)
    assert (again.create, again.delete) == ((), ())


@given(crowds())
def test_what_calls_another_url_is_not_looked_at(crowd):
    """It is neither kept nor deleted, and the plan would be the same without it."""
    plan = reconcile(WANTED, crowd, OURS)
    assert reconcile(WANTED, [one for one in crowd if one.callback == OURS], OURS) == plan
    touched = [*plan.delete, *plan.surplus, *(found for _, found in plan.keep)]
    assert all(one.callback == OURS for one in touched)


@given(crowds())
def test_whatever_calls_us_has_its_place_in_the_plan(crowd):
    """What calls us is kept, deleted or surplus; only the broken, doubled or outdated is deleted."""
    plan = reconcile(WANTED, crowd, OURS)
    kept = [found for _, found in plan.keep]
    placed = [*kept, *plan.delete, *plan.surplus]
    assert sorted(placed, key=str) == sorted((one for one in crowd if one.callback == OURS), key=str)
    for one in plan.delete:
        (each,) = (each for each in WANTED if one.overlaps(each))
        assert not one.is_alive or not one.fulfils(each) or any(other.fulfils(each) for other in kept)


@given(st.permutations([ENABLED, PENDING, "version_removed"]))
def test_the_one_that_delivers_is_kept(statuses):
    """The subscription that delivers is kept, in whatever order they are listed."""
    each = WANTED[0]
    crowd = [
        EventSubSubscription(status, each.type, each.version, each.condition, status, OURS)
        for status in statuses
    ]
    plan = reconcile([each], crowd, OURS)
    assert [found.status for _, found in plan.keep] == [ENABLED]
    assert {one.status for one in plan.delete} == {PENDING, "version_removed"}


def test_what_is_wanted():
    """The wanted types, versions and conditions are as Twitch names them, and none is there twice."""
    table = {(each.type, each.version): dict(each.condition) for each in WANTED}
    assert len(table) == len({each.type for each in WANTED}) == len(WANTED)
    channel = {"broadcaster_user_id": "953753877"}
    assert table["channel.follow", "2"] == channel | {"moderator_user_id": "953753877"}
    assert table["channel.raid", "1"] == {"to_broadcaster_user_id": "953753877"}
    assert table["channel.update", "2"] == table["channel.hype_train.begin", "2"] == channel
    assert table["channel.chat.message", "1"] == channel | {"user_id": "953753877"}


def test_only_what_was_added_later_is_optional():
    """The show goes on without what was added later; its scopes are asked for all the same."""
    optional = {each.type.split(".")[1] for each in WANTED if each.is_optional}
    assert optional == {"hype_train", "chat", "bits", "custom_power_up_redemption", "ad_break"}
    assert not any(each.type.startswith("channel.chat") for each in wanted_subscriptions("1"))
    assert required_scopes(wanted_subscriptions("1")) == (
        "bits:read",
        "channel:read:ads",
        "channel:read:hype_train",
        "channel:read:subscriptions",
        "moderator:read:followers",
    )
    assert set(required_scopes(WANTED)) - set(required_scopes(wanted_subscriptions("1"))) == {
        "user:read:chat",
        "user:bot",
        "channel:bot",
    }


def test_a_consent_may_lack_what_the_show_goes_on_without():
    """A consent may lack what only optional types need; not what a needed type or chat takes."""
    assert optional_scopes(WANTED) == {"channel:read:ads", "channel:read:hype_train"}
    assert optional_scopes(WANTED) < set(required_scopes(WANTED))
