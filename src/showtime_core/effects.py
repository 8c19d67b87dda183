"""Everything that showtime may do outside: values that are recorded with their event and performed later."""

from enum import StrEnum

from attrs import frozen

from showtime_core.viewers import Viewer


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
    """Make the ghost that a cheer asked for, paid by the points of that same cheer."""

    viewer: Viewer
    subject: str


Credit = CreditCheer | CreditSubscription | CreditGiftSubs
Effect = Credit | SummonGhost


def kind(effect: Effect) -> str:
    """Name the kind of an effect; with the id of its message, it is the effect's key for ever."""
    return {
        CreditCheer: "credit-cheer",
        CreditSubscription: "credit-subscription",
        CreditGiftSubs: "credit-gift-subs",
        SummonGhost: "summon-ghost",
    }[type(effect)]


def feature(effect: Effect) -> Feature:
    """Tell which feature must be on for this effect."""
    return Feature.GHOSTS if isinstance(effect, SummonGhost) else Feature.POINTS


def lane(effect: Effect) -> str | None:
    """Name the lane: effects of one lane are performed one at a time and in order.

    The ledger calls of one viewer share a lane, since a lost answer is settled by looking at that viewer's
    transactions; painting a ghost never delays a credit.
    """
    return None if isinstance(effect, SummonGhost) else effect.viewer.id
