"""Use cases of the subscriptions at Twitch: keep them as they should be, and change their secret."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from attrs import frozen

from showtime_core.domain.subscriptions import (
    ENABLED,
    MISSING,
    PENDING,
    EventSubSubscription,
    SubscriptionFinding,
    SubscriptionPlan,
    WantedSubscription,
    reconcile,
)
from showtime_core.errors import NotAllowed, Refused, Unavailable
from showtime_core.ports import EventSubSubscriptions

Sleep = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""

_POLL_SECONDS = 0.25
_MAX_POLLS = 80
"""How often to look: Twitch verifies within seconds, or not at all."""


@frozen
class DeliveryGap:
    """For how many seconds nothing of a type was delivered while its subscription was replaced."""

    type: str
    seconds: float


def inspect_subscriptions(plan: SubscriptionPlan) -> tuple[SubscriptionFinding, ...]:
    """Give the status of each wanted subscription, and change nothing."""
    kept = [_finding(wanted, found.status) for wanted, found in plan.keep]
    return (*kept, *(_finding(wanted, _status_now(wanted, plan)) for wanted in plan.create))


async def ensure_subscriptions(
    wanted: Sequence[WantedSubscription],
    subscriptions: EventSubSubscriptions,
    our_url: str,
    pause: Sleep,
    *,
    may_delete: bool,
) -> tuple[SubscriptionFinding, ...]:
    """Create what is missing, and wait until Twitch has verified it; tell how each stands then.

    If it `may_delete`, it deletes wanted subscriptions that are broken or there twice; it never deletes one
    that nothing here wants. What Twitch refuses is told in the finding. Raises Unavailable if Twitch is away:
    call it again later.
    """
    plan = reconcile(wanted, await subscriptions.list_all(), our_url)
    findings = {each: _finding(each, found.status) for each, found in plan.keep}
    waiting = {each: found for each, found in plan.keep if found.status == PENDING}
    for each in plan.create:
        try:
            waiting[each] = await _create(each, plan, subscriptions, may_delete=may_delete)
        except Refused as reason:
            findings[each] = _finding(each, _status_now(each, plan), reason)
    if may_delete:
        for broken in plan.delete:
            if not any(broken.overlaps(each) for each in plan.create if each not in waiting):
                await subscriptions.delete(broken.id)
    for each, made in waiting.items():
        findings[each] = _finding(each, (await await_verified(made, subscriptions, pause)).status)
    return tuple(findings[each] for each in wanted)


async def _create(
    wanted: WantedSubscription,
    plan: SubscriptionPlan,
    subscriptions: EventSubSubscriptions,
    *,
    may_delete: bool,
) -> EventSubSubscription:
    """Create a subscription; raises Refused.

    A broken one is left in place at first: its status tells what is wrong, should Twitch refuse the new one.
    It is deleted first only if it is in the way of the new one.
    """
    broken = [one for one in plan.delete if one.overlaps(wanted)]
    alive = [one for one in broken if one.is_alive]
    if alive and not may_delete:
        raise Refused(f"version {alive[0].version} of it is there: `showtime init --force` replaces it")
    for one in alive:  # first, for two versions would tell everything twice
        await subscriptions.delete(one.id)
    try:
        made = await subscriptions.create(wanted)
    except NotAllowed:
        raise
    except Refused:
        if not (broken and may_delete):
            raise
    else:
        if made.is_alive:
            return made
        if not may_delete:
            raise Refused(f"it is there, and broken ({made.status}): `showtime init --force` replaces it")
        broken.append(made)
    for each in {one.id for one in broken}:
        await subscriptions.delete(each)
    return await subscriptions.create(wanted)


def _status_now(wanted: WantedSubscription, plan: SubscriptionPlan) -> str:
    """Tell the status of a subscription that is to be created: that of a broken one, if there is one."""
    return next((one.status for one in plan.delete if one.fulfils(wanted)), MISSING)


def _finding(wanted: WantedSubscription, status: str, reason: Refused | None = None) -> SubscriptionFinding:
    problem, lacks_consent = str(reason) if reason else None, isinstance(reason, NotAllowed)
    return SubscriptionFinding(wanted.type, wanted.is_optional, status, problem, lacks_consent)


async def await_verified(
    made: EventSubSubscription, subscriptions: EventSubSubscriptions, pause: Sleep
) -> EventSubSubscription:
    """Look until Twitch has verified it, or has given up; one that is not listed yet is about to be."""
    for _ in range(_MAX_POLLS):
        if made.status != PENDING:
            break
        made = await subscriptions.find(made.id) or made
        if made.status == PENDING:
            await pause(_POLL_SECONDS)
    return made


async def replace_subscriptions(
    kept: Sequence[tuple[WantedSubscription, EventSubSubscription]],
    subscriptions: EventSubSubscriptions,
    former: EventSubSubscriptions,
    pause: Sleep,
    clock: Callable[[], float],
) -> AsyncIterator[DeliveryGap]:
    """Replace each subscription by one under another secret; `former` has the secret until now.

    Twitch has no call that changes a secret. Each subscription is deleted before its successor is created, so
    that no event comes twice. Events in between are lost, so the least important subscription goes first. If
    its successor is not verified, it is put back, and no other is touched: raises Refused. Raises Unavailable
    if Twitch goes away.
    """
    for wanted, old in reversed(kept):
        begun = clock()
        await subscriptions.delete(old.id)
        made = await _recreate(wanted, old.id, subscriptions, pause)
        if made.status != ENABLED:
            await subscriptions.delete(made.id)
            await _recreate(wanted, made.id, former, pause)
            raise Refused(
                f"{wanted.type} was not verified under the first secret ({made.status}), and has the former"
                " one again: restart every `showtime serve` with both secrets in TWITCH_WEBHOOK_SECRET,"
                " then run this again"
            )
        yield DeliveryGap(wanted.type, clock() - begun)


async def _recreate(
    wanted: WantedSubscription, gone: str, subscriptions: EventSubSubscriptions, pause: Sleep
) -> EventSubSubscription:
    """Create what was just deleted, and await its verification.

    Tries again while Twitch is away, or still believes the deleted one to be there. Raises Unavailable after
    80 tries, and Refused.
    """
    failure = "Twitch says that it is there still"
    for _ in range(_MAX_POLLS):
        try:
            made = await subscriptions.create(wanted)
        except Unavailable as reason:
            failure = str(reason)
        except Refused as reason:
            raise type(reason)(
                f"{wanted.type} was deleted, and cannot be created again: {reason}"
            ) from reason
        else:
            if made.id != gone:
                return await await_verified(made, subscriptions, pause)
        await pause(_POLL_SECONDS)
    raise Unavailable(f"{wanted.type} was deleted and could not be created again: {failure}")
