"""Everything that showtime may do outside: values that are recorded with their event and performed later."""

from enum import StrEnum
from math import prod
from uuid import UUID

from attrs import frozen

from showtime_core.domain.points_and_ghosts.ghosts import Ghost, GhostRefusal, GhostStep, GhostTask
from showtime_core.domain.viewers import Viewer
from showtime_core.texts import quote


class Feature(StrEnum):
    """What a channel can do without; an effect of a feature that is off is recorded as skipped."""

    POINTS = "points"
    GHOSTS = "ghosts"


@frozen
class CreditCheer:
    """Credit a viewer with the points of a cheer."""

    viewer: Viewer
    points: int
    message: str


@frozen
class CreditSubscription:
    """Credit a viewer with the points of a month: base points times the tier's multiplier."""

    viewer: Viewer
    base_points: int
    multiplier: int
    is_initial: bool
    is_gift: bool
    message: str


@frozen
class CreditGiftSubs:
    """Credit a giver: base points times the number of subscriptions times the tier's multiplier."""

    viewer: Viewer
    base_points: int
    multiplier: int
    num_subscriptions: int


@frozen
class SummonGhost:
    """Reserve the points of a ghost that a viewer asked for: with that its life begins."""

    ghost_id: UUID
    viewer: Viewer
    subject: str
    screening_id: UUID | None
    """The tape that was on when the viewer asked."""

    def begin(self, flow_id: UUID) -> Ghost:
        """Begin the life of the ghost: its points are reserved."""
        return Ghost(self.ghost_id, self.viewer, self.subject, self.screening_id, GhostStep.RESERVED, flow_id)

    def refuse(self, refusal: GhostRefusal, reason: str) -> Ghost:
        """Say why its life does not begin."""
        ghost_id, viewer, subject, screening_id = self.ghost_id, self.viewer, self.subject, self.screening_id
        return Ghost(ghost_id, viewer, subject, screening_id, GhostStep.REFUSED, None, None, refusal, reason)


@frozen
class AdvanceGhost:
    """Do what comes next in the life of a ghost."""

    ghost_id: UUID
    viewer: Viewer
    task: GhostTask


Credit = CreditCheer | CreditSubscription | CreditGiftSubs
"""Whatever gives points."""


@frozen
class CheckForDouble:
    """Look whether the ledger has made a change twice that was in doubt, and is done by now."""

    of: Credit | SummonGhost
    flow_id: UUID
    """The transaction that is taken for it."""

    @property
    def viewer(self) -> Viewer:
        """Tell whose points it is about."""
        return self.of.viewer


Effect = Credit | SummonGhost | AdvanceGhost | CheckForDouble
"""Everything that may be done outside."""

FIRST_KINDS: dict[type[Credit | SummonGhost], str] = {
    CreditCheer: "credit-cheer",
    CreditSubscription: "credit-subscription",
    CreditGiftSubs: "credit-gift-subs",
    SummonGhost: "summon-ghost",
}
"""The kinds that events lead to. Every other kind is a step of a ghost, or a check of one of these."""

MAX_POINTS = 2**31 - 1
"""The ledger counts in 32 bits, and takes nothing below 1."""


def why_impossible(effect: Effect) -> str | None:
    """Say which value of a credit no ledger can hold; None: all are within bounds, or it is no credit."""
    match effect:
        case CreditCheer(_, points):
            factors = {"points": points}
        case CreditSubscription(_, base, times):
            factors = {"base points": base, "times the points of tier 1": times}
        case CreditGiftSubs(_, base, times, count):
            factors = {"base points": base, "times the points of tier 1": times, "subscriptions": count}
        case _:
            return None
    for what, value in [*factors.items(), ("points in all", prod(factors.values()))]:
        if not 1 <= value <= MAX_POINTS:
            return f"{value} {what}: the ledger takes 1 to {MAX_POINTS}"
    return None


def credited_points(effect: Effect) -> int | None:
    """Tell how many points an effect credits; None: it is no credit."""
    match effect:
        case CreditCheer(_, points):
            return points
        case CreditSubscription(_, base, times):
            return base * times
        case CreditGiftSubs(_, base, times, count):
            return base * times * count
        case _:
            return None


def effect_kind(effect: Effect) -> str:
    """Name the kind of an effect; with the id of its entry, it is the effect's key for ever."""
    match effect:
        case AdvanceGhost():
            return effect.task
        case CheckForDouble():
            return f"check-{effect_kind(effect.of)}"
        case _:
            return FIRST_KINDS[type(effect)]


def describe_done(effect: Effect) -> str:
    """Say in words what was done with an effect."""
    name = effect.viewer.name
    match effect:
        case CreditCheer() | CreditSubscription() | CreditGiftSubs():
            return f"credited {credited_points(effect)} to {name}"
        case SummonGhost(_, _, subject):
            return f"reserved the points of {name} for a ghost of {quote(subject)}"
        case AdvanceGhost() | CheckForDouble():
            return f"done for {name}: {effect_kind(effect)}"


def effect_key(entry_id: str, effect: Effect) -> str:
    """Give the key of an effect, unique for ever: an entry has one effect of each kind at most."""
    return f"{entry_id}:{effect_kind(effect)}"


def required_features(effect: Effect) -> frozenset[Feature]:
    """Tell which features must be on for this effect; a ghost needs points as well, which pay for it."""
    is_ghostly = isinstance(effect, SummonGhost | AdvanceGhost)
    return frozenset(Feature) if is_ghostly else frozenset({Feature.POINTS})


def effect_lane(effect: Effect) -> str | None:
    """Give the lane: effects of one lane are performed one at a time and in order; None: no lane.

    The ledger calls of one viewer share a lane, since after a lost answer we look at that viewer's
    transactions. Nothing else is in it: painting a ghost never delays a credit.
    """
    match effect:
        case CheckForDouble():
            return None
        case AdvanceGhost(_, _, GhostTask.PAINT | GhostTask.STORE | GhostTask.SHOW | GhostTask.POST):
            return None
        case _:
            return effect.viewer.id
