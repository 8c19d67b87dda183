"""Use cases of the subscriptions at Twitch: keep them as they should be, and change their secret."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from attrs import frozen

from showtime_core.domain.subscriptions import (
    ENABLED,
    MISSING,
    PENDING,
    Finding,
    Plan,
    Subscription,
    Wanted,
    reconcile,
)
from showtime_core.errors import NotAllowed, Refused, Unavailable
from showtime_core.ports import Subscriptions

Pause = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""

_LOOK_EVERY_SECONDS = 0.25
_VERIFIED_WITHIN = 80
"""Looks: Twitch verifies within seconds, or not at all."""


@frozen
class Gap:
    """For how long a subscription was away while it was replaced."""

    type: str
    seconds: float


def look(plan: Plan) -> tuple[Finding, ...]:
    """Tell how the wanted subscriptions stand, and change nothing."""
    kept = [Finding(wanted.type, wanted.is_optional, found.status) for wanted, found in plan.keep]
    return (*kept, *(_unwell(wanted, plan, None) for wanted in plan.create))


async def keep(
    wanted: Sequence[Wanted], subscriptions: Subscriptions, our_url: str, pause: Pause, *, may_delete: bool
) -> tuple[Finding, ...]:
    """Create what is missing, and wait until Twitch has verified it; tell how each stands then.

    Deletes, if it may, what is wanted and broken or there twice, and never what nothing here wants. What is
    refused is told in its finding. Raises Unavailable if Twitch is away; then again, later.
    """
    plan = reconcile(wanted, await subscriptions.existing(), our_url)
    findings = {each: Finding(each.type, each.is_optional, found.status) for each, found in plan.keep}
    waiting = {each: found for each, found in plan.keep if found.status == PENDING}
    for each in plan.create:
        try:
            waiting[each] = await _create(each, plan, subscriptions, may_delete=may_delete)
        except Refused as reason:
            findings[each] = _unwell(each, plan, reason)
    if may_delete:
        for broken in plan.delete:
            if not any(broken.tells_of(each) for each in plan.create if each not in waiting):
                await subscriptions.delete(broken.id)
    for each, made in waiting.items():
        verified = await _verified(made, subscriptions, pause)
        findings[each] = Finding(each.type, each.is_optional, verified.status)
    return tuple(findings[each] for each in wanted)


async def _create(
    wanted: Wanted, plan: Plan, subscriptions: Subscriptions, *, may_delete: bool
) -> Subscription:
    """Create a subscription, first beside one that is broken: that tells why, should this be refused.

    Where the broken one is in the way, it goes first. Raises Refused.
    """
    broken = [one for one in plan.delete if one.tells_of(wanted)]
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


def _unwell(wanted: Wanted, plan: Plan, reason: Refused | None) -> Finding:
    status = next((one.status for one in plan.delete if one.meets(wanted)), MISSING)
    return Finding(
        wanted.type,
        wanted.is_optional,
        status,
        problem=str(reason) if reason else None,
        lacks_consent=isinstance(reason, NotAllowed),
    )


async def _verified(made: Subscription, subscriptions: Subscriptions, pause: Pause) -> Subscription:
    """Look until Twitch has verified it, or has given up; one that is not listed yet is about to be."""
    for _ in range(_VERIFIED_WITHIN):
        if made.status != PENDING:
            break
        made = await subscriptions.find(made.id) or made
        if made.status == PENDING:
            await pause(_LOOK_EVERY_SECONDS)
    return made


async def rotate(
    kept: Sequence[tuple[Wanted, Subscription]],
    subscriptions: Subscriptions,
    former: Subscriptions,
    pause: Pause,
    clock: Callable[[], float],
) -> AsyncIterator[Gap]:
    """Replace each subscription by one under another secret, one by one; `former` has the secret until now.

    Twitch has no call for it. No two of a kind are ever there at once, so that no event comes twice; what
    happens in between is lost, so the least important goes first, and where it is not verified it is put
    back, and nothing else is touched. Raises Refused then, Unavailable if Twitch goes away.
    """
    for wanted, old in reversed(kept):
        begun = clock()
        await subscriptions.delete(old.id)
        made = await _verified(await _persist(wanted, old.id, subscriptions, pause), subscriptions, pause)
        if made.status != ENABLED:
            await subscriptions.delete(made.id)
            await _verified(await _persist(wanted, made.id, former, pause), former, pause)
            raise Refused(
                f"{wanted.type} was not verified under the first secret ({made.status}), and has the former"
                " one again: restart every `showtime serve` with both secrets in TWITCH_WEBHOOK_SECRET,"
                " then run this again"
            )
        yield Gap(wanted.type, clock() - begun)


async def _persist(wanted: Wanted, gone: str, subscriptions: Subscriptions, pause: Pause) -> Subscription:
    """Create what was just deleted, also if Twitch is away for a moment, or takes the one that is gone for
    there still. Raises Unavailable after a while, and Refused.
    """  # noqa: D205 - one sentence
    failure = "Twitch says that it is there still"
    for _ in range(_VERIFIED_WITHIN):
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
                return made
        await pause(_LOOK_EVERY_SECONDS)
    raise Unavailable(f"{wanted.type} was deleted and could not be created again: {failure}")
