"""Use case: perform one effect of the outbox, and say what came of it and what comes next."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar, assert_never
from uuid import UUID

from attrs import evolve, frozen

from showtime_core import errors
from showtime_core.domain.ghost_approval import settle_awaiting
from showtime_core.domain.journal import Entry
from showtime_core.domain.outbox import CHECK_AFTER, EffectStatus, Job, Settlement, settle_ghost_step
from showtime_core.domain.own_entries import ghost_paid_entry
from showtime_core.domain.points_and_ghosts.effects import (
    AdvanceGhost,
    CheckForDouble,
    SummonGhost,
    why_impossible,
)
from showtime_core.domain.points_and_ghosts.ghosts import (
    Ghost,
    GhostRefusal,
    GhostStep,
    GhostTask,
    image_key,
    prompt,
)
from showtime_core.domain.points_and_ghosts.ledger import FlowState
from showtime_core.domain.points_and_ghosts.ledger_matching import (
    ExpectedTransaction,
    Undecidable,
    expected_credit,
    expected_reservation,
    match_ledger,
    unclaimed,
)
from showtime_core.domain.points_and_ghosts.points import POINTS_PER_GHOST
from showtime_core.domain.points_and_ghosts.retries import GiveUp, Park, Retry, consequence
from showtime_core.ports import Account, Bucket, Gallery, Ledger, Outbox, Painter

_log = logging.getLogger(__name__)

T = TypeVar("T")

_MARGIN = timedelta(seconds=5)
"""How much older than the first try its transaction may seem, since a leased job may have waited a moment."""
_LOOK_BACK = timedelta(days=1)
"""How much further back than the first try to look, for a clock that was set tells less time than has passed.

What is found there is left to a person: it is ours if the clock was set, and else another's.
"""


@frozen
class Services:
    """The ports that effects are performed with; None for what is off."""

    outbox: Outbox
    ledger: Ledger
    account: Account
    painter: Painter | None
    bucket: Bucket | None
    """None: ghosts are off, and those that were begun are given up."""
    gallery: Gallery | None
    """None: ghosts are posted nowhere."""
    receive: Callable[[Entry], Awaitable[None]]
    """Records an entry and reacts to it, once; raises Unavailable."""
    settle_after: timedelta
    """The ledger's settle time: so long after it answers again it may still be at work on a lost request."""
    review: Callable[[str], Awaitable[str | None]] | None = None
    """Says why a ghost of this subject waits for the host; None: none does."""


class _TooEarly(Exception):  # noqa: N818 - the outcome, not an error of anybody's
    """The ledger answers again, and may still be working on what it was asked before."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(
            "an answer was lost, and the ledger, which answers again, may still be working on it"
        )
        self.wait = wait


async def perform(job: Job, services: Services, chance: float) -> Settlement:
    """Perform an effect, and raise nothing; look first if an earlier try may have been performed."""
    try:
        return await _perform(job, services)
    except Undecidable as reason:
        return Settlement(EffectStatus.PARKED, str(reason))
    except _TooEarly as reason:
        return Settlement(EffectStatus.DUE, str(reason), reason.wait, has_answered=True)
    except errors.ShowtimeError as failure:
        return _settle_failure(job, failure, chance)
    except Exception as fault:
        _log.exception("%s failed in a way that nobody thought of", job.key)
        return _settle_failure(job, errors.Unforeseen(f"{type(fault).__name__}: {fault}"), chance)


async def _perform(job: Job, services: Services) -> Settlement:
    match effect := job.effect:
        case AdvanceGhost(_, _, GhostTask.PAINT) if reason := await _why_to_wait(job.begun_ghost, services):
            return settle_awaiting(job, reason)
        case AdvanceGhost(_, _, task):
            return settle_ghost_step(job, await _advance(task, job, services))
        case CheckForDouble():
            return await _check(job, effect, services)
        case SummonGhost(ghost_id, viewer):
            flow_id = await _move_points_once(
                job,
                expected_reservation(POINTS_PER_GHOST),
                lambda: services.ledger.reserve(viewer, POINTS_PER_GHOST, ghost_id, job.key),
                services,
            )
            settled = settle_ghost_step(job, effect.begin(flow_id))
        case _:
            if reason := why_impossible(effect):
                raise errors.Refused(reason)
            flow_id = await _move_points_once(
                job, expected_credit(effect), lambda: services.ledger.credit(effect, job.key), services
            )
            settled = Settlement(EffectStatus.DONE)
    # A ledger may work on a request for longer than its settle time: so we look once more, later.
    return evolve(settled, flow_id=flow_id, check_after=None if job.in_doubt_for is None else CHECK_AFTER)


async def _why_to_wait(ghost: Ghost, services: Services) -> str | None:
    """Say why a ghost waits for the host before it is painted; None: it does not.

    Raises ContentRefused for one that has waited in vain.
    """
    match ghost.step:
        case GhostStep.AWAITING_APPROVAL:
            raise errors.ContentRefused("nobody has approved it within an hour")
        case GhostStep.RESERVED if services.review:
            return await services.review(ghost.subject)
        case _:
            return None


async def _move_points_once(
    job: Job, expected: ExpectedTransaction, move_points: Callable[[], Awaitable[UUID]], services: Services
) -> UUID:
    """Move points, unless an earlier try did so: then its transaction is taken over.

    A ledger that was frozen may answer our look first, and perform the earlier request after it. So a
    transaction that is missing proves nothing until the settle time is over, counted from the first answer.
    """
    if job.in_doubt_for is None:
        return await move_points()
    if made := await _find_made(job, expected, services):
        return made
    try:
        return await move_points()
    except errors.NotEnoughPoints:  # the request whose answer was lost may have reserved them since that look
        if made := await _find_made(job, expected, services):
            return made
        raise


async def _find_made(job: Job, expected: ExpectedTransaction, services: Services) -> UUID | None:
    """Find the transaction that an earlier try made; None: by all that the ledger shows, none did."""
    viewer = job.effect.viewer
    statement = await services.account.statement(viewer, _look_back(job))
    wait = services.settle_after - (job.answered_for or timedelta(0))
    if wait > timedelta(0):
        raise _TooEarly(wait)
    claimed = await services.outbox.claimed(viewer)
    return match_ledger(expected, statement, claimed, _since_first_try(job) + _MARGIN)


def _since_first_try(job: Job) -> timedelta:
    """Tell how long ago the first try in doubt began; a clock that was set may say less than nothing."""
    assert job.in_doubt_for is not None, "nothing else is looked for"
    return max(job.in_doubt_for, timedelta(0))


def _look_back(job: Job) -> timedelta:
    """Tell of which time the ledger is to show all that it has, whatever a clock says of the first try."""
    return _since_first_try(job) + _LOOK_BACK


async def _check(job: Job, effect: CheckForDouble, services: Services) -> Settlement:
    """Look for another transaction that may be the same change and belongs to no other request of ours."""
    viewer = effect.viewer
    statement = await services.account.statement(viewer, _look_back(job))
    is_under_way = await services.outbox.is_under_way(viewer)
    claimed = {effect.flow_id, *await services.outbox.claimed(viewer)}
    of = effect.of
    expected = expected_reservation(POINTS_PER_GHOST) if isinstance(of, SummonGhost) else expected_credit(of)
    others = [made.id for made in unclaimed(expected, statement, claimed)]
    if others and is_under_way:
        raise errors.Unavailable("another change for this viewer is under way, and looks the same")
    if others:
        named = ", ".join(str(each) for each in (effect.flow_id, *others))
        count = len(others) + 1
        raise Undecidable(
            f"it may have been made twice: the ledger has {count} transactions that may be it: {named}"
        )
    if not statement.is_complete:
        raise errors.Unavailable("the ledger does not show all that it has")
    return Settlement(EffectStatus.DONE)


async def _advance(task: GhostTask, job: Job, services: Services) -> Ghost:
    ghost = job.begun_ghost
    match task:
        case GhostTask.PAINT:
            jpeg = await _require(services.painter).paint(prompt(ghost.subject))
            return evolve(ghost, step=GhostStep.PAINTED, jpeg=jpeg)
        case GhostTask.STORE:
            url = await _require(services.bucket).store(image_key(ghost), _image_of(ghost))
            return evolve(ghost, step=GhostStep.STORED, url=url)
        case GhostTask.PAY:
            return await _pay(ghost, services)
        case GhostTask.REFUND:
            return await _refund(ghost, services)
        case GhostTask.SHOW:
            await services.receive(ghost_paid_entry(ghost))
            return evolve(ghost, step=GhostStep.SHOWN)
        case GhostTask.POST:
            if job.in_doubt_for is not None:
                raise Undecidable("it may have been posted: the instance that posted it is gone")
            if services.gallery:
                await services.gallery.post(ghost.viewer.name, ghost.subject, _image_of(ghost))
            return evolve(ghost, step=GhostStep.POSTED)
        case _:
            assert_never(task)


async def _pay(ghost: Ghost, services: Services) -> Ghost:
    """Spend what was reserved; it may be spent already, by a try whose answer was lost."""
    try:
        await services.ledger.accept(ghost.viewer, _flow_id_of(ghost))
    except errors.NotPending:
        if await _reservation_state(ghost, services) is FlowState.REJECTED:
            reason = "somebody else has rejected the reservation"
            return evolve(ghost, step=GhostStep.REFUNDED, refusal=GhostRefusal.FAILURE, reason=reason)
    return evolve(ghost, step=GhostStep.PAID)


async def _refund(ghost: Ghost, services: Services) -> Ghost:
    """Give back what was reserved; it may be back already, by a try whose answer was lost.

    Or it may be spent: a try to pay has succeeded although its answer was lost, and then a person dismissed
    the payment. Then the viewer gets the ghost.
    """
    try:
        await services.ledger.reject(ghost.viewer, _flow_id_of(ghost))
    except errors.NotPending:
        if await _reservation_state(ghost, services) is FlowState.ACCEPTED:
            if ghost.step is GhostStep.STORED:
                return evolve(ghost, step=GhostStep.PAID, refusal=None, reason=None)
            raise Undecidable(
                "somebody else has accepted the reservation: the points are spent, and there is no ghost"
            ) from None
    return evolve(ghost, step=GhostStep.REFUNDED)


async def _reservation_state(ghost: Ghost, services: Services) -> FlowState:
    """Look whether a reservation that is no longer pending was accepted or rejected."""
    found = await services.account.find(ghost.viewer, _flow_id_of(ghost))
    if found is None or found.state is FlowState.PENDING:
        raise errors.Unavailable("the ledger does not show what a reservation has come to")
    return found.state


def _require(neighbour: T | None) -> T:
    if neighbour is None:
        raise errors.Unavailable("ghosts are off by now")
    return neighbour


def _flow_id_of(ghost: Ghost) -> UUID:
    assert ghost.flow_id, "the points of a ghost that has begun are reserved"
    return ghost.flow_id


def _image_of(ghost: Ghost) -> bytes:
    assert ghost.jpeg, "a ghost that was painted has an image until it is posted"
    return ghost.jpeg


def _settle_failure(job: Job, failure: errors.ShowtimeError, chance: float) -> Settlement:
    follows = consequence(job.effect, failure, job.attempts, chance)
    match follows:
        case Retry(delay, in_doubt):
            return Settlement(EffectStatus.DUE, str(failure), delay, in_doubt)
        case Park(reason):
            return Settlement(EffectStatus.PARKED, reason, in_doubt=isinstance(failure, errors.Ambiguous))
        case GiveUp(reason):
            return _give_up(job, _REFUSALS.get(type(failure), GhostRefusal.FAILURE), reason)
        case _:
            assert_never(follows)


_REFUSALS: dict[type[errors.ShowtimeError], GhostRefusal] = {
    errors.NotEnoughPoints: GhostRefusal.POINTS,
    errors.ContentRefused: GhostRefusal.CONTENT,
}


def _give_up(job: Job, refusal: GhostRefusal, reason: str) -> Settlement:
    """End the life of a ghost: what was reserved is to be given back."""
    if isinstance(job.effect, SummonGhost):
        failed = job.effect.refuse(refusal, reason)
    else:
        failed = evolve(job.begun_ghost, refusal=refusal, reason=reason)
    return settle_ghost_step(job, failed, EffectStatus.REFUSED, reason)
