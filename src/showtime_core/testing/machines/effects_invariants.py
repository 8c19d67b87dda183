"""What must hold of points and ghosts once nothing is under way any more, whatever has happened before."""

from collections import Counter
from collections.abc import Collection

from showtime_core.domain.alerts import GhostAlert
from showtime_core.domain.journal import Entry
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.points_and_ghosts.effects import AdvanceGhost, Credit
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, GhostStep
from showtime_core.domain.points_and_ghosts.ledger import FlowState
from showtime_core.domain.points_and_ghosts.ledger_matching import expected_credit
from showtime_core.domain.points_and_ghosts.points import POINTS_PER_GHOST
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.machines.effects_stage import StoredEffects
from showtime_core.testing.reference import earned
from showtime_core.testing.twins.fault_injection import FaultyServices

_CREDITS = ("credit-cheer", "credit-subscription", "credit-gift-subs")
_IN_THE_LEDGER = ("accept-points", "reject-points")


async def check_the_end(
    stored: StoredEffects, world: FaultyServices, sent: Collection[Entry], by_hand: Collection[Credit]
) -> None:
    """Points are conserved, nothing hangs, and what was left to a person says why.

    `by_hand` is what somebody else has credited.
    """
    check_nothing_hangs(stored)
    for viewer in {effect.effect.viewer for effect in stored.effects.values()}:
        await check_points(viewer, stored, world, sent, by_hand)
    check_ghosts(stored, world)


def check_nothing_hangs(stored: StoredEffects) -> None:
    """All is over, or a person knows of it; what waits does so for what is parked."""
    left, waiting = (
        stored.keys(EffectStatus.PARKED, EffectStatus.DISMISSED),
        stored.keys(EffectStatus.WAITING),
    )
    assert all(stored.effects[key].remark for key in left)
    over = stored.keys(EffectStatus.DONE, EffectStatus.REFUSED, EffectStatus.SKIPPED)
    assert left | waiting | over == stored.effects.keys()
    assert all(stored.effects[key].remark for key in stored.keys(EffectStatus.SKIPPED))
    assert {stored.effects[key].after for key in waiting} <= stored.keys(EffectStatus.PARKED)


async def check_points(
    viewer: Viewer,
    stored: StoredEffects,
    world: FaultyServices,
    sent: Collection[Entry],
    by_hand: Collection[Credit],
) -> None:
    """What the events have earned, less what was not made, less 200 for each ghost paid."""
    not_made = stored.keys(EffectStatus.PARKED, EffectStatus.DISMISSED).difference(world.moved_by)
    due = sum(expected_credit(credit).points for credit in by_hand if credit.viewer == viewer)
    for new in sent:
        whose, points = earned(new.content)
        if whose == viewer.id and not any(f"{new.id}:{kind}" in not_made for kind in _CREDITS):
            due += points
    ghosts = [ghost for ghost in stored.ghosts if ghost.viewer == viewer]
    unclear = [ghost for ghost in ghosts if ghost.id in _unclear(stored)]
    paid = sum(_is_paid(ghost) for ghost in ghosts) + sum(_is_spent(ghost, world) for ghost in unclear)
    balance = await world.balance(viewer)
    assert balance.total == due - POINTS_PER_GHOST * paid
    held = [
        key
        for key in stored.keys(EffectStatus.PARKED) & {*world.moved_by}
        if key.endswith("summon-ghost") and stored.effects[key].effect.viewer == viewer
    ]
    assert balance.available == balance.total - POINTS_PER_GHOST * len(held) or unclear


def check_ghosts(stored: StoredEffects, world: FaultyServices) -> None:
    """Each that was paid was shown, and posted unless that cannot be known."""
    paid = [ghost for ghost in stored.ghosts if _is_paid(ghost)]
    shown = Counter(
        one.content.description for one in stored.feed_items if isinstance(one.content, GhostAlert)
    )
    assert shown == Counter(ghost.subject for ghost in paid)
    left = stored.keys(EffectStatus.PARKED, EffectStatus.DISMISSED)
    not_posted = sum(key.endswith("post-ghost") for key in left)
    assert len(paid) - not_posted <= len(world.posts) <= len(paid)
    assert max(Counter(world.posts).values(), default=1) == 1
    assert stored.keys(EffectStatus.PARKED) or all(ghost.is_finished for ghost in stored.ghosts)


def _unclear(stored: StoredEffects) -> set[object]:
    """Name the ghosts whose points may be spent, or back: a person is to see to it."""
    parked = [
        stored.effects[key].effect for key in stored.keys(EffectStatus.PARKED) if key.endswith(_IN_THE_LEDGER)
    ]
    return {effect.ghost_id for effect in parked if isinstance(effect, AdvanceGhost)}


def _is_spent(ghost: Ghost, world: FaultyServices) -> bool:
    assert ghost.flow_id, "its points are reserved"
    return world.ledger.flows[ghost.viewer.id][ghost.flow_id].state is FlowState.ACCEPTED


def _is_paid(ghost: Ghost) -> bool:
    return ghost.step in {GhostStep.PAID, GhostStep.SHOWN, GhostStep.POSTED}
