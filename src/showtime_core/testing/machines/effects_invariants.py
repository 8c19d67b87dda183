"""What must hold of points and ghosts once nothing is under way any more, whatever has happened before."""

from collections import Counter
from collections.abc import Collection

from showtime_core.domain.alerts import GhostAlert
from showtime_core.domain.journal import Entry
from showtime_core.domain.outbox import Status
from showtime_core.domain.points_and_ghosts.effects import AdvanceGhost, Credit
from showtime_core.domain.points_and_ghosts.ghosts import Ghost, Step
from showtime_core.domain.points_and_ghosts.ledger import FlowState
from showtime_core.domain.points_and_ghosts.ledger_matching import flow_of
from showtime_core.domain.points_and_ghosts.points import POINTS_PER_GHOST
from showtime_core.domain.viewers import Viewer
from showtime_core.testing.machines.effects_stage import Kept
from showtime_core.testing.machines.invariants import earned
from showtime_core.testing.twins.fault_injection import Neighbours

_CREDITS = ("credit-cheer", "credit-subscription", "credit-gift-subs")
_IN_THE_LEDGER = ("accept-points", "reject-points")


async def check_the_end(
    kept: Kept, world: Neighbours, sent: Collection[Entry], by_hand: Collection[Credit]
) -> None:
    """Points are conserved, nothing hangs, and what was left to a person says why.

    `by_hand` is what somebody else has credited.
    """
    check_nothing_hangs(kept)
    for viewer in {effect.effect.viewer for effect in kept.effects.values()}:
        await check_points(viewer, kept, world, sent, by_hand)
    check_ghosts(kept, world)


def check_nothing_hangs(kept: Kept) -> None:
    """All is over, or a person knows of it; what waits does so for what is parked."""
    left, waiting = kept.keys(Status.PARKED, Status.DISMISSED), kept.keys(Status.WAITING)
    assert all(kept.effects[key].remark for key in left)
    over = kept.keys(Status.DONE, Status.REFUSED, Status.SKIPPED)
    assert left | waiting | over == kept.effects.keys()
    assert all(kept.effects[key].remark for key in kept.keys(Status.SKIPPED))
    assert {kept.effects[key].after for key in waiting} <= kept.keys(Status.PARKED)


async def check_points(
    viewer: Viewer, kept: Kept, world: Neighbours, sent: Collection[Entry], by_hand: Collection[Credit]
) -> None:
    """What the events have earned, less what was not made, less 200 for each ghost paid."""
    not_made = kept.keys(Status.PARKED, Status.DISMISSED).difference(world.made_for)
    due = sum(flow_of(credit).points for credit in by_hand if credit.viewer == viewer)
    for new in sent:
        whose, points = earned(new.content)
        if whose == viewer.id and not any(f"{new.id}:{kind}" in not_made for kind in _CREDITS):
            due += points
    ghosts = [ghost for ghost in kept.ghosts if ghost.viewer == viewer]
    unclear = [ghost for ghost in ghosts if ghost.id in _unclear(kept)]
    paid = sum(_is_paid(ghost) for ghost in ghosts) + sum(_is_spent(ghost, world) for ghost in unclear)
    balance = await world.balance(viewer)
    assert balance.total == due - POINTS_PER_GHOST * paid
    assert balance.available == balance.total or unclear


def check_ghosts(kept: Kept, world: Neighbours) -> None:
    """Each that was paid was shown, and posted unless that cannot be known."""
    paid = [ghost for ghost in kept.ghosts if _is_paid(ghost)]
    shown = Counter(one.what.description for one in kept.shown if isinstance(one.what, GhostAlert))
    assert shown == Counter(ghost.subject for ghost in paid)
    left = kept.keys(Status.PARKED, Status.DISMISSED)
    not_posted = sum(key.endswith("post-ghost") for key in left)
    assert len(paid) - not_posted <= len(world.posts) <= len(paid)
    assert max(Counter(world.posts).values(), default=1) == 1
    assert kept.keys(Status.PARKED) or all(ghost.is_settled for ghost in kept.ghosts)


def _unclear(kept: Kept) -> set[object]:
    """Name the ghosts whose points may be spent, or back: a person is to see to it."""
    parked = [kept.effects[key].effect for key in kept.keys(Status.PARKED) if key.endswith(_IN_THE_LEDGER)]
    return {effect.ghost_id for effect in parked if isinstance(effect, AdvanceGhost)}


def _is_spent(ghost: Ghost, world: Neighbours) -> bool:
    assert ghost.flow_id, "its points are reserved"
    return world.ledger.flows[ghost.viewer.id][ghost.flow_id].state is FlowState.ACCEPTED


def _is_paid(ghost: Ghost) -> bool:
    return ghost.step in {Step.PAID, Step.SHOWN, Step.POSTED}
